"""Command line: `python -m evals.bench.core`, which is `make bench-core` and `watchkeeper eval bench-core`.

Reports, and holds no bar. Exit 0 done, 1 a measured process failed, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from core.errors import InputError, WatchkeeperError
from evals.bench.core import beside, restart
from evals.bench.core.plan import INHIBITIONS, MOST_OPEN, OPEN, SERVICES, Group, GroupResult, groups
from evals.bench.core.profile import profile, table
from evals.bench.core.report import document, raw_rows, tables
from evals.bench.stats import ratio
from evals.bench.targets import NeverReady
from evals.shop.processes import PROJECT, ChildDied
from evals.shop.wire import CallFailed
from watchkeeper.version import VERSION

DESCRIPTION = """\
What the engine does by what it holds: new alerts, alerts told again, ends, and a mix, at 1,000 to 100,000
open alerts (a million with --full) on graphs of 10 to 10,000 services, beside a plain loop over a dict;
memory an alert; pauses. Takes five to ten minutes. With --beside or --restart: real servers instead.
"""
_FULL_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    chosen = _arguments().parse_args(arguments)
    try:
        return _run(chosen)
    except (ChildDied, CallFailed, NeverReady, OSError, subprocess.CalledProcessError) as error:
        print(f"evals.bench.core: {error}", file=sys.stderr)
        return 1
    except WatchkeeperError as error:
        print(f"evals.bench.core: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        print("evals.bench.core: interrupted; everything was stopped", file=sys.stderr)
        return 130


def _run(chosen: argparse.Namespace) -> int:
    if chosen.beside:
        opened = beside.OPEN if chosen.open is None else chosen.open[0]
        services = beside.SERVICES if chosen.services is None else chosen.services[0]
        return beside.report(chosen.records or beside.ALERTS, opened, services, chosen.dir, chosen.json, _say)
    if chosen.restart:
        return restart.report(
            chosen.records or restart.RECORDS, _first(chosen.open), chosen.dir, chosen.json, _say
        )
    if chosen.profile:
        held, services = _first(chosen.open) or 1_000, (chosen.services or [1_000])[0]
        print(table(profile(Group(held, services, chosen.inhibitions or 0, 0.0), chosen.profile, chosen.top)))
        return 0
    plan = _plan(chosen)
    results = []
    for number, group in enumerate(plan, 1):
        results.append(measured(group))
        _say(f"{number}/{len(plan)} {_summary(results[-1])}")
    if chosen.out:
        chosen.out.write_text("".join(json.dumps(row) + "\n" for row in raw_rows(results)))
    print(json.dumps(document(results, VERSION)) if chosen.json else f"{_title()}\n\n{tables(results)}")
    return 0


def _plan(chosen: argparse.Namespace) -> list[Group]:
    held = tuple(chosen.open or ((*OPEN, MOST_OPEN) if chosen.full else OPEN))
    inhibitions = INHIBITIONS if chosen.inhibitions is None else chosen.inhibitions
    seconds = _FULL_SECONDS if chosen.full else chosen.seconds
    return groups(held, tuple(chosen.services or SERVICES), inhibitions, seconds)


def measured(group: Group) -> GroupResult:
    """In a process of its own, so that no group finds the memory of another."""
    command = [sys.executable, "-m", "evals.bench.core.worker"]
    done = subprocess.run(
        command, input=msgspec.json.encode(group), stdout=subprocess.PIPE, cwd=PROJECT, check=True
    )
    return msgspec.json.decode(done.stdout, type=GroupResult)


def _summary(result: GroupResult) -> str:
    mix = [ratio(one.alerts, one.engine_seconds) for one in result.rounds if one.workload == "mix"]
    weight = f", {result.bytes_an_alert:,.0f} bytes an alert" if result.bytes_an_alert else ""
    return f"{result.group.name}: mix {max(mix):,.0f} alerts/s{weight}"


def _first(values: Sequence[int] | None) -> int:
    return values[0] if values else 0


def _title() -> str:
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    return (
        f"Watchkeeper {VERSION}, {time.strftime('%Y-%m-%d')}: {where}, load average {os.getloadavg()[0]:.1f}."
    )


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="watchkeeper eval bench-core",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--open",
        type=_number(100, MOST_OPEN),
        action="append",
        metavar="N",
        help="open alerts; may be repeated",
    )
    add("--services", type=_number(1, 10_000), action="append", metavar="N", help="services; may be repeated")
    add("--inhibitions", type=_number(0, 1_000), metavar="N", help="rules of inhibition beside none [100]")
    add("--seconds", type=float, default=2.0, metavar="S", help="CPU seconds of a group of four cells [2]")
    add("--full", action="store_true", help="a million open alerts too, and longer")
    add(
        "--profile",
        choices=("new", "refresh", "resolve", "mix"),
        help="say where the time of a workload goes",
    )
    add("--top", type=_number(1, 1_000), default=10, metavar="N", help="functions in a profile [10]")
    add("--beside", choices=("alertmanager",), help="rates of processing over HTTP, beside it")
    add("--restart", action="store_true", help="first answer after a start, and when it has caught up")
    add(
        "--records",
        type=_number(100, 2_000_000),
        metavar="N",
        help="records of --restart, alerts of --beside",
    )
    add("--json", action="store_true", help="one JSON object instead of tables")
    add("--out", type=Path, metavar="FILE", help="write every round as JSON lines")
    add("--dir", type=Path, metavar="DIR", help="where servers keep data [a real disk]")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # A polite kill takes the same way out as Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
