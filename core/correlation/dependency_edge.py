"""Rule dependency-edge: alerts of two services that start close together, one of which calls the other,
directly or over a few services between them.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.correlation.link import Key, Look, Spot
from core.correlation.symptom import contained
from core.model.incident import Episode
from core.world import World

name = "dependency-edge"


def spots(world: World, episode: Episode) -> tuple[Spot, ...]:
    """Alerts are found by their service: see rule same-entity."""
    return ()


def looks(world: World, episode: Episode) -> Iterable[Look]:
    if not episode.entity.service or contained(world, episode):
        return ()
    start = episode.starts_at
    return [(key, start - window, start + window) for key, window, _ in world.reach.near(episode.entity)]


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    calls = world.reach.calls_between(a.entity, b.entity)
    one, other = a.entity, b.entity
    if calls != 1:
        return f"{one.service} and {other.service} are {calls} calls apart"
    caller, callee = (one, other) if other.service in world.config.catalogue.calls(one) else (other, one)
    return f"{caller.service} calls {callee.service}"
