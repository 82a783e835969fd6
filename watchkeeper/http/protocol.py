"""HTTP/1.1 as the server speaks it: uvicorn's, and what comes around a body is bounded in size and time.

A request line and its headers are 64 KiB at most and have half a minute to arrive; so has whatever is no
body: trailers, sizes of chunks, blank lines. What is no HTTP is answered in the form that all errors have.
An offer to speak another protocol is declined, as RFC 9110 (7.8) allows: the request is taken as it is.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from core.errors import InputError
from watchkeeper.http.bodies import form

MOST_HEADERS = 64 * 1024
# Requests of one connection that wait for the answer to the one before them: each takes memory.
MOST_WAITING = 100
_TLS = b"\x16\x03"


class _TooLong(Exception):
    """Raised inside the parser, which gives it back as the context of an error of its own."""


class _TooMany(Exception):
    """More requests than `MOST_WAITING` were sent ahead."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A request that comes in one piece costs nothing more than a comparison or two."""

    header_seconds = 30.0
    # Intake gives a body up by itself, after 35 s at the most; this is for who reads bodies without a limit.
    body_seconds = 45.0
    look_seconds = 5.0
    # Bytes since the last complete headers or piece of a body; when the first of them came, 0.0 for none.
    _silent = 0
    _since = 0.0
    _timer: asyncio.TimerHandle | None = None
    # uvicorn knows the last request alone; one before it may be the one that is being answered.
    _running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._stop_answering()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """In pieces, so that no headers are larger than two of them before somebody looks."""
        self._unset_keepalive_if_required()
        if len(data) <= MOST_HEADERS:
            self._feed(data)
            return
        whole = memoryview(data)
        for start in range(0, len(whole), MOST_HEADERS):
            if not self._feed(whole[start : start + MOST_HEADERS]):
                return

    def on_headers_complete(self) -> None:
        if self._silent and self._size() > MOST_HEADERS:
            raise _TooLong
        if len(self.pipeline) > MOST_WAITING:
            raise _TooMany
        super().on_headers_complete()
        self._silent, self._since = 0, 0.0
        # The request keeps its own list: a trailer, which comes when all was looked at, is no header of it.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._silent = 0
        super().on_body(body)

    def _should_upgrade(self) -> bool:
        """For uvicorn: leave such a request alone. The parser stops behind it, and `_declined` goes on."""
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _stop_answering(self) -> None:
        """What the program still says is dropped: nobody hears it."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _feed(self, piece: bytes | memoryview) -> bool:
        """Whether the connection goes on."""
        rest: memoryview | None = None
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:
            rest = memoryview(piece)[offer.args[0] :]
        except httptools.HttpParserError as error:
            return self._malformed(error, piece)
        return self._fed(len(piece)) if rest is None else self._declined(rest)

    def _fed(self, size: int) -> bool:
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete or cycle.scope is not self.scope:
            self._silent += size
            if not self._since:
                self._since = self.loop.time()
            return self._silent <= MOST_HEADERS or self._too_long()
        if self._since:
            self._silent, self._since = 0, 0.0
        return True

    def _declined(self, rest: memoryview) -> bool:
        """Read the request once more, without its offer: the parser takes what follows one for no HTTP."""
        while self.scope["method"] != "CONNECT":
            head = self._without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            try:
                self.parser.feed_data(head)
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
            except httptools.HttpParserError as error:
                return self._malformed(error, rest)
            else:
                return self._fed(len(rest))
        return self._refuse(400, "CONNECT is for proxies", "Send the request to this address itself")

    def _without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % (name, value) for name, value in self.scope["headers"] if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _size(self) -> int:
        """Bytes of the request line and headers, about: blanks around a value are not counted."""
        return len(self.url) + 16 + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _look_again(self) -> None:
        self._timer = self.loop.call_later(self.look_seconds, self._look)

    def _look(self) -> None:
        waited = self.loop.time() - self._since if self._since else 0.0
        if waited >= self.header_seconds and not self.transport.is_closing():
            self._late(waited)
        self._look_again()

    def _late(self, waited: float) -> None:
        cycle, mend = self.cycle, f"Send all of it within {self.header_seconds:.0f} seconds"
        in_headers = self.scope is not None and (cycle is None or cycle.scope is not self.scope)
        if cycle is not None and not cycle.response_complete:
            # What follows a request in service has to wait for its answer.
            if not in_headers and waited >= self.body_seconds:
                self._refuse(408, "the body did not arrive in time", mend)
        elif in_headers:
            self._refuse(408, "the headers did not arrive in time", mend)
        else:
            self.transport.close()

    def _malformed(self, error: httptools.HttpParserError, piece: bytes | memoryview) -> bool:
        cause = error.__context__
        if isinstance(cause, _TooMany):
            mend = f"Send at most {MOST_WAITING} ahead, and the others again"
            return self._refuse(503, "too many requests wait on this connection", mend)
        if isinstance(cause, _TooLong):
            return self._too_long()
        reason = cause if isinstance(cause, httptools.HttpParserError) else error
        mend = "Send a request of HTTP/1.1 (RFC 9112)"
        if bytes(piece[:2]) == _TLS:
            mend = "This address speaks no TLS: use http://, or put a proxy in front that speaks it"
        return self._refuse(400, f"not HTTP: {reason}", mend)

    def _too_long(self) -> bool:
        return self._refuse(431, "the headers are too large", f"Send at most {MOST_HEADERS} bytes of them")

    def _refuse(self, status: int, what: str, mend: str) -> bool:
        """Answer, unless in the middle of an answer, and close."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = orjson.dumps(form(InputError(what, where="request", mend=mend)))
            named = [b"%s: %s\r\n" % pair for pair in self.server_state.default_headers]
            fixed = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            self.transport.write(b"".join([STATUS_LINE[status], *named, fixed % len(body), body]))
        self._stop_answering()
        self.transport.close()
        return False
