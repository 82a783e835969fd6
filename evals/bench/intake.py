"""The intake bench: alerts a second that a server acknowledges, and for Watchkeeper those it has applied.

For each cell the targets are taken in turn, a fresh one for every run: same generator, same bodies. After
the load Watchkeeper is asked until its engine has caught up; applied alerts a second are end to end, from
the first post to then.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from evals.bench.load import LoadResult, LoadSpec
from evals.bench.plan import IntakeCell, Plan
from evals.bench.targets import PATH, SINK, Target, cpu_seconds, lag
from evals.shop import wire
from evals.shop.processes import PROJECT, Children

_CEILING_SECONDS = 2.0
Say = Callable[[str], None]


class IntakeRow(NamedTuple):
    """One run. `applied_seconds` is from the first post until nothing waited for the engine, or until
    patience ended with `waiting` records; 0 for targets that cannot be asked. `server_cpu` is the CPU time
    in seconds that the server used for all of it."""

    cell: IntakeCell
    target: str
    load: LoadResult
    server_cpu: float = 0.0
    applied_seconds: float = 0.0
    waiting: int = 0

    @property
    def accepted(self) -> float:
        """Alerts acknowledged with 2xx, a second."""
        return self.load.alerts / self.load.seconds if self.load.seconds else 0.0

    @property
    def applied(self) -> float:
        """Alerts applied a second, end to end."""
        done = self.load.alerts - self.waiting * self.cell.alerts_a_post
        return max(0, done) / self.applied_seconds if self.applied_seconds else 0.0

    @property
    def cpu_us(self) -> float:
        """Microseconds of the server's CPU an alert: what a busy machine changes least."""
        return 1e6 * self.server_cpu / self.load.alerts if self.load.alerts else 0.0

    @property
    def not_accepted(self) -> int:
        return sum(self.load.refused.values()) + self.load.broken


def measure_all(plan: Plan, targets: Sequence[Target], directory: Path, say: Say) -> list[IntakeRow]:
    rows = []
    for cell in plan.intake_cells():
        ceiling = plan._replace(seconds=min(plan.seconds, _CEILING_SECONDS))
        rows.append(_said(measure(ceiling, cell, SINK, _now(), directory), say))
        for repeat in range(plan.repeats):
            starts_at = _now()
            # Who goes first changes, so that neither always finds the machine warm.
            order = targets if repeat % 2 == 0 else targets[::-1]
            rows += [_said(measure(plan, cell, target, starts_at, directory), say) for target in order]
    return rows


def measure(plan: Plan, cell: IntakeCell, target: Target, starts_at: int, directory: Path) -> IntakeRow:
    """One run against a fresh server, which is gone with its data when this returns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wk-bench-", dir=directory)))
        children = Children(folder)
        stack.callback(children.stop)
        port = target.start(children, folder)
        spec = LoadSpec(
            port=port,
            path=PATH,
            connections=cell.connections,
            alerts_a_post=cell.alerts_a_post,
            pool=cell.pool,
            starts_at=starts_at,
            seconds=plan.seconds,
        )
        before = cpu_seconds(children)
        try:
            load = generate(spec)
        finally:
            children.check()
        waiting = _catch_up(port, children, plan.drain_seconds) if target.applies else 0
        applied = time.monotonic() - load.began if target.applies else 0.0
        return IntakeRow(cell, target.name, load, cpu_seconds(children) - before, applied, waiting)


def generate(spec: LoadSpec) -> LoadResult:
    """Run the generator, in a process and session of its own, and end it whatever happens."""
    command = [sys.executable, "-m", "evals.bench.load"]
    with subprocess.Popen(
        command, cwd=PROJECT, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            answer, _ = process.communicate(msgspec.json.encode(spec))
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode:
        raise wire.CallFailed(f"the load generator ended with {process.returncode}")
    return msgspec.json.decode(answer, type=LoadResult)


def _catch_up(port: int, children: Children, patience: float) -> int:
    """Records still waiting for the engine: 0 unless patience ended."""
    deadline = time.monotonic() + patience
    while (waiting := lag(port)) and time.monotonic() < deadline:
        children.check()
        time.sleep(0.05)
    return waiting


def _now() -> int:
    return time.time_ns() // 1_000_000


def _said(row: IntakeRow, say: Say) -> IntakeRow:
    rest = f", {row.applied:,.0f} applied end to end" if row.applied_seconds else ""
    bad = f", {row.not_accepted} not 2xx" if row.not_accepted else ""
    say(f"{row.cell.name} {row.target}: {row.accepted:,.0f} alerts/s 2xx{rest}{bad}")
    return row
