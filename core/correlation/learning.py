"""Learning links from history: pairs of alerts that came together nearly every time either came.

A proposal only: it is in force once an operator puts it among the rules. Counted are beginnings, not
repeats; in the rush of a storm everything comes together, so that its alerts say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from core.times import MINUTE

End = tuple[str, str]


class Beginning(NamedTuple):
    """An alert (name, service) began at `at` (ms UTC) in a place: domain, environment and cluster."""

    at: int
    place: tuple[str, str, str]
    end: End


class Proposal(NamedTuple):
    """`seen`: times that the two began together. `alone`: times that either began without the other."""

    a: End
    b: End
    seen: int
    alone: int


def learn(
    beginnings: Iterable[Beginning],
    *,
    window: int = 5 * MINUTE,
    at_least: int = 3,
    share: int = 700,
    crowd: int = 30,
) -> list[Proposal]:
    """Pairs that began within `window` ms of one another `at_least` times, and in `share` thousandths of
    all the times that either began; the surest first. More than `crowd` different alerts in a window are a
    storm."""
    rows = sorted(set(beginnings))
    alone: Counter[End] = Counter(row.end for row in rows)
    together: Counter[tuple[End, End]] = Counter()
    for row, near in _neighbourhoods(rows, window):
        if len(near) <= crowd:
            together.update((row.end, other) for other in near)
    found = []
    for a, b in together:
        if a < b:
            # How often the one had the other beside it, and the other the one: the fewer count.
            seen = min(together[a, b], together[b, a])
            without = alone[a] + alone[b] - together[a, b] - together[b, a]
            if seen >= at_least and 1000 * seen >= share * (seen + without):
                found.append(Proposal(a, b, seen, without))
    return sorted(found, key=lambda one: (-one.seen, one.alone, one.a, one.b))


def _neighbourhoods(rows: list[Beginning], window: int) -> Iterator[tuple[Beginning, set[End]]]:
    """Each beginning with the other alerts that began around it in its place."""
    places: dict[tuple[str, str, str], list[Beginning]] = {}
    for row in rows:
        places.setdefault(row.place, []).append(row)
    for held in places.values():
        first = last = 0
        for row in held:
            while held[first].at < row.at - window:
                first += 1
            while last < len(held) and held[last].at <= row.at + window:
                last += 1
            yield row, {other.end for other in held[first:last]} - {row.end}
