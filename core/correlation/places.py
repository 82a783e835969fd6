"""Alerts that rules never join because of where they are: in another domain, environment, cluster or
namespace.

What the rules say of them is asked of the rules themselves, with the one alert moved to where the other is:
if they have anything to say then, it is the place that keeps the two apart, and perhaps their times too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from core.correlation.verdict import between, called, foreign
from core.model.entity import Entity
from core.model.finding import Why
from core.model.incident import Episode
from core.narrative.plain import one_line
from core.times import spoken
from core.world import World

# The term of a node whose pair is apart by place: which parts of it differ.
APART_BY = "apart_by"
_MANY = {
    "domain": "domains", "environment": "environments", "cluster": "clusters", "namespace": "namespaces",
}  # fmt: skip


class Difference(NamedTuple):
    """In `what` the two differ; "" where an alert names none."""

    what: str
    one: str
    other: str


def kept_apart(world: World, episode: Episode, other: Episode) -> Why | None:
    """The verdict on a pair of which `between` says nothing, where it is by their places that nothing joins
    them; None where no rule would join them in one place either."""
    differ = _differences(episode.entity, other.entity)
    verdict = between(world, _moved(episode, other), other) if differ else None
    if verdict is None:
        mine, theirs = _namespace(world, episode), _namespace(world, other)
        if mine == theirs:
            return None
        differ = [one for one in differ if one.what != "namespace"]
        differ.append(Difference("namespace", mine, theirs))
        labels = world.rules.similar_names.namespace
        verdict = between(world, _moved(episode, other, labels), other)
    if verdict is None or verdict.rule == "runs":
        return None
    gap = abs(episode.starts_at - other.starts_at)
    summary = f"{called(episode)} and {called(other)}, {spoken(gap)} apart"
    also = f"; and {verdict.hint}" if not verdict.counted and verdict.hint else ""
    names = ", ".join(one.what for one in differ)
    terms = {"gap_ms": gap, **verdict.terms, APART_BY: names}
    return Why(verdict.rule, summary, False, _said(differ) + also, terms, (episode.id, other.id))


def places_apart(why: Why) -> int:
    """In how many parts of their places the pair of a verdict differs, which keeps it apart."""
    names = str(why.terms.get(APART_BY, ""))
    return names.count(",") + 1 if names else 0


def elsewhere(world: World, episode: Episode, reach: int) -> Iterator[Episode]:
    """Alerts of other incidents that start within `reach` ms on its service, or on one that calls it or that
    it calls, wherever they are but where it is; of each place the few that began nearest to it."""
    catalogue, entity = world.config.catalogue, episode.entity
    if not entity.service:
        return
    index, seen = world.index, {entity}
    names = dict.fromkeys((entity.service, *catalogue.calls(entity), *catalogue.callers(entity)))
    short = entity.service.rpartition("/")[2]
    for domain in sorted({domain for domain, _ in index.entities}):
        places = {one for name in names for one in index.entities.get((domain, name), ())}
        places |= set(index.namespaced.get((domain, short), ()))
        for place in sorted(places - seen):
            if place != entity.peer(place.service) or place.service not in names:
                for name in foreign(world, episode, index.by_entity.get(place, []), reach):
                    yield world.state.episodes[name]


def _differences(one: Entity, other: Entity) -> list[Difference]:
    parts = [
        Difference(what, getattr(one, what), getattr(other, what))
        for what in ("domain", "environment", "cluster")
    ]
    (mine, _, a), (theirs, _, b) = one.service.rpartition("/"), other.service.rpartition("/")
    if a == b:
        parts.append(Difference("namespace", mine, theirs))
    return [part for part in parts if part.one != part.other]


def _moved(episode: Episode, other: Episode, namespace: tuple[str, ...] = ()) -> Episode:
    """As if it were told of where the other is; `namespace`: labels that name it, given as the other has
    them."""
    mine, theirs = episode.entity, other.entity
    same = mine.service.rpartition("/")[2] == theirs.service.rpartition("/")[2]
    entity = theirs.peer(theirs.service if same else mine.service)
    there = {name: other.linking[name] for name in namespace if name in other.linking}
    labels = {name: value for name, value in episode.linking.items() if name not in namespace} | there
    return msgspec.structs.replace(episode, entity=entity, fixed=labels)


def _namespace(world: World, episode: Episode) -> str:
    labels = episode.linking
    return next((labels[name] for name in world.rules.similar_names.namespace if labels.get(name)), "")


def _said(differ: list[Difference]) -> str:
    """`one is in cluster c2, the other names none: clusters never mix`."""
    said = [_one(part) for part in differ]
    names = _MANY[differ[0].what] if len(differ) == 1 else "such places"
    return f"{'; '.join(said)}: {names} never mix"


def _one(part: Difference) -> str:
    first, second = (one_line(name, 60) for name in (part.one, part.other))
    if first and second:
        return f"one is in {part.what} {first}, the other in {second}"
    return f"one is in {part.what} {first or second}, the other names none"
