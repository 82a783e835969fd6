"""Splitting: some alerts of an incident become one of their own, with a new id. The rest stays what it was.

People split by a transition, and then the two are parted for good; regrouping splits by rule. What an
incident sums up of its alerts (what fires, services, severity, changes) is counted anew on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

from core import barriers, response, severity
from core.asking import explain_soon, watch_for_news
from core.findings.recent_change import attach_to_episode
from core.lifecycle import watch_for_quiet
from core.merging import look_soon
from core.model.incident import Incident
from core.naming import new_incident_id
from core.paging import announce_opening, notify, watch_for_page
from core.world import Turn


def split(
    turn: Turn, incident: Incident, episode_ids: Sequence[str], reason: str, actor: str = "rule"
) -> Incident:
    """The new incident. `episode_ids` are some of the members, not all; the incident is not closed.

    A person's split begins a new response: somebody must take it. By rule it goes on as far as it was.
    """
    leaving = set(episode_ids)
    names = [name for name in incident.members if name in leaving]
    new = found_of(turn, incident, names)
    new.split_from = incident.id
    incident.members = [name for name in incident.members if name not in leaving]
    incident.split_into += (new.id,)
    barriers.divide(turn.world, incident, new)
    turn.note(new, "split_off", reason, actor=actor, detail=incident.id)
    turn.note(incident, "split", reason, actor=actor, detail=new.id)
    turn.decide("split", incident.id, f"{reason}:{new.id}")
    turn.decide("open", new.id, f"split_from:{incident.id}")
    for one in (incident, new):
        count(turn, one)
    _go_on(turn, incident, new, by_rule=actor == "rule")
    return new


def found_of(turn: Turn, old: Incident, names: list[str]) -> Incident:
    """A new incident that takes these alerts (episode ids) of `old`; what it sums up is to be counted."""
    new = Incident(
        id=new_incident_id(turn, f"{old.id}/{names[0]}"),
        domain=old.domain,
        opened_at=turn.at,
        opened_seq=turn.seq,
        members=names,
    )
    turn.world.state.incidents[new.id] = new
    for name in names:
        turn.world.state.episodes[name].incident = new.id
    return new


def count(turn: Turn, incident: Incident) -> None:
    """What the incident sums up of its members."""
    world = turn.world
    incident.entities, incident.worst_rank, incident.tier, incident.production = set(), 99, None, False
    incident.firing, incident.changes = 0, []
    for name in incident.members:
        episode = world.state.episodes[name]
        incident.firing += episode.status != "resolved"
        severity.add_member(turn, incident, episode)
        attach_to_episode(world, episode)
    incident.calm = min(incident.calm, incident.firing)
    severity.update(turn, incident)
    incident.notified_services = min(incident.notified_services, len(incident.entities))


def _go_on(turn: Turn, incident: Incident, new: Incident, *, by_rule: bool) -> None:
    if incident.status == "resolved":
        new.status, new.resolved_at = "resolved", incident.resolved_at
        due = turn.world.timers.armed.get(f"close:{incident.id}")
        close_after = turn.world.rules.lifecycle.close_after
        turn.arm(f"close:{new.id}", due[0] if due else turn.at + close_after)
    elif by_rule:
        _take_status(incident, new)
        response.carry(turn, incident, new)
    if new.status == "triggered":
        _tell(turn, incident, new, by_rule=by_rule)
    for one in (incident, new):
        watch_for_quiet(turn, one)
        watch_for_page(turn, one)
        look_soon(turn, one)
    explain_soon(turn, new)
    watch_for_news(turn, incident)


def _take_status(incident: Incident, new: Incident) -> None:
    new.status, new.snooze = incident.status, incident.snooze
    new.acknowledged_at, new.acknowledged_by = incident.acknowledged_at, incident.acknowledged_by
    new.mitigated_at, new.mitigated_by, new.calm = incident.mitigated_at, incident.mitigated_by, new.firing


def _tell(turn: Turn, incident: Incident, new: Incident, *, by_rule: bool) -> None:
    """It may be another team's. What nobody was told of yet is announced like any other."""
    if not by_rule or not incident.notified:
        announce_opening(turn, new)
    if incident.notified and new.firing:
        turn.world.timers.cancel(f"notify:{new.id}")
        notify(turn, new, f"split_from:{incident.id}")
