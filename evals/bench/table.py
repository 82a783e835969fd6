"""The report for people: plain text tables of a Report."""

from __future__ import annotations

from collections.abc import Sequence

from evals.bench.plan import EngineCell, IntakeCell
from evals.bench.summary import BARE_LOOP, Report
from evals.bench.targets import NOTE, SINK

_CELL = ("alerts a post", "connections", "alerts")
_LIVE = ("cell", "posts/s", "alerts a post", "seconds", "slow clients")
_LIVE_FIGURES = ("p50_ms", "p99_ms", "max_ms", "not_2xx", "most_behind_s", "caught_up_after_s")
_RATES = ("committed/s", "applied/s", "caught up after s", "ceiling/s")
_ANSWERS = ("p50 ms", "p99 ms", "CPU µs/alert", "not 2xx")
_ENGINE = ("workload", "source", "open", "services", "applied/s", "parsed/s", "applied/parsed")


def render(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, to the right; the head is underlined."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    title = "  ".join(cell.rjust(width) for cell, width in zip(head, widths, strict=True))
    return "\n".join([title, "-" * len(title), *lines])


def intake_table(report: Report) -> str:
    """Rates, then the answers' latencies; beside the peer's where there was one."""
    cells = dict.fromkeys(row.cell for row in report.intake)
    theirs = ("theirs/s", "ours/theirs", "lowest", "highest") if report.peer else ()
    answers = (*_ANSWERS, f"theirs: {_ANSWERS[0]}", *_ANSWERS[1:]) if report.peer else _ANSWERS
    parts = [
        render((*_CELL, *_RATES, *theirs), [_rates(report, cell) for cell in cells]),
        _notes(report),
        "",
        render((*_CELL, *answers), [_answers(report, cell) for cell in cells]),
    ]
    return "\n".join(parts)


def _notes(report: Report) -> str:
    """What the columns are, and what went wrong."""
    lines = [
        "Committed: answered 2xx. Applied: end to end, from the first post until the engine had them all.",
        "Ceiling: the same generator against a server that does nothing.",
        f"Theirs: {report.peer}, same bodies, generator and run. {NOTE}"
        if report.peer
        else "Alertmanager is not installed (Debian: apt-get install prometheus-alertmanager): ours alone.",
    ]
    left = sum(row.waiting for row in report.intake)
    if left:
        lines.append(f"The engine did not catch up in time: {left} records were left over all runs.")
    return "\n".join(lines)


def _rates(report: Report, cell: IntakeCell) -> list[str]:
    ours, name = report.metrics, f"{cell.name}_committed_alerts_per_s"
    line = [
        *map(str, cell),
        whole(ours[name]),
        whole(ours[f"{cell.name}_applied_alerts_per_s"]),
        f"{ours[f'{cell.name}_caught_up_after_s']:.1f}",
        whole(report.baselines[SINK.name][name]),
    ]
    if not report.peer:
        return line
    ratio = f"{cell.name}_ratio_to_alertmanager"
    return [
        *line,
        whole(report.baselines[report.peer][name]),
        *(f"{value:.2f}" for value in (ours[ratio], *report.spread.get(ratio, (ours[ratio], ours[ratio])))),
    ]


def _answers(report: Report, cell: IntakeCell) -> list[str]:
    line = [*map(str, cell)]
    for figures in (report.metrics, report.baselines.get(report.peer, {})):
        if figures:
            line += [f"{figures[f'{cell.name}_{what}_ms']:.2f}" for what in ("p50", "p99")]
            line.append(f"{figures[f'{cell.name}_cpu_us_an_alert']:.1f}")
            line.append(whole(figures[f"{cell.name}_not_2xx"]))
    return line


def live_table(report: Report) -> str:
    """Latencies count from the scheduled time of each post."""
    rows = [
        [
            *map(str, row.cell),
            *(f"{report.metrics[f'{row.cell.name}_{what}']:,.1f}" for what in _LIVE_FIGURES),
        ]
        for row in report.live
    ]
    notes = (
        "Latencies are from the scheduled time of each post. Behind: the most that the engine was."
        "\nCaught up: after the last answer."
    )
    return f"{render((*_LIVE, *(what.replace('_', ' ') for what in _LIVE_FIGURES)), rows)}\n{notes}"


def engine_table(report: Report) -> str:
    cells = dict.fromkeys(row.cell for row in report.engine)
    text = render(_ENGINE, [_engine_line(report, cell) for cell in cells])
    return f"{text}\nParsed: a bare loop that only parses the same records. CPU seconds of one process."


def _engine_line(report: Report, cell: EngineCell) -> list[str]:
    rate = f"{cell.name}_applied_alerts_per_s"
    return [
        cell.workload,
        cell.source,
        whole(cell.firing),
        whole(cell.services),
        whole(report.metrics[rate]),
        whole(report.baselines[BARE_LOOP][rate]),
        f"{report.metrics[f'{cell.name}_ratio_to_bare_loop']:.2f}",
    ]


def whole(value: float) -> str:
    return f"{value:,.0f}"
