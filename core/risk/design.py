"""What a model is built of before it is learned: bins of each feature, pairs of features, projects.

Bins hold about the same number of changes each. They are made from features alone, never from labels.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from core.risk.features import Features
from core.risk.model import VALUES, known
from core.risk.solve import Penalty, toward_line, toward_nothing

Column = list[float | None]


class Settings(NamedTuple):
    """How many bins, and how strongly weights are held: see `toward_line`. `pairs` have grids of their own.
    `slopes`: what is expected of a feature beforehand, a standard deviation of its logarithm."""

    bins: int = 16
    strength: float = 10.0
    smooth: float = 50.0
    ridge: float = 1.0
    pairs: tuple[tuple[str, str], ...] = (("la", "ndev"), ("la", "fix"), ("la", "ld"), ("la", "nf"))
    pair_bins: int = 4
    pair_ridge: float = 10.0
    group_ridge: float = 2.0
    slopes: dict[str, float] = {}


class Part(NamedTuple):
    """The columns of one table, of one grid, or of all projects. `edges` are of each of its features."""

    names: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]
    penalty: Penalty


class Design(NamedTuple):
    """`rows`: for each change the columns that are 1. `parts` in the order of their columns, after the base;
    `groups` come last."""

    rows: list[list[int]]
    parts: tuple[Part, ...]
    groups: tuple[str, ...]
    group_penalty: Penalty
    width: int


MOST_GROUPS = 200


def design(features: Sequence[Features], groups: Sequence[str], settings: Settings) -> Design:
    columns = {name: [known(one, name) for one in features] for name in VALUES}
    rows = [[0] for _ in features]
    parts: list[Part] = []
    width = 1
    for name, column in columns.items():
        edges = cuts(column, settings.bins)
        if edges:
            penalty = _table_penalty(name, column, edges, settings)._replace(start=width)
            parts.append(Part((name,), (edges,), penalty))
            width = _fill(rows, width, [column], (edges,))
    for pair in settings.pairs:
        both = [columns[name] for name in pair]
        edges_of = tuple(cuts(column, settings.pair_bins) for column in both)
        if all(edges_of):
            size = math.prod(len(edges) + 1 for edges in edges_of)
            penalty = toward_nothing(size, settings.pair_ridge)._replace(start=width)
            parts.append(Part(pair, edges_of, penalty))
            width = _fill(rows, width, both, edges_of)
    names = _named(groups)
    _fill_groups(rows, width, groups, names)
    group_penalty = toward_nothing(len(names), settings.group_ridge)._replace(start=width)
    return Design(rows, tuple(parts), names, group_penalty, width + len(names))


def cuts(column: Column, bins: int) -> tuple[float, ...]:
    """Where one bin ends and the next begins; none where all values are the same."""
    values = sorted(float(value) for value in column if value is not None)
    if not values:
        return ()
    last = len(values) - 1
    found = {values[-(-i * last // bins)] for i in range(1, bins)}
    return tuple(sorted(found - {values[0]})) or ((values[-1],) if values[-1] > values[0] else ())


def place(edges: Sequence[Sequence[float]], values: Sequence[float]) -> int:
    """Which of the columns of a part these values belong to, from 0."""
    found = 0
    for one, value in zip(edges, values, strict=True):
        found = found * (len(one) + 1) + bisect_right(one, value)
    return found


def _fill(
    rows: list[list[int]], width: int, columns: Sequence[Column], edges: tuple[tuple[float, ...], ...]
) -> int:
    for row, values in zip(rows, zip(*columns, strict=True), strict=True):
        some = [value for value in values if value is not None]
        if len(some) == len(values):
            row.append(width + place(edges, some))
    return width + math.prod(len(one) + 1 for one in edges)


def _table_penalty(name: str, column: Column, edges: tuple[float, ...], settings: Settings) -> Penalty:
    """Bins lie where the logarithm of their values is on average, in standard deviations from the mean."""
    sums, counts = [0.0] * (len(edges) + 1), [0] * (len(edges) + 1)
    for value in column:
        if value is not None:
            sums[bisect_right(edges, value)] += math.log1p(max(value, 0.0))
            counts[bisect_right(edges, value)] += 1
    total = sum(counts)
    places = [one / count if count else 0.0 for one, count in zip(sums, counts, strict=True)]
    mean = sum(sums) / total
    spread = math.sqrt(sum(n * (one - mean) ** 2 for n, one in zip(counts, places, strict=True)) / total)
    places = [(one - mean) / (spread or 1.0) for one in places]
    slope = settings.slopes.get(name, 0.0)
    return toward_line(places, slope, settings.strength, settings.smooth, settings.ridge)


def _named(groups: Sequence[str]) -> tuple[str, ...]:
    """The largest, by name; none where all changes are of one."""
    largest = sorted(Counter(groups).items(), key=lambda one: (-one[1], one[0]))[:MOST_GROUPS]
    names = tuple(sorted(name for name, _ in largest))
    return names if len(names) > 1 else ()


def _fill_groups(rows: list[list[int]], width: int, groups: Sequence[str], names: tuple[str, ...]) -> None:
    numbers = {name: width + i for i, name in enumerate(names)}
    for row, group in zip(rows, groups, strict=True):
        if group in numbers:
            row.append(numbers[group])
