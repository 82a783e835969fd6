"""Learning a model from changes whose end is known: which of them had to be mended later.

Plain and deterministic: the same changes, in whatever order, give the same model. Ten thousand take some
seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from core.errors import InputError
from core.risk.design import Design, Part, Settings, design
from core.risk.features import Features
from core.risk.figures import calibration_bins
from core.risk.model import CalibrationBin, Grid, Model, Provenance, Table, probability
from core.risk.solve import Vector, logistic, solve

# Fewer than the first: no model. Fewer than the second: mostly what is expected of any repository.
LEAST_COMMITS, LEAST_DEFECTS = 20, 3
ENOUGH_COMMITS, ENOUGH_DEFECTS = 200, 20
# Held against the newest changes when they say that scores were too far apart or too close.
_CALM = 100.0
_NEWEST = 5
_STEPS = 20

# Tables that never fall: on its own, a line more never speaks for a change.
RISING = (("la",),)


class Example(NamedTuple):
    """A change of the past. `at` in ms UTC; `defect`: whether it had to be mended; `group`: its project."""

    at: int
    features: Features
    defect: bool
    group: str = ""
    id: str = ""


# What size, spread and churn of files mean in most studies, mildly: log-odds a standard deviation.
EXPECTED = {"la": 0.5, "nf": 0.2, "entropy": 0.15, "ndev": 0.2, "nuc": 0.1, "exp": -0.1}
USUAL = Settings()
SMALL = Settings(bins=8, strength=100.0, smooth=500.0, ridge=50.0, pairs=(), slopes=EXPECTED)


def fit(
    examples: Sequence[Example], about: Provenance | None = None, settings: Settings | None = None
) -> Model:
    """`about` may name the repository and the version; what was counted is filled in here.

    Raises InputError where nothing can be learned: too few changes, or too few of one kind.
    """
    ordered = sorted(examples, key=_order)
    defects = sum(one.defect for one in ordered)
    _check(len(ordered), defects)
    few = len(ordered) < ENOUGH_COMMITS or min(defects, len(ordered) - defects) < ENOUGH_DEFECTS
    chosen = settings or (SMALL if few else USUAL)
    built = design([one.features for one in ordered], [one.group for one in ordered], chosen)
    labels = [one.defect for one in ordered]
    cut = _cut(labels)
    start = [0.0] * built.width
    start[0] = _log_odds(sum(labels[:cut]), cut)
    older = _fitted(built, labels, cut, start)
    slope = _slope(_scores(older, built.rows[cut:]), labels[cut:])
    weights = [slope * one for one in _fitted(built, labels, len(labels), older)]
    return msgspec.structs.replace(
        _model(built, _levelled(weights, built.rows, defects)),
        calibration=_calibration(built, labels, cut, [slope * one for one in older]),
        provenance=_provenance(about or Provenance(), ordered, defects, few),
    )


def _order(one: Example) -> tuple[int, str, str, bool, str]:
    return (one.at, one.id, one.group, one.defect, repr(one.features))


def _check(commits: int, defects: int) -> None:
    if commits < LEAST_COMMITS:
        raise InputError(
            f"{commits} change{'s' * (commits != 1)} of known end: too few to learn from; {LEAST_COMMITS} are"
            " needed",
            mend="Take a longer history",
        )
    if min(defects, commits - defects) < LEAST_DEFECTS:
        raise InputError(
            f"{defects} of {commits} changes had to be mended; {LEAST_DEFECTS} of each kind are needed",
            mend="Take a longer history, or look whether fixes are recognised by their subjects",
        )


def _cut(labels: Sequence[bool]) -> int:
    """How many of the oldest are learned from before the newest fifth, which they have not seen, is asked."""
    cut = len(labels) - len(labels) // _NEWEST
    return cut if len(set(labels[:cut])) == 2 else len(labels)


def _scores(weights: Vector, rows: Sequence[Sequence[int]]) -> Vector:
    return [math.fsum(weights[i] for i in row) for row in rows]


def _fitted(built: Design, labels: list[bool], cut: int, start: Vector) -> Vector:
    penalties = [*(part.penalty for part in built.parts), built.group_penalty]
    return solve(built.rows[:cut], labels[:cut], penalties, start)


def _calibration(built: Design, labels: list[bool], cut: int, older: Vector) -> tuple[CalibrationBin, ...]:
    """What weights from the older changes say of the newest, and what came true."""
    levelled = _levelled(older, built.rows[:cut], sum(labels[:cut]))
    said = [probability(_whole(one)) for one in _scores(levelled, built.rows[cut:])]
    return calibration_bins(said, labels[cut:])


def _slope(scores: Vector, labels: Sequence[bool]) -> float:
    """How far scores must be drawn together for what was not learned from (Platt), held to 1 by a few votes.

    The level that goes with it is not used: the share of defects swings from month to month by far more than
    it drifts, and the whole history tells it better than the newest part.
    """
    slope, level = 1.0, 0.0
    mean = math.fsum(scores) / len(scores) if scores else 0.0
    for _ in range(_STEPS):
        chances = [logistic(slope * (one - mean) + mean + level) for one in scores]
        gaps = [label - one for label, one in zip(labels, chances, strict=True)]
        spreads = [one * (1 - one) for one in chances]
        lengths = [one - mean for one in scores]
        a = _products(spreads, lengths, lengths) + _CALM
        b, c = _products(spreads, lengths), sum(spreads) + 1.0
        by_slope, by_level = _products(gaps, lengths) - _CALM * (slope - 1), sum(gaps) - level
        slope += (c * by_slope - b * by_level) / (a * c - b * b)
        level += (a * by_level - b * by_slope) / (a * c - b * b)
    return min(max(slope, 0.2), 1.5)


def _levelled(weights: Vector, rows: Sequence[Sequence[int]], defects: int) -> Vector:
    """The same with another base, so that on average as much is said as came true."""
    scores = _scores(weights, rows)
    shift = 0.0
    for _ in range(_STEPS):
        chances = [logistic(one + shift) for one in scores]
        shift += (defects - sum(chances)) / (sum(one * (1 - one) for one in chances) + 1e-9)
        shift = max(-9.0, min(9.0, shift))
    return [weights[0] + shift, *weights[1:]]


def _products(*columns: Sequence[float]) -> float:
    return math.fsum(map(math.prod, zip(*columns, strict=True)))


def _model(built: Design, weights: Vector) -> Model:
    """Each table is told against its own average change, so that the base is that of a usual change."""
    base = weights[0]
    tables, grids = [], []
    for part in built.parts:
        size = len(part.penalty.matrix)
        first = part.penalty.start
        counts = _counts(built, first, size)
        own = weights[first : first + size]
        mean = sum(w * n for w, n in zip(own, counts, strict=True)) / sum(counts)
        base += mean
        if part.names in RISING:
            own = _rising(own, counts)
        told = [_whole(one - mean) for one in own]
        if len(part.names) == 1:
            tables.append(Table(part.names[0], part.edges[0], tuple(told), tuple(counts)))
        else:
            grids.append(_grid(part, told))
    start = built.group_penalty.start
    groups = {name: _whole(weights[start + i]) for i, name in enumerate(built.groups)}
    return Model(_whole(base), tuple(tables), tuple(grids), groups)


def _rising(weights: Vector, counts: Sequence[int]) -> Vector:
    """The nearest that never fall: neighbours that do are put together, by how many changes each holds."""
    pools: list[tuple[float, float, int]] = []
    for weight, count in zip(weights, counts, strict=True):
        pool = (weight * count, float(count), 1)
        while pools and pools[-1][0] * pool[1] > pool[0] * pools[-1][1]:
            before = pools.pop()
            pool = (before[0] + pool[0], before[1] + pool[1], before[2] + pool[2])
        pools.append(pool)
    return [total / count if count else 0.0 for total, count, size in pools for _ in range(size)]


def _grid(part: Part, told: list[int]) -> Grid:
    wide = len(part.edges[1]) + 1
    rows = tuple(tuple(told[i : i + wide]) for i in range(0, len(told), wide))
    return Grid((part.names[0], part.names[1]), (part.edges[0], part.edges[1]), rows)


def _counts(built: Design, first: int, size: int) -> list[int]:
    counts = [0] * size
    for row in built.rows:
        for column in row:
            if first <= column < first + size:
                counts[column - first] += 1
    return counts


def _provenance(about: Provenance, ordered: Sequence[Example], defects: int, few: bool) -> Provenance:
    note = (
        f"few changes ({len(ordered)}, {defects} of them mended later): mostly what is usual elsewhere"
        if few
        else ""
    )
    since, until = ordered[0].at, ordered[-1].at
    return Provenance(
        about.repository, len(ordered), defects, since, until, about.version, about.note or note
    )


def _log_odds(hits: int, of: int) -> float:
    return math.log((hits + 0.5) / (of - hits + 0.5))


def _whole(value: float) -> int:
    return round(value * 1000)
