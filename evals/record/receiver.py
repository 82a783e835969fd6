"""Where the alerts and changes of a recording arrive, and in which order.

`Receiver` is the seam: anything that listens on a loopback port and can later say what it was sent.
`CapturingReceiver` is a plain HTTP server that keeps each body as a line of an event file.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from evals.shop import wire

Line = dict[str, Any]

# path -> the source name that an event file gives to what arrives there
SOURCES: dict[str, str] = {
    "/api/v2/alerts": "prometheus",
    "/v1/ingest/alertmanager": "alertmanager",
    "/v1/ingest/change": "change",
}


class Receiver(Protocol):
    """What a recording needs of its receiver. `lines` is complete once `stop` has returned."""

    @property
    def port(self) -> int: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def lines(self) -> list[Line]: ...


class CapturingReceiver:
    """Answers 200 to every known path and keeps {"at", "source", "body"} in the order of arrival."""

    def __init__(self) -> None:
        self.port = wire.free_ports(1)[0]
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._server: wire.Server | None = None

    def start(self) -> None:
        routes = {("POST", path): self._route(source) for path, source in SOURCES.items()}
        self._server = wire.Server(self.port, routes)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def lines(self) -> list[Line]:
        with self._lock:
            return list(self._lines)

    def _route(self, source: str) -> Callable[[bytes], wire.Reply]:
        def keep(raw: bytes) -> wire.Reply:
            try:
                body = json.loads(raw)
            except ValueError:
                return wire.json_reply({"error": "the body is not JSON"}, 400)
            # The time is taken inside the lock: the order of lines is the order of times.
            with self._lock:
                self._lines.append({"at": rfc3339(datetime.now(UTC)), "source": source, "body": body})
            return wire.json_reply({"status": "success"})

        return keep


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as an event file writes it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
