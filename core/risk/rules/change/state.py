"""The state of the services that a change touches: open incidents, spent budgets, freezes, who depends."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.paths import is_docs, is_test
from core.risk.rules.change.policy_file import POLICY
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.times import format_rfc3339

_SEVERITIES: dict[str, Level] = {"P0": "high", "P1": "high", "P2": "medium", "P3": "low"}
# In thousandths of the budget.
_LITTLE = 100
_TOP_TIER, _MANY = 1, 5


def _deploys(change: ChangeSet) -> bool:
    """Whether anything but tests and documentation changes."""
    return any(not (is_test(file.path) or is_docs(file.path)) for file in change.files)


def _incidents(change: ChangeSet, known: Known) -> Iterator[Match]:
    for service in known.services if _deploys(change) else ():
        for one in service.incidents:
            level = _SEVERITIES.get(one.severity.upper(), "medium")
            said = f"{quoted(service.name)} has an open incident ({quoted(one.severity)}): {quoted(one.id)}."
            clears = "Wait until it is resolved, unless this is the repair; then tell whoever leads it"
            yield Match("open-incident", level, said, clears, "", 0, quoted(one.title))


def _budgets(change: ChangeSet, known: Known) -> Iterator[Match]:
    for service in known.services if _deploys(change) else ():
        for one in service.budgets:
            if one.left > _LITTLE:
                continue
            left = "is spent" if one.left <= 0 else f"has {one.left / 10:.1f} % left"
            said = f"The error budget of {quoted(service.name)} ({quoted(one.slo)}) {left}."
            clears = "Deploy what makes it more reliable first, or in small steps that can be taken back"
            level: Level = "medium" if one.left <= 0 else "low"
            shown = f"{quoted(one.slo)}: {one.left / 10:.1f} % of the budget left"
            yield Match("budget-spent", level, said, clears, "", 0, shown)


def _wide(change: ChangeSet, known: Known) -> Iterator[Match]:
    for service in known.services if _deploys(change) else ():
        top = service.tier is not None and service.tier <= _TOP_TIER
        if top and service.dependants >= _MANY:
            said = (
                f"{service.dependants} services depend on {quoted(service.name)}, which is of the first tier."
            )
            clears = "Deploy it to a part first, and watch its callers"
            shown = f"tier {service.tier}, {service.dependants} dependants"
            yield Match("wide-service", "low", said, clears, "", 0, shown)


def _freezes(change: ChangeSet, known: Known) -> Iterator[Match]:
    if not _deploys(change):
        return
    ask = "Wait until it ends, or ask those who run Watchkeeper, who froze it"
    accept = "Wait until it ends, or have its owner accept this change in the policy"
    told = [(one, ask, "") for one in known.freezes] + [(one, accept, POLICY) for one in known.own_freezes]
    for one, clears, path in told:
        until = "" if one.until is None else f" until {_minute(one.until)}"
        said = f"The freeze {quoted(one.name)} holds{until}: nothing is to be deployed."
        yield Match("freeze", "critical", said, clears, path, 0, quoted(one.reason))


def _minute(ms: int) -> str:
    """`2027-01-03 00:00 UTC`."""
    return f"{format_rfc3339(ms)[:16].replace('T', ' ')} UTC"


rules = (
    RiskRule(
        "open-incident",
        "A service with an open incident",
        "A second change during an incident hides the cause of the first and delays its repair.",
        "Google SRE Book, Managing Incidents, https://sre.google/sre-book/managing-incidents/",
        _incidents,
    ),
    RiskRule(
        "budget-spent",
        "A service whose error budget is spent",
        "Whoever has failed its users more than was agreed changes less until they are served again.",
        "Google SRE Workbook, Example Error Budget Policy, https://sre.google/workbook/error-budget-policy/",
        _budgets,
    ),
    RiskRule(
        "wide-service",
        "A service that many others need",
        "When it fails, they do.",
        "Google SRE Book, Addressing Cascading Failures, https://sre.google/sre-book/addressing-cascading-failures/",
        _wide,
    ),
    RiskRule(
        "freeze",
        "A freeze holds",
        "People agreed that nothing is deployed now; it says nothing of this change's danger.",
        "The repository's own policy, .watchkeeper.yml, https://sre.google/sre-book/release-engineering/",
        _freezes,
        policy=True,
    ),
)
