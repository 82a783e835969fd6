"""Figures of several rankers on the same commits, and how far they move when other commits are drawn.

A draw takes as many defects and as many others as there are, with replacement; all rankers see the same one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from evals.risk.rankers import Scored

METRICS = ("auc", "ap", "recall20", "recall20_density", "brier")
DRAWS, SEED = 1_000, 20261121
EFFORT = 0.2

Figures = dict[str, float]


class Ranked(NamedTuple):
    """One ranker, ready to be measured often: commits of equal key together, the highest first; the two
    orders in which they are read; and the square of each one's gap."""

    ties: list[list[int]]
    by_score: list[int]
    by_density: list[int]
    squares: list[float]


def ranked(one: Scored, efforts: Sequence[float], labels: Sequence[bool]) -> Ranked:
    """Among equal keys the smaller effort is read first."""
    numbers = range(len(labels))
    falling = sorted(numbers, key=lambda i: (-one.keys[i], efforts[i]))
    ties = [list(tied) for _, tied in groupby(falling, key=lambda i: one.keys[i])]
    dense = sorted(numbers, key=lambda i: (-one.chances[i] / max(efforts[i], 1.0), efforts[i]))
    squares = [(chance - label) ** 2 for chance, label in zip(one.chances, labels, strict=True)]
    return Ranked(ties, falling, dense, squares)


def figures(
    one: Ranked, labels: Sequence[bool], efforts: Sequence[float], times: Sequence[int] | None = None
) -> Figures:
    """`times`: how often each commit was drawn; once each when left out."""
    times = times or [1] * len(labels)
    area, precision = _area_and_precision(one.ties, labels, times)
    total = sum(times)
    return {
        "auc": area,
        "ap": precision,
        "recall20": _recall(one.by_score, labels, efforts, times),
        "recall20_density": _recall(one.by_density, labels, efforts, times),
        "brier": sum(n * square for n, square in zip(times, one.squares, strict=True)) / total,
    }


def draws(
    rankers: Mapping[str, Ranked], labels: Sequence[bool], efforts: Sequence[float], seed: str
) -> dict[str, list[Figures]]:
    """By ranker, its figures in each draw; the same draws for the same seed."""
    rng = random.Random(f"{SEED} {seed}")
    kinds = [[i for i, label in enumerate(labels) if label is kind] for kind in (True, False)]
    found: dict[str, list[Figures]] = {name: [] for name in rankers}
    for _ in range(DRAWS):
        times = [0] * len(labels)
        for kind in kinds:
            for i in rng.choices(kind, k=len(kind)):
                times[i] += 1
        # Where projects make no difference two rankers are one.
        known = {id(one): figures(one, labels, efforts, times) for one in _distinct(rankers)}
        for name, one in rankers.items():
            found[name].append(known[id(one)])
    return found


def _distinct(rankers: Mapping[str, Ranked]) -> list[Ranked]:
    return list({id(one): one for one in rankers.values()}.values())


def interval(values: Sequence[float]) -> list[float]:
    """The middle 95 %."""
    ordered = sorted(values)
    tail = len(ordered) // 40
    return [round(ordered[tail], 4), round(ordered[-tail - 1], 4)]


def _area_and_precision(
    ties: Sequence[Sequence[int]], labels: Sequence[bool], times: Sequence[int]
) -> tuple[float, float]:
    seen = found = 0
    area = precision = 0.0
    for tied in ties:
        hits = others = 0
        for i in tied:
            if labels[i]:
                hits += times[i]
            else:
                others += times[i]
        area += others * (found + hits / 2)
        found += hits
        seen += hits + others
        if hits:
            precision += hits * found / seen
    return area / (found * (seen - found)), precision / found


def _recall(
    order: Sequence[int], labels: Sequence[bool], efforts: Sequence[float], times: Sequence[int]
) -> float:
    """Of the defects, those read before `EFFORT` of all lines is spent; the one at the limit counts not."""
    budget = EFFORT * sum(n * effort for n, effort in zip(times, efforts, strict=True))
    hits = sum(n for n, label in zip(times, labels, strict=True) if label)
    spent, found = 0.0, 0
    for i in order:
        if times[i]:
            spent += times[i] * efforts[i]
            if spent > budget:
                break
            found += times[i] * labels[i]
    return found / hits
