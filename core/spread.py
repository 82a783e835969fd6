"""What turns critical in an incident that somebody has already: whoever has it may not know of it.

Looked for when such an alert is told, and once `spread_after` has passed since the last page of the kind, so
that what follows is told together. What flaps, follows from another alert or is silenced does not count, nor
does what people know by then: what had alerted when somebody took it, and what a merge brought.
"""

from __future__ import annotations

from collections.abc import Container

from core.model.incident import Episode, Incident
from core.narrative.place import spot_of, thing_of
from core.narrative.plain import one_line
from core.paging import notify
from core.response import AT_WORK
from core.suppression import suppressed
from core.world import Turn

_NAMED = 3


def watch_for_spread(turn: Turn, incident: Incident, episode: Episode) -> None:
    """Call after an alert was told."""
    if incident.status != "acknowledged" or episode.alert_rank or episode.status != "firing":
        return
    every, known = turn.world.rules.notify.spread_after, incident.acknowledged_at or 0
    if not every or episode.received_at <= known or not _unknown(turn, episode, incident.spread):
        return
    due = turn.at if incident.spread_at is None else max(turn.at, incident.spread_at + every)
    turn.world.timers.arm_if_idle(f"spread:{incident.id}", due, turn.seq)


def on_spread_timer(turn: Turn, incident: Incident) -> None:
    if incident.status != "acknowledged":
        return
    found = _new(turn, incident)
    if not found:
        return
    incident.spread.extend(key for one in found for key in _keys(turn, one))
    incident.spread_at = turn.at
    names = list(dict.fromkeys(_name(turn, one) for one in found))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    turn.note(incident, "spread", "new_critical_alert", detail=", ".join(names[:_NAMED]) + more)
    notify(turn, incident, f"spread:{len(names)}")


def known_by_merge(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """Call before the two are one: what either holds is told by the merge."""
    if AT_WORK.isdisjoint((kept.status, absorbed.status)):
        return
    episodes = turn.world.state.episodes
    members = [episodes[name] for name in (*kept.members, *absorbed.members)]
    held = [key for one in members for key in _keys(turn, one)]
    kept.spread = list(dict.fromkeys([*kept.spread, *absorbed.spread, *held]))
    told = [at for at in (kept.spread_at, absorbed.spread_at) if at is not None]
    kept.spread_at = max(told, default=None)


def _new(turn: Turn, incident: Incident) -> list[Episode]:
    """What is critical and free to page, the first alert of each."""
    taken, members = incident.acknowledged_at or 0, turn.world.members(incident)
    known = {key for one in members if one.received_at <= taken for key in _keys(turn, one)}
    known.update(incident.spread)
    found = []
    for one in members:
        critical = one.status == "firing" and not one.alert_rank
        if critical and _unknown(turn, one, known) and not suppressed(turn.world, one, turn.at):
            found.append(one)
            known.update(_keys(turn, one))
    return found


def _unknown(turn: Turn, episode: Episode, known: Container[str]) -> bool:
    return not any(key in known for key in _keys(turn, episode))


def _keys(turn: Turn, episode: Episode) -> tuple[str, ...]:
    """It is known when one of them is. A scrape job names machines that have little in common: what tells
    another thing of another machine there is something else."""
    entity = episode.entity
    place = f"{entity.environment}/{entity.cluster}/{spot_of(episode)}"
    if not _by_job(turn, episode):
        return (place,)
    return f"{place}/{thing_of(episode.labels)}", f"{place}/{episode.name}"


def _name(turn: Turn, episode: Episode) -> str:
    thing = thing_of(episode.labels) if _by_job(turn, episode) else ""
    name = spot_of(episode) or episode.name
    return one_line(f"{name} ({thing})" if thing else name, 80)


def _by_job(turn: Turn, episode: Episode) -> bool:
    """Whether nothing but the scrape job names its service."""
    names, labels, service = turn.world.rules.identity, episode.labels, episode.entity.service
    told = any(labels.get(name) == service for name in names.job)
    return bool(service) and told and not any(labels.get(name) == service for name in names.service)
