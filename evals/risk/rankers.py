"""Who scores the later half after reading the earlier one: Watchkeeper's model, and baselines beside it.

Baselines see the columns as they stand in the file. scikit-learn is imported when one of its is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from core.risk.features import NAMES
from core.risk.fit import Example, fit
from core.risk.model import score
from core.risk.solve import logistic
from evals.risk.commits import Commit, DataSet

OURS = "ours"
NO_PROJECTS = "ours, projects unknown"
LINES = "lines added"
LOGISTIC = "logistic regression"
LOGISTIC_MORE = "logistic regression, counts and projects"
FOREST = "random forest"
TREES, SEED = 300, 20261121

Matrix = list[list[float]]


class Scored(NamedTuple):
    """What one ranker says of the later half: `keys` order it, `chances` are probabilities from 0 to 1."""

    keys: Sequence[float]
    chances: Sequence[float]


def has_sklearn() -> bool:
    return find_spec("sklearn") is not None


def scored(data: DataSet) -> dict[str, Scored]:
    """By ranker, ours first. Without scikit-learn only those that need none."""
    projects = {one.project for one in data.commits}
    found = {OURS: _ours(data, projects=True)}
    found[NO_PROJECTS] = _ours(data, projects=False) if len(projects) > 1 else found[OURS]
    found[LINES] = _lines(data)
    if has_sklearn():
        given = [list(one.given) for one in data.commits]
        found[LOGISTIC] = _logistic(data, _logs(given))
        found[LOGISTIC_MORE] = _logistic(data, _counts_and_projects(data))
        found[FOREST] = _forest(data, given)
    return found


def _ours(data: DataSet, projects: bool) -> Scored:
    def group(one: Commit) -> str:
        return one.project if projects else ""

    model = fit([Example(one.at, one.features, one.defect, group(one), one.case_id) for one in data.earlier])
    keys = [score(model, one.features, group(one)).log_odds for one in data.later]
    return Scored(keys, [logistic(key / 1000) for key in keys])


def _lines(data: DataSet) -> Scored:
    """More lines, more risk; the probabilities are those of a logistic curve through their logarithm."""
    lines = [one.features.la or 0.0 for one in data.commits]
    logs = [math.log1p(one) for one in lines]
    slope, level = _curve(logs[: data.cut], [one.defect for one in data.earlier])
    return Scored(lines[data.cut :], [logistic(slope * one + level) for one in logs[data.cut :]])


def _curve(places: Sequence[float], labels: Sequence[bool]) -> tuple[float, float]:
    slope, level = 0.0, 0.0
    for _ in range(20):
        chances = [logistic(slope * one + level) for one in places]
        gaps = [label - one for label, one in zip(labels, chances, strict=True)]
        spreads = [one * (1 - one) for one in chances]
        a = sum(w * x * x for w, x in zip(spreads, places, strict=True)) + 1e-3
        b = sum(w * x for w, x in zip(spreads, places, strict=True))
        c = sum(spreads) + 1e-3
        by_slope, by_level = sum(g * x for g, x in zip(gaps, places, strict=True)), sum(gaps)
        slope += (c * by_slope - b * by_level) / (a * c - b * b)
        level += (a * by_level - b * by_slope) / (a * c - b * b)
    return slope, level


def _logs(rows: Matrix) -> Matrix:
    """log(1 + value), as Kamei et al. have it; of what is below 0, nothing."""
    return [[math.log1p(max(value, 0.0)) for value in row] for row in rows]


def _counts_and_projects(data: DataSet) -> Matrix:
    """The same features as ours, and a column a project: so that neither is what makes the difference."""
    names = sorted({one.project for one in data.earlier})
    rows = [[getattr(one.features, name) or 0.0 for name in NAMES] for one in data.commits]
    owns = [[float(one.project == name) for name in names] for one in data.commits]
    return [row + own for row, own in zip(_logs(rows), owns, strict=True)]


def _logistic(data: DataSet, rows: Matrix) -> Scored:
    scaler = import_module("sklearn.preprocessing").StandardScaler()
    model = import_module("sklearn.linear_model").LogisticRegression(max_iter=5_000)
    return _judged(data, import_module("sklearn.pipeline").make_pipeline(scaler, model), rows)


def _forest(data: DataSet, rows: Matrix) -> Scored:
    forests = import_module("sklearn.ensemble")
    return _judged(data, forests.RandomForestClassifier(TREES, random_state=SEED), rows)


def _judged(data: DataSet, model: Any, rows: Matrix) -> Scored:
    model.fit(rows[: data.cut], [one.defect for one in data.earlier])
    chances = [float(row[1]) for row in model.predict_proba(rows[data.cut :])]
    return Scored(chances, chances)
