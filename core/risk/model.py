"""A readable model of how likely a change is to be one that is mended later: tables of weights that add up.

A weight is in thousandths of log-odds. The base and the weights of a change's terms add up to the log-odds of
its probability, so that every probability can be worked out by hand from what is shown beside it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from core.risk.features import NAMES, WORDS, Features

FORMAT = 1
_FARTHEST = 20_000
# No count of lines, people or days.
_BEYOND = 1e15


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one feature: `weights[i]` is that of values from `edges[i - 1]` up to, and without, `edges[i]`.
    `counts` says how many changes the weight was learned from."""

    feature: str
    edges: tuple[float, ...]
    weights: tuple[int, ...]
    counts: tuple[int, ...]


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of two features together, beside their own tables: `weights[i][j]`, edges as in a table."""

    features: tuple[str, str]
    edges: tuple[tuple[float, ...], tuple[float, ...]]
    weights: tuple[tuple[int, ...], ...]


class CalibrationBin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of `n` changes of similar probability: what was said on average and what came true, in thousandths."""

    said: int
    came: int
    n: int


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model was learned from. Times are ms UTC of the oldest and newest change. `defects`: how many of
    the changes were mended later. `note`: why little can be said, "" where enough was seen."""

    repository: str = ""
    commits: int = 0
    defects: int = 0
    since: int = 0
    until: int = 0
    version: str = ""
    note: str = ""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`base` is the log-odds of a change of which nothing is known. `groups`: the weight of each project,
    where several were learned from. `calibration` was measured on the newest changes with a model that had
    not seen them."""

    base: int
    tables: tuple[Table, ...]
    grids: tuple[Grid, ...] = ()
    groups: dict[str, int] = {}
    calibration: tuple[CalibrationBin, ...] = ()
    provenance: Provenance = Provenance()
    format: int = FORMAT


class Term(NamedTuple):
    """`feature` is its name, or two of a grid with `x` between; `value` is in words."""

    feature: str
    value: str
    weight: int


class Score(NamedTuple):
    """`probability` in thousandths, 1 to 999; `terms` heaviest first, those of no weight left out.
    `log_odds`, in thousandths, is the model's base and all weights: it orders changes more finely."""

    probability: int
    terms: tuple[Term, ...]
    log_odds: int


def added_part(features: Features) -> float | None:
    """Of the changed lines, the part that is added, in per cent; one line more is counted beneath."""
    if features.la is None or features.ld is None or features.la + features.ld + 1 <= 0:
        return None
    return round(100 * features.la / (features.la + features.ld + 1), 2)


def _plain(name: str) -> Callable[[Features], float | None]:
    return lambda features: getattr(features, name)


# What a table may be of.
VALUES: dict[str, Callable[[Features], float | None]] = {name: _plain(name) for name in NAMES}
VALUES["added_part"] = added_part
TITLES = {**{name: title for name, (title, _) in WORDS.items()}, "added_part": "% of the changed lines added"}


def score(model: Model, features: Features, group: str = "") -> Score:
    """Never raises: what is not known, or is no number, weighs nothing."""
    values = {name: known(features, name) for name in VALUES}
    terms = [_of_table(table, values) for table in model.tables]
    terms += [_of_grid(grid, values) for grid in model.grids]
    if group in model.groups:
        terms.append(Term("project", group, model.groups[group]))
    log_odds = model.base + sum(term.weight for term in terms)
    shown = sorted((term for term in terms if term.weight), key=lambda term: -abs(term.weight))
    return Score(probability(log_odds), tuple(shown), log_odds)


def probability(log_odds: int) -> int:
    """Thousandths of log-odds to thousandths; never quite 0 or 1, which no history can prove."""
    bounded = max(-_FARTHEST, min(_FARTHEST, log_odds))
    return max(1, min(999, round(1000 / (1 + math.exp(-bounded / 1000)))))


def known(features: Features, name: str) -> float | None:
    """The value, where there is one of use."""
    value = VALUES[name](features)
    return value if value is not None and abs(value) < _BEYOND else None


def _of_table(table: Table, values: dict[str, float | None]) -> Term:
    value = values[table.feature]
    if value is None:
        return Term(table.feature, "not known", 0)
    weight = table.weights[bisect_right(table.edges, value)]
    return Term(table.feature, in_words(table.feature, value), weight)


def _of_grid(grid: Grid, values: dict[str, float | None]) -> Term:
    name = " x ".join(grid.features)
    first, second = (values[one] for one in grid.features)
    if first is None or second is None:
        return Term(name, "not known", 0)
    weight = grid.weights[bisect_right(grid.edges[0], first)][bisect_right(grid.edges[1], second)]
    return Term(name, " with ".join(map(in_words, grid.features, (first, second))), weight)


def in_words(name: str, value: float) -> str:
    """`812 lines added`, `no fix`."""
    if name == "fix":
        return TITLES[name] if value else "no fix"
    return f"{number(value)} {TITLES[name]}"


def number(value: float) -> str:
    """Without a fraction where it has none, else with two digits of it at most."""
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}".rstrip("0").rstrip(".")
