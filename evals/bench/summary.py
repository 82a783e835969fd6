"""Rows of single runs to the evaluation document: medians, ratios, and the spread of the repeats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import msgspec

from evals.bench.fold import EngineRow
from evals.bench.intake import IntakeRow
from evals.bench.live import LiveRow
from evals.bench.plan import EngineCell, IntakeCell
from evals.bench.stats import ratio
from evals.bench.targets import SINK, WATCHKEEPER

Figures = dict[str, float]
BARE_LOOP = "bare loop"


class Report:
    """Flat figures by name, as the contract of evaluations wants them. `spread` is lowest and highest."""

    def __init__(
        self, intake: list[IntakeRow], engine: list[EngineRow], live: Sequence[LiveRow] = ()
    ) -> None:
        self.intake, self.engine, self.live = intake, engine, live
        self.metrics: Figures = {}
        self.baselines: dict[str, Figures] = {}
        self.spread: dict[str, list[float]] = {}
        for cell in dict.fromkeys(row.cell for row in intake):
            self._add_intake(cell)
        for engine_cell in dict.fromkeys(row.cell for row in engine):
            self._add_engine(engine_cell)
        for row in live:
            self._add_live(row)

    @property
    def peer(self) -> str:
        """The other server's name; "" where there was none."""
        others = {row.target for row in self.intake} - {WATCHKEEPER.name, SINK.name}
        return min(others, default="")

    def document(self, version: str) -> dict[str, Any]:
        return {
            "eval": "bench",
            "version": version,
            "data": "synthetic",
            "n": len(self.intake) + len(self.engine) + len(self.live),
            "metrics": self.metrics,
            "baselines": self.baselines,
            "intervals": self.spread,
        }

    def _add_intake(self, cell: IntakeCell) -> None:
        ours = self._runs(cell, WATCHKEEPER.name)
        self._put(self.metrics, f"{cell.name}_committed_alerts_per_s", [row.accepted for row in ours], True)
        self._put(self.metrics, f"{cell.name}_applied_alerts_per_s", [row.applied for row in ours], True)
        caught_up = [max(0.0, row.applied_seconds - row.load.seconds) for row in ours]
        self._put(self.metrics, f"{cell.name}_caught_up_after_s", caught_up)
        self._put(self.metrics, f"{cell.name}_records_left", [row.waiting for row in ours])
        self._add_answers(self.metrics, cell, ours)
        for name in (self.peer, SINK.name):
            theirs = self._runs(cell, name)
            if theirs:
                figures = self.baselines.setdefault(name, {})
                self._put(figures, f"{cell.name}_committed_alerts_per_s", [row.accepted for row in theirs])
                self._add_answers(figures, cell, theirs)
        self._add_ratio(cell.name, "committed_alerts_per_s", self.peer, "alertmanager")
        theirs = self._runs(cell, self.peer)
        ratios = [ratio(us.accepted, them.accepted) for us, them in zip(ours, theirs, strict=False)]
        if len(ratios) > 1:
            self.spread[f"{cell.name}_ratio_to_alertmanager"] = [round(min(ratios), 3), round(max(ratios), 3)]

    def _add_live(self, row: LiveRow) -> None:
        result = row.result
        for what, value in (
            ("p50_ms", result.p50_ms),
            ("p99_ms", result.p99_ms),
            ("max_ms", result.max_ms),
            ("not_2xx", result.bad),
            ("most_behind_s", row.most_behind),
            ("caught_up_after_s", row.caught_up),
        ):
            self.metrics[f"{row.cell.name}_{what}"] = round(value, 3)

    def _add_answers(self, figures: Figures, cell: IntakeCell, rows: list[IntakeRow]) -> None:
        self._put(figures, f"{cell.name}_p50_ms", [row.load.p50_ms for row in rows])
        self._put(figures, f"{cell.name}_p99_ms", [row.load.p99_ms for row in rows])
        self._put(figures, f"{cell.name}_not_2xx", [row.not_accepted for row in rows])
        self._put(figures, f"{cell.name}_cpu_us_an_alert", [row.cpu_us for row in rows])

    def _add_engine(self, cell: EngineCell) -> None:
        rows = [row for row in self.engine if row.cell == cell]
        name = f"{cell.name}_applied_alerts_per_s"
        self._put(self.metrics, name, [ratio(row.alerts, row.applied_seconds) for row in rows], True)
        parsed = [ratio(row.alerts, row.parsed_seconds) for row in rows]
        self._put(self.baselines.setdefault(BARE_LOOP, {}), name, parsed)
        self._add_ratio(cell.name, "applied_alerts_per_s", BARE_LOOP, "bare_loop")

    def _add_ratio(self, cell: str, metric: str, baseline: str, short: str) -> None:
        theirs = self.baselines.get(baseline, {}).get(f"{cell}_{metric}", 0.0)
        if theirs:
            ours = self.metrics[f"{cell}_{metric}"]
            self.metrics[f"{cell}_ratio_to_{short}"] = round(ratio(ours, theirs), 3)

    def _put(self, figures: Figures, name: str, values: list[float], spread: bool = False) -> None:
        figures[name] = round(median(values), 3)
        if spread and len(values) > 1:
            self.spread[name] = [round(min(values), 3), round(max(values), 3)]

    def _runs(self, cell: IntakeCell, target: str) -> list[IntakeRow]:
        return [row for row in self.intake if row.cell == cell and row.target == target]


def raw_rows(report: Report) -> Iterable[dict[str, Any]]:
    """Every run as measured, for `--out`."""
    for row in report.intake:
        yield {
            "case_id": row.cell.name,
            "target": row.target,
            "alerts_per_s": row.accepted,
            "server_cpu_seconds": row.server_cpu,
            "applied_seconds": row.applied_seconds,
            "records_left": row.waiting,
            **msgspec.to_builtins(row.load, str_keys=True),
        }
    for live_row in report.live:
        result = msgspec.to_builtins(live_row.result)
        yield {"case_id": live_row.cell.name, "most_behind_s": live_row.most_behind, **result}
    for engine_row in report.engine:
        yield {"case_id": engine_row.cell.name, **engine_row._asdict(), "cell": engine_row.cell._asdict()}
