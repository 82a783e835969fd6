"""What every link rule answers: which episodes one joins, and which it would join were they not barred.

A link is a symmetric, pure predicate on two episodes' identity fields, their starts and the configuration.
Barred partners belong to incidents that conduct no links any more (closed, or resolved too long ago).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from core.model.incident import Episode
from core.world import World


class Conducts(Protocol):
    def __call__(self, episode_id: str, /) -> bool:
        """May the new episode still join the incident of this one?"""


class LinkRule(Protocol):
    name: str

    def partners(self, world: World, episode: Episode, conducts: Conducts) -> Iterator[tuple[str, bool]]:
        """Episode ids linked to `episode`, nearest first on each side, with whether each conducts."""
