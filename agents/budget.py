"""A budget of model calls: no hour, wherever it begins, holds more of them than allowed."""

from __future__ import annotations

from collections import deque

HOUR_MS = 3_600_000


class Budget:
    """Times in milliseconds, never going back."""

    def __init__(self, calls_per_hour: int) -> None:
        self.calls_per_hour = max(0, calls_per_hour)
        self._spent: deque[tuple[int, int]] = deque()

    def left(self, now: int) -> int:
        while self._spent and self._spent[0][0] <= now - HOUR_MS:
            self._spent.popleft()
        return self.calls_per_hour - sum(calls for _, calls in self._spent)

    def take(self, calls: int, now: int) -> bool:
        """All of them or none."""
        if self.left(now) < calls:
            return False
        if calls:
            self._spent.append((now, calls))
        return True
