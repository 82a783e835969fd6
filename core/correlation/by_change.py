"""A change that becomes known late: the alerts that it touched, and that started soon after it, belong
together."""

from __future__ import annotations

from core.correlation.grouping import join, weigh_soon
from core.correlation.names import namespaced
from core.correlation.reach import service_key
from core.correlation.regroup import regroup
from core.correlation.same_change import times, touched
from core.model.entity import Entity
from core.model.incident import OPEN, Change
from core.timelines import within
from core.world import Turn, World


def join_by_change(turn: Turn, change: Change) -> None:
    for found in joined(turn.world, change):
        join(turn, found, f"change:{change.id}")


def joined(world: World, change: Change) -> list[list[str]]:
    """Alerts that the change joins, by environment and cluster."""
    if world.rules.same_change.window is None:
        return []
    low, high = times(world, change)
    return [
        [
            name
            for entity in touched(world, change, place)
            for name in within(world.links.get(service_key(entity), []), low, high)
        ]
        for place in _places(world, change)
    ]


def part_by_change(turn: Turn, were: list[list[str]]) -> None:
    """A change that joined these is known to have been at another time or place."""
    episodes, incidents = turn.world.state.episodes, turn.world.state.incidents
    names = {episodes[name].incident for found in were if len(found) > 1 for name in found}
    for name in sorted(names):
        if incidents[name].status in OPEN:
            regroup(turn, incidents[name], "change_moved")
            weigh_soon(turn, incidents[name])


def _places(world: World, change: Change) -> list[Entity]:
    """One entity for each environment and cluster where the service, or what calls it, has alerts."""
    services = [change.event.service, *world.config.catalogue.callers_anywhere(change.event.service)]
    entities = world.index.entities
    found = {
        (one.environment, one.cluster): one
        for service in services
        for one in (
            *sorted(entities.get((change.domain, service), ())),
            *namespaced(world, change.domain, service),
        )
    }
    return [found[place] for place in sorted(found)]
