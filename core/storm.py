"""Storm mode: many alerts begin at once. Until it has blown over, first pages wait for the picture to
settle, so that there is a message for each cause and not one for each alert; what is P0 is paged as ever.

With hysteresis: it begins at so many new alerts within the rule's time, and ends when there were only a
quarter of that. Counted in tenths of that time, by when alerts came.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from core.model.incident import OPEN, SEVERITIES
from core.narrative.plain import one_line
from core.times import format_rfc3339, spoken

if TYPE_CHECKING:
    from core.model.incident import Incident
    from core.world import Turn, World

_PARTS = 10


class Storm(msgspec.Struct):
    """New alerts by tenth of the rule's time; `since` (ms UTC) while it is one. `opened`: new incidents by
    tenth of theirs, without those that are part of another by now."""

    # Tenth and count, the latest last.
    counts: list[tuple[int, int]] = []
    since: int | None = None
    opened: list[tuple[int, int]] = []


def count_alert(turn: Turn) -> None:
    """Call for each new alert."""
    rule, storm = turn.world.rules.storm, turn.world.state.storm
    if not rule.alerts:
        return
    part = turn.at // _length(rule.within)
    _count(storm.counts, part)
    if storm.since is None and _recent(storm.counts, part) >= rule.alerts:
        storm.since = turn.at
        turn.arm("storm:", turn.at + rule.within)


def on_storm_timer(turn: Turn) -> None:
    """It ends once there were few for as long as the rule counts."""
    rule, storm = turn.world.rules.storm, turn.world.state.storm
    if not rule.alerts or recent_alerts(turn.world, turn.at) <= rule.alerts // 4:
        storm.since = None
    else:
        turn.arm("storm:", turn.at + _length(rule.within))


def recent_alerts(world: World, at: int) -> int:
    """New alerts within the rule's time up to `at`."""
    rule = world.rules.storm
    return _recent(world.state.storm.counts, at // _length(rule.within)) if rule.alerts else 0


def count_incident(turn: Turn) -> None:
    """Call for each that opens."""
    rule, opened = turn.world.rules.storm, turn.world.state.storm.opened
    if rule.incidents:
        part = turn.at // _length(rule.incidents_within)
        _count(opened, part)
        _recent(opened, part)


def uncount_incident(turn: Turn, incident: Incident) -> None:
    """Call for one that is part of another now."""
    rule, opened = turn.world.rules.storm, turn.world.state.storm.opened
    part = incident.opened_at // _length(rule.incidents_within)
    for place, (when, count) in enumerate(opened):
        if when == part and count:
            opened[place] = (when, count - 1)


def many_incidents(world: World, at: int) -> int:
    """How many incidents began within the rule's time up to `at`; 0 for no more than usual."""
    rule = world.rules.storm
    if not rule.incidents:
        return 0
    count = _recent(world.state.storm.opened, at // _length(rule.incidents_within))
    return count if count >= rule.incidents else 0


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


class Burst(NamedTuple):
    """Open incidents that began close together: ids, when the first and the last of them opened (ms UTC), how
    many there are of each severity, and the cluster that more than half of them are on, "" for none."""

    incidents: frozenset[str]
    since: int
    last: int
    severities: dict[str, int]
    cluster: str


def burst(world: World) -> Burst | None:
    """The last that is still to be seen: of what is open now, so many as the rule says began within its time.
    It lasts as long as people have it before them, and not only while more begin."""
    rule = world.rules.storm
    rows = sorted((one.opened_at, one.id) for one in world.state.incidents.values() if one.status in OPEN)
    if not rule.incidents or len(rows) < rule.incidents:
        return None
    before = rule.incidents - 1
    # Where so many in a row are close together, by the first of them.
    starts = [
        n for n in range(len(rows) - before) if rows[n + before][0] - rows[n][0] <= rule.incidents_within
    ]
    if not starts:
        return None
    first = last = starts[-1]
    for place in reversed(starts[:-1]):
        if place != first - 1:
            break
        first = place
    return _burst(world, rows[first : last + before + 1])


def _burst(world: World, rows: list[tuple[int, str]]) -> Burst:
    incidents = [world.state.incidents[name] for _, name in rows]
    counts = Counter(one.severity for one in incidents)
    clusters = Counter(
        name for one in incidents for name in {entity.cluster for entity in one.entities} if name
    )
    most, often = min(clusters.items(), key=lambda row: (-row[1], row[0]), default=("", 0))
    return Burst(
        frozenset(name for _, name in rows),
        rows[0][0],
        rows[-1][0],
        {severity: counts[severity] for severity in SEVERITIES if counts[severity]},
        most if 2 * often > len(rows) else "",
    )


def burst_json(found: Burst | None) -> dict[str, Any] | None:
    """With `text`, one line for people."""
    if found is None:
        return None
    return {
        "incidents": len(found.incidents),
        "since": format_rfc3339(found.since),
        "last": format_rfc3339(found.last),
        "severities": found.severities,
        "cluster": found.cluster,
        "text": burst_words(found),
    }


def burst_words(found: Burst) -> str:
    """`Storm: 307 incidents began within 60 s, 12 P1; most on cluster c1`."""
    bad = "".join(f", {found.severities[name]:,} {name}" for name in ("P0", "P1") if name in found.severities)
    span = max(1_000, -(-(found.last - found.since) // 1_000) * 1_000)
    most = f"; most on cluster {one_line(found.cluster, 60)}" if found.cluster else ""
    return f"Storm: {len(found.incidents):,} incidents began within {spoken(span)}{bad}{most}"


def _length(within: int) -> int:
    return max(1, within // _PARTS)


def _count(counts: list[tuple[int, int]], part: int) -> None:
    if counts and counts[-1][0] == part:
        counts[-1] = (part, counts[-1][1] + 1)
    else:
        counts.append((part, 1))


def _recent(counts: list[tuple[int, int]], part: int) -> int:
    while counts and counts[0][0] <= part - _PARTS:
        del counts[0]
    return sum(count for _, count in counts)
