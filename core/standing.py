"""Whether the clocks of an incident stand. They do while its page is held back and nobody was told yet. Once
somebody was told, or has it, only what a person decided stops them, and only while that covers all that
fires: a dismissal, a silence, planned maintenance, a quiet calendar. What flaps, follows from another alert,
or is too little for a page goes on.

What stood goes on with the time that it had left, and the history says both. It is looked at when a page is
held back or sent, when a person's decision begins, changes or ends, a minute after an alert of what stands
has changed, and when a time has come.
"""

from __future__ import annotations

import msgspec

from core.model.clocks import Stands
from core.model.incident import OPEN, Held, Incident
from core.suppression import suppressed
from core.suppression.holding import look
from core.suppression.kinds import HELD_BY, Kind
from core.times import format_rfc3339
from core.world import Turn, World

TIMERS = ("respond", "escalate", "remind")
_PEOPLE: tuple[Kind, ...] = ("dismissal", "silence", "maintenance", "mute")
_BY_PEOPLE = frozenset(HELD_BY[kind] for kind in _PEOPLE)


def arm(turn: Turn, incident: Incident, timer: str, due: int) -> None:
    """Of a clock that stands, for when it goes on."""
    stands = incident.clocks.stands
    if stands is None:
        turn.arm(f"{timer}:{incident.id}", due)
    else:
        incident.clocks.stands = msgspec.structs.replace(stands, due={**stands.due, timer: due})


def cancel(turn: Turn, incident: Incident, *timers: str) -> None:
    stands = incident.clocks.stands
    for timer in timers:
        turn.world.timers.cancel(f"{timer}:{incident.id}")
    if stands is not None:
        left = {name: due for name, due in stands.due.items() if name not in timers}
        incident.clocks.stands = msgspec.structs.replace(stands, due=left)


def due_of(turn: Turn, incident: Incident, timer: str) -> int | None:
    """When a clock is looked at; of one that stands, if it went on as of its last `catch_up`."""
    stands, armed = incident.clocks.stands, turn.world.timers.armed.get(f"{timer}:{incident.id}")
    return stands.due.get(timer) if stands is not None else armed[0] if armed is not None else None


def catch_up(turn: Turn, incident: Incident) -> None:
    """Call before times of clocks that may stand are read or set: they are as if they went on from now."""
    clocks = incident.clocks
    if clocks.stands is None:
        return
    stood = turn.at - clocks.stands.upto
    if clocks.respond_by is not None and clocks.responded_at is None and not clocks.overdue:
        clocks.respond_by += stood
    if clocks.update_by is not None and not clocks.missed:
        clocks.update_by += stood
    if clocks.escalating_since is not None:
        clocks.escalating_since += stood
    if clocks.repeat_at is not None:
        clocks.repeat_at += stood
    due = {name: moment + stood for name, moment in clocks.stands.due.items()}
    clocks.stands = msgspec.structs.replace(clocks.stands, upto=turn.at, due=due)


def judge(turn: Turn, incident: Incident) -> None:
    """Stop the clocks, or let them go on, as what holds its pages back is now. While nothing fires they stay
    as they are."""
    if incident.status not in OPEN or not incident.firing:
        return
    why, until = _reason(turn.world, incident, turn.at)
    if why:
        _stop(turn, incident, why)
    elif incident.clocks.stands is not None:
        _go_on(turn, incident)
    if until is not None and incident.clocks.stands is not None:
        turn.arm_by(f"stand:{incident.id}", max(until, turn.at + 1))


def judge_soon(turn: Turn, incident: Incident) -> None:
    """The same once the record is done with."""
    if incident.status in OPEN:
        turn.arm_by(f"stand:{incident.id}", turn.at)


def stands_instead(turn: Turn, incident: Incident, timer: str) -> bool:
    """Call when the time of `timer` has come: whether it stands, and comes once it goes on."""
    if incident.clocks.stands is None and not _may_stand(turn, incident):
        return False
    arm(turn, incident, timer, turn.at)
    judge(turn, incident)
    if incident.clocks.stands is not None:
        return True
    cancel(turn, incident, timer)
    return False


def _may_stand(turn: Turn, incident: Incident) -> bool:
    fires = incident.status in OPEN and bool(incident.firing)
    return fires and bool(_reason(turn.world, incident, turn.at)[0])


def drop(turn: Turn, incident: Incident) -> None:
    """They neither stand nor run any more: somebody responded, or it is over."""
    catch_up(turn, incident)
    incident.clocks.stands = None
    cancel(turn, incident, "stand")


def _reason(world: World, incident: Incident, at: int) -> tuple[str, int | None]:
    """By what the clocks are to stand and when to look again; "" for going on."""
    by_people = incident.status != "triggered" or incident.clocks.told
    # To look at its alerts costs far more, and mostly people have decided nothing.
    if by_people and not _decided(world, incident):
        return "", None
    held = look(world, incident, at)
    if held is None:
        return "", None
    names = list(held.names)
    if by_people:
        names = [name for name in names if name.partition(":")[0] in _BY_PEOPLE]
        if not names or (len(names) < len(held.names) and not _covered(world, incident, at)):
            return "", None
    return _goes_by(incident, held, names), held.until


def _decided(world: World, incident: Incident) -> bool:
    """Whether there is any decision of a person, of those in _PEOPLE, that may hold its pages back."""
    return bool(incident.snooze or world.state.silences or world.rules.quiet_times.windows)


def _goes_by(incident: Incident, held: Held, names: list[str]) -> str:
    """What was named before is named on."""
    stands = incident.clocks.stands
    if stands is not None and stands.why in names:
        return stands.why
    return held.by if held.by in names else names[0]


def _covered(world: World, incident: Incident, at: int) -> bool:
    """Whether a person's decision covers each alert that fires."""
    return all(
        any(one.kind in _PEOPLE for one in suppressed(world, episode, at))
        for episode in world.suppression.living.of(incident)
        if episode.status != "resolved"
    )


def _stop(turn: Turn, incident: Incident, why: str) -> None:
    stands = incident.clocks.stands
    if stands is not None:
        if why != stands.why:
            incident.clocks.stands = msgspec.structs.replace(stands, why=why)
            incident.version += 1
        return
    found = {timer: due_of(turn, incident, timer) for timer in TIMERS}
    due = {timer: moment for timer, moment in found.items() if moment is not None}
    if due:
        cancel(turn, incident, *TIMERS)
        incident.clocks.stands = Stands(turn.at, why, turn.at, due)
        turn.note(incident, "clocks_stand", why)


def _go_on(turn: Turn, incident: Incident) -> None:
    catch_up(turn, incident)
    clocks = incident.clocks
    due = clocks.stands.due if clocks.stands is not None else {}
    drop(turn, incident)
    for timer, moment in due.items():
        turn.arm(f"{timer}:{incident.id}", moment)
    if due:
        turn.note(incident, "clocks_go_on", "no_longer_held", detail=_left(incident))


def _left(incident: Incident) -> str:
    """Until when, in words."""
    clocks = incident.clocks
    if incident.status == "triggered" and clocks.respond_by is not None and not clocks.overdue:
        return f"response by {_moment(clocks.respond_by)}"
    if incident.status != "triggered" and clocks.update_by is not None and not clocks.missed:
        return f"update by {_moment(clocks.update_by)}"
    return ""


def _moment(at: int) -> str:
    """`2026-03-02 08:45:22 UTC`."""
    return f"{format_rfc3339(at)[:19].replace('T', ' ')} UTC"
