"""Watchkeeper under a fixed rate: how long a post waits, whether the engine keeps up, and what 200 clients
that drip their bodies cost the others. Each cell has a fresh server."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from evals.bench.load import LOOPBACK, LoadSpec
from evals.bench.plan import LiveCell, Plan
from evals.bench.steady import SteadyResult, SteadySpec
from evals.bench.targets import PATH, WATCHKEEPER, lag_seconds
from evals.shop import wire
from evals.shop.processes import PROJECT, Children

_CONNECTIONS, _POOL = 64, 10_000
_DRIP_SECONDS = 0.2
Say = Callable[[str], None]


class LiveRow(NamedTuple):
    """`most_behind` is the largest lag of the engine seen meanwhile, in seconds; `caught_up` how long after
    the last answer it had none."""

    cell: LiveCell
    result: SteadyResult
    most_behind: float
    caught_up: float


def measure_all(plan: Plan, directory: Path, say: Say) -> list[LiveRow]:
    rows = []
    for cell in plan.live:
        rows.append(measure(cell, directory, plan.drain_seconds))
        result = rows[-1].result
        say(
            f"{cell.name}: p50 {result.p50_ms:.1f} p99 {result.p99_ms:.1f} max {result.max_ms:.1f} ms,"
            f" {result.bad} not 2xx, engine at most {rows[-1].most_behind:.1f} s behind"
        )
    return rows


def measure(cell: LiveCell, directory: Path, patience: float) -> LiveRow:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wk-bench-", dir=directory)))
        children = Children(folder)
        stack.callback(children.stop)
        port = WATCHKEEPER.start(children, folder)
        stack.enter_context(dripping(port, cell.slow_clients))
        watch = stack.enter_context(watching(port))
        result = generate(cell, port)
        ended = time.monotonic()
        children.check()
        while lag_seconds(port) > 0 and time.monotonic() < ended + patience:
            time.sleep(0.05)
        return LiveRow(cell, result, max(watch, default=0.0), time.monotonic() - ended)


def generate(cell: LiveCell, port: int) -> SteadyResult:
    starts_at = time.time_ns() // 1_000_000
    load = LoadSpec(port, PATH, _CONNECTIONS, cell.alerts_a_post, _POOL, starts_at, cell.seconds)
    spec = msgspec.json.encode(SteadySpec(load, cell.posts_a_second, cell.seconds))
    command = [sys.executable, "-m", "evals.bench.steady"]
    done = subprocess.run(
        command, input=spec, cwd=PROJECT, stdout=subprocess.PIPE, timeout=cell.seconds + 90, check=False
    )
    if done.returncode:
        raise wire.CallFailed(f"the load generator ended with {done.returncode}")
    return msgspec.json.decode(done.stdout, type=SteadyResult)


@contextmanager
def watching(port: int) -> Iterator[list[float]]:
    """The engine's lag in seconds, asked twice a second until the end."""
    seen: list[float] = []
    with _thread(0.5, lambda: seen.append(lag_seconds(port))):
        yield seen


@contextmanager
def dripping(port: int, clients: int) -> Iterator[None]:
    """So many clients, each with a body of 1 MB under way that it never finishes, a byte at a time."""
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000000\r\n\r\n["
    )
    sockets = [socket.create_connection((LOOPBACK, port), timeout=5.0) for _ in range(clients)]
    try:
        for one in sockets:
            one.sendall(head.encode())
        with _thread(_DRIP_SECONDS, lambda: _drip(sockets)):
            yield
    finally:
        for one in sockets:
            one.close()


def _drip(sockets: list[socket.socket]) -> None:
    for one in list(sockets):
        try:
            one.sendall(b" ")
        except OSError:  # The server gave this body up.
            sockets.remove(one)
            one.close()


@contextmanager
def _thread(seconds: float, step: Callable[[], None]) -> Iterator[None]:
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(seconds):
            try:
                step()
            except wire.CallFailed:
                continue  # Busy; the next time it may answer.

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(30.0)
