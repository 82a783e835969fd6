"""When an alert's place counts as decided: so long after it came as the lifecycle rule says (`settle`).

What belongs together starts together, but is told one by one; only once that time has passed is it said, once
and for all, in which incident an alert was. Merges after that redirect, and say so.
"""

from __future__ import annotations

from core.model.incident import Episode
from core.recurrence import recall
from core.world import Turn

_TIMER = "settle:"


def await_settling(turn: Turn, episode: Episode) -> None:
    turn.world.unsettled.append(episode.id)
    due = episode.received_at + turn.world.rules.lifecycle.settle
    turn.world.timers.arm_if_idle(_TIMER, max(due, turn.at), turn.seq)


def on_settle_timer(turn: Turn) -> None:
    """One timer for all: they settle in the order in which they came."""
    world, waiting = turn.world, turn.world.unsettled
    settle = world.rules.lifecycle.settle
    while waiting:
        episode = world.state.episodes.get(waiting[0])
        if episode is not None:
            due = episode.received_at + settle
            if due > turn.at:
                turn.arm(_TIMER, due)
                return
            episode.first_incident, episode.decided_at = episode.incident, turn.at
            incident = world.incident_of(episode)
            incident.version += 1
            recall(turn, incident)
        waiting.popleft()


def settle_anew(turn: Turn) -> None:
    """Call when the rules may have changed: who waits, waits as long as they say now."""
    world = turn.world
    if world.unsettled and world.config.has_rules:
        first = world.state.episodes.get(world.unsettled[0])
        came = first.received_at if first else turn.at
        turn.arm(_TIMER, max(turn.at, came + world.rules.lifecycle.settle))
