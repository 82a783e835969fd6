"""Grouping: an incident is a connected component of episodes over the link rules.

A new episode opens an incident, joins one, or joins several into one. The earliest published id stays;
the others redirect to it. Nothing ever leaves a published incident.
"""

from __future__ import annotations

from typing import cast

from core import severity
from core.canonical import readable_id
from core.correlation import dependency_edge, same_entity
from core.correlation.link import LinkRule
from core.explaining import explain_soon, watch_for_news
from core.lifecycle import reopen
from core.model.incident import OPEN, Episode, Incident
from core.paging import announce_merge, announce_opening, watch_for_more
from core.times import format_rfc3339
from core.world import Turn

LINK_RULES: tuple[LinkRule, ...] = (cast(LinkRule, same_entity), cast(LinkRule, dependency_edge))


def place(turn: Turn, episode: Episode) -> None:
    """Put a new episode where it belongs."""
    incidents, barred = _linked_incidents(turn, episode)
    if incidents:
        incident = incidents[0]
        for other in incidents[1:]:
            _merge(turn, incident, other)
    else:
        incident = _open(turn, episode, barred)
    _join(turn, incident, episode)


def _linked_incidents(turn: Turn, episode: Episode) -> tuple[list[Incident], str]:
    """Incidents to join, earliest first, and the latest one that would have been but for a barrier."""
    world = turn.world
    episodes, incidents = world.state.episodes, world.state.incidents

    def conducts(other: str) -> bool:
        return _conducts(turn, incidents[episodes[other].incident], episode)

    found: dict[str, Incident] = {}
    barred: list[tuple[int, str]] = []
    for rule in LINK_RULES:
        for other, verdict in rule.partners(world, episode, conducts):
            incident = incidents[episodes[other].incident]
            if verdict:
                found[incident.id] = incident
            else:
                barred.append((incident.resolved_at or 0, incident.id))
    ordered = sorted(found.values(), key=lambda one: (one.opened_at, one.opened_seq, one.id))
    return ordered, max(barred, default=(0, ""))[1]


def _conducts(turn: Turn, incident: Incident, episode: Episode) -> bool:
    if incident.status in OPEN:
        return True
    if incident.status == "closed" or incident.resolved_at is None:
        return False
    return episode.starts_at <= incident.resolved_at + turn.world.rules.lifecycle.reopen_window


def _open(turn: Turn, episode: Episode, recurrence_of: str) -> Incident:
    incident = Incident(
        id=_new_id(turn, episode),
        domain=episode.entity.domain,
        opened_at=turn.at,
        opened_seq=turn.seq,
        members=[],
        recurrence_of=recurrence_of,
    )
    turn.world.state.incidents[incident.id] = incident
    reason = "recurrence" if recurrence_of else "first_alert"
    turn.note(incident, "opened", reason, detail=recurrence_of)
    turn.decide("open", incident.id, reason)
    return incident


def _new_id(turn: Turn, episode: Episode) -> str:
    """From the opening record and episode; longer in the rare case that the short one is taken."""
    day = format_rfc3339(turn.at)[:10].replace("-", "")
    state = turn.world.state
    for length in range(6, 53):
        name = f"INC-{day}-{readable_id(turn.seq, episode.id, length=length)}"
        if name not in state.incidents and name not in state.redirects:
            return name
    raise AssertionError("52 characters of a SHA-256 do not repeat")


def _join(turn: Turn, incident: Incident, episode: Episode) -> None:
    incident.members.append(episode.id)
    episode.incident = incident.id
    if not episode.first_incident:
        episode.first_incident = incident.id
    incident.firing += episode.status != "resolved"
    known = len(incident.entities)
    severity.add_member(turn, incident, episode)
    turn.touch(incident)
    if len(incident.members) == 1:
        severity.update(turn, incident)
        announce_opening(turn, incident)
        explain_soon(turn, incident)
        return
    if incident.status == "resolved" and episode.status != "resolved":
        reopen(turn, incident, "new_alert")
    severity.update(turn, incident)
    if len(incident.entities) > known:
        turn.note(incident, "service_joined", "linked", detail=episode.entity.service)
        watch_for_more(turn, incident)


def _merge(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    state, timers = turn.world.state, turn.world.timers
    for name in absorbed.members:
        state.episodes[name].incident = kept.id
    kept.members.extend(absorbed.members)
    kept.firing += absorbed.firing
    kept.changes = sorted({*kept.changes, *absorbed.changes})
    kept.merged_from = sorted({*kept.merged_from, absorbed.id, *absorbed.merged_from})
    kept.recurrence_of = kept.recurrence_of or absorbed.recurrence_of
    kept.history = sorted([*kept.history, *absorbed.history], key=lambda moment: moment.at)
    kept.deliveries.extend(absorbed.deliveries)
    kept.remarks.extend(absorbed.remarks)
    kept.asked.extend(absorbed.asked)
    severity.merge(kept, absorbed)
    _merge_status(turn, kept, absorbed)
    state.redirects[absorbed.id] = kept.id
    del state.incidents[absorbed.id]
    for timer in ("notify", "update", "explain", "resolve", "close"):
        timers.cancel(f"{timer}:{absorbed.id}")
    turn.note(kept, "merged", "linked", detail=absorbed.id)
    turn.decide("merge", kept.id, f"linked_with:{absorbed.id}")
    severity.update(turn, kept)
    announce_merge(turn, kept, absorbed)
    watch_for_more(turn, kept)
    watch_for_news(turn, kept)


def _merge_status(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    """Somebody at work on either is at work on both; open wins over resolved."""
    if absorbed.status == "acknowledged" and kept.status != "acknowledged":
        kept.status = "acknowledged"
        kept.acknowledged_at, kept.acknowledged_by = absorbed.acknowledged_at, absorbed.acknowledged_by
    elif absorbed.status == "triggered" and kept.status == "resolved":
        kept.status = "triggered"
    if kept.status != "resolved":
        kept.resolved_at = None
        turn.world.timers.cancel(f"close:{kept.id}")
    elif absorbed.resolved_at is not None:
        kept.resolved_at = max(kept.resolved_at or 0, absorbed.resolved_at)
