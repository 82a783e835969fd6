"""Grouping one incident anew: what no link holds together any more is split off.

Needed only when what was heard late takes a link away. The component of the earliest alert that came keeps
the id; people's ties count as links, and what was together when the rules or the catalogue changed stays
so.
"""

from __future__ import annotations

from collections.abc import Container

from core.correlation.index import looks_of
from core.correlation.runs import after, before
from core.model.incident import Episode, Incident
from core.splitting import split
from core.timelines import outward
from core.world import Turn, World


def regroup(turn: Turn, incident: Incident, reason: str) -> None:
    for part in components(turn.world, incident)[1:]:
        split(turn, incident, part, reason)


def components(world: World, incident: Incident) -> list[list[str]]:
    """Ids of the members, by what holds together; that of the member that came first is the first."""
    boss = {name: name for name in incident.members}

    def find(name: str) -> str:
        while boss[name] != name:
            boss[name] = boss[boss[name]]
            name = boss[name]
        return name

    for name in incident.members:
        for other in _held_to(world, world.state.episodes[name], boss):
            if other in boss:
                boss[find(name)] = find(other)
    before_change = [n for n in incident.members if world.state.episodes[n].seq <= world.state.configured_seq]
    for name in before_change[1:]:
        boss[find(name)] = find(before_change[0])
    for a, b in incident.ties:
        if a in boss and b in boss:
            boss[find(a)] = find(b)
    parts: dict[str, list[str]] = {}
    for name in incident.members:
        parts.setdefault(find(name), []).append(name)
    return list(parts.values())


def still_together(world: World, start: Episode, wanted: list[str]) -> bool:
    """Whether all `wanted` are reached from `start` inside its incident; looks no further than it must."""
    members = set(world.incident_of(start).members)
    missing, seen, todo = set(wanted) - {start.id}, {start.id}, [start.id]
    while todo and missing:
        episode = world.state.episodes[todo.pop()]
        followers = [one.id for one in after(world, episode) if one.again]
        for name in (*_held_to(world, episode, members), *followers):
            if name in members and name not in seen:
                seen.add(name)
                missing.discard(name)
                todo.append(name)
    return not missing


def linked_to(world: World, episode: Episode, among: Container[str] | None = None) -> list[str]:
    """Its partners, the nearest on each side under each key; those beyond are linked to these. With `among`
    only partners of that set count."""
    found: list[str] = []

    def wanted(name: str) -> bool:
        return name != episode.id and (among is None or name in among)

    for _, (key, low, high) in looks_of(world, episode):
        timeline = world.links.get(key)
        if timeline is not None and timeline[-1][0] >= low:
            others = outward(timeline, episode.starts_at, low, high, wanted)
            found += [name for name, verdict in others if verdict]
    return found


def _held_to(world: World, episode: Episode, members: Container[str]) -> list[str]:
    """What it is linked to, or what it follows."""
    if not episode.again:
        return linked_to(world, episode, members)
    followed = before(world, episode)
    return [followed[1].id] if followed else []
