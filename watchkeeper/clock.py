"""The one place that asks what time it is, and the clock of the demo: it begins days ago and catches up."""

from __future__ import annotations

import threading
import time

from core.ports import Clock


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000


class DemoClock:
    """Begins `ago` ms before real time and runs `speed` times as fast until it has caught up; from then on it
    is the real time.

    It never goes back and is never ahead of real time. From any thread.
    """

    def __init__(self, ago: int, speed: int, real: Clock | None = None) -> None:
        self.speed = speed
        self._real = real or SystemClock()
        self._lock = threading.Lock()
        self._since = self._real.now()
        self._from = self._latest = self._since - ago

    def now(self) -> int:
        with self._lock:
            return self._read(self._real.now())

    def skip(self, span: int, ago: int) -> int:
        """Jump forward to where something of `span` ms must begin so that it ends `ago` ms before real time.

        Returns the time after the jump. Where that place is past already, the clock stays where it is.
        """
        with self._lock:
            real = self._real.now()
            begin = max(self._read(real), real + span // self.speed - span - ago)
            self._since, self._from, self._latest = real, begin, begin
            return begin

    def _read(self, real: int) -> int:
        run = self._from + (real - self._since) * self.speed
        # Somebody may set the real clock back: then this one stands still.
        self._latest = max(self._latest, min(run, real))
        return self._latest
