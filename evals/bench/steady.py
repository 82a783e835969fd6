"""Posts at a fixed rate, whatever the answers do, as a process of its own: `python -m evals.bench.steady`, a
SteadySpec (JSON) on standard input, a SteadyResult on standard output.

Each post has a scheduled time. Where every connection still waits for an answer then, it goes out late; its
latency counts from the scheduled time all the same, so a server that stalls cannot hide it.
"""

from __future__ import annotations

import select
import sys
import time
from collections import deque

import msgspec

from evals.bench.load import Connection, LoadSpec, requests
from evals.bench.stats import percentile

_GRACE_SECONDS = 30.0


class SteadySpec(msgspec.Struct, frozen=True):
    """`rate` posts a second for `seconds`, over as many connections as `load` says."""

    load: LoadSpec
    rate: float
    seconds: float


class SteadyResult(msgspec.Struct, frozen=True):
    """Latencies in ms from the scheduled time of each post to its answer with 2xx; `bad` are the others."""

    posts: int
    bad: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Steady:
    def __init__(self, spec: SteadySpec) -> None:
        self._spec = spec
        self._requests = requests(spec.load)
        self._epoll = select.epoll()
        self._free: deque[Connection] = deque()
        self._busy: dict[int, tuple[Connection, float]] = {}
        self._latencies: list[float] = []
        self._bad = 0

    def run(self) -> SteadyResult:
        self._free.extend(Connection(self._spec.load.port) for _ in range(self._spec.load.connections))
        total, began, sent = int(self._spec.rate * self._spec.seconds), time.perf_counter(), 0
        end = began + self._spec.seconds + _GRACE_SECONDS
        while (sent < total or self._busy) and time.perf_counter() < end:
            due = began + sent / self._spec.rate
            if sent < total and self._free and time.perf_counter() >= due:
                self._post(self._free.popleft(), self._requests[sent % len(self._requests)], due)
                sent += 1
                continue
            waits = max(0.0, due - time.perf_counter()) if sent < total and self._free else 0.05
            for number, mask in self._epoll.poll(waits):
                self._serve(number, mask)
        self._bad += len(self._busy) + total - sent
        for connection in (*self._free, *(one for one, _ in self._busy.values())):
            connection.socket.close()
        self._epoll.close()
        ordered = [1_000 * one for one in sorted(self._latencies)]
        p50, p99 = percentile(ordered, 50), percentile(ordered, 99)
        return SteadyResult(len(ordered), self._bad, p50, p99, ordered[-1] if ordered else 0.0)

    def _post(self, connection: Connection, request: bytes, due: float) -> None:
        number = connection.socket.fileno()
        self._busy[number] = (connection, due)
        mask = select.EPOLLIN if connection.post(request) else select.EPOLLIN | select.EPOLLOUT
        self._epoll.register(number, mask)

    def _serve(self, number: int, mask: int) -> None:
        connection, due = self._busy[number]
        try:
            if mask & select.EPOLLOUT and connection.flush():
                self._epoll.modify(number, select.EPOLLIN)
            status = connection.answer() if mask & ~select.EPOLLOUT else None
        except OSError:
            status, connection = 0, self._again(number, connection)
        if status is None:
            return
        if 200 <= status < 300:
            self._latencies.append(time.perf_counter() - due)
        else:
            self._bad += 1
        if number in self._busy:
            del self._busy[number]
            self._epoll.unregister(number)
        self._free.append(connection)

    def _again(self, number: int, connection: Connection) -> Connection:
        """A new connection for one that broke."""
        del self._busy[number]
        self._epoll.unregister(number)
        connection.socket.close()
        return Connection(self._spec.load.port)


def main() -> None:
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=SteadySpec)
    sys.stdout.buffer.write(msgspec.json.encode(Steady(spec).run()))


if __name__ == "__main__":
    main()
