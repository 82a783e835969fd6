"""Looking again at what is held back: dismissals that end, and pages whose suppression is over."""

from __future__ import annotations

import msgspec

from core.model.incident import OPEN, SEVERITIES, Held, Incident
from core.paging import notify
from core.standing import judge_soon
from core.suppression.holding import keep, let_go, look, unsettle
from core.world import Turn

# Pages that somebody who is at work on the incident gets all the same.
_FOR_ACKNOWLEDGED = ("severity_raised", "merged", "returned", "effect_back", "spread")


def on_held_timer(turn: Turn, incident: Incident) -> None:
    """Also called at once when something of the incident, or that it waits for, has changed."""
    if incident.status not in OPEN:
        incident.snooze = None
        let_go(turn.world, incident)
        return
    if incident.snooze is not None and (ended := _ended(incident, turn.at)):
        come_back(turn, incident, ended)
    elif incident.held is not None:
        _look_again(turn, incident, incident.held)
    if incident.snooze is not None:
        turn.arm_by(f"held:{incident.id}", incident.snooze.until)


def come_back(turn: Turn, incident: Incident, why: str, *, actor: str = "rule") -> None:
    """End the dismissal. What still fires is paged, unless a person took it back."""
    incident.snooze = None
    unsettle(incident)
    turn.note(incident, "returned", why, actor=actor)
    judge_soon(turn, incident)
    if not incident.firing:
        return
    if actor == "rule":
        notify(turn, incident, f"returned:{why.replace(':', ' ')}")
    elif incident.held is not None:
        _look_again(turn, incident, incident.held)


def look_at_all(turn: Turn) -> None:
    """Call after silences or rules have changed."""
    for name, incident in turn.world.state.incidents.items():
        if incident.held is not None:
            turn.arm(f"held:{name}", turn.at)
            unsettle(incident)
        if incident.clocks.stands is not None:
            turn.arm(f"stand:{name}", turn.at)


def _look_again(turn: Turn, incident: Incident, held: Held) -> None:
    if not _owed(incident, held):
        let_go(turn.world, incident)
        return
    if not incident.firing:
        return
    found = look(turn.world, incident, turn.at)
    if found is None:
        let_go(turn.world, incident)
        joined = " " if ":" in held.reason else ":"
        notify(turn, incident, f"{held.reason}{joined}after {held.by.partition(':')[2]}")
        return
    if found.by != held.by:
        turn.note(incident, "not_paged", found.by, detail=held.reason)
    keep(turn, incident, msgspec.structs.replace(found, reason=held.reason))


def _owed(incident: Incident, held: Held) -> bool:
    head = held.reason.partition(":")[0]
    return incident.status == "triggered" or head in _FOR_ACKNOWLEDGED


def _ended(incident: Incident, at: int) -> str:
    """Why a dismissal is over at `at`; empty while it is not."""
    snooze = incident.snooze
    if snooze is None:
        return ""
    if SEVERITIES.index(incident.severity) < SEVERITIES.index(snooze.severity):
        return f"severity_raised:{incident.severity}"
    if len(incident.entities) > snooze.services:
        return f"more_services:{len(incident.entities)}"
    return "time_is_up" if at >= snooze.until else ""
