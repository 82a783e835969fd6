"""The gate before a page: an incident pages while at least one alert of it that fires is not suppressed.

A page that is due while all are is not lost: it is `held`, says by what, and is looked at again when that may
be over (the timer `held:INCIDENT`), or at once when an alert of the incident changes, or nothing inhibits any
more where it waits.
"""

from __future__ import annotations

import msgspec

from core.model.incident import Episode, Held, Incident
from core.suppression import suppressed
from core.suppression.deploys import told_of
from core.suppression.flapping import flap_now
from core.suppression.kinds import HELD_BY
from core.suppression.living import over
from core.suppression.threshold import short_of
from core.world import Turn, World

_SHOWN = 5
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
    first_waits = before is not None and before.reason == "opened" and not incident.notified
    # Whoever has it already is owed what was said after that.
    if first_waits and incident.status == "triggered":
        reason = "opened"
    if before is None or (before.by, before.reason) != (found.by, reason):
        turn.note(incident, "not_paged", found.by, detail=_detail(found, reason))
    keep(turn, incident, msgspec.structs.replace(found, reason=reason))
    return True


def keep(turn: Turn, incident: Incident, held: Held) -> None:
    before, incident.held = incident.held, held
    if before is None or held.places is not before.places:
        turn.world.suppression.waiting.note(turn.world, incident)
    if held.until is not None:
        turn.arm_by(f"held:{incident.id}", held.until)


def let_go(world: World, incident: Incident) -> None:
    world.suppression.living.drop(incident)
    if incident.held is not None:
        incident.held = None
        world.suppression.waiting.note(world, incident)


def unsettle(incident: Incident) -> None:
    """What was known of its alerts does not count any more: all of them are looked at next time."""
    if incident.held is not None:
        incident.held = msgspec.structs.replace(incident.held, whole=False)


def relabelled(turn: Turn, episode: Episode) -> None:
    """Call when an alert's labels have changed: what suppresses it, and what it inhibits, may differ now."""
    world = turn.world
    world.index.fresh.append(episode.id)
    incident = world.state.incidents.get(episode.incident)
    if incident is not None and incident.held is not None:
        unsettle(incident)
        turn.arm(f"held:{incident.id}", turn.at)
    for name in world.suppression.waiting.relabelled(world, episode):
        turn.arm_by(f"held:{name}", turn.at)


def look(world: World, incident: Incident, at: int) -> Held | None:
    """What holds all alerts that fire back at `at`; None when one of them is free to page."""
    free = world.suppression.living.free(incident)
    if free is not None and not suppressed(world, free, at):
        return None
    before = incident.held
    if before is not None and before.whole and _still(world, incident, before, at):
        members, seen = incident.members, before.seen
        if members[seen - 1 : seen] == [before.last]:
            if len(members) == seen:
                return before
            new = [world.state.episodes[one] for one in members[seen:]]
            return _looked_at(world, incident, at, new, before)
    return _looked_at(world, incident, at, world.suppression.living.of(incident), None)


def _looked_at(
    world: World, incident: Incident, at: int, alerts: list[Episode], before: Held | None
) -> Held | None:
    """With what was found `before` of the other members. The newest first: one that is free settles it."""
    names = set(before.names if before else ())
    until = before.until if before else None
    waits, places = set(before.waits_for if before else ()), set(before.places if before else ())
    whole = True
    for episode in reversed(alerts):
        if over(episode):
            continue
        found = suppressed(world, episode, at)
        if not found:
            if episode.status != "resolved":
                world.suppression.living.found_free(incident, episode)
                return None
            whole = False
        for one in found:
            names.add(one.name)
            until = one.until if until is None else min(until, one.until or until)
            waits |= {one.waits_for} - {""}
            if one.place is not None:
                places.add(one.place)
    if not names:
        return None
    ordered = sorted(names)
    return Held(
        "",
        before.by if before and before.by in names else ordered[0],
        until,
        tuple(ordered),
        tuple(sorted(waits)),
        len(incident.members),
        whole,
        incident.members[-1],
        {name: told_of(world, name) for name in sorted(waits)},
        tuple(sorted(places)),
    )


def _still(world: World, incident: Incident, held: Held, at: int) -> bool:
    """Whether nothing that it waits for has changed: what holds has a time, a place where something stands or
    a deploy that it goes by, the thresholds that were not reached, or alerts that flap."""
    if held.until is not None and at >= held.until:
        return False
    if any(told_of(world, name) != held.deploys.get(name) for name in held.waits_for):
        return False
    if not all(world.suppression.waiting.taken(world, place) for place in held.places):
        return False
    short: list[str] | None = None
    for name in held.names:
        kind, _, which = name.partition(":")
        if kind == HELD_BY["threshold"]:
            short = short_of(world, incident) if short is None else short
            if which not in short:
                return False
        elif kind == HELD_BY["flapping"] and flap_now(world, incident.domain, which, at) is None:
            return False
    return True


def _detail(held: Held, reason: str) -> str:
    others = [name for name in held.names if name != held.by]
    also = f", {', '.join(others[:_SHOWN])}" if others else ""
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"{reason}{also}{more}"
