"""Barriers: what link rules may not undo.

A split by a person parts two incidents: links never join them again, also after either was merged with
others. A merge by a person ties two alerts: whoever groups anew counts the tie as a link. What was said last
holds. Incidents that only touch are kept apart too, until they are weighed again (correlation/weighing.py).
"""

from __future__ import annotations

from core.model.incident import Incident
from core.world import World

# By incident, those that it is kept apart from, either way.
Apart = dict[str, list[str]]


def apart(world: World, a: Incident, b: Incident) -> bool:
    """Whether a person has parted them, or what was merged into them."""
    return b.id in world.state.parted.get(a.id, ())


def touching(world: World, a: Incident, b: Incident) -> bool:
    """Whether they are linked too loosely to be one."""
    return b.id in world.state.loose.get(a.id, ())


def part(world: World, a: Incident, b: Incident) -> None:
    _part(world.state.parted, a.id, b.id)


def loosen(world: World, a: Incident, b: Incident, *, touch: bool) -> None:
    """They were weighed, and are two: whether any link touches both."""
    (_part if touch else _rejoin)(world.state.loose, a.id, b.id)


def rejoin(world: World, a: Incident, b: Incident) -> None:
    """They were merged after all."""
    for kept_apart in _both(world):
        _rejoin(kept_apart, a.id, b.id)


def inherit(world: World, kept: Incident, absorbed: Incident) -> None:
    """`absorbed` has become `kept`: who was parted from the one is parted from the other."""
    rejoin(world, kept, absorbed)
    for kept_apart in _both(world):
        for name in _forget(kept_apart, absorbed.id):
            _part(kept_apart, kept.id, name)


def divide(world: World, incident: Incident, new: Incident) -> None:
    """`new` came out of `incident`: what either was parted from, both are. The ties go to where both ends of
    them are; one that would join the two is gone."""
    for kept_apart in _both(world):
        for name in kept_apart.get(incident.id, [])[:]:
            if name != new.id:
                _part(kept_apart, new.id, name)
    ties, inside = incident.ties, set(new.members)
    incident.ties = tuple(tie for tie in ties if not inside & set(tie))
    new.ties = tuple(tie for tie in ties if inside >= set(tie))


def forget(world: World, incident_id: str) -> None:
    """The incident is gone."""
    for kept_apart in _both(world):
        _forget(kept_apart, incident_id)


def tie(a: Incident, b: Incident) -> tuple[str, str]:
    """The alerts by which a person joined two incidents: the first of each."""
    return a.members[0], b.members[0]


def _both(world: World) -> tuple[Apart, Apart]:
    return world.state.parted, world.state.loose


def _part(kept_apart: Apart, a: str, b: str) -> None:
    for one, other in ((a, b), (b, a)):
        kept_apart[one] = sorted({*kept_apart.get(one, ()), other})


def _rejoin(kept_apart: Apart, a: str, b: str) -> None:
    _drop(kept_apart, a, b)
    _drop(kept_apart, b, a)


def _forget(kept_apart: Apart, name: str) -> list[str]:
    """Whom it was parted from."""
    others = kept_apart.pop(name, [])
    for other in others:
        _drop(kept_apart, other, name)
    return others


def _drop(kept_apart: Apart, one: str, other: str) -> None:
    kept = [name for name in kept_apart.get(one, ()) if name != other]
    if kept:
        kept_apart[one] = kept
    else:
        kept_apart.pop(one, None)
