"""Suppression: why an alert that fires pages nobody for now. It changes no membership, finding, severity or
status.

`suppressed` is the one question; paging, documents and explanations ask it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.model.incident import Episode
from core.suppression.deploys import deploying
from core.suppression.flapping import flapping
from core.suppression.inhibition import inhibited
from core.suppression.kinds import Suppression
from core.suppression.silences import silenced
from core.suppression.threshold import too_few
from core.suppression.windows import quiet

if TYPE_CHECKING:
    from core.world import World


def dismissed(world: World, episode: Episode, at: int) -> list[Suppression]:
    """By the dismissal of its incident."""
    snooze = world.incident_of(episode).snooze
    if snooze is None or at >= snooze.until:
        return []
    return [Suppression("dismissal", episode.incident, snooze.by, snooze.reason, snooze.until)]


_ASKED: tuple[Callable[[World, Episode, int], list[Suppression]], ...] = (
    dismissed,
    silenced,
    quiet,
    inhibited,
    deploying,
    flapping,
    too_few,
)


def suppressed(world: World, episode: Episode, at: int) -> tuple[Suppression, ...]:
    """Everything that keeps an alert from paging at `at` (ms UTC); nothing when it would page."""
    return tuple([one for ask in _ASKED for one in ask(world, episode, at)])


def suppressed_now(world: World, episode: Episode, at: int) -> tuple[Suppression, ...]:
    """The same for people to read: what has ended is not suppressed."""
    return () if episode.status == "resolved" else suppressed(world, episode, at)
