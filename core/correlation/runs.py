"""Runs: an alert that fires again, and the states that one workload goes through (not ready, waiting,
restarting).

Such an alert goes where the one before it is, and links nothing itself: it tells more of what has begun,
not when something else began. Kubernetes' own alerts about a workload wait for up to an hour before they
fire, so that their starts say little.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.correlation.symptom import told_by
from core.model.incident import Episode
from core.timelines import Timeline, discard, insert, next_after, previous
from core.world import World

# Sorts after every id: what starts at the same moment follows nothing.
AFTER_ALL = "\U0010ffff"
SAME_ALERT, WORKLOAD = "same-alert", "same-workload"


class Run(NamedTuple):
    """`rule` says what makes it one; `timeline` holds its alerts, `window` is between two starts in ms."""

    rule: str
    timeline: Timeline
    window: int


def runs(world: World, episode: Episode) -> Iterator[Run]:
    rule, entity = world.rules.same_entity, episode.entity
    alerts = world.index.firings(entity.domain, episode.fingerprint)
    # Most fire once.
    if len(alerts) > 1:
        yield Run(SAME_ALERT, alerts, rule.same_alert_window)
    if rule.workload_window and tells_of_workload(world, episode):
        yield Run(WORKLOAD, world.workloads.get(entity, ()), rule.workload_window)


def before(world: World, episode: Episode) -> tuple[Run, Episode] | None:
    """What it follows: the last firing of the same alert, else the last state of its workload."""
    for run in runs(world, episode):
        found = previous(run.timeline, (episode.starts_at, ""))
        if found is not None and episode.starts_at - found[0] <= run.window:
            return run, world.state.episodes[found[1]]
    return None


def after(world: World, episode: Episode) -> Iterator[Episode]:
    """What follows it: the next firing of the same alert, the next state of its workload."""
    for run in runs(world, episode):
        found = next_after(run.timeline, (episode.starts_at, AFTER_ALL))
        if found is not None and found[0] - episode.starts_at <= run.window:
            yield world.state.episodes[found[1]]


def tells_of_workload(world: World, episode: Episode) -> bool:
    return bool(episode.entity.service) and told_by(world, episode.name).of_workload


def add_run(world: World, episode: Episode) -> None:
    if tells_of_workload(world, episode):
        insert(world.workloads, episode.entity, world.index.place_of(episode))


def remove_run(world: World, episode: Episode) -> None:
    if tells_of_workload(world, episode):
        discard(world.workloads, episode.entity, (episode.starts_at, episode.id))
