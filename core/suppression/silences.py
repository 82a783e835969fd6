"""Silences: for a while, alerts that fit page nobody. Their shape, and which of them hold for an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from core.model.incident import Episode
from core.suppression.dispatch import Dispatch
from core.suppression.kinds import Suppression
from core.suppression.matchers import Matcher, Matchers

if TYPE_CHECKING:
    from core.world import World

SilenceState = Literal["pending", "active", "expired"]


class SilenceEdit(msgspec.Struct, frozen=True):
    """What a silence was made or changed to, by whom. Times in ms UTC."""

    at: int
    op: str
    author: str
    starts_at: int
    ends_at: int
    matchers: str


class Silence(msgspec.Struct, frozen=True):
    """It holds from `starts_at` until before `ends_at`, in ms UTC. `seq` is the record that said so last."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: int
    ends_at: int
    author: str
    comment: str = ""
    updated_at: int = 0
    seq: int = 0
    history: tuple[SilenceEdit, ...] = ()

    def state(self, at: int) -> SilenceState:
        if at >= self.ends_at:
            return "expired"
        return "active" if at >= self.starts_at else "pending"


def filed(silences: dict[str, Silence]) -> Dispatch[Silence]:
    return Dispatch((Matchers(one.matchers), one) for one in sorted(silences.values(), key=_by_id))


def silenced(world: World, episode: Episode, at: int) -> list[Suppression]:
    """By silences that hold at `at`, the one that lasts longest first."""
    if not world.state.silences:
        return []
    found = [one for one in world.suppression.silences().fitting(episode) if one.state(at) == "active"]
    found.sort(key=lambda one: (-one.ends_at, one.id))
    return [Suppression("silence", one.id, one.author, one.comment, one.ends_at) for one in found]


def effects(world: World, at: int) -> dict[str, list[Episode]]:
    """By silence, the alerts that fire and that it holds for at `at`, or would if it had begun."""
    found: dict[str, list[Episode]] = {
        name: [] for name, one in world.state.silences.items() if one.state(at) != "expired"
    }
    if found:
        dispatch = world.suppression.silences()
        for episode in world.state.episodes.values():
            if episode.status != "resolved":
                for one in dispatch.fitting(episode):
                    if one.id in found:
                        found[one.id].append(episode)
    for episodes in found.values():
        episodes.sort(key=lambda episode: (episode.starts_at, episode.id))
    return found


def _by_id(silence: Silence) -> str:
    return silence.id
