"""Load from outside, and a ledger of what was acknowledged, kept by the client alone.

Every body carries labels that no other body carries, and is sent once. A label enters the ledger, a file of
its own, only after the server has answered 2xx for it. What got no answer may be stored or not.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from evals.shop import wire

PROBE = "probe"
# Every so many bodies a new service begins to alert, which opens an incident and pages.
_BODIES_A_SERVICE = 50
_PAUSE_SECONDS = 0.02
_TIMEOUT_SECONDS = 20.0


class Ledger:
    """One label a line, written through before the next body is sent. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, labels: list[str]) -> None:
        with self._lock, self._path.open("a") as file:
            file.writelines(f"{label}\n" for label in labels)

    def read(self) -> list[str]:
        return self._path.read_text().splitlines() if self._path.exists() else []


class Body(NamedTuple):
    path: str
    labels: list[str]
    document: Any


def api_v2(number: int) -> Body:
    """Two alerts, as Prometheus sends them."""
    labels = [f"a{number}x{part}" for part in range(2)]
    alerts = [{"labels": _labels(number, label), "startsAt": _now()} for label in labels]
    return Body("/api/v2/alerts", labels, alerts)


def webhook(number: int) -> Body:
    """A group of one alert, as Alertmanager's webhook sends it."""
    label = f"w{number}"
    alert = {"status": "firing", "labels": _labels(number, label), "startsAt": _now()}
    return Body("/alerts", [label], {"version": "4", "status": "firing", "alerts": [alert]})


def change(number: int) -> Body:
    label = f"c{number}"
    document = {"kind": "deploy", "service": _service(number), "version": label, "at": _now()}
    return Body("/v1/ingest/change", [label], document)


KINDS: tuple[Callable[[int], Body], ...] = (api_v2, webhook, api_v2, webhook, change)


class Load:
    """`clients` connections that send as fast as they are answered. As a context it runs."""

    def __init__(self, port: int, ledger: Ledger, clients: int = 4, pause: float = 0.0) -> None:
        self.unanswered = 0
        self.refused = 0
        self._port, self._ledger, self._pause = port, ledger, pause
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_SECONDS + 5)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(wire.LOOPBACK, self._port, timeout=_TIMEOUT_SECONDS)
        while not self._stopping.is_set():
            with self._lock:
                number = next(self._numbers)
            body = KINDS[number % len(KINDS)](number)
            status = _post(connection, body)
            if 200 <= status < 300:
                self._ledger.add(body.labels)
                time.sleep(self._pause)
            else:
                self._count(status)
                time.sleep(_PAUSE_SECONDS)
        connection.close()

    def _count(self, status: int) -> None:
        with self._lock:
            self.refused += status > 0
            self.unanswered += status == 0


def _post(connection: http.client.HTTPConnection, body: Body) -> int:
    """The status, or 0 when there was no whole answer."""
    try:
        connection.request("POST", body.path, json.dumps(body.document), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    return answer.status


def _service(number: int) -> str:
    return f"svc-{number // _BODIES_A_SERVICE}"


def _labels(number: int, label: str) -> dict[str, str]:
    """Half of the services are paged for at once, half after a wait."""
    severity = "warning" if number // _BODIES_A_SERVICE % 2 else "critical"
    return {"alertname": "Probe", "service": _service(number), "severity": severity, PROBE: label}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
