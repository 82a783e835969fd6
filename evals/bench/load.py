"""The load generator, a process of its own: `python -m evals.bench.load`, a LoadSpec (JSON) on standard
input, a LoadResult on standard output.

Bodies are made before the clock starts. HTTP/1.1 is spoken in a bare epoll loop: asyncio's transports would
use up the core before the servers do. Each connection waits for its answer before it posts again. Only 2xx
answers count.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections import Counter

import msgspec

from evals.bench.alerts import Told, api_v2_body
from evals.bench.stats import percentile

LOOPBACK = "127.0.0.1"
# For answers that are under way when the time is up.
_GRACE_SECONDS = 30.0
_SERVICES = 1_000
# Nothing ends while the bench runs.
_LEASE = 6 * 3_600_000


class LoadSpec(msgspec.Struct, frozen=True):
    """`pool` distinct alerts that started at `starts_at`, `alerts_a_post` a body, posted in turn."""

    port: int
    path: str
    connections: int
    alerts_a_post: int
    pool: int
    starts_at: int
    seconds: float


class LoadResult(msgspec.Struct, frozen=True):
    """`seconds` from the first post to the last answer, `cpu_seconds` the generator's own in that time.

    `began` is of the machine's monotonic clock, which all processes share. `refused` counts answers other
    than 2xx by status; `broken` connections that ended, or never answered, in the middle of a post.
    """

    posts: int
    alerts: int
    refused: dict[int, int]
    broken: int
    began: float
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_seconds: float


def requests(spec: LoadSpec) -> list[bytes]:
    """The pool as whole HTTP requests; what does not fill a body is left out."""
    made = []
    for start in range(0, spec.pool - spec.alerts_a_post + 1, spec.alerts_a_post):
        numbers = range(start, start + spec.alerts_a_post)
        told = [Told(number, spec.starts_at, spec.starts_at) for number in numbers]
        body = api_v2_body(told, _SERVICES, _LEASE)
        head = (
            f"POST {spec.path} HTTP/1.1\r\nHost: {LOOPBACK}:{spec.port}\r\nUser-Agent: watchkeeper-bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def answer_size(received: bytes) -> int | None:
    """Bytes of the first answer in `received`, head and body; None while its head is not all there."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return end + 4 + length


class Connection:
    """One keep-alive connection with at most one post under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((LOOPBACK, port), timeout=5.0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.posted_at = 0.0
        self._unsent = memoryview(b"")
        self._received = b""

    def post(self, request: bytes) -> bool:
        """Whether all of it went out at once; else go on with `flush` when there is room."""
        self.posted_at = time.perf_counter()
        self._unsent, self._received = memoryview(request), b""
        return self.flush()

    def flush(self) -> bool:
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return False
        return True

    def answer(self) -> int | None:
        """The status, once all of the answer is here. Raises OSError when the other side went away."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        self._received = self._received + data if self._received else data
        size = answer_size(self._received)
        return int(self._received[9:12]) if size is not None and len(self._received) >= size else None


class Load:
    """One run. `run` returns when the time is up and every answer is in, or is not coming any more."""

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec
        self._requests = requests(spec)
        self._next = 0
        self._epoll = select.epoll()
        self._open: dict[int, Connection] = {}
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._broken = 0

    def run(self) -> LoadResult:
        connections = [Connection(self._spec.port) for _ in range(self._spec.connections)]
        cpu, began, clock = time.process_time(), time.perf_counter(), time.monotonic()
        deadline = began + self._spec.seconds
        for connection in connections:
            self._open[connection.socket.fileno()] = connection
            self._epoll.register(connection.socket, select.EPOLLIN)
            self._post(connection)
        ended = began
        while self._open and time.perf_counter() < deadline + _GRACE_SECONDS:
            for number, mask in self._epoll.poll(1.0):
                if self._serve(self._open[number], mask):
                    ended = time.perf_counter()
                    self._go_on(number, ended < deadline)
        self._broken += len(self._open)
        return self._result(clock, ended - began, time.process_time() - cpu)

    def _post(self, connection: Connection) -> None:
        request = self._requests[self._next]
        self._next = (self._next + 1) % len(self._requests)
        if not connection.post(request):
            self._epoll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def _serve(self, connection: Connection, mask: int) -> bool:
        """Whether this post is over, answered or not."""
        try:
            if mask & select.EPOLLOUT and connection.flush():
                self._epoll.modify(connection.socket, select.EPOLLIN)
            if not mask & ~select.EPOLLOUT:
                return False
            status = connection.answer()
        except OSError:
            self._broken += 1
            self._close(connection)
            return True
        if status is None:
            return False
        self._statuses[status] += 1
        if 200 <= status < 300:
            self._latencies.append(time.perf_counter() - connection.posted_at)
        return True

    def _go_on(self, number: int, more: bool) -> None:
        connection = self._open.get(number)
        if connection is None and more:
            connection = Connection(self._spec.port)
            self._open[connection.socket.fileno()] = connection
            self._epoll.register(connection.socket, select.EPOLLIN)
        if connection is not None and more:
            self._post(connection)
        elif connection is not None:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        del self._open[connection.socket.fileno()]
        connection.socket.close()

    def _result(self, began: float, seconds: float, cpu_seconds: float) -> LoadResult:
        ordered = sorted(self._latencies)
        return LoadResult(
            posts=len(ordered),
            alerts=len(ordered) * self._spec.alerts_a_post,
            refused={status: n for status, n in self._statuses.items() if not 200 <= status < 300},
            broken=self._broken,
            began=began,
            seconds=seconds,
            p50_ms=1_000 * percentile(ordered, 50),
            p99_ms=1_000 * percentile(ordered, 99),
            cpu_seconds=cpu_seconds,
        )


def main() -> None:
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=LoadSpec)
    sys.stdout.buffer.write(msgspec.json.encode(Load(spec).run()))


if __name__ == "__main__":
    main()
