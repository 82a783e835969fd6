"""Labelled commits to the evaluation document: each file, and the mean over files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, NamedTuple

from core.risk.figures import calibration_bins, calibration_error
from core.risk.model import CalibrationBin
from evals.risk.bootstrap import METRICS, Figures, draws, figures, interval, ranked
from evals.risk.commits import DataSet
from evals.risk.rankers import LOGISTIC, NO_PROJECTS, OURS, Scored

NOTE = (
    "labels are commits that later fixes point back to (defect-inducing), not outages;"
    " development: the later halves were looked at while the model was made"
)


class FileScore(NamedTuple):
    """Of one file: figures by ranker, those of the draws, and the calibration of ours."""

    data: DataSet
    scored: dict[str, Scored]
    figures: dict[str, Figures]
    drawn: dict[str, list[Figures]]
    bins: tuple[CalibrationBin, ...]


def measure(data: DataSet, scored: dict[str, Scored]) -> FileScore:
    labels = [one.defect for one in data.later]
    efforts = [(one.features.la or 0.0) + (one.features.ld or 0.0) for one in data.later]
    made = {id(one): ranked(one, efforts, labels) for one in scored.values()}
    ready = {name: made[id(one)] for name, one in scored.items()}
    found = {name: figures(one, labels, efforts) for name, one in ready.items()}
    for name, one in scored.items():
        found[name]["calibration_error"] = calibration_error(_bins(one, labels))
    drawn = draws(ready, labels, efforts, data.name)
    return FileScore(data, scored, found, drawn, _bins(scored[OURS], labels))


def evaluation(files: Sequence[FileScore], version: str, data: str) -> dict[str, Any]:
    """`metrics` and `baselines` are means over files; `FILE.auc` and the like are of one. A lead is ours less
    the baseline's, of `brier` the baseline's less ours, so that more is better; `lead.auc.NAME`."""
    rankers = list(files[0].figures)
    metrics: Figures = _mean([one.figures[OURS] for one in files])
    for one in files:
        metrics.update({f"{one.data.name}.{key}": value for key, value in one.figures[OURS].items()})
        metrics.update({f"{one.data.name}.commits": len(one.data.later)})
        metrics.update({f"{one.data.name}.defects": sum(commit.defect for commit in one.data.later)})
    leads, intervals = _leads(files, [name for name in rankers if name != OURS])
    return {
        "eval": "risk",
        "version": version,
        "data": data,
        "note": NOTE,
        "n": sum(len(one.data.later) for one in files),
        "metrics": {key: round(value, 4) for key, value in {**metrics, **leads}.items()},
        "baselines": {name: _baseline(files, name) for name in rankers if name != OURS},
        "intervals": intervals,
        "calibration": {one.data.name: [[b.said, b.came, b.n] for b in one.bins] for one in files},
    }


def rows(files: Sequence[FileScore]) -> Iterator[dict[str, Any]]:
    """One for every commit of the later halves: its label, and the probability that each ranker gives."""
    for one in files:
        for i, commit in enumerate(one.data.later):
            chances = {name: scored.chances[i] for name, scored in one.scored.items()}
            yield {
                "case_id": commit.case_id,
                "file": one.data.name,
                "project": commit.project,
                "at": datetime.fromtimestamp(commit.at / 1000, UTC).isoformat(),
                "label": int(commit.defect),
                "score": chances.pop(OURS),
                "baselines": chances,
            }


def _leads(files: Sequence[FileScore], names: Sequence[str]) -> tuple[Figures, dict[str, list[float]]]:
    """Ours over each baseline; and without knowing projects over the usual one, so that it is seen how much
    of the lead is their doing."""
    leads: Figures = {}
    intervals = {}
    pairs = [(OURS, name, "lead") for name in names]
    pairs += [(NO_PROJECTS, name, "lead_without_projects") for name in names if name == LOGISTIC]
    for first, second, word in pairs:
        for metric in METRICS:
            key = f"{word}.{metric}.{second}"
            by_file = [_lead_draws(one, first, second, metric) for one in files]
            own = [_lead(one.figures[first], one.figures[second], metric) for one in files]
            leads[key] = fmean(own)
            intervals[key] = interval([fmean(values) for values in zip(*by_file, strict=True)])
            for one, value, values in zip(files, own, by_file, strict=True):
                leads[f"{one.data.name}.{key}"] = value
                intervals[f"{one.data.name}.{key}"] = interval(values)
    return leads, intervals


def _lead_draws(one: FileScore, first: str, second: str, metric: str) -> list[float]:
    pairs = zip(one.drawn[first], one.drawn[second], strict=True)
    return [_lead(ours, theirs, metric) for ours, theirs in pairs]


def _lead(ours: Figures, theirs: Figures, metric: str) -> float:
    gap = ours[metric] - theirs[metric]
    return -gap if metric == "brier" else gap


def _baseline(files: Sequence[FileScore], name: str) -> Figures:
    found = _mean([one.figures[name] for one in files])
    for one in files:
        found.update({f"{one.data.name}.{key}": value for key, value in one.figures[name].items()})
    return {key: round(value, 4) for key, value in found.items()}


def _mean(rows: Sequence[Figures]) -> Figures:
    return {key: fmean(row[key] for row in rows) for key in rows[0]}


def _bins(one: Scored, labels: Sequence[bool]) -> tuple[CalibrationBin, ...]:
    return calibration_bins([round(1000 * chance) for chance in one.chances], labels)
