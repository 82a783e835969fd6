"""The change edits the policy that judges changes: it counts only once it is merged, and is worth a look."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.rules.rule import Match, RiskRule, quoted

# As core/risk/policy.py names it, which knows the rules and cannot be known by them.
POLICY = ".watchkeeper.yml"


def _changed(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file in change.files:
        if POLICY in (file.path, file.old_path):
            first = next(iter((*file.added, *file.removed)), None)
            yield Match(
                "risk-policy-changed",
                "low",
                "Changes the policy that judges changes; this change itself is judged by the one before.",
                "Have an owner of the policy approve it, best in a change of its own",
                file.path,
                file.added[0].number if file.added else 0,
                quoted(first.text) if first else "",
            )


rules = (
    RiskRule(
        "risk-policy-changed",
        "The policy of the check is changed",
        "Whoever may loosen the policy in the same change is not held by it.",
        "OWASP Top 10 CI/CD Security Risks, CICD-SEC-1: Insufficient Flow Control Mechanisms, "
        "https://owasp.org/www-project-top-10-ci-cd-security-risks/CICD-SEC-01-Insufficient-Flow-Control-Mechanisms",
        _changed,
        policy=True,
    ),
)
