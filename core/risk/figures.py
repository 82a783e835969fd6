"""How good probabilities were, once it is known what came true: ranking, lift, calibration.

Scores may be any numbers of which larger means riskier; probabilities are in thousandths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from core.risk.model import CalibrationBin

BINS = 10


class Lift(NamedTuple):
    """Of the `part` (per cent) with the highest scores: how many changes, how many defects among them, and
    how many times as many that is as chance would find."""

    part: int
    changes: int
    defects: int
    recall: float
    lift: float


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """The chance that a defect has the higher score of the two; ties count half. 0.5 where one kind is
    missing."""
    hits = sum(labels)
    misses = len(labels) - hits
    if not hits or not misses:
        return 0.5
    below = found = 0.0
    for _, tied in groupby(sorted(zip(scores, labels, strict=True)), key=lambda one: one[0]):
        here = [label for _, label in tied]
        good = sum(here)
        found += good * (below + (len(here) - good) / 2)
        below += len(here) - good
    return found / (hits * misses)


def average_precision(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Precision at each new threshold, weighted by the recall that it adds; 0 without any defect."""
    hits = sum(labels)
    seen = found = 0
    total = 0.0
    ranked = sorted(zip(scores, labels, strict=True), key=lambda one: -one[0])
    for _, tied in groupby(ranked, key=lambda one: one[0]):
        here = [label for _, label in tied]
        seen += len(here)
        found += sum(here)
        total += sum(here) * found / seen
    return total / hits if hits else 0.0


def brier(probabilities: Sequence[int], labels: Sequence[bool]) -> float:
    """The mean square of what was said less what came true."""
    if not labels:
        return 0.0
    gaps = ((said / 1000 - label) ** 2 for said, label in zip(probabilities, labels, strict=True))
    return math.fsum(gaps) / len(labels)


def calibration_bins(
    probabilities: Sequence[int], labels: Sequence[bool], bins: int = BINS
) -> tuple[CalibrationBin, ...]:
    """By rising probability, about as many changes in each; fewer bins rather than fewer than 10 in one."""
    ranked = sorted(zip(probabilities, labels, strict=True))
    count = max(1, min(bins, len(ranked) // 10)) if ranked else 0
    edges = [i * len(ranked) // count for i in range(count + 1)] if count else []
    return tuple(_bin(ranked[low:high]) for low, high in pairwise(edges))


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """The mean gap between what was said and what came true, by changes; 0 to 1."""
    total = sum(one.n for one in bins)
    return sum(one.n * abs(one.said - one.came) for one in bins) / total / 1000 if total else 0.0


def lift(
    scores: Sequence[float], labels: Sequence[bool], parts: Sequence[int] = (5, 10, 20)
) -> tuple[Lift, ...]:
    """At the top of each part, at least one change. Equal scores stand in the order given."""
    ranked = sorted(range(len(scores)), key=lambda i: -scores[i])
    hits = sum(labels)
    rows = []
    for part in parts if ranked else ():
        top = max(1, len(ranked) * part // 100)
        found = sum(labels[i] for i in ranked[:top])
        recall = found / hits if hits else 0.0
        rows.append(Lift(part, top, found, recall, recall * len(ranked) / top))
    return tuple(rows)


def _bin(rows: Sequence[tuple[int, bool]]) -> CalibrationBin:
    said = sum(one for one, _ in rows)
    came = sum(label for _, label in rows)
    return CalibrationBin(round(said / len(rows)), round(1000 * came / len(rows)), len(rows))
