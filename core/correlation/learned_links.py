"""Rule learned-links: alerts that came together before, in the team's own history; named pairs in the
rules."""

from __future__ import annotations

from collections.abc import Iterator

from core.correlation.link import Key, Look, Spot, around
from core.model.incident import Episode
from core.world import World

name = "learned-links"
_NEVER = -1


def spots(world: World, episode: Episode) -> list[Spot]:
    """Two of one end are not linked by it: the window is none."""
    rule = world.rules.learned_links
    if rule.pairs and (episode.name, episode.entity.service) in rule.partners:
        return [(("learned", episode.entity, episode.name), _NEVER)]
    return []


def looks(world: World, episode: Episode) -> Iterator[Look]:
    rule = world.rules.learned_links
    if not rule.pairs:
        return
    for (alert, service), window in rule.partners.get((episode.name, episode.entity.service), ()):
        key = ("learned", episode.entity.peer(service), alert)
        yield around(key, episode, window)


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    return f"{a.name} and {b.name} came together before"
