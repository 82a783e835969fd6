"""The time axis of the picture: which span it covers, where an instant stands on it, which ticks to write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from core.times import DAY, HOUR, MINUTE, SECOND
from watchkeeper.console.clocks import clock, day

_STEPS = (
    1 * SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND,
    1 * MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    1 * HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
    1 * DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY,
)  # fmt: skip
_TICKS = 3
_SHORTEST = 60 * SECOND


class Axis(NamedTuple):
    """`low` and `high` in ms; `high` is always later."""

    low: int
    high: int

    def percent(self, at: int) -> float:
        """0 at the left edge, 100 at the right; what lies outside stands at the edge."""
        return max(0.0, min(100.0, 100 * (at - self.low) / (self.high - self.low)))

    def ticks(self) -> list[tuple[int, str]]:
        """At most four round instants and what to write there."""
        span = self.high - self.low
        step = next((step for step in _STEPS if span // step <= _TICKS), -(-span // (_TICKS * DAY)) * DAY)
        first = -(-self.low // step) * step
        return [(at, self._label(at, step)) for at in range(first, self.high + 1, step)]

    def _label(self, at: int, step: int) -> str:
        if step >= DAY:
            return day(at)
        if self.high - self.low >= DAY:
            return f"{day(at)} {clock(at, seconds=False)}"
        return clock(at, seconds=step < MINUTE)


def axis_over(instants: Iterable[int]) -> Axis | None:
    """An axis at least a minute long, with a little room before the first instant; None without instants."""
    known = list(instants)
    if not known:
        return None
    low, high = min(known), max(known)
    spare = max(0, _SHORTEST - (high - low))
    low -= spare // 2
    high += spare - spare // 2
    return Axis(low - (high - low) // 25, high)
