"""A receiver of pages on loopback. It checks signatures by the public description, with no product code.

Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, keyed with the base64 part of a `whsec_` secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import yaml

from evals.shop import wire

_KEY = b"watch the watch, all night long!"
SECRET = "whsec_" + base64.b64encode(_KEY).decode("ascii")
SECRET_VARIABLE = "ONCALL_SECRET"
ENVIRONMENT = {SECRET_VARIABLE: SECRET}
_TOLERANCE_SECONDS = 300


class Page(NamedTuple):
    """One delivery. `fault` says why it is not to be believed, or is empty."""

    id: str
    body: dict[str, Any]
    fault: str


class PageReceiver:
    """Keeps every delivery, in order of arrival, and answers 200 after `delay` seconds.

    The delay leaves a crash room between a delivery and its answer. As a context it listens.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.port = wire.free_ports(1)[0]
        self._pages: list[Page] = []
        self._delay = delay
        self._lock = threading.Lock()
        self._server = _Server((wire.LOOPBACK, self.port), _handler(self._keep), bind_and_activate=False)

    def __enter__(self) -> PageReceiver:
        self._server.server_bind()
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pages(self) -> list[Page]:
        with self._lock:
            return list(self._pages)

    def faults(self) -> list[str]:
        return [page.fault for page in self.pages() if page.fault]

    def counts(self) -> Counter[str]:
        """Deliveries by `webhook-id`."""
        return Counter(page.id for page in self.pages())

    def write_routes(self, path: Path) -> Path:
        """A routing file that sends everything here."""
        hook = {"url": f"http://{wire.LOOPBACK}:{self.port}/page", "secret_env": SECRET_VARIABLE}
        file = {"receivers": [{"name": "oncall", "webhook": hook}], "routes": [{"receiver": "oncall"}]}
        path.write_text(yaml.safe_dump(file))
        return path

    def _keep(self, headers: dict[str, str], body: bytes) -> None:
        """Keep it at once; what follows delays the answer only."""
        page = Page(headers.get("webhook-id", ""), json.loads(body), fault(headers, body))
        with self._lock:
            self._pages.append(page)
        time.sleep(self._delay)


def fault(headers: dict[str, str], body: bytes) -> str:
    """What is wrong with a delivery's signature; empty when nothing is."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not at.isdigit():
        return "no webhook-id or webhook-timestamp"
    if abs(time.time() - int(at)) > _TOLERANCE_SECONDS:
        return f"its time {at} is not now"
    expected = hmac.new(_KEY, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    given = headers.get("webhook-signature", "").split(" ")
    wanted = "v1," + base64.b64encode(expected).decode("ascii")
    return "" if any(hmac.compare_digest(wanted, one) for one in given) else f"signature {given}"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that goes away is no news here."""


def _handler(keep: Callable[[dict[str, str], bytes], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            if len(body) < size:  # The sender died in the middle: nothing was delivered.
                self.close_connection = True
                return
            keep({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler
