"""Clients that send a byte at a time hold up nobody else, and what they hold in memory is bounded.

Times of other clients are compared within one run: rounds with the slow ones and rounds without, by turns.
"""

from __future__ import annotations

import http.client
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evals.shop import wire
from tests.faults.calls import SYNCS
from tests.faults.ledger import make_body, post
from tests.faults.running import Traced
from tests.integration.server import Server

SLOW = 200
ROUNDS = 3
REQUESTS = 200
FLOOR_SECONDS = 0.25  # who is held up by them waits for seconds
MEBIBYTE = 1024 * 1024
DRIP = Path(__file__).parent.parent / "faults" / "drip.py"
_numbers = itertools.count(1)

pytestmark = pytest.mark.integration


@contextmanager
def slow_clients(port: int, count: int, size: int = 0) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, str(DRIP), str(port), str(count), str(size)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "dripping\n"
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def p99(port: int) -> float:
    """Seconds, of one client that sends one body after another; all are taken in."""
    connection = http.client.HTTPConnection(wire.LOOPBACK, port, timeout=20.0)
    times = []
    for _ in range(REQUESTS):
        path, body = make_body(next(_numbers))
        began = time.perf_counter()
        status, _ = post(connection, path, body)
        times.append(time.perf_counter() - began)
        assert 200 <= status < 300
    connection.close()
    return statistics.quantiles(times, n=100)[98]


def test_slow_clients_hold_up_nobody_else(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        p99(server.port)
        alone, beside = [], []
        for _ in range(ROUNDS):
            alone.append(p99(server.port))
            with slow_clients(server.port, SLOW):
                beside.append(p99(server.port))
        assert server.get("/readyz")["ready"]
    without, with_slow = statistics.median(alone), statistics.median(beside)
    print(f"\np99 {without * 1e3:.1f} ms alone, {with_slow * 1e3:.1f} ms beside {SLOW} slow clients")
    assert with_slow <= 2 * without + FLOOR_SECONDS


def test_bodies_that_never_end_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A hundred bodies, each with 4 MiB of its 20 MB sent, none of them ended."""
    traced = Traced(tmp_path, calls=SYNCS)
    with traced.server() as server:
        p99(server.port)
        before = traced.memory("VmRSS")
        with slow_clients(server.port, SLOW, size=4 * MEBIBYTE):
            p99(server.port)
            grown = traced.memory("VmHWM") - before
    print(f"\ngrown by {grown >> 20} MiB, of {100 * 4} MiB sent")
    assert grown < 200 * MEBIBYTE, "unfinished bodies are held without bound"
