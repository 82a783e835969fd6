"""Timers that fire in event order: by (due, id), before the next record, whatever the ticks do.

A timer remembers the record that armed it; its decisions carry that record's number, so that adding or
removing ticks changes nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple


class Timer(NamedTuple):
    due: int
    id: str
    seq: int


class Timers:
    """At most one timer per id. `armed` (id to due and seq) is the truth; the heap may hold stale entries."""

    def __init__(self, armed: dict[str, tuple[int, int]]) -> None:
        self.armed = armed
        self._heap = [(due, name) for name, (due, _) in armed.items()]
        heapq.heapify(self._heap)

    def arm(self, name: str, due: int, seq: int) -> None:
        """Set or move the timer `name`."""
        self.armed[name] = (due, seq)
        heapq.heappush(self._heap, (due, name))

    def arm_if_idle(self, name: str, due: int, seq: int) -> None:
        if name not in self.armed:
            self.arm(name, due, seq)

    def cancel(self, name: str) -> None:
        self.armed.pop(name, None)

    def pop_due(self, now: int) -> Iterator[Timer]:
        """Take out what is due at `now`, in order; timers armed meanwhile take part."""
        while self._heap and self._heap[0][0] <= now:
            due, name = heapq.heappop(self._heap)
            current = self.armed.get(name)
            if current is not None and current[0] == due:
                del self.armed[name]
                yield Timer(due, name, current[1])

    def next_due(self) -> int | None:
        while self._heap:
            due, name = self._heap[0]
            current = self.armed.get(name)
            if current is not None and current[0] == due:
                return due
            heapq.heappop(self._heap)
        return None
