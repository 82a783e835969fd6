"""Finding probable-origin: the member service that best explains the others.

Five terms, in thousandths, weighted by the rule: how many members it explains, how early it began, how well a
recent change explains it, how much its symptoms look like a cause, and whether nothing that it calls is in
trouble itself. Trouble goes from a service to its callers, who get errors or wait; loss of traffic goes the
other way, to what it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from core.correlation.reach import capped
from core.findings.case import Case, finding, shortened
from core.findings.recent_change import matches
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Origin
from core.rules.schema import Symptom
from core.symptoms import symptom_of

kind = "probable-origin"
_RANKED = 200
# What each member's alerts tell of.
Told = dict[Entity, frozenset[str]]


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
    """Member services, the most probable origin first; ties go to the earlier onset, then the name. Of very
    many only those are ranked whose symptoms look most like a cause."""
    worth, told = _change_worth(case), {entity: _symptoms(case, entity) for entity in case.groups}
    order = sorted(case.groups, key=lambda e: (-_causal(case, told[e]), case.onset(e), e))
    origins = [_score(case, entity, worth.get(entity, 0), told) for entity in order[:_RANKED]]
    return sorted(origins, key=lambda o: (-o.score, case.onset(o.entity), o.entity))


def _change_worth(case: Case) -> dict[Entity, int]:
    """Per entity, what its best counted change is worth."""
    worth: dict[Entity, int] = {}
    for change in case.changes:
        match = matches(case, change)
        if match is not None and match.hops == 0 and not match.hint:
            worth[match.entity] = max(worth.get(match.entity, 0), match.confidence)
    return worth


def _symptoms(case: Case, entity: Entity) -> frozenset[str]:
    return frozenset(symptom_of(episode.name, case.rules.symptom) for episode in case.groups[entity])


def _causal(case: Case, symptoms: frozenset[str]) -> int:
    """How much the symptoms look like a cause; the most telling one counts."""
    rule = case.rules.probable_origin
    return max(rule.symptoms.get(cast(Symptom, symptom), rule.other_symptom) for symptom in symptoms)


def _score(case: Case, entity: Entity, change: int, told: Told) -> Origin:
    weights = case.rules.probable_origin.weights
    others = len(case.groups) - 1
    explained = len(_explained(case, entity, told))
    terms = {
        "explains": weights.explains * explained // others if others else weights.explains,
        "onset": weights.onset * _earliness(case, entity) // 1000,
        "change": weights.change * change // 1000,
        "unexplained": 0 if _callee_in_trouble(case, entity, told) else weights.unexplained,
    }
    if weights.symptom:
        terms["symptom"] = weights.symptom * _causal(case, told[entity]) // 1000
    return Origin(entity, sum(terms.values()), terms)


def _explained(case: Case, entity: Entity, told: Told) -> set[Entity]:
    """Members that suffer from it: callers in trouble, directly or through other members, and those that lost
    their traffic because what is before them is in trouble."""
    down = frozenset(case.rules.probable_origin.spreads_down)
    callers = _walk(
        case, entity, told, case.catalogue.callers, lambda symptoms: bool(symptoms - down) or not down
    )
    starved = (
        _walk(case, entity, told, case.catalogue.calls, lambda symptoms: bool(symptoms & down))
        if down
        else set()
    )
    return callers | starved


def _walk(
    case: Case,
    entity: Entity,
    told: Told,
    beside: Callable[[Entity], Iterable[str]],
    suffers: Callable[[frozenset[str]], bool],
) -> set[Entity]:
    found: set[Entity] = set()
    todo = [entity]
    while todo:
        for peer in _member_peers(case, entity, beside(todo.pop())):
            if peer not in found and peer != entity and suffers(told[peer]):
                found.add(peer)
                todo.append(peer)
    return found


def _callee_in_trouble(case: Case, entity: Entity, told: Told) -> bool:
    """Whether something that it calls alerts of more than a loss of traffic."""
    rule, down = case.rules.dependency_edge, frozenset(case.rules.probable_origin.spreads_down)
    callees = _member_peers(case, entity, case.catalogue.calls(entity))
    return any(told[callee] - down and not capped(case.catalogue, callee, rule) for callee in callees)


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
    told = {entity: _symptoms(case, entity) for entity in case.groups}
    reached = len(_explained(case, best.entity, told))
    calls = (
        f"it explains {reached} of the {others} other services"
        if reached
        else "it explains none of the others"
    )
    return f"{service}: {calls}" + (", and it changed just before" if best.terms["change"] else "")


def _candidate(origin: Origin, best: Origin) -> Why:
    won = origin is best
    hint = "" if won else f"score {origin.score}, below {best.score}"
    if not won and origin.score == best.score:
        hint = f"score {origin.score} too, but it began later or comes later by name"
    terms: dict[str, int | str] = {"score": origin.score, **origin.terms}
    return Why(kind, origin.entity.service, won, hint, terms)
