"""How many alerts that fire page nobody for now, by what keeps them: counted for /metrics.

To count is to ask of each alert. So a count is kept for many times as long as asking took, and the engine is
let go on in between; what is counted is then of several moments close together.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import get_args

from core.replay import Fold
from core.suppression import suppressed_now
from core.suppression.kinds import Kind
from watchkeeper.engine_loop import EngineLoop

KINDS: tuple[Kind, ...] = get_args(Kind)
# Alerts asked while the engine stands still, and how many times as long as it took a count is kept.
_AT_ONCE, _KEPT = 200, 30


class SuppressedCounts:
    def __init__(
        self,
        engine: EngineLoop,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self._engine, self._clock, self._cpu = engine, clock, cpu
        self._counts: Counter[Kind] = Counter()
        self._until = 0.0
        self._counting = threading.Lock()

    def counts(self) -> dict[Kind, int]:
        """By kind, also those with none. An alert that several things keep counts for each. Raises
        EngineStarting."""
        with self._counting:
            if self._clock() >= self._until:
                began = self._cpu()
                self._counts = self._count()
                self._until = self._clock() + _KEPT * (self._cpu() - began)
            return {kind: self._counts[kind] for kind in KINDS}

    def _count(self) -> Counter[Kind]:
        found: Counter[Kind] = Counter()
        for names in self._pieces():
            with self._engine.reading() as fold:
                found.update(kind for name in names for kind in _kinds(fold, name))
        return found

    def _pieces(self) -> Iterator[list[str]]:
        """Ids of alerts of incidents in which something fires."""
        with self._engine.reading() as fold:
            incidents = [one.id for one in fold.engine.state.incidents.values() if one.firing]
        waiting: list[str] = []
        for name in incidents:
            with self._engine.reading() as fold:
                incident = fold.engine.state.incidents.get(name)
                waiting += incident.members if incident else ()
            if len(waiting) >= _AT_ONCE:
                yield from _slices(waiting)
                waiting = []
        yield from _slices(waiting)


def _slices(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))


def _kinds(fold: Fold, name: str) -> set[Kind]:
    state = fold.engine.state
    episode = state.episodes.get(name)
    if episode is None:
        return set()
    return {one.kind for one in suppressed_now(fold.engine.world, episode, state.clock)}
