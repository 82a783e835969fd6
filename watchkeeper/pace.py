"""How much of the processor the engine takes while the rest of the process needs it.

Intake and the engine share one interpreter. The journal is the buffer between them: while there is much to
take in, the engine takes a share and may fall behind by some seconds; the further it is behind, the larger
its share. It never stands still, and with nothing else to do it is not slowed at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# The engine's share of the time, by how far it is behind (ms).
_SHARES = ((2_000, 0.2), (5_000, 0.3), (15_000, 0.5))
# Looked at whenever the engine has worked for so long, in seconds.
_SLICE = 0.002
# The rest of the process is busy when it used more than this share of the time since the last look.
_BUSY = 0.25
_LONGEST = 0.05


def share(behind: int) -> float:
    return next((part for limit, part in _SHARES if behind < limit), 1.0)


class Pace:
    """For a thread beside intake. `own` and `everything` are CPU seconds of it and of the whole process."""

    def __init__(
        self,
        wall: Callable[[], float] = time.perf_counter,
        own: Callable[[], float] = time.thread_time,
        everything: Callable[[], float] = time.process_time,
    ) -> None:
        self._wall, self._own, self._everything = wall, own, everything
        self._marks: tuple[float, float, float] | None = None

    def pause(self, behind: int) -> float:
        """Seconds to let the others go first, now; `behind` is the age in ms of the record just applied."""
        own = self._own()
        if self._marks is not None and own - self._marks[1] < _SLICE:
            return 0.0
        before, self._marks = self._marks, (self._wall(), own, self._everything())
        if before is None:
            return 0.0
        wall, mine, total = (now - then for now, then in zip(self._marks, before, strict=True))
        if total - mine < _BUSY * wall:
            return 0.0
        return min(_LONGEST, mine * (1 / share(behind) - 1))
