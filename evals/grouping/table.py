"""The evaluation for people: ours beside the baselines."""

from __future__ import annotations

from typing import Any

from evals.bench.table import render
from evals.grouping.origins import OURS as OUR_RANKING
from evals.grouping.origins import RANKINGS
from evals.grouping.score import OURS, PROMPT
from evals.grouping.summary import GROUPING

_HEAD = ("grouping", *GROUPING)
_ORIGIN_HEAD = ("origin", "top 1", "top 3", "top 1 of all", "top 3 of all")
_ORIGINS = ("origin_top1", "origin_top3", "origin_of_all_top1", "origin_of_all_top3")


def table(document: dict[str, Any]) -> str:
    metrics, baselines = document["metrics"], document["baselines"]
    rankings = {name for name, _ in RANKINGS}
    prompt = {name: metrics[f"within_120s_{name}"] for name in GROUPING}
    rows = [(OURS, metrics), (PROMPT, prompt)]
    rows += [(name, figures) for name, figures in baselines.items() if name not in rankings]
    ranked = [(OUR_RANKING, metrics), *((name, baselines[name]) for name in baselines if name in rankings)]
    return "\n".join(
        [
            _title(document),
            "",
            render(_HEAD, [[name, *_grouping(figures)] for name, figures in rows]),
            _intervals(document),
            "",
            render(_ORIGIN_HEAD, [[name, *(f"{row[one]:.3f}" for one in _ORIGINS)] for name, row in ranked]),
            f"Origins: of {metrics['faults']:.0f} faults, {metrics['faults_named']:.0f} began in a service"
            " that an alert or the catalogue names; of all counts the others too.",
        ]
    )


def _title(document: dict[str, Any]) -> str:
    cases, metrics = document["n"], document["metrics"]
    return (
        f"Watchkeeper {document['version']}, {document['data']}: {cases} case{'s' * (cases != 1)},"
        f" {metrics['alerts']:.1f} alerts of {metrics['true_incidents']:.1f} true incidents in each"
    )


def _grouping(figures: dict[str, float]) -> list[str]:
    return [f"{figures[name]:.1f}" if name == "incidents" else f"{figures[name]:.3f}" for name in GROUPING]


def _intervals(document: dict[str, Any]) -> str:
    lines = ["Means over cases; 95 % of them, cases drawn again:"]
    for name, (low, high) in document["intervals"].items():
        value = document["metrics"][name]
        sign = "+" if name.endswith("lead") else ""
        lines.append(f"  {name} {value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]")
    lines.append("A lead is over the baseline with the best f1.")
    return "\n".join(lines)
