"""Command line of the bench: `python -m evals.bench [--quick] [--json] [--out FILE]`.

Reports, and holds no bar. Exit 0 done, 1 a server failed, 2 wrong use, 130 interrupted; then everything that
was started is stopped and every temporary directory removed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from evals.bench import disk, fold, intake, live
from evals.bench.plan import FULL, QUICK, Plan
from evals.bench.summary import Report, raw_rows
from evals.bench.table import engine_table, intake_table, live_table
from evals.bench.targets import WATCHKEEPER, NeverReady, alertmanager
from evals.shop.processes import ChildDied
from evals.shop.wire import CallFailed
from watchkeeper.version import VERSION

DESCRIPTION = """\
Alerts a second that intake commits (against Alertmanager 0.25 (Debian) where it is installed) and that the
engine applies (against a loop that only parses). Takes about twenty minutes, with --quick two.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    chosen = _arguments().parse_args(arguments)
    plan = QUICK if chosen.quick else FULL
    directory = disk.real_directory(chosen.dir)
    try:
        where = f"{disk.describe(directory)}; load average at the start {os.getloadavg()[0]:.1f}"
        engine = fold.measure_all(plan, _say) if chosen.only != "intake" else []
        posted = _post(plan, directory) if chosen.only != "engine" else []
        steady = live.measure_all(plan, directory, _say) if chosen.only != "engine" else []
    except (ChildDied, CallFailed, NeverReady, OSError) as error:
        print(f"evals.bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("evals.bench: interrupted; everything was stopped", file=sys.stderr)
        return 130
    report = Report(posted, engine, steady)
    if chosen.out:
        chosen.out.write_text("".join(json.dumps(row) + "\n" for row in raw_rows(report)))
    print(json.dumps(report.document(VERSION)) if chosen.json else _text(report, where, chosen.quick))
    return 0


def _text(report: Report, where: str, quick: bool) -> str:
    lines = [
        f"Watchkeeper {VERSION}, {time.strftime('%Y-%m-%d')}{', quick' if quick else ''}: "
        f"{os.cpu_count()} cores, Python {platform.python_version()}.",
        f"Data on {where}.",
    ]
    if report.intake:
        lines += ["\nIntake. Every 2xx of ours comes after fsync.\n", intake_table(report)]
    if report.live:
        lines += ["\nIntake at a fixed rate.\n", live_table(report)]
    if report.engine:
        lines += ["\nEngine, in process, without I/O.\n", engine_table(report)]
    lines.append(
        "\nMedians of the runs. Machines are noisy: on a busy one trust CPU times, not rates or their ratios."
    )
    return "\n".join(lines)


def _post(plan: Plan, directory: Path) -> list[intake.IntakeRow]:
    # The servers must not take the operator's settings: a bench pages nobody.
    for name in [name for name in os.environ if name.startswith("WATCHKEEPER_")]:
        del os.environ[name]
    targets = [target for target in (WATCHKEEPER, alertmanager()) if target]
    return intake.measure_all(plan, targets, directory, _say)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every single run as JSON lines")
    parser.add_argument("--only", choices=("intake", "engine"), help="measure only this")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="where servers keep data [a real disk]")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # A polite kill takes the same way out as Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
