"""Finding same-entity: several alerts of one service belong together."""

from __future__ import annotations

from itertools import islice, pairwise

from core.correlation.same_entity import window as window_of
from core.findings.case import SHOWN, Case, and_more, finding, shortened
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Episode
from core.times import beside, spoken

kind = "same-entity"


def find(case: Case) -> tuple[list[Finding], Why]:
    findings = []
    for entity, episodes in sorted(case.groups.items()):
        if len(episodes) > 1:
            findings.append(finding(case, kind, entity.service, 1000, _why(case, entity, episodes)))
    if not findings:
        return [], Why(kind, "No service has more than one alert", counted=False, hint="one alert a service")
    nodes = [item.why for item in findings]
    summary = f"{len(nodes)} service{'s' * (len(nodes) > 1)} with several alerts"
    return findings, Why(kind, summary, children=shortened(nodes, kind))


def _why(case: Case, entity: Entity, episodes: list[Episode]) -> Why:
    names = sorted({episode.name for episode in episodes})
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return Why(
        kind,
        f"{len(episodes)} alerts of {entity.service} within {spoken(_span(episodes))}: {listed}",
        terms={"alerts": len(episodes), "span_ms": _span(episodes)},
        evidence=tuple(episode.id for episode in episodes),
        children=_pairs(case, episodes),
    )


def _pairs(case: Case, episodes: list[Episode]) -> tuple[Why, ...]:
    """Neighbours in time; of many the first are told, and how many more of them count."""
    nodes = [_pair(case, a, b) for a, b in islice(pairwise(episodes), SHOWN)]
    rest = len(episodes) - 1 - len(nodes)
    if not rest:
        return tuple(nodes)
    least, counted = case.rules.same_entity.window, 0
    for a, b in islice(pairwise(episodes), SHOWN, None):
        gap = b.starts_at - a.starts_at
        # Which window holds takes long to tell; no other is shorter than this one.
        counted += gap <= least or gap <= window_of(a, b, case.rules)
    return (*nodes, and_more(kind, rest, counted))


def _span(episodes: list[Episode]) -> int:
    return episodes[-1].starts_at - episodes[0].starts_at


def _pair(case: Case, a: Episode, b: Episode) -> Why:
    """Two neighbours in time. Not counted: they are together by another rule, not by this one."""
    gap, window = b.starts_at - a.starts_at, window_of(a, b, case.rules)
    what = f"{b.name} again" if a.fingerprint == b.fingerprint else f"{a.name} and {b.name}"
    counted = gap <= window
    apart, within = beside(gap, window)
    hint = "" if counted else f"{apart} apart, the window is {within}"
    terms: dict[str, int | str] = {"gap_ms": gap, "window_ms": window}
    return Why(kind, f"{what}, {apart} apart", counted, hint, terms, (a.id, b.id))
