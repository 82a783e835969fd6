"""When people are told: the notify decisions, each with a named reason.

The first page waits as long as its severity allows, so that one message can tell the whole story. After
it, a rise in severity, a merge, a reopening and the resolution are told at once; services that joined
are told together, once, unless somebody has acknowledged.
"""

from __future__ import annotations

from core.findings import refresh
from core.model.incident import Incident
from core.world import Turn


def announce_opening(turn: Turn, incident: Incident) -> None:
    turn.arm(f"notify:{incident.id}", turn.at + turn.world.rules.notify.wait[incident.severity])


def announce_severity(turn: Turn, incident: Incident) -> None:
    name = f"notify:{incident.id}"
    pending = turn.world.timers.armed.get(name)
    if pending is not None:
        due = turn.at + turn.world.rules.notify.wait[incident.severity]
        if due < pending[0]:
            turn.arm(name, due)
    elif incident.notified:
        notify(turn, incident, f"severity_raised:{incident.severity}")


def announce_merge(turn: Turn, kept: Incident, absorbed: Incident) -> None:
    if absorbed.notified:
        turn.world.timers.cancel(f"notify:{kept.id}")
        notify(turn, kept, f"merged:{absorbed.id}")


def announce_reopening(turn: Turn, incident: Incident) -> None:
    notify(turn, incident, "reopened")


def announce_resolution(turn: Turn, incident: Incident) -> None:
    """Only those who were paged want to know."""
    turn.world.timers.cancel(f"notify:{incident.id}")
    turn.world.timers.cancel(f"update:{incident.id}")
    if incident.notified:
        notify(turn, incident, "resolved")


def on_notify_timer(turn: Turn, incident: Incident) -> None:
    if incident.status != "triggered":
        turn.note(incident, "not_paged", f"already_{incident.status}")
    elif not incident.firing:
        turn.note(incident, "not_paged", "nothing_fires_any_more")
    else:
        notify(turn, incident, "opened")


def watch_for_page(turn: Turn, incident: Incident) -> None:
    """An incident that was quiet when its page was due is paged when something fires again."""
    if incident.firing and not incident.notified and incident.status == "triggered":
        due = turn.at + turn.world.rules.notify.wait[incident.severity]
        turn.world.timers.arm_if_idle(f"notify:{incident.id}", due, turn.seq)


def on_update_timer(turn: Turn, incident: Incident) -> None:
    if incident.status == "triggered" and len(incident.entities) > incident.notified_services:
        notify(turn, incident, f"more_services:{len(incident.entities)}")


def watch_for_more(turn: Turn, incident: Incident) -> None:
    """After the first page: services that join are told together."""
    if incident.notified and len(incident.entities) > incident.notified_services:
        due = turn.at + turn.world.rules.notify.update_after
        turn.world.timers.arm_if_idle(f"update:{incident.id}", due, turn.seq)


def notify(turn: Turn, incident: Incident, reason: str) -> None:
    world = turn.world
    refresh(world, incident)
    environment, team = _place(turn, incident)
    receiver = world.config.routes.receiver(team=team, severity=incident.severity, environment=environment)
    # One page per incident and record: its text is made when it is sent, and holds all of it.
    told = (turn.seq, turn.at, receiver)
    if incident.told == told:
        return
    incident.told = told
    decision = turn.decide("notify", incident.id, reason, receiver)
    world.state.pending[decision.id] = decision
    incident.notified += 1
    incident.notified_services = len(incident.entities)
    turn.note(incident, "paged", reason, detail=receiver)


def _place(turn: Turn, incident: Incident) -> tuple[str, str]:
    """Environment and team of the probable origin: the people who can mend it."""
    world = turn.world
    origin = incident.origin
    members = world.members(incident)
    entity = origin.entity if origin else members[0].entity
    entry = world.config.catalogue.entry(entity)
    if entry is not None and entry.team:
        return entity.environment, entry.team
    for episode in members:
        if episode.entity == entity:
            for label in world.rules.identity.team:
                if episode.labels.get(label):
                    return entity.environment, episode.labels[label]
    return entity.environment, ""
