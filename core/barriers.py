"""Barriers: what people have said of incidents, which no link rule may undo.

A split parts two incidents: links never join them again, also after either was merged with others. A merge by
a person ties two alerts: whoever groups anew counts the tie as a link. What was said last holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.model.incident import Incident
from core.world import World


def apart(world: World, a: Incident, b: Incident) -> bool:
    """Whether a person has parted them, or what was merged into them."""
    return b.id in world.state.parted.get(a.id, ())


def part(world: World, a: Incident, b: Incident) -> None:
    parted = world.state.parted
    for one, other in ((a.id, b.id), (b.id, a.id)):
        parted[one] = sorted({*parted.get(one, ()), other})


def rejoin(world: World, a: Incident, b: Incident) -> None:
    """A person has merged them after all."""
    _drop(world, a.id, b.id)
    _drop(world, b.id, a.id)


def inherit(world: World, kept: Incident, absorbed: Incident) -> None:
    """`absorbed` has become `kept`: who was parted from the one is parted from the other."""
    rejoin(world, kept, absorbed)
    for name in forget(world, absorbed.id):
        part(world, kept, world.state.incidents[name])


def divide(world: World, incident: Incident, new: Incident) -> None:
    """`new` came out of `incident`: what either was parted from, both are. The ties go to where both ends of
    them are; one that would join the two is gone."""
    for name in world.state.parted.get(incident.id, [])[:]:
        if name != new.id:
            part(world, new, world.state.incidents[name])
    ties, inside = incident.ties, set(new.members)
    incident.ties = tuple(tie for tie in ties if not inside & set(tie))
    new.ties = tuple(tie for tie in ties if inside >= set(tie))


def forget(world: World, incident_id: str) -> Iterable[str]:
    """The incident is gone; whom it was parted from."""
    others = world.state.parted.pop(incident_id, [])
    for other in others:
        _drop(world, other, incident_id)
    return others


def tie(a: Incident, b: Incident) -> tuple[str, str]:
    """The alerts by which a person joined two incidents: the first of each."""
    return a.members[0], b.members[0]


def _drop(world: World, one: str, other: str) -> None:
    kept = [name for name in world.state.parted.get(one, ()) if name != other]
    if kept:
        world.state.parted[one] = kept
    else:
        world.state.parted.pop(one, None)
