"""Finding probable-origin: the member service that best explains the others.

Four terms, in thousandths, weighted by the rule: how many members (transitively) call it, how early it began,
how well a recent change explains it, and whether nothing that it calls alerts too.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.correlation.dependency_edge import capped
from core.findings.case import Case, finding, shortened
from core.findings.recent_change import matches
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Origin

kind = "probable-origin"


def find(case: Case) -> tuple[list[Finding], Why]:
    origins = rank(case)
    if not origins:
        hint = "no label names a service: see the identity rule"
        return [], Why(kind, "The origin is unknown", counted=False, hint=hint)
    best = origins[0]
    why = Why(
        kind,
        _summary(case, best),
        terms={"score": best.score, **best.terms},
        evidence=tuple(episode.id for episode in case.groups[best.entity]),
        children=shortened([_candidate(origin, best) for origin in origins], kind),
    )
    return [finding(case, kind, best.entity.service, best.score, why)], why


def rank(case: Case) -> list[Origin]:
    """All member services, the most probable origin first; ties go to the earlier onset, then the name."""
    change_worth = _change_worth(case)
    origins = [_score(case, entity, change_worth.get(entity, 0)) for entity in case.groups]
    return sorted(origins, key=lambda o: (-o.score, case.onset(o.entity), o.entity))


def _change_worth(case: Case) -> dict[Entity, int]:
    """Per entity, what its best counted change is worth."""
    worth: dict[Entity, int] = {}
    for change in case.changes:
        match = matches(case, change)
        if match is not None and match.hops == 0 and not match.hint:
            worth[match.entity] = max(worth.get(match.entity, 0), match.confidence)
    return worth


def _score(case: Case, entity: Entity, change: int) -> Origin:
    weights = case.rules.probable_origin.weights
    others = len(case.groups) - 1
    reached = len(_callers_among(case, entity))
    terms = {
        "explains": weights.explains * reached // others if others else weights.explains,
        "onset": weights.onset * _earliness(case, entity) // 1000,
        "change": weights.change * change // 1000,
        "unexplained": 0 if _callee_alerts(case, entity) else weights.unexplained,
    }
    return Origin(entity, sum(terms.values()), terms)


def _callers_among(case: Case, entity: Entity) -> set[Entity]:
    """Members that call `entity`, directly or through other members."""
    found: set[Entity] = set()
    todo = [entity]
    while todo:
        for caller in _member_peers(case, entity, case.catalogue.callers(todo.pop())):
            if caller not in found and caller != entity:
                found.add(caller)
                todo.append(caller)
    return found


def _callee_alerts(case: Case, entity: Entity) -> bool:
    callees = _member_peers(case, entity, case.catalogue.calls(entity))
    rule = case.rules.dependency_edge
    return any(not capped(case.catalogue, callee, rule) for callee in callees)


def _member_peers(case: Case, entity: Entity, names: Iterable[str]) -> list[Entity]:
    return [peer for name in names if (peer := entity.peer(name)) in case.groups]


def _earliness(case: Case, entity: Entity) -> int:
    """1000 for the first to alert, 0 for the last, linear between; 1000 when all began together."""
    onsets = [case.onset(other) for other in case.groups]
    first, last = min(onsets), max(onsets)
    return 1000 if last == first else 1000 * (last - case.onset(entity)) // (last - first)


def _summary(case: Case, best: Origin) -> str:
    others = len(case.groups) - 1
    service = best.entity.service
    if not others:
        return f"{service} is the only service that alerts"
    reached = len(_callers_among(case, best.entity))
    calls = (
        f"{reached} of the {others} other services depend on it" if reached else "none of the others call it"
    )
    return f"{service}: {calls}" + (", and it changed just before" if best.terms["change"] else "")


def _candidate(origin: Origin, best: Origin) -> Why:
    won = origin is best
    hint = "" if won else f"score {origin.score}, below {best.score}"
    if not won and origin.score == best.score:
        hint = f"score {origin.score} too, but it began later or comes later by name"
    terms: dict[str, int | str] = {"score": origin.score, **origin.terms}
    return Why(kind, origin.entity.service, won, hint, terms)
