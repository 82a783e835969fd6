"""Finding slo-burn: an error budget burns too fast, or little of it is left; how fast, and for how long yet.

All numbers are of tellings that were recorded while the alert fired. A window that was not told is named.
"""

from __future__ import annotations

from core.decimals import decimal, percent, times
from core.error_budget import (
    Condition,
    allowed,
    budget_ms,
    burn,
    conditions,
    cost_ms,
    exhausted_in,
    holds,
    left,
    missing,
    rate,
    spent,
    windows_of,
)
from core.findings.case import Case, finding, shortened
from core.model.events import SignalEvent
from core.model.finding import Finding, Terms, Why
from core.model.incident import Episode
from core.model.slo import BILLION, Raised, Slo, slo_key
from core.narrative.plain import one_line
from core.times import format_rfc3339, spoken

kind = "slo-burn"
LABEL = "slo"
_NAME = 80


def find(case: Case) -> tuple[list[Finding], Why]:
    own: dict[str, list[Episode]] = {}
    for episode in case.members:
        # Only alerts that no sender's body holds have such a place.
        if episode.index < 0 and episode.labels.get(LABEL):
            own.setdefault(slo_key(episode.entity, episode.labels[LABEL]), []).append(episode)
    if not own:
        hint = "no objective was told of whose error budget burns too fast, or is nearly spent"
        return [], Why(kind, "No error budget burns too fast", counted=False, hint=hint)
    nodes = {key: _why(case, case.slos.get(key), episodes) for key, episodes in sorted(own.items())}
    findings = [finding(case, kind, key, 1000, why) for key, why in nodes.items()]
    evidence = tuple(name for one in findings for name in one.evidence)
    children = shortened(list(nodes.values()), kind)
    return findings, Why(kind, findings[0].summary, evidence=evidence, children=children)


def _why(case: Case, slo: Slo | None, episodes: list[Episode]) -> Why:
    """Of the worst alert of one objective; its other conditions are below it."""
    first = min(episodes, key=lambda episode: (episode.alert_rank, episode.starts_at, episode.id))
    evidence = tuple(episode.id for episode in episodes)
    known = {condition.alert: condition for condition in conditions(case.rules.slo_burn)}
    row, condition = _raised(slo, first), known.get(first.name)
    if slo is None or row is None or condition is None:
        name = f"{one_line(first.entity.service, _NAME)}, {one_line(first.labels[LABEL], _NAME)}"
        hint = "its numbers are no longer kept"
        return Why(kind, f"{name}: its error budget set off {first.name}", hint=hint, evidence=evidence)
    others = [_condition_why(one, row.told) for one in known.values()]
    summary = f"{_title(row.told)}: {_said(condition, row)}{_until(first, row)}"
    return Why(kind, summary, terms=_terms(condition, row), evidence=evidence, children=tuple(others))


def _raised(slo: Slo | None, episode: Episode) -> Raised | None:
    rows = slo.raised.get(episode.name, []) if slo is not None else []
    return next((row for row in rows if row.start == episode.starts_at), None)


def _title(told: SignalEvent) -> str:
    goal = f"{decimal(told.objective, BILLION // 100)} % over {spoken(told.window)}"
    return f"{one_line(told.service, _NAME)}, {one_line(told.slo, _NAME)} ({goal})"


def _said(condition: Condition, row: Raised) -> str:
    told = row.told
    if condition.burn is None:
        return f"{_left_words(told)} of the error budget of {_length(budget_ms(told))}"
    long, short = condition.burn.long, condition.burn.short
    above = condition.burn.above
    fast, now = times(burn(told, long) or 0, above), times(burn(told, short) or 0, above)
    pace = (
        f"the error budget burns {fast} times as fast as it may over {spoken(long)} and {now} times over"
        f" {spoken(short)} (limit {times(above)})"
    )
    cost = f"these {spoken(long)} cost {_length(cost_ms(told, long))} of {_length(budget_ms(told))}"
    return f"{pace}; {cost}; {_left_words(told)}{_lasts(told, long)}"


def _left_words(told: SignalEvent) -> str:
    used = spent(told)
    if used.share is None:
        return "how much is left is not known"
    share = f"{percent(left(used.share))} is left"
    return share if used.basis == "told" else f"at most {share}, by the errors over {spoken(used.window)}"


def _lasts(told: SignalEvent, window: int) -> str:
    after = exhausted_in(told, window)
    if after is None:
        return ""
    return f", at this pace for {spoken(after)}" if after else ""


def _until(episode: Episode, row: Raised) -> str:
    """Of the incident's own things alone: what else is told of the objective does not touch it."""
    if row.gone:
        return f". Nothing was told of it since {format_rfc3339(row.told.at)}, so the alert was ended"
    if row.ended is not None:
        return f". That was so until {format_rfc3339(row.ended)}"
    if episode.status != "firing":
        return f". Nothing was told of it since {format_rfc3339(row.told.at)}: how it stands is not known"
    return ""


def _terms(condition: Condition, row: Raised) -> Terms:
    told = row.told
    terms: Terms = {"objective_ppb": told.objective, "window_ms": told.window, "budget_ms": budget_ms(told)}
    used = spent(told)
    terms |= {} if used.share is None else {"left_thousandths": left(used.share), "spent_by": used.basis}
    if condition.burn is not None:
        long = condition.burn.long
        lasts = exhausted_in(told, long)
        terms |= {"peak_thousandths": row.peak, "cost_ms": cost_ms(told, long)}
        terms |= {} if lasts is None else {"exhausted_in_ms": lasts}
    return terms


def _condition_why(condition: Condition, told: SignalEvent) -> Why:
    """One condition against one telling: whether it holds, and if not which term failed."""
    counted = holds(condition, told)
    if condition.low is not None:
        used = spent(told)
        terms: Terms = {"below_thousandths": condition.low.left}
        terms |= {} if used.share is None else {"left_thousandths": left(used.share)}
        hint = "how much is spent was not told" if used.share is None else "as much is left, or more"
        return Why(kind, _low_words(condition), counted, "" if counted else hint, terms)
    terms = {"above_thousandths": condition.burn.above if condition.burn else 0}
    for name, window in zip(("long", "short"), windows_of(condition), strict=False):
        terms[f"{name}_ms"] = window
        found = burn(told, window)
        terms |= {} if found is None else {f"{name}_thousandths": found}
    return Why(kind, _burn_words(condition), counted, "" if counted else _hint(condition, told), terms)


def _hint(condition: Condition, told: SignalEvent) -> str:
    lacking = [spoken(window) for window in missing(condition, told)]
    if lacking:
        return f"the rate over {' and '.join(lacking)} was not told"
    limit = condition.burn.above if condition.burn else 0
    slow = [
        spoken(window)
        for window in windows_of(condition)
        if (rate(told, window) or 0) * 1000 <= limit * allowed(told)
    ]
    return f"not above the limit over {' and '.join(slow)}"


def _burn_words(condition: Condition) -> str:
    long, short = (spoken(window) for window in windows_of(condition))
    limit = times(condition.burn.above if condition.burn else 0)
    return f"{condition.alert}: burn above {limit} over {long} and {short}"


def _low_words(condition: Condition) -> str:
    return f"{condition.alert}: less than {percent(condition.low.left if condition.low else 0)} left"


def _length(ms: int) -> str:
    """`43 min 12 s`: budgets are small, so seconds count."""
    minutes, seconds = divmod(ms // 1_000, 60)
    if ms >= 3_600_000 * 10:
        return spoken(ms)
    return (
        f"{minutes} min {seconds} s" if minutes and seconds else f"{minutes} min" if minutes else spoken(ms)
    )
