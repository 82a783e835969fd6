"""A real HTTP server on loopback that answers as badly as a test asks it to.

with Listener(answering(500, b"no")) as there: post to there.url, look at there.heard.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

Behaviour = Callable[["Handler"], None]


class Heard(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append(Heard(self.command, self.path, headers, self.rfile.read(length)))
        self.close_connection = True
        self.server.behaviour(self)

    do_GET = do_POST

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.heard: list[Heard] = []
        self.closing = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client went away in the middle: what these tests make it do."""


class Listener:
    def __init__(self, behaviour: Behaviour) -> None:
        self._server = Server(behaviour)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self.heard = self._server.heard

    def behave(self, behaviour: Behaviour) -> None:
        """From the next request on."""
        self._server.behaviour = behaviour

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    return lambda handler: handler.reply(status, body, **headers)


def hanging(handler: Handler) -> None:
    """Take the request and never answer."""
    handler.server.closing.wait(30)


def dripping(start: bytes) -> Behaviour:
    """Send `start`, then a byte now and then, for ever."""

    def drip(handler: Handler) -> None:
        handler.wfile.write(start)
        while not handler.server.closing.wait(0.02):
            handler.wfile.write(b"a")

    return drip


def saying(raw: bytes) -> Behaviour:
    """Bytes that need not be HTTP."""

    def say(handler: Handler) -> None:
        handler.wfile.write(raw)

    return say
