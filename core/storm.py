"""Storm mode: many alerts begin at once. Until it has blown over, first pages wait for the picture to
settle, so that there is a message for each cause and not one for each alert; what is P0 is paged as ever.

With hysteresis: it begins at so many new alerts within the rule's time, and ends when there were only a
quarter of that. Counted in tenths of that time, by when alerts came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from core.rules.storm import StormRule

if TYPE_CHECKING:
    from core.model.incident import Incident
    from core.world import Turn, World

_PARTS = 10


class Storm(msgspec.Struct):
    """New alerts by tenth of the rule's time; `since` (ms UTC) while it is one."""

    # Tenth and count, the latest last.
    counts: list[tuple[int, int]] = []
    since: int | None = None


def count_alert(turn: Turn) -> None:
    """Call for each new alert."""
    rule, storm = turn.world.rules.storm, turn.world.state.storm
    if not rule.alerts:
        return
    part = turn.at // _length(rule)
    if storm.counts and storm.counts[-1][0] == part:
        storm.counts[-1] = (part, storm.counts[-1][1] + 1)
    else:
        storm.counts.append((part, 1))
    if storm.since is None and _recent(storm, part) >= rule.alerts:
        storm.since = turn.at
        turn.arm("storm:", turn.at + rule.within)


def on_storm_timer(turn: Turn) -> None:
    """It ends once there were few for as long as the rule counts."""
    rule, storm = turn.world.rules.storm, turn.world.state.storm
    if not rule.alerts or recent_alerts(turn.world, turn.at) <= rule.alerts // 4:
        storm.since = None
    else:
        turn.arm("storm:", turn.at + _length(rule))


def recent_alerts(world: World, at: int) -> int:
    """New alerts within the rule's time up to `at`."""
    rule = world.rules.storm
    return _recent(world.state.storm, at // _length(rule)) if rule.alerts else 0


def first_wait(turn: Turn, incident: Incident) -> int:
    """How long the first page of an incident waits, in ms."""
    wait = turn.world.rules.notify.wait[incident.severity]
    if turn.world.state.storm.since is None or incident.severity == "P0":
        return wait
    return max(wait, turn.world.rules.storm.wait)


class Waiting(NamedTuple):
    """A first page that waits because of a storm: since when there is one, and when the page is due."""

    since: int
    due: int


def waiting(world: World, incident: Incident) -> Waiting | None:
    """None where no storm makes the first page of an incident wait longer than it would."""
    since, rule = world.state.storm.since, world.rules.storm
    armed = world.timers.armed.get(f"notify:{incident.id}")
    if since is None or armed is None or incident.severity == "P0":
        return None
    longer = rule.wait > world.rules.notify.wait[incident.severity]
    return Waiting(since, armed[0]) if longer and armed[0] - rule.wait >= since else None


def _length(rule: StormRule) -> int:
    return max(1, rule.within // _PARTS)


def _recent(storm: Storm, part: int) -> int:
    while storm.counts and storm.counts[0][0] <= part - _PARTS:
        del storm.counts[0]
    return sum(count for _, count in storm.counts)
