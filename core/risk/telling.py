"""Which of a check's matches an incident tells first: what may have hurt the service that went out.

Rules, paths and levels are the sender's words: they choose an order among themselves, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from core.model.events import RiskMatch

_LEVELS = {"critical": 0, "high": 1, "medium": 2, "low": 3}
# What stays when the old version of the program runs again.
_LASTING = frozenset({
    "sql-drop-table", "sql-drop-column", "sql-truncate", "sql-without-where", "sql-rename",
    "sql-irreversible",
    "tf-data-removed", "tf-data-replaced", "tf-plan-destroys-data", "k8s-data-removed",
    "compose-volume-removed", "config-schema-rebuilt", "config-keeps-less", "cloud-data-replaced",
})  # fmt: skip
# How it is built, tested and delivered: it seldom is what hurts where it runs.
_AROUND = ("ci-", "build-")


def lasting(rule: str) -> bool:
    """Whether a roll-back of the program leaves undone what the rule found."""
    return rule in _LASTING


def telling(
    matches: Iterable[RiskMatch], service: str = "", services: Collection[str] = ()
) -> list[RiskMatch]:
    """All of them, one of each rule before the second of any. Files of `service` come first, and what lasts,
    wherever it is; files of the other `services` of the change come last."""
    others = {name.lower() for name in services} - {service.lower(), ""}
    ordered = sorted(matches, key=lambda one: _order(one, service.lower(), others))
    seen: dict[str, int] = {}
    places = []
    for match in ordered:
        seen[match.rule] = seen.get(match.rule, 0) + 1
        places.append(seen[match.rule])
    return [match for _, match in sorted(zip(places, ordered, strict=True), key=lambda pair: pair[0] > 1)]


def _order(match: RiskMatch, service: str, others: set[str]) -> tuple[int, bool, bool, int, str, int, str]:
    stays = lasting(match.rule)
    names = {part.partition(".")[0] for part in match.path.lower().split("/")}
    where = 0 if service in names else 2 if names & others else 0 if stays else 1
    around = match.rule.startswith(_AROUND)
    return where, not stays, around, _LEVELS.get(match.level, 4), match.path, match.line, match.rule
