"""The evaluation of the model for people: ours beside the baselines, file by file and over all."""

from __future__ import annotations

from typing import Any

from evals.bench.table import render
from evals.risk.bootstrap import METRICS
from evals.risk.rankers import LOGISTIC, OURS

_COLUMNS = (*METRICS, "calibration_error")
_HEAD = ("AUC", "avg precision", "recall at 20 %", "by density", "Brier", "calibration")


def table(document: dict[str, Any], without: str = "") -> str:
    """`without` says which baselines could not be asked, and why."""
    parts = [_title(document), f"{document['note'].capitalize()}."]
    if without:
        parts.append(without)
    for name in document["calibration"]:
        parts += ["", _file(document, name), "", _calibration(document["calibration"][name])]
    parts += ["", _rows(document, "", "mean over files"), "", _leads(document)]
    return "\n".join(parts)


def _title(document: dict[str, Any]) -> str:
    files = len(document["calibration"])
    return (
        f"Watchkeeper {document['version']}, {document['data']}: {files} file{'s' * (files != 1)},"
        f" {document['n']} commits of the later halves"
    )


def _file(document: dict[str, Any], name: str) -> str:
    metrics = document["metrics"]
    title = f"{name}: {metrics[f'{name}.commits']:.0f} commits, {metrics[f'{name}.defects']:.0f} defects"
    return _rows(document, f"{name}.", title)


def _rows(document: dict[str, Any], prefix: str, title: str) -> str:
    rankers = [(OURS, document["metrics"]), *document["baselines"].items()]
    rows = [[name, *(f"{figures[prefix + one]:.3f}" for one in _COLUMNS)] for name, figures in rankers]
    return render((title, *_HEAD), rows)


def _calibration(bins: list[list[int]]) -> str:
    said = [f"{100 * one[0] / 1000:.0f}" for one in bins]
    came = [f"{100 * one[1] / 1000:.0f}" for one in bins]
    return render(("ours, %", *map(str, range(1, len(bins) + 1))), [["said", *said], ["came true", *came]])


def _leads(document: dict[str, Any]) -> str:
    """How much ours is ahead in AUC; an interval that excludes 0 is no accident of these commits."""
    lines = ["Lead in AUC, 95 % of 1,000 paired draws of commits within each file:"]
    baselines = sorted(document["baselines"], key=lambda name: name != LOGISTIC)
    for prefix in ("", *(f"{name}." for name in document["calibration"])):
        where = prefix.rstrip(".") or "mean over files"
        lines += [
            f"  {where}, over {name}: {_lead(document, f'{prefix}lead.auc.{name}')}" for name in baselines
        ]
        if LOGISTIC in document["baselines"]:
            told = _lead(document, f"{prefix}lead_without_projects.auc.{LOGISTIC}")
            lines.append(f"  {where}, projects unknown, over {LOGISTIC}: {told}")
    return "\n".join(lines)


def _lead(document: dict[str, Any], key: str) -> str:
    low, high = document["intervals"][key]
    return f"{document['metrics'][key]:+.3f} [{low:+.3f}, {high:+.3f}]"
