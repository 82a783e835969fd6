"""Explaining one alert: why it is where it is, and which other incidents it nearly joined.

Both come from the link rules themselves, applied to the alert and to what is in memory now.
"""

from __future__ import annotations

from typing import Any

from core.correlation import dependency_edge, same_entity
from core.model.entity import Entity
from core.model.finding import Why, why_json
from core.model.incident import Episode
from core.state import Timeline
from core.times import format_rfc3339, spoken
from core.world import World

_REACH = 3  # windows: how far away an alert is still a near miss
_SHOWN = 3


def explain_alert(world: World, fingerprint: str) -> list[dict[str, Any]]:
    """One entry per episode in memory with this fingerprint (ours), in order of start."""
    episodes = [e for e in world.state.episodes.values() if e.fingerprint == fingerprint]
    episodes.sort(key=lambda e: (e.starts_at, e.id))
    return [explain_episode(world, episode) for episode in episodes]


def explain_episode(world: World, episode: Episode) -> dict[str, Any]:
    incident = world.incident_of(episode)
    links, misses = _links(world, episode)
    return {
        "episode": episode.id,
        "name": episode.name,
        "fingerprint": episode.fingerprint,
        "service": episode.entity.service,
        "starts_at": format_rfc3339(episode.starts_at),
        "status": episode.status,
        "incident": incident.id,
        "first_incident": episode.first_incident,
        "joined": [why_json(why) for why in links] or [why_json(_alone(episode))],
        "nearly_joined": [{"incident": name, "why": why_json(why)} for name, why in misses],
    }


def _alone(episode: Episode) -> Why:
    if not episode.entity.service:
        return Why(
            "same-entity", "It opened the incident", hint="no label names its service: it joins nothing"
        )
    return Why("same-entity", "It opened the incident", hint="nothing was linked to it when it came")


def _links(world: World, episode: Episode) -> tuple[list[Why], list[tuple[str, Why]]]:
    """The nearest links inside the incident, and the nearest misses outside it, by gap."""
    joined: list[tuple[int, Why]] = []
    missed: list[tuple[int, str, Why]] = []
    for other in _nearby(world, episode):
        why = _verdict(world, episode, other)
        gap = abs(other.starts_at - episode.starts_at)
        if other.incident != episode.incident:
            missed.append((gap, other.incident, _barred(world, other, why)))
        elif why.counted:
            joined.append((gap, why))
    joined.sort(key=lambda row: (row[0], row[1].summary))
    missed.sort(key=lambda row: (row[0], row[1]))
    nearest: dict[str, Why] = {}
    for _, incident, why in missed:
        nearest.setdefault(incident, why)
    return [why for _, why in joined[:_SHOWN]], list(nearest.items())[:_SHOWN]


def _barred(world: World, other: Episode, why: Why) -> Why:
    """A link that holds and yet did not join: the other incident conducts no more."""
    if not why.counted:
        return why
    status = world.incident_of(other).status
    return Why(why.rule, why.summary, False, f"its incident was {status} by then", why.terms, why.evidence)


def _nearby(world: World, episode: Episode) -> list[Episode]:
    rules, index = world.rules, world.index
    found: dict[str, Episode] = {}

    def take(timeline: Timeline, window: int) -> None:
        near = [row for row in timeline if abs(row[0] - episode.starts_at) <= _REACH * window]
        near.sort(key=lambda row: (abs(row[0] - episode.starts_at), row[1]))
        for _, name in near[:8]:
            found.setdefault(name, world.state.episodes[name])

    alert = (episode.entity.domain, episode.fingerprint)
    take(index.by_alert.get(alert, []), rules.same_entity.same_alert_window)
    for entity in (episode.entity, *_all_neighbours(world, episode.entity)):
        window = rules.same_entity.window if entity == episode.entity else rules.dependency_edge.window
        take(index.by_entity.get(entity, []), window)
    found.pop(episode.id, None)
    return list(found.values())


def _all_neighbours(world: World, entity: Entity) -> list[Entity]:
    """Capped ones too: that an edge does not conduct is worth saying."""
    catalogue = world.config.catalogue
    return [entity.peer(name) for name in (*catalogue.calls(entity), *catalogue.callers(entity))]


def _verdict(world: World, a: Episode, b: Episode) -> Why:
    gap = abs(a.starts_at - b.starts_at)
    if a.fingerprint == b.fingerprint or a.entity == b.entity:
        rule = world.rules.same_entity
        window = rule.same_alert_window if a.fingerprint == b.fingerprint else rule.window
        what = f"{b.name} of {b.entity.service or 'no known service'}, {spoken(gap)} apart"
        return _timed("same-entity", what, same_entity.linked(a, b, rule), gap, window, b)
    edge = world.rules.dependency_edge
    catalogue = world.config.catalogue
    caller, callee = (a, b) if b.entity.service in catalogue.calls(a.entity) else (b, a)
    what = f"{caller.entity.service} calls {callee.entity.service}, {spoken(gap)} apart"
    if dependency_edge.capped(catalogue, callee.entity, edge):
        hint = f"{callee.entity.service} has more than {edge.max_dependants} dependants: too many to tell"
        return Why("dependency-edge", what, False, hint, {"gap_ms": gap}, (b.id,))
    return _timed("dependency-edge", what, dependency_edge.linked(a, b, edge, catalogue), gap, edge.window, b)


def _timed(rule: str, what: str, linked: bool, gap: int, window: int, other: Episode) -> Why:
    hint = "" if linked else f"the window is {spoken(window)}"
    return Why(rule, what, linked, hint, {"gap_ms": gap, "window_ms": window}, (other.id,))
