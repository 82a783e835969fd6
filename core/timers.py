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
    """At most one timer per id. `armed` (id to due and seq) is the truth; the rest may hold stale entries.

    What is told together is due together: ids are kept by due time, each row a heap, and times in one heap.
    """

    def __init__(self, armed: dict[str, tuple[int, int]]) -> None:
        self.armed = armed
        self._rows: dict[int, list[str]] = {}
        for name, (due, _) in armed.items():
            self._rows.setdefault(due, []).append(name)
        for row in self._rows.values():
            heapq.heapify(row)
        self._times = list(self._rows)
        heapq.heapify(self._times)

    def arm(self, name: str, due: int, seq: int) -> None:
        """Set or move the timer `name`."""
        self.armed[name] = (due, seq)
        row = self._rows.get(due)
        if row is None:
            self._rows[due] = [name]
            heapq.heappush(self._times, due)
        else:
            heapq.heappush(row, name)

    def arm_if_idle(self, name: str, due: int, seq: int) -> None:
        if name not in self.armed:
            self.arm(name, due, seq)

    def cancel(self, name: str) -> None:
        self.armed.pop(name, None)

    def pop_due(self, now: int) -> Iterator[Timer]:
        """Take out what is due at `now`, in order; timers armed meanwhile take part."""
        while self._times and self._times[0] <= now:
            due = self._times[0]
            name = self._take(due)
            current = self.armed.get(name)
            if current is not None and current[0] == due:
                del self.armed[name]
                yield Timer(due, name, current[1])

    def next_due(self) -> int | None:
        while self._times:
            due = self._times[0]
            current = self.armed.get(self._rows[due][0])
            if current is not None and current[0] == due:
                return due
            self._take(due)
        return None

    def _take(self, due: int) -> str:
        """The first of those due at the earliest time, `due`."""
        row = self._rows[due]
        name = heapq.heappop(row)
        if not row:
            del self._rows[due]
            heapq.heappop(self._times)
        return name
