"""Scores of cases to the evaluation document: means over cases, origins over faults, bootstrap intervals."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from evals.grouping.baselines import BASELINES
from evals.grouping.origins import OURS as OUR_RANKING
from evals.grouping.origins import RANKINGS
from evals.grouping.score import OURS, PROMPT, CaseScore

Figures = dict[str, float]
GROUPING = ("precision", "recall", "f1", "ari", "incidents")
RANKS = (1, 3)
_RESAMPLES, _SEED = 2_000, 20261121


def evaluation(scores: Sequence[CaseScore], version: str, data: str) -> dict[str, Any]:
    """`f1_lead` is our mean f1 less that of the best baseline; so is `within_120s_f1_lead`."""
    metrics = {**grouping(scores, OURS), **_named("within_120s", grouping(scores, PROMPT))}
    best = best_baseline(scores)
    metrics["f1_lead"] = _rounded(metrics["f1"] - grouping(scores, best)["f1"])
    metrics["within_120s_f1_lead"] = _rounded(metrics["within_120s_f1"] - grouping(scores, best)["f1"])
    metrics.update(origins(scores, OUR_RANKING))
    metrics.update(_counts(scores))
    baselines = {name: grouping(scores, name) for name, _ in BASELINES}
    baselines.update((name, origins(scores, name)) for name, _ in RANKINGS if name != OUR_RANKING)
    return {
        "eval": "grouping",
        "version": version,
        "data": data,
        "n": len(scores),
        "metrics": metrics,
        "baselines": baselines,
        "intervals": intervals(scores, best),
    }


def grouping(scores: Sequence[CaseScore], name: str) -> Figures:
    """Means over cases of one way of grouping."""
    rows = [score.rows[name]._asdict() for score in scores]
    return {metric: _rounded(fmean(row[metric] for row in rows)) for metric in GROUPING}


def best_baseline(scores: Sequence[CaseScore]) -> str:
    """By mean f1; the one listed first among equals."""
    return max((name for name, _ in BASELINES), key=lambda name: grouping(scores, name)["f1"])


def origins(scores: Sequence[CaseScore], ranking: str) -> Figures:
    """The part of the faults whose origin has rank 1, or up to 3: of those that are named, and of all."""
    found = [one for score in scores for one in score.found]
    named = [one for one in found if one.named]
    figures: Figures = {}
    for rank in RANKS:
        for what, some in (("origin", named), ("origin_of_all", found)):
            hits = sum((one.ranks[ranking] or rank + 1) <= rank for one in some)
            figures[f"{what}_top{rank}"] = _rounded(hits / len(some)) if some else 0.0
    return figures


def _counts(scores: Sequence[CaseScore]) -> Figures:
    found = [one for score in scores for one in score.found]
    return {
        "faults": len(found),
        "faults_named": sum(one.named for one in found),
        "true_incidents": _rounded(fmean(score.true for score in scores)),
        "alerts": _rounded(fmean(score.alerts for score in scores)),
    }


def intervals(scores: Sequence[CaseScore], best: str) -> dict[str, list[float]]:
    """95 % of the means over cases drawn again with replacement; the lead is paired by case."""
    values = {
        "f1": [score.rows[OURS].f1 for score in scores],
        "within_120s_f1": [score.rows[PROMPT].f1 for score in scores],
        "f1_lead": [score.rows[OURS].f1 - score.rows[best].f1 for score in scores],
        "within_120s_f1_lead": [score.rows[PROMPT].f1 - score.rows[best].f1 for score in scores],
    }
    return {name: bootstrap(row) for name, row in values.items()}


def bootstrap(values: Sequence[float]) -> list[float]:
    """Low and high of the middle 95 % of resampled means; the same for the same values on every machine."""
    draw = random.Random(_SEED)
    means = sorted(fmean(draw.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    tail = _RESAMPLES // 40
    return [_rounded(means[tail]), _rounded(means[-tail - 1])]


def _named(prefix: str, figures: Figures) -> Figures:
    return {f"{prefix}_{name}": value for name, value in figures.items()}


def _rounded(value: float) -> float:
    return round(value, 4)
