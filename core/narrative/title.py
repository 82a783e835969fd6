"""The title of an incident: where it seems to come from, what alerts there, how far it reaches."""

from __future__ import annotations

from core.model.incident import Episode, Incident
from core.narrative.place import thing_of
from core.narrative.plain import one_line
from core.own_alerts import WATCHDOG_LABELS

# Of alerts that rules of ours raise, about no service: the labels that say what about.
_OWN = {"WatchdogSilent": ("watchdog", "source"), "SourceSilent": ("source",)}


def title(incident: Incident, members: list[Episode]) -> str:
    """`payments: HighErrorRatio (+4 services)`. The worst alert of the origin, the earliest of those."""
    entity = incident.origin.entity if incident.origin else members[0].entity
    own = [episode for episode in members if episode.entity == entity]
    worst = min(own, key=lambda episode: (episode.alert_rank, episode.starts_at, episode.id))
    name = one_line(_called(worst), 120)
    others = len({episode.entity for episode in members}) - 1
    more = f" (+{others} service{'s' * (others > 1)})" if others else ""
    if entity.service:
        return f"{one_line(entity.service, 80)}: {name}{more}"
    thing = one_line(thing_of(worst.labels), 80)
    return f"{name} on {thing}{more}" if thing else f"{name}{more}"


def _called(episode: Episode) -> str:
    """`WatchdogSilent (Watchdog from alertmanager, cluster eu-1)` for one of ours."""
    about = _OWN.get(episode.name, ()) if episode.source.endswith("/watchkeeper") else ()
    words = " from ".join(one_line(episode.labels.get(label, ""), 60) for label in about)
    if about and episode.labels.get(WATCHDOG_LABELS):
        words += f", {one_line(episode.labels[WATCHDOG_LABELS], 120)}"
    return f"{episode.name} ({words})" if words else episode.name or "unnamed alert"
