"""The change edits the policy that judges changes: it counts only once it is merged, and is worth a look.

Who loosens it (no longer obeyed, higher thresholds, more that is ignored, gone, a link) loosens every check
after this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.paths import is_aside
from core.risk.rules.rule import LEVELS, Match, RiskRule, quoted
from core.risk.rules.yamldocs import Map, documents, map_at

# As core/risk/policy.py names them, which knows the rules and cannot be known by them.
POLICY = ".watchkeeper.yml"
_POLICIES = (POLICY, ".watchkeeper.yaml")
_DEFAULTS = {"warn": "medium", "hold": "critical"}
_HEIGHTS = {name: height for height, name in enumerate((*LEVELS, "never"))}
_ASK = "Have an owner of the policy approve it, best in a change of its own"


def _changed(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file in change.files:
        if file.path in _POLICIES or file.old_path in _POLICIES:
            loosened = _loosened(file)
            first = next(iter((*file.added, *file.removed)), None)
            said = f"Loosens the policy that judges changes: {loosened}" if loosened else _PLAIN
            yield Match(
                "risk-policy-changed",
                "high" if loosened else "low",
                f"{said}; this change itself is judged by the one before.",
                _ASK,
                file.path,
                file.added[0].number if file.added else 0,
                quoted(file.target or (first.text if first else "")),
            )


_PLAIN = "Changes the policy that judges changes"


def _loosened(file: TouchedFile) -> str:
    """In which way the policy holds less after the change; "" where it holds as much."""
    if file.status == "added":
        return "it becomes a link, which is not followed" if file.instead else ""
    if file.status == "deleted" or file.path not in _POLICIES:
        return "it is gone"
    if file.instead:
        return "it becomes a link, which is not followed"
    if file.binary or (file.after is not None and documents(file.after) is None):
        return "it cannot be read any more"
    if file.before is None or file.after is None:
        return ""
    return _less(_policy(file.before), _policy(file.after))


def _policy(text: str) -> Map:
    found = documents(text)
    return found[0] if found and isinstance(found[0], Map) else Map()


def _less(before: Map, after: Map) -> str:
    mode = before.get("mode")
    if mode not in (None, "advisory") and after.get("mode") in (None, "advisory"):
        return "it is no longer obeyed (mode)"
    for key, default in _DEFAULTS.items():
        was, now = (_height(map_at(one, "thresholds").get(key), default) for one in (before, after))
        if now > was:
            return f"a higher level than before is needed for it to {key}"
    more = sorted(_listed(after, "ignore") - _listed(before, "ignore"))
    wide = [glob for glob in more if not is_aside(f"{glob.rstrip('/')}/x")]
    if wide:
        return f"it ignores more ({quoted(wide[0])})"
    if _listed(before, "judge") - _listed(after, "judge"):
        return "it no longer asks for files that it had judged"
    return ""


def _height(value: Any, default: str) -> int:
    return _HEIGHTS.get(value if isinstance(value, str) else default, _HEIGHTS[default])


def _listed(policy: Map, key: str) -> set[str]:
    value = policy.get(key)
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()


rules = (
    RiskRule(
        "risk-policy-changed",
        "The policy of the check is changed",
        "Whoever may loosen the policy in the same change is not held by it.",
        "OWASP Top 10 CI/CD Security Risks, CICD-SEC-1: Insufficient Flow Control Mechanisms, "
        "https://owasp.org/www-project-top-10-ci-cd-security-risks/CICD-SEC-01-Insufficient-Flow-Control-Mechanisms",
        _changed,
        lambda path: path in _POLICIES,
        policy=True,
    ),
)
