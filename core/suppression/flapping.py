"""Flapping: an alert that fires and ends again and again has said what it has to say; it pages again once it
fires for long without an end.

State with hysteresis, folded from the starts of its firings in their order: it begins at so many within the
rule's time and ends when there were only so few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.model.incident import Episode
from core.rules.linking import Flapping
from core.suppression.kinds import Suppression
from core.times import spoken

if TYPE_CHECKING:
    from core.state import Timeline
    from core.world import World


class Flap(NamedTuple):
    """Since when it flaps (ms UTC), and its firings within the rule's time up to the last one."""

    since: int
    firings: int
    last: int


def flap_of(timeline: Timeline, rule: Flapping) -> Flap | None:
    """Of the firings of one alert, by start; None while it does not flap."""
    if not rule.begins or len(timeline) < rule.begins:
        return None
    since: int | None = None
    first = 0
    for place, (start, _) in enumerate(timeline):
        while timeline[first][0] <= start - rule.within:
            first += 1
        firings = place - first + 1
        if since is None and firings >= rule.begins:
            since = start
        elif since is not None and firings <= rule.ends:
            since = None
    return None if since is None else Flap(since, firings, start)


def flapping(world: World, episode: Episode, at: int) -> list[Suppression]:
    rule = world.rules.flapping
    if not rule.begins or not episode.again:
        return []
    flap = flap_of(world.index.by_alert.get((episode.entity.domain, episode.fingerprint), []), rule)
    if flap is None or at >= flap.last + rule.steady_after:
        return []
    reason = f"it fired {flap.firings} times within {spoken(rule.within)}"
    return [
        Suppression("flapping", episode.fingerprint, "rule flapping", reason, flap.last + rule.steady_after)
    ]
