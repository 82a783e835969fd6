"""Power cuts: every moment of a record at which something was about to last, and some moments between."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.faults.disk import Disk
from tests.faults.pieces import LOSSES, Loss
from tests.faults.record import Event

_CHANGES = ("write", "truncate", "rename", "unlink", "open", "mkdir")


class Cut(NamedTuple):
    """The current was cut before event `place`; `at` is when that event had happened, in nanoseconds of the
    monotonic clock. What was acknowledged earlier cannot owe it anything."""

    place: int
    at: int
    loss: Loss
    disk: Path

    def __str__(self) -> str:
        return f"before event {self.place} ({self.loss.title})"


def moments(events: Sequence[Event], between: int, dice: random.Random) -> list[int]:
    """Before each sync ends and after the last event, and `between` more, before other changes."""
    syncs = [place for place, event in enumerate(events) if event.kind == "sync"]
    others = [place for place, event in enumerate(events) if event.kind in _CHANGES]
    return sorted({*syncs, *dice.sample(others, min(between, len(others))), len(events)})


def power_cuts(
    events: Sequence[Event],
    disk: Disk,
    scratch: Path,
    places: Sequence[int],
    dice: random.Random,
    losses: Sequence[Loss] = LOSSES,
) -> Iterator[Cut]:
    """Each with a directory of its own, which is removed when the next is asked for."""
    last = events[-1].at + 1
    done = 0
    for place in places:
        for event in events[done:place]:
            disk.apply(event)
        done = place
        for loss in losses:
            target = scratch / f"{place}-{losses.index(loss)}"
            disk.build(target, loss, dice)
            yield Cut(place, events[place].at if place < len(events) else last, loss, target)
            shutil.rmtree(target)
