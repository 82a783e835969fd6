"""The two figures that the standard library does not have: percentile and a ratio that may have no peer."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank: the smallest value that at least `percent` of the sorted values do not exceed.

    0 for no values.
    """
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratio(ours: float, theirs: float) -> float:
    """0 when there is nothing to compare with."""
    return ours / theirs if theirs else 0.0
