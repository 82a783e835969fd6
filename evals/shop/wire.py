"""JSON over HTTP on the loopback address: the client and the server that all parts of the shop share.

Standard library only. A call either returns the decoded answer or raises `CallFailed`.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import socketserver
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

LOOPBACK = "127.0.0.1"


class CallFailed(Exception):
    """The other side refused, was absent, took too long, or answered with an error status."""


class Reply(NamedTuple):
    """What a route answers."""

    status: int
    body: bytes
    content_type: str = "application/json"


Route = Callable[[bytes], Reply]
Routes = Mapping[tuple[str, str], Route]


def json_reply(value: object, status: int = 200) -> Reply:
    """A reply that carries `value` as JSON."""
    return Reply(status, json.dumps(value).encode())


def get(port: int, path: str, timeout: float = 2.0) -> bytes:
    """The body behind GET `path`."""
    return _request("GET", port, path, None, timeout)


def post(port: int, path: str, body: object, timeout: float = 3.0) -> Any:
    """POST `body` as JSON and return the decoded answer (None for an empty one)."""
    answer = _request("POST", port, path, json.dumps(body).encode(), timeout)
    return json.loads(answer) if answer else None


def _request(method: str, port: int, path: str, body: bytes | None, timeout: float) -> bytes:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise CallFailed(f"{method} {path} on port {port}: {error}") from error
    finally:
        connection.close()
    if response.status >= 300:
        raise CallFailed(f"{method} {path} on port {port}: status {response.status}")
    return answer


class Server(socketserver.ThreadingTCPServer):
    """A threaded HTTP server. Not `http.server.HTTPServer`: that one asks DNS for its own name."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, routes: Routes) -> None:
        super().__init__((LOOPBACK, port), _handler(routes))


def _handler(routes: Routes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            route = routes.get((self.command, self.path))
            reply = route(body) if route else json_reply({"error": "no such page"}, 404)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the shop answers dozens of requests a second and its metrics count them."""

    return Handler


def free_ports(count: int) -> list[int]:
    """Distinct free ports below the range from which the kernel picks ports for outgoing calls.

    Inside that range, a caller that keeps trying a dead service may be given the dead service's own
    port as its source and so connect to itself, or hold the port when the service wants it back.
    """
    found: list[int] = []
    for port in random.sample(range(20000, 32000), 2000):
        if len(found) == count:
            return found
        if _is_free(port):
            found.append(port)
    raise OSError(f"could not find {count} free ports between 20000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers bind: a port whose last connections linger in TIME_WAIT is usable.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
