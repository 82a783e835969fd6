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
    from core.timelines import Timeline
    from core.world import World


class Flap(NamedTuple):
    """Since when it flaps (ms UTC), and its firings within the rule's time up to the last one."""

    since: int
    firings: int
    last: int


class Counted(NamedTuple):
    """How far the firings of an alert were counted: so many, from which to which; `since` while it flaps,
    `oldest` the place of the earliest one within the rule's time of the last."""

    size: int
    begin: tuple[int, str]
    end: tuple[int, str]
    since: int | None
    oldest: int

    @property
    def flap(self) -> Flap | None:
        last = self.end[0]
        return None if self.since is None else Flap(self.since, self.size - self.oldest, last)


def count(timeline: Timeline, rule: Flapping, known: Counted | None = None) -> Counted:
    """From where `known` ends, if the firings have only grown at their end since then."""
    size, since, oldest = 0, None, 0
    ends = [known.begin, known.end] if known is not None else []
    if known is not None and [timeline[0], *timeline[known.size - 1 : known.size]] == ends:
        size, since, oldest = known.size, known.since, known.oldest
    for place in range(size, len(timeline)):
        start = timeline[place][0]
        while timeline[oldest][0] <= start - rule.within:
            oldest += 1
        firings = place - oldest + 1
        if since is None and firings >= rule.begins:
            since = start
        elif since is not None and firings <= rule.ends:
            since = None
    return Counted(len(timeline), timeline[0], timeline[-1], since, oldest)


def flap_now(world: World, domain: str, fingerprint: str, at: int) -> Flap | None:
    """Of an alert that flaps at `at`, and has not fired for long without an end."""
    rule = world.rules.flapping
    timeline = world.index.firings(domain, fingerprint)
    if not rule.begins or len(timeline) < rule.begins:
        return None
    flap = world.suppression.counted(world, (domain, fingerprint)).flap
    return None if flap is None or at >= flap.last + rule.steady_after else flap


def flapping(world: World, episode: Episode, at: int) -> list[Suppression]:
    rule = world.rules.flapping
    if not rule.begins or not episode.again:
        return []
    flap = flap_now(world, episode.entity.domain, episode.fingerprint, at)
    if flap is None:
        return []
    reason = f"it fired {flap.firings} times within {spoken(rule.within)}"
    return [
        Suppression("flapping", episode.fingerprint, "rule flapping", reason, flap.last + rule.steady_after)
    ]
