"""Rule same-change: alerts on a service that changed, and on what calls it directly, soon after the
change."""

from __future__ import annotations

from collections.abc import Iterator

from core.correlation.link import Key, Look, Spot
from core.correlation.names import called, namespaced_here
from core.correlation.reach import calls_to, capped, meets, service_key
from core.correlation.symptom import contained
from core.model.entity import Entity
from core.model.incident import Change, Episode
from core.timelines import within
from core.world import World

name = "same-change"


def spots(world: World, episode: Episode) -> tuple[Spot, ...]:
    """Alerts are found by their service: see rule same-entity."""
    return ()


def looks(world: World, episode: Episode) -> Iterator[Look]:
    rule = world.rules.same_change
    if rule.window is None or not episode.entity.service or contained(world, episode):
        return
    for change in _touching(world, episode):
        low, high = times(world, change)
        for entity in touched(world, change, episode.entity):
            yield service_key(entity), low, high


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    found = {change.id: change for change in _touching(world, a)}
    both = [change for change in _touching(world, b) if change.id in found]
    if both:
        return f"{both[0].event.kind} of {both[0].event.service} touched both"
    one = next(iter(found.values()), None)
    return f"{one.event.kind} of {one.event.service} touched only one" if one else "no change touched both"


def times(world: World, change: Change) -> tuple[int, int]:
    """The starts of alerts that the change joins, first and last, in ms UTC."""
    at = change.event.at
    return at - world.rules.recent_change.grace, at + (world.rules.same_change.window or 0)


def touched(world: World, change: Change, place: Entity) -> list[Entity]:
    """The service that changed and what calls it, in the environment and cluster of `place`."""
    changed = place.peer(change.event.service)
    if not meets(change.event, place):
        return []
    changed_too = [changed, *namespaced_here(world, changed)]
    if capped(world.config.catalogue, changed, world.rules.dependency_edge):
        return changed_too
    return [*changed_too, *(changed.peer(caller) for caller in world.config.catalogue.callers(changed))]


def _touching(world: World, episode: Episode) -> Iterator[Change]:
    """Changes on the service, or on what it calls, that it started soon after."""
    rules, catalogue, entity = world.rules, world.config.catalogue, episode.entity
    if not world.index.changes:
        return
    low = episode.starts_at - (rules.same_change.window or 0)
    own = called(world, entity)
    for service in (*own, *catalogue.calls(entity)):
        timeline = world.index.changes.get((entity.domain, service))
        if timeline is None or (
            service not in own and capped(catalogue, entity.peer(service), rules.dependency_edge)
        ):
            continue
        for found in within(timeline, low, episode.starts_at + rules.recent_change.grace):
            change = world.state.changes[found]
            if calls_to(catalogue, entity, change.event, 1) is not None:
                yield change
