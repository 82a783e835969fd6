"""Finding dependency-edge: member services that call one another, and edges that did not count."""

from __future__ import annotations

from core.correlation.reach import capped
from core.findings.case import Case, finding, shortened
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Episode
from core.symptoms import symptom_of
from core.times import beside

kind = "dependency-edge"


def find(case: Case) -> tuple[list[Finding], Why]:
    if not case.catalogue.known:
        hint = "no catalogue: `watchkeeper catalog init` drafts one"
        return [], Why(kind, "Dependencies are unknown", counted=False, hint=hint)
    edges = [
        _edge(case, caller, caller.peer(callee))
        for caller in sorted(case.groups)
        for callee in case.catalogue.calls(caller)
        if caller.peer(callee) in case.groups
    ]
    edges.sort(key=lambda why: not why.counted)
    counted = [why for why in edges if why.counted]
    if not counted:
        hint = "they may hang together over others" if not edges else "every edge was ruled out"
        said = "None of these services calls another directly" if not edges else "No call joins these alerts"
        return [], Why(kind, said, False, hint, children=shortened(edges, kind))
    why = Why(
        kind,
        "; ".join(edge.summary for edge in counted[:3]) + (" and more" if len(counted) > 3 else ""),
        terms={"edges": len(counted), "ruled_out": len(edges) - len(counted)},
        evidence=tuple(sorted({name for edge in counted for name in edge.evidence})),
        children=shortened(edges, kind),
    )
    tightest = max(int(edge.terms["confidence"]) for edge in counted)
    return [finding(case, kind, "", tightest, why)], why


def _edge(case: Case, caller: Entity, callee: Entity) -> Why:
    rule = case.rules.dependency_edge
    many = capped(case.catalogue, callee, rule)
    gathers = many and rule.gather_window is not None and _has_cause(case, callee)
    window = rule.gather_window if gathers and rule.gather_window is not None else rule.windows[0]
    gap, a, b = _closest(case.groups[caller], case.groups[callee])
    confidence = max(0, 1000 - 500 * gap // window)
    terms: dict[str, int | str] = {"gap_ms": gap, "window_ms": window, "confidence": confidence}
    summary, hint = f"{caller.service} calls {callee.service}", ""
    if many and not gathers:
        count = len(case.catalogue.callers(callee))
        hint = f"{callee.service} has {count} dependants, more than {rule.max_dependants}: too many to tell"
    elif gap > window:
        apart, within = beside(gap, window)
        hint = f"closest alerts are {apart} apart, the window is {within}"
    return Why(kind, summary, not hint, hint, terms, (a.id, b.id))


def _has_cause(case: Case, entity: Entity) -> bool:
    causes = case.rules.dependency_edge.causes
    return any(symptom_of(one.name, case.rules.symptom) in causes for one in case.groups[entity])


def _closest(first: list[Episode], second: list[Episode]) -> tuple[int, Episode, Episode]:
    """The pair with the smallest gap, in one pass over two sorted lists; the earliest such pair."""
    best: tuple[int, Episode, Episode] | None = None
    i = j = 0
    while i < len(first) and j < len(second):
        gap = abs(first[i].starts_at - second[j].starts_at)
        if best is None or gap < best[0]:
            best = (gap, first[i], second[j])
        if first[i].starts_at < second[j].starts_at:
            i += 1
        else:
            j += 1
    assert best is not None, "groups hold at least one episode each"
    return best
