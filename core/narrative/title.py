"""The title of an incident: where it seems to come from, what alerts there, how far it reaches."""

from __future__ import annotations

from core.model.incident import Episode, Incident
from core.narrative.plain import one_line


def title(incident: Incident, members: list[Episode]) -> str:
    """`payments: HighErrorRatio (+4 services)`. The worst alert of the origin, the earliest of those."""
    entity = incident.origin.entity if incident.origin else members[0].entity
    own = [episode for episode in members if episode.entity == entity]
    worst = min(own, key=lambda episode: (episode.alert_rank, episode.starts_at, episode.id))
    name = one_line(worst.name or "alert without a name", 120)
    others = len({episode.entity for episode in members}) - 1
    more = f" (+{others} service{'s' * (others > 1)})" if others else ""
    return f"{one_line(entity.service, 80)}: {name}{more}" if entity.service else f"{name}{more}"
