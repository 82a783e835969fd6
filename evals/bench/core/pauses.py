"""What the process holds and how long the garbage collector keeps it waiting."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

# Fewer alerts may find room in what is free already.
_ENOUGH = 50_000


class Pauses:
    """Collections seen so far, and how long they took in ms."""

    def __init__(self) -> None:
        self.count = 0
        self.longest = self.total = 0.0
        self._began = 0.0

    def __call__(self, phase: Literal["start", "stop"], info: object) -> None:
        if phase == "start":
            self._began = time.perf_counter()
            return
        took = 1_000 * (time.perf_counter() - self._began)
        self.count, self.longest, self.total = self.count + 1, max(self.longest, took), self.total + took


@contextmanager
def watched() -> Iterator[Pauses]:
    pauses = Pauses()
    gc.callbacks.append(pauses)
    try:
        yield pauses
    finally:
        gc.callbacks.remove(pauses)


@contextmanager
def collecting_as_the_server_does() -> Iterator[None]:
    """What is there now is never looked at again, full collections are rare; as it was afterwards."""
    from watchkeeper.app import _COLLECT  # It brings the web server along: only where it is needed.

    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def resident() -> int:
    """Bytes of memory that this process occupies; 0 off Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


class Sizes:
    """The growth of resident memory from the first half of the open alerts to all of them, by alert.

    The first half fills what reading the configuration left free; of fewer alerts nothing is said.
    """

    def __init__(self, opened: int) -> None:
        self._half, self._at_half = opened // 2, (0, 0)
        self._enough = opened >= _ENOUGH
        self.bytes_an_alert = 0.0

    def look(self, held: int) -> None:
        if not self._enough or held < self._half:
            return
        if not self._at_half[0]:
            self._at_half = (held, _resident())
        elif held >= 2 * self._half:
            more = held - self._at_half[0]
            self.bytes_an_alert = max(0, _resident() - self._at_half[1]) / more


def _resident() -> int:
    gc.collect()
    return resident()
