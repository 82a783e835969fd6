"""The gate before a page: an incident pages while at least one alert of it that fires is not suppressed.

A page that is due while all are is not lost: it is `held`, says by what, and is looked at again when that may
be over (the timer `held:INCIDENT`), or at once when an alert of the incident or one it waits for changes.
"""

from __future__ import annotations

import msgspec

from core.model.incident import Episode, Held, Incident
from core.suppression import suppressed
from core.suppression.kinds import Suppression
from core.world import Turn, World

_SHOWN = 5
# These hold on until a time, or until an alert ends that is waited for. Of the others (a deploy that is told
# anew, the number of alerts) any change may be the end.
_STEADY = frozenset({"silence", "inhibition", "maintenance", "mute", "dismissal"})
# What those who were paged are told in any case.
_ALWAYS = ("resolved", "acknowledged")


def hold(turn: Turn, incident: Incident, reason: str) -> bool:
    """Call before a page. True: it is held back, and noted so. That somebody is on it, or that it is over,
    is told all the same."""
    if reason in _ALWAYS or not incident.firing:
        return False
    found = look(turn.world, incident, turn.at)
    if found is None:
        let_go(turn.world, incident)
        return False
    before = incident.held
    if before is not None and before.reason == "opened" and not incident.notified:
        reason = "opened"
    if before is None or (before.by, before.reason) != (found.by, reason):
        turn.note(incident, "not_paged", found.by, detail=_detail(found, reason))
    keep(turn, incident, msgspec.structs.replace(found, reason=reason))
    return True


def keep(turn: Turn, incident: Incident, held: Held) -> None:
    incident.held = held
    turn.world.suppression.waiting.note(incident)
    if held.until is not None:
        turn.arm_by(f"held:{incident.id}", held.until)


def let_go(world: World, incident: Incident) -> None:
    if incident.held is not None:
        incident.held = None
        world.suppression.waiting.note(incident)


def unsettle(incident: Incident) -> None:
    """What was known of its alerts does not count any more: all of them are looked at next time."""
    if incident.held is not None:
        incident.held = msgspec.structs.replace(incident.held, whole=False)


def relabelled(turn: Turn, episode: Episode) -> None:
    """Call when an alert's labels have changed: what suppresses it, and what it inhibits, may differ now."""
    world = turn.world
    world.index.fresh.append(episode.id)
    for name in (episode.incident, *world.suppression.waiting.of(episode.incident)):
        incident = world.state.incidents.get(name)
        if incident is not None and incident.held is not None:
            unsettle(incident)
            turn.arm(f"held:{name}", turn.at)


def look(world: World, incident: Incident, at: int) -> Held | None:
    """What holds all alerts that fire back at `at`; None when one of them is free to page."""
    before = incident.held
    if before is not None and before.whole and _still(world, before, at):
        members, seen = incident.members, before.seen
        if members[seen - 1 : seen] == [before.last]:
            return before if len(members) == seen else _looked_at(world, incident, at, members[seen:], before)
    return _looked_at(world, incident, at, incident.members, None)


def _looked_at(
    world: World, incident: Incident, at: int, members: list[str], before: Held | None
) -> Held | None:
    """With what was found `before` of the other members."""
    rows: dict[str, Suppression] = {}
    until = before.until if before else None
    waits, whole = set(before.waits_for if before else ()), True
    for name in members:
        episode = world.state.episodes[name]
        found = suppressed(world, episode, at)
        if not found:
            if episode.status != "resolved":
                return None
            whole = False
            continue
        for one in found:
            rows.setdefault(one.name, one)
            until = one.until if until is None else min(until, one.until or until)
            waits |= {one.waits_for} - {""}
            whole = whole and one.kind in _STEADY
    names = sorted({*rows, *(before.names if before else ())})
    by = before.by if before and before.by in names else names[0]
    seen = len(incident.members)
    return Held("", by, until, tuple(names), tuple(sorted(waits)), seen, whole, incident.members[-1])


def _still(world: World, held: Held, at: int) -> bool:
    """Whether nothing that it waits for has changed."""
    if held.until is not None and at >= held.until:
        return False
    return all(_goes_on(world, name) for name in held.waits_for)


def _goes_on(world: World, name: str) -> bool:
    episode = world.state.episodes.get(name)
    return episode is not None and episode.status == "firing"


def _detail(held: Held, reason: str) -> str:
    others = [name for name in held.names if name != held.by]
    also = f", {', '.join(others[:_SHOWN])}" if others else ""
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"{reason}{also}{more}"
