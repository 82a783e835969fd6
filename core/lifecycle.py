"""The lifecycle of an incident: triggered, acknowledged, resolved, closed; and reopened by what returns.

People move it by `transition` records, rules by timers. What is not allowed is refused with what is.
"""

from __future__ import annotations

import msgspec

from core.config import typed_payload
from core.errors import TransitionRefused
from core.explaining import explain_now, explain_soon
from core.findings import refresh
from core.journal import Draft, Record, json_draft
from core.model.incident import Incident, IncidentStatus
from core.paging import announce_reopening, announce_resolution
from core.times import format_rfc3339
from core.world import Turn, World

ALLOWED: dict[IncidentStatus, tuple[IncidentStatus, ...]] = {
    "triggered": ("acknowledged", "resolved"),
    "acknowledged": ("resolved",),
    "resolved": ("closed", "triggered"),
    "closed": (),
}


class Transition(msgspec.Struct, frozen=True):
    """The payload of a `transition` record."""

    incident: str
    to: IncidentStatus
    actor: str
    reason: str = ""


def transition_draft(transition: Transition, source: str) -> Draft:
    return json_draft("transition", source, msgspec.to_builtins(transition))


def check(incident: Incident, to: str) -> None:
    """Raises TransitionRefused, saying what is allowed."""
    allowed = ALLOWED[incident.status]
    if to in allowed:
        return
    what = f"{incident.id} is {incident.status}"
    if incident.status == "acknowledged" and to == "acknowledged":
        what += f" since {format_rfc3339(incident.acknowledged_at or 0)} by {incident.acknowledged_by}"
    mend = f"Allowed from here: {', '.join(allowed)}" if allowed else "A closed incident stays closed"
    raise TransitionRefused(f"{what}, so it cannot become {to!r}", where="transition", mend=mend)


def apply_transition(turn: Turn, record: Record) -> None:
    """What was refused at the door cannot come here, but two people may act at once: the first one wins."""
    transition: Transition = typed_payload(record, Transition)
    incident = turn.world.state.incidents.get(turn.world.resolve_id(transition.incident))
    if incident is None or transition.to not in ALLOWED[incident.status]:
        return
    actor, words = transition.actor, transition.reason
    match transition.to:
        case "acknowledged":
            incident.status = "acknowledged"
            incident.acknowledged_at, incident.acknowledged_by = turn.at, actor
            turn.decide("acknowledge", incident.id, "person")
            turn.note(incident, "acknowledged", "person", actor=actor, detail=words)
        case "resolved":
            _resolve(turn, incident, "person", actor, words)
        case "triggered":
            reopen(turn, incident, "person", actor, words)
        case "closed":
            _close(turn, incident, "person", actor, words)


def watch_for_quiet(turn: Turn, incident: Incident) -> None:
    """Call after an alert changed: the clear timer runs while nothing fires."""
    name = f"resolve:{incident.id}"
    if incident.firing or incident.status in ("resolved", "closed"):
        turn.world.timers.cancel(name)
    elif name not in turn.world.timers.armed:
        turn.arm(name, turn.at + turn.world.rules.lifecycle.clear_after)


def on_resolve_timer(turn: Turn, incident: Incident) -> None:
    if not incident.firing and incident.status not in ("resolved", "closed"):
        _resolve(turn, incident, "all_alerts_resolved", "rule", "")


def on_close_timer(turn: Turn, incident: Incident) -> None:
    if incident.status == "resolved":
        _close(turn, incident, "resolved_long_enough", "rule", "")


def reopen(turn: Turn, incident: Incident, reason: str, actor: str = "rule", words: str = "") -> None:
    incident.status, incident.resolved_at = "triggered", None
    incident.acknowledged_at, incident.acknowledged_by = None, ""
    turn.world.timers.cancel(f"close:{incident.id}")
    turn.decide("reopen", incident.id, reason)
    turn.note(incident, "reopened", reason, actor=actor, detail=words)
    announce_reopening(turn, incident)
    incident.explained = None
    explain_soon(turn, incident)


def _resolve(turn: Turn, incident: Incident, reason: str, actor: str, words: str) -> None:
    incident.status, incident.resolved_at = "resolved", turn.at
    turn.world.timers.cancel(f"resolve:{incident.id}")
    turn.arm(f"close:{incident.id}", turn.at + turn.world.rules.lifecycle.close_after)
    turn.decide("resolve", incident.id, reason)
    turn.note(incident, "resolved", reason, actor=actor, detail=words)
    announce_resolution(turn, incident)
    explain_now(turn, incident, "resolved")


def _close(turn: Turn, incident: Incident, reason: str, actor: str, words: str) -> None:
    turn.decide("close", incident.id, reason)
    turn.note(incident, "closed", reason, actor=actor, detail=words)
    refresh(turn.world, incident)
    incident.status, incident.closed_at = "closed", turn.at
    for episode in turn.world.members(incident):
        turn.world.index.unlink(episode)
    turn.world.timers.cancel(f"close:{incident.id}")
    turn.arm(f"forget:{incident.id}", turn.at + turn.world.rules.lifecycle.reopen_window)


def may_forget(world: World, incident: Incident) -> bool:
    """A closed incident stays in memory while one of its alerts still fires: its resends belong here."""
    return incident.status == "closed" and incident.firing == 0
