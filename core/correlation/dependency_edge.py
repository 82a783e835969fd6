"""Rule dependency-edge: alerts of two services that start close together, of which one may suffer from the
other, or both from a third: what is called, directly or over a few services between, goes first.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.correlation.link import Key, Look, Spot
from core.correlation.reach import capped
from core.correlation.symptom import told_by
from core.model.incident import Episode
from core.world import World

name = "dependency-edge"
_NEVER = -1


def spots(world: World, episode: Episode) -> list[Spot]:
    """By service and part. Two of one service are not linked by it, but for causes on one that gathers."""
    entity, told = episode.entity, told_by(world, episode.name)
    if told.contained or told.part == "late" or not entity.service:
        return []
    reach = world.reach
    if not reach.near(entity, told.part):
        return []
    keys = reach.keys(entity)
    found: list[Spot] = [(keys[told.part], _NEVER)]
    if reach.gathers(entity, told.part):
        found.append((keys["hub"], world.rules.dependency_edge.gather_window or _NEVER))
    return found


def looks(world: World, episode: Episode) -> Iterator[Look]:
    """Only at services that alert, and did so lately: most neighbours are quiet."""
    entity, told = episode.entity, told_by(world, episode.name)
    if told.contained or told.part == "late" or not entity.service:
        return
    start, links, part, reach = episode.starts_at, world.links, told.part, world.reach
    oldest = start - reach.widest
    for anything, keys, spans in reach.near(entity, part):
        there = links.get(anything)
        if there is not None and there[-1][0] >= oldest:
            for kind, before, after in spans[part]:
                if (key := keys[kind]) in links:
                    yield key, start - before, start + after


def shared(world: World, a: Episode, b: Episode, key: Key) -> str:
    """How the two hang together, whatever `key`."""
    one, other, catalogue = a.entity, b.entity, world.config.catalogue
    if one == other:
        return f"both are of {one.service}, which {len(catalogue.callers(one))} services call"
    for caller, callee in ((a, b), (b, a)):
        if callee.entity.service in catalogue.calls(caller.entity):
            said = f"{caller.entity.service} calls {callee.entity.service}"
            many = capped(catalogue, callee.entity, world.rules.dependency_edge)
            return f"{said}, which is in trouble itself" if many else said + _first(world, caller, callee)
    return _apart(world, a, b)


def _apart(world: World, a: Episode, b: Episode) -> str:
    one, other = a.entity, b.entity
    paths = world.reach.paths(one)
    path = paths.between(one.service, other.service)
    if path is None:
        return f"{one.service} and {other.service} do not call one another"
    if path.shared:
        return f"{one.service} and {other.service} both need {paths.shared(one.service, other.service)}"
    if not path.below and not path.above:
        return f"{one.service} and {other.service} lose traffic together, {path.around} calls apart"
    caller, callee, calls = (a, b, path.below) if path.below else (b, a, path.above)
    said = f"{caller.entity.service} calls {callee.entity.service} through others, {calls} calls away"
    return said + _first(world, caller, callee)


def _first(world: World, caller: Episode, callee: Episode) -> str:
    """Why the window is short: an effect does not begin before what it comes from."""
    if caller.starts_at < callee.starts_at and told_by(world, callee.name).part == "effect":
        return f"; {caller.entity.service} alerted first"
    return ""
