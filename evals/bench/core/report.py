"""Results of groups to the evaluation document, raw rows and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

import msgspec

from evals.bench.core.plan import Cell, GroupResult, Round
from evals.bench.stats import ratio
from evals.bench.table import render, whole

PLAIN = "plain dict loop"
SMALLEST = 1_000
Figures = dict[str, float]
_HEAD = (
    "workload", "services", "open", "rules", "alerts/s", "lowest", "highest", "of 1k open", "of plain dict",
    "no why/s", "parsed/s", "pauses", "longest ms",
)  # fmt: skip
_HELD = ("services", "open", "rules", "bytes an alert", "filled alerts/s")
_NOTES = """\
Alerts/s: applied by the engine, why-trees of changed incidents made beside it as the projector makes them;
the alerts were parsed before. No why: without the why-trees. Of 1k open: beside the same cell with 1,000 open
alerts. Plain dict: a loop that only remembers the last of each alert, given the same parsed alerts. Parsed:
reading the bodies. Medians of rounds, CPU seconds of one process. Pauses: of the garbage collector, in all
rounds."""


class CellFigures(NamedTuple):
    """Alerts a CPU second, medians of the rounds; pauses are those of all rounds."""

    cell: Cell
    rate: float
    lowest: float
    highest: float
    applied: float
    parsed: float
    plain: float
    pauses: int
    longest_ms: float
    paused_ms: float


def figures(results: Iterable[GroupResult]) -> list[CellFigures]:
    return [
        _figures(result.group.cell(name), [one for one in result.rounds if one.workload == name])
        for result in results
        for name in dict.fromkeys(one.workload for one in result.rounds)
    ]


def _figures(cell: Cell, rounds: Sequence[Round]) -> CellFigures:
    rates = [ratio(one.alerts, one.engine_seconds) for one in rounds]
    return CellFigures(
        cell,
        median(rates),
        min(rates),
        max(rates),
        median(ratio(one.alerts, one.applied_seconds) for one in rounds),
        median(ratio(one.alerts, one.parsed_seconds) for one in rounds),
        median(ratio(one.alerts, one.plain_seconds) for one in rounds),
        sum(one.collections for one in rounds),
        max(one.longest_pause_ms for one in rounds),
        sum(one.paused_ms for one in rounds),
    )


def ratio_to_smallest(row: CellFigures, rows: Sequence[CellFigures]) -> float | None:
    """Beside the cell with 1,000 open alerts; None where this run has none."""
    wanted = row.cell._replace(open=SMALLEST)
    return next((ratio(row.rate, other.rate) for other in rows if other.cell == wanted), None)


def document(results: Sequence[GroupResult], version: str) -> dict[str, Any]:
    rows = figures(results)
    metrics: Figures = {}
    plain: Figures = {}
    for row in rows:
        metrics.update(_metrics(row, ratio_to_smallest(row, rows)))
        plain[f"{row.cell.name}_alerts_per_s"] = round(row.plain, 3)
    for result in (one for one in results if one.bytes_an_alert):
        metrics[f"{result.group.name}_bytes_an_alert"] = round(result.bytes_an_alert)
    return {
        "eval": "bench-core",
        "version": version,
        "data": "synthetic",
        "n": sum(len(result.rounds) for result in results),
        "metrics": metrics,
        "baselines": {PLAIN: plain},
        "intervals": {
            f"{row.cell.name}_alerts_per_s": [round(row.lowest, 3), round(row.highest, 3)] for row in rows
        },
    }


def _metrics(row: CellFigures, to_smallest: float | None) -> Figures:
    found = {
        "alerts_per_s": row.rate,
        "without_why_alerts_per_s": row.applied,
        "parsed_alerts_per_s": row.parsed,
        "ratio_to_plain_dict": ratio(row.rate, row.plain),
        "gc_pauses": row.pauses,
        "gc_longest_ms": row.longest_ms,
        "gc_total_ms": row.paused_ms,
    }
    if to_smallest is not None:
        found["ratio_to_1k_open"] = to_smallest
    return {f"{row.cell.name}_{name}": round(value, 4) for name, value in found.items()}


def raw_rows(results: Iterable[GroupResult]) -> Iterator[dict[str, Any]]:
    """Every round as measured."""
    for result in results:
        for one in result.rounds:
            yield {
                "case_id": result.group.cell(one.workload).name,
                "bytes_an_alert": result.bytes_an_alert,
                **msgspec.to_builtins(one),
            }


def tables(results: Sequence[GroupResult]) -> str:
    rows = figures(results)
    held = [
        [
            whole(one.group.services),
            whole(one.group.open),
            whole(one.group.inhibitions),
            whole(one.bytes_an_alert) if one.bytes_an_alert else "-",
            whole(ratio(one.group.open, one.build_seconds)),
        ]
        for one in results
    ]
    return "\n".join(
        [
            render(_HEAD, [_line(row, rows) for row in sorted(rows, key=_order)]),
            _NOTES,
            "",
            render(_HELD, held),
            "Bytes an alert: growth of resident memory for each open alert, from the first half of them to"
            " all; said from 50,000 on. Filled: parsing and the generator included.",
        ]
    )


def _order(row: CellFigures) -> tuple[str, int, int, int]:
    return row.cell.workload, row.cell.inhibitions, row.cell.services, row.cell.open


def _line(row: CellFigures, rows: Sequence[CellFigures]) -> list[str]:
    to_smallest = ratio_to_smallest(row, rows)
    return [
        row.cell.workload,
        whole(row.cell.services),
        whole(row.cell.open),
        whole(row.cell.inhibitions),
        whole(row.rate),
        whole(row.lowest),
        whole(row.highest),
        "-" if to_smallest is None else f"{to_smallest:.2f}",
        f"{ratio(row.rate, row.plain):.3f}",
        whole(row.applied),
        whole(row.parsed),
        whole(row.pauses),
        f"{row.longest_ms:.1f}",
    ]
