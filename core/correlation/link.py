"""What every link rule answers: under which keys an episode is found, and where it looks for partners.

A link is a symmetric, pure predicate on two episodes' identity fields, their starts and the configuration.
Two are linked when one looks, within its times, where the other is found. Episodes found under one key
within the window that others look at it with are linked among themselves, so that the nearest on each side
stands for all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from core.model.incident import Episode
from core.timelines import Timeline
from core.world import World

Key = str | tuple[Any, ...]
Links = dict[Key, Timeline]


# Partners are those under the key that start from the first to the second time (ms UTC). A plain tuple: many
# are made for every alert.
Look = tuple[Key, int, int]
Spot = tuple[Key, int]


def around(key: Key, episode: Episode, window: int) -> Look:
    return key, episode.starts_at - window, episode.starts_at + window


class LinkRule(Protocol):
    """`spots` are keys under which the episode is found, with the window in ms within which it looks for
    others there. `looks` are where else it looks; they go by its entity, name and start alone. `shared` says,
    for people, what two alerts have in common that the rule links by `key`.
    """

    name: str

    def spots(self, world: World, episode: Episode) -> Iterable[Spot]: ...

    def looks(self, world: World, episode: Episode) -> Iterable[Look]: ...

    def shared(self, world: World, a: Episode, b: Episode, key: Key) -> str: ...
