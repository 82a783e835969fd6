"""Whether a model is asked about an incident now. Its rules see to it that a dead model costs little.

A model that failed an incident is not asked about that incident again until it has answered somebody, so
that a dead one costs an incident one time-out in its whole life. Nothing here reads a clock: `now` is in
milliseconds.
"""

from __future__ import annotations

from typing import NamedTuple

from agents.breaker import Breaker
from agents.budget import Budget
from agents.task import NO_MODEL

CALLS_A_RUN = 4  # what a run may spend: each of the four asks at most once
_REMEMBERED = 10_000


class Verdict(NamedTuple):
    """`because` is empty when the model may be asked."""

    ask: bool
    because: str = ""


class Gate:
    """A run that may ask is charged with CALLS_A_RUN calls when it is let through. Not thread-safe: one
    owner."""

    def __init__(self, *, has_model: bool, breaker: Breaker, budget: Budget) -> None:
        self._has_model, self._breaker, self._budget = has_model, breaker, budget
        self._failed: dict[str, None] = {}  # incidents, oldest failure first, since the model last answered

    def verdict(self, incident: str, now: int) -> Verdict:
        """A yes spends from the budget; call it once for each run, and record what came of it."""
        if not self._has_model:
            return Verdict(False, NO_MODEL)
        if incident in self._failed:
            return Verdict(False, "the model failed this incident before and has answered nobody since")
        if self._budget.left(now) < CALLS_A_RUN:
            return Verdict(False, f"the budget of {self._budget.calls_per_hour} model calls an hour is spent")
        if not self._breaker.allows(now):
            times = self._breaker.failures
            return Verdict(False, f"the model failed {times} times in a row and is left alone for now")
        self._budget.take(CALLS_A_RUN, now)
        return Verdict(True)

    def record(self, incident: str, failed: bool, now: int) -> None:
        """What came of a run in which the model was asked: `failed` when it answered nobody."""
        self._breaker.record(failed, now)
        if not failed:
            self._failed.clear()
            return
        self._failed[incident] = None
        if len(self._failed) > _REMEMBERED:
            del self._failed[next(iter(self._failed))]
