"""Timelines: what is found under a key, by time (ms UTC) and id, sorted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any

Place = tuple[int, str]
# Sorted. Most hold one place only: a tuple takes less room than a list, and garbage collection passes it by.
Timeline = list[Place] | tuple[Place, ...]


def insert(timelines: dict[Any, Timeline], key: Any, place: Place) -> None:
    timeline = timelines.get(key)
    if timeline is None:
        timelines[key] = (place,)
    elif isinstance(timeline, tuple):
        timelines[key] = sorted((*timeline, place))
    else:
        insort(timeline, place)


def discard(timelines: dict[Any, Timeline], key: Any, place: Place) -> None:
    timeline = timelines.get(key, ())
    position = bisect_left(timeline, place)
    if position >= len(timeline) or timeline[position] != place:
        return
    if len(timeline) == 1:
        del timelines[key]
    elif isinstance(timeline, list):
        del timeline[position]


def within(timeline: Timeline, low: int, high: int) -> Iterator[str]:
    """Ids whose time is in [low, high], in order of time."""
    for position in range(bisect_left(timeline, (low, "")), len(timeline)):
        moment, name = timeline[position]
        if moment > high:
            return
        yield name


def outward(
    timeline: Timeline, moment: int, low: int, high: int, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bool]]:
    """From `moment` to each side, ids up to the first wanted one from `low` to `high`, with the verdict.

    Episodes found together are linked among themselves, so that the first one that conducts stands for all
    beyond it.
    """
    middle = bisect_left(timeline, (min(max(moment, low), high), ""))
    for positions in (range(middle - 1, -1, -1), range(middle, len(timeline))):
        for position in positions:
            other, name = timeline[position]
            if not low <= other <= high:
                break
            verdict = wanted(name)
            yield name, verdict
            if verdict:
                break


def previous(timeline: Timeline, place: tuple[int, str]) -> tuple[int, str] | None:
    position = bisect_left(timeline, place)
    return timeline[position - 1] if position else None


def next_after(timeline: Timeline, place: tuple[int, str]) -> tuple[int, str] | None:
    position = bisect_right(timeline, place)
    return timeline[position] if position < len(timeline) else None
