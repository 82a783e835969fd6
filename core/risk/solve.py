"""Logistic regression under quadratic penalties, by Newton's method, for rows that are 1 in a few columns.

Plain lists and floats in a fixed order: the same rows give the same answer. A problem of 10,000 rows and 300
columns takes a few seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

Vector = list[float]
Matrix = list[Vector]

_MOST_STEPS, _ENOUGH, _LONGEST_STEP = 30, 1e-5, 4.0


class Penalty(NamedTuple):
    """½ w'Pw - w'pull of the columns from `start` on; `matrix` is P."""

    start: int
    matrix: Matrix
    pull: Vector


def toward_line(
    places: Sequence[float], slope: float, strength: float, smooth: float, ridge: float
) -> Penalty:
    """Of a table whose bins lie at `places`: a line through 0, whose own slope is drawn to `slope` by
    `strength`, costs nothing else; bins apart from it cost `ridge`, neighbours apart from each other, beside
    it, `smooth`."""
    size = len(places)
    apart = [[0.0] * size for _ in places]
    for i in range(size):
        apart[i][i] += ridge
    for i in range(size - 1):
        apart[i][i] += smooth
        apart[i + 1][i + 1] += smooth
        apart[i][i + 1] -= smooth
        apart[i + 1][i] -= smooth
    # The best slope for given bins is known, and put in: what is left is quadratic in the bins alone.
    along = [_dot(row, places) for row in apart]
    whole = strength + _dot(along, places)
    matrix = [[apart[i][j] - along[i] * along[j] / whole for j in range(size)] for i in range(size)]
    return Penalty(0, matrix, [one * strength * slope / whole for one in along])


def toward_nothing(size: int, ridge: float) -> Penalty:
    """Each column on its own is drawn to 0."""
    return Penalty(0, [[ridge * (i == j) for j in range(size)] for i in range(size)], [0.0] * size)


def solve(
    rows: Sequence[Sequence[int]], labels: Sequence[bool], penalties: Sequence[Penalty], start: Vector
) -> Vector:
    """The weights that fit best. `rows` name the columns that are 1, rising; column 0, in every row, is the
    base and free. `start` is where to begin, a weight a column. Both labels must occur."""
    weights = list(start)
    for _ in range(_MOST_STEPS):
        gradient, curve = _slopes(rows, labels, weights)
        for penalty in penalties:
            _add(penalty, weights, gradient, curve)
        step = _solved(curve, gradient)
        longest = max(map(abs, step))
        scale = min(1.0, _LONGEST_STEP / longest) if longest else 1.0
        weights = [weight + scale * one for weight, one in zip(weights, step, strict=True)]
        if longest < _ENOUGH:
            break
    return weights


def _slopes(rows: Sequence[Sequence[int]], labels: Sequence[bool], weights: Vector) -> tuple[Vector, Matrix]:
    """Gradient, and the lower half of the curvature, of the likelihood alone."""
    gradient = [0.0] * len(weights)
    curve = [[0.0] * (i + 1) for i in range(len(weights))]
    for row, label in zip(rows, labels, strict=True):
        chance = logistic(math.fsum([weights[i] for i in row]))
        gap, spread = label - chance, chance * (1 - chance)
        for count, i in enumerate(row, 1):
            gradient[i] += gap
            line = curve[i]
            for j in row[:count]:
                line[j] += spread
    return gradient, curve


def _add(penalty: Penalty, weights: Vector, gradient: Vector, curve: Matrix) -> None:
    first, size = penalty.start, len(penalty.matrix)
    held = weights[first : first + size]
    for i, (row, pull) in enumerate(zip(penalty.matrix, penalty.pull, strict=True)):
        gradient[first + i] += pull - _dot(row, held)
        line = curve[first + i]
        for j in range(i + 1):
            line[first + j] += row[j]


def _solved(curve: Matrix, right: Vector) -> Vector:
    """x of curve x = right, by Cholesky; `curve` is the lower half of a positive definite matrix."""
    lower: Matrix = []
    for row in curve:
        line: Vector = []
        for j, other in enumerate(lower):
            line.append((row[j] - _dot(line, other)) / other[j])
        line.append(math.sqrt(max(row[-1] - _dot(line, line), 1e-9)))
        lower.append(line)
    middle: Vector = []
    for row, one in zip(lower, right, strict=True):
        middle.append((one - _dot(middle, row)) / row[-1])
    for i in reversed(range(len(middle))):
        middle[i] /= lower[i][i]
        for j, one in enumerate(lower[i][:i]):
            middle[j] -= one * middle[i]
    return middle


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    """As far as the shorter reaches."""
    total: float = sum(map(mul, first, second))
    return total
