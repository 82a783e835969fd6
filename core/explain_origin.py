"""What stands behind the probable origin beyond its incident: services that it calls and that alert too.

Its terms look at the incident's own members. Whoever reads them is told what is open next to it.
"""

from __future__ import annotations

from typing import TypedDict

from core.model.entity import Entity
from core.model.incident import OPEN, Incident
from core.world import World

_LOOKED_AT = 200


class Called(TypedDict):
    """A service that the origin calls, and an open incident (perhaps this one) in which it alerts."""

    service: str
    incident: str


def called_in_trouble(world: World, incident: Incident) -> list[Called]:
    """By service, in the order of names. Empty where the origin is not known."""
    if incident.origin is None:
        return []
    entity = incident.origin.entity
    return [
        Called(service=name, incident=other)
        for name in sorted(set(world.config.catalogue.calls(entity)))
        for other in _open_on(world, entity.peer(name))
    ]


def _open_on(world: World, entity: Entity) -> list[str]:
    """Open incidents in which something of it fires, by the alerts that began last."""
    found: dict[str, None] = {}
    for _, name in world.index.by_entity.get(entity, [])[-_LOOKED_AT:]:
        episode = world.state.episodes[name]
        other = world.incident_of(episode)
        if episode.status != "resolved" and other.status in OPEN:
            found[other.id] = None
    return list(found)
