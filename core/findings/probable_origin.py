"""Finding probable-origin: the member service that best explains the others.

Five terms, in thousandths, weighted by the rule: how many members it explains, how early it began, how well a
recent change explains it, how much its symptoms look like a cause, and whether nothing that it calls is in
trouble itself. Trouble goes from a service to its callers, who get errors or wait; loss of traffic goes the
other way, to what it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import get_args

from core.correlation.reach import capped
from core.findings.case import Case, finding, shortened
from core.findings.recent_change import matches
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Origin
from core.rules.schema import Symptom
from core.symptoms import symptom_of

kind = "probable-origin"
# Of more members only those are ranked whose symptoms look most like a cause.
_RANKED = 60


class _Members:
    """The member services: what their alerts tell of, and who of them calls whom."""

    def __init__(self, case: Case) -> None:
        self.case = case
        rule = case.rules.probable_origin
        self.down = frozenset(rule.spreads_down)
        self.symptoms = {
            entity: frozenset(symptom_of(name, case.rules.symptom) for name in {one.name for one in episodes})
            for entity, episodes in case.groups.items()
        }
        worth = {symptom: rule.symptoms.get(symptom, rule.other_symptom) for symptom in get_args(Symptom)}
        self.causal = {
            entity: max(worth.get(symptom, rule.other_symptom) for symptom in symptoms)
            for entity, symptoms in self.symptoms.items()
        }
        catalogue = case.catalogue
        self.callers = {entity: self._among(entity, catalogue.callers(entity)) for entity in case.groups}
        self.calls = {entity: self._among(entity, catalogue.calls(entity)) for entity in case.groups}
        onsets = [case.onset(entity) for entity in case.groups]
        self.first, self.last = min(onsets, default=0), max(onsets, default=0)

    def _among(self, entity: Entity, names: Iterable[str]) -> list[Entity]:
        domain, environment, cluster, _ = entity
        groups = self.case.groups
        return [
            peer
            for name in names
            if (peer := Entity(domain, environment, cluster, name)) in groups and peer != entity
        ]

    def explained(self, entity: Entity) -> set[Entity]:
        """Those that suffer from it: callers in trouble, directly or through others, and those that lost
        their traffic because what is before them is in trouble."""
        down = self.down
        callers = self._walk(entity, self.callers, lambda symptoms: not down or bool(symptoms - down))
        if not down:
            return callers
        return callers | self._walk(entity, self.calls, lambda symptoms: bool(symptoms & down))

    def _walk(
        self,
        entity: Entity,
        beside: dict[Entity, list[Entity]],
        suffers: Callable[[frozenset[str]], bool],
    ) -> set[Entity]:
        found: set[Entity] = set()
        todo = [entity]
        while todo:
            for peer in beside[todo.pop()]:
                if peer not in found and peer != entity and suffers(self.symptoms[peer]):
                    found.add(peer)
                    todo.append(peer)
        return found

    def callee_in_trouble(self, entity: Entity) -> bool:
        """Whether something that it calls alerts of more than a loss of traffic; of what very many call, only
        a cause counts."""
        case = self.case
        rule = case.rules.dependency_edge
        return any(
            self.symptoms[callee].intersection(rule.causes)
            if capped(case.catalogue, callee, rule)
            else self.symptoms[callee] - self.down
            for callee in self.calls[entity]
        )

    def earliness(self, entity: Entity) -> int:
        """1000 for the first to alert, 0 for the last, linear between; 1000 when all began together."""
        span = self.last - self.first
        return 1000 * (self.last - self.case.onset(entity)) // span if span else 1000


def find(case: Case) -> tuple[list[Finding], Why]:
    origins = rank(case)
    if not origins:
        hint = "no label names a service: see the identity rule"
        return [], Why(kind, "The origin is unknown", counted=False, hint=hint)
    best, others = origins[0], len(case.groups) - 1
    why = Why(
        kind,
        _summary(case, best),
        terms={"score": best.score, **best.terms, "explained": best.explained, "others": others},
        evidence=tuple(episode.id for episode in case.groups[best.entity]),
        children=shortened([_candidate(origin, best) for origin in origins], kind),
    )
    return [finding(case, kind, best.entity.service, best.score, why)], why


def rank(case: Case) -> tuple[Origin, ...]:
    """Member services, the most probable origin first; ties go to the earlier onset, then the name. Made
    once for a case."""
    if not case.origins:
        members, worth = _Members(case), _change_worth(case)
        order = sorted(case.groups, key=lambda e: (-members.causal[e], case.onset(e), e))
        origins = [_score(members, entity, worth.get(entity, 0)) for entity in order[:_RANKED]]
        case.origins.extend(sorted(origins, key=lambda o: (-o.score, case.onset(o.entity), o.entity)))
    return tuple(case.origins)


def _change_worth(case: Case) -> dict[Entity, int]:
    """Per entity, what its best counted change is worth."""
    worth: dict[Entity, int] = {}
    for change in case.changes:
        match = matches(case, change)
        if match is not None and match.hops == 0 and not match.hint:
            worth[match.entity] = max(worth.get(match.entity, 0), match.confidence)
    return worth


def _score(members: _Members, entity: Entity, change: int) -> Origin:
    weights, others = members.case.rules.probable_origin.weights, len(members.case.groups) - 1
    explained = len(members.explained(entity)) if others else 0
    terms = {
        # Of nothing beside it, it explains nothing.
        "explains": weights.explains * explained // others if others else 0,
        "onset": weights.onset * members.earliness(entity) // 1000,
        "change": weights.change * change // 1000,
        "unexplained": 0 if members.callee_in_trouble(entity) else weights.unexplained,
    }
    if weights.symptom:
        terms["symptom"] = weights.symptom * members.causal[entity] // 1000
    return Origin(entity, sum(terms.values()), terms, explained)


def _summary(case: Case, best: Origin) -> str:
    others = len(case.groups) - 1
    service = best.entity.service
    if not others:
        return f"{service} is the only service that alerts"
    count = f"{best.explained} of the {others} other services" if best.explained else "none of the others"
    return f"{service}: it explains {count}" + (
        ", and it changed just before" if best.terms["change"] else ""
    )


def _candidate(origin: Origin, best: Origin) -> Why:
    won = origin is best
    hint = "" if won else f"score {origin.score}, below {best.score}"
    if not won and origin.score == best.score:
        hint = f"score {origin.score} too, but it began later or comes later by name"
    terms: dict[str, int | str] = {"score": origin.score, **origin.terms}
    return Why(kind, origin.entity.service, won, hint, terms)
