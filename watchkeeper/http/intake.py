"""Intake: bodies of sources come in, are checked, committed, and only then acknowledged.

A raw ASGI application, because it is the hot path. It does not wait for the engine. Refusals name what is
wrong, where and how to mend it; the last 1,000 are kept to look at. Overload and a full disk answer 503.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson

from connectors.inbound.registry import SOURCES
from core.errors import BodyError, InputError, JournalUnavailable, WatchkeeperError
from core.journal import DEFAULT_DOMAIN, Draft
from core.model.events import Parsed
from core.narrative.plain import one_line
from core.ports import Clock, Document
from core.times import format_rfc3339
from watchkeeper.writer import JournalWriter

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ALIASES = {"/api/v2/alerts": "prometheus", "/alerts": "alertmanager"}
PREFIX = "/v1/ingest/"
# Kept with the record, because they tell what a body is. Credentials are never among them.
_KEPT_HEADERS = (b"content-type", b"user-agent")
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_RING = 1_000


class Refusal(NamedTuple):
    at: int
    source: str
    status: int
    what: str
    where: str
    mend: str
    body_start: str


class _Refused(Exception):
    def __init__(self, status: int, error: WatchkeeperError) -> None:
        self.status, self.error = status, error


class Intake:
    """Counts by source are for the metrics: requests by status, events committed."""

    def __init__(self, writer: JournalWriter, clock: Clock, max_body_bytes: int) -> None:
        self._writer, self._clock, self._max = writer, clock, max_body_bytes
        self.refusals: deque[Refusal] = deque(maxlen=_RING)
        self.requests: Counter[tuple[str, int]] = Counter()
        self.events: Counter[str] = Counter()

    def source_of(self, path: str) -> str | None:
        """The source that a path belongs to, or None when it is not intake's."""
        if path in ALIASES:
            return ALIASES[path]
        return path[len(PREFIX) :] if path.startswith(PREFIX) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self.source_of(scope["path"]) or ""
        known = name if name in SOURCES else "unknown"
        body = b""
        try:
            body = await self._read(scope, receive)
            status, answer = await self._take(name, scope, body)
        except _Refused as refused:
            status, answer = refused.status, _error(refused.error)
            self._remember(known, refused, body)
        self.requests[known, status] += 1
        await _answer(send, status, answer)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        if scope["method"] != "POST":
            raise _Refused(405, InputError(f"method {scope['method']}", where=scope["path"], mend="Use POST"))
        for key, value in scope["headers"]:
            if key == b"content-encoding" and value.lower() != b"identity":
                mend = "Send the body uncompressed"
                raise _Refused(415, InputError("a content-encoding", where="headers", mend=mend))
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refused(400, BodyError("the sender went away", where="body", mend="Send it again"))
            size += len(message.get("body", b""))
            if size > self._max:
                raise _Refused(413, _oversized(self._max))
            chunks.append(message.get("body", b""))
            if not message.get("more_body"):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _take(self, name: str, scope: Scope, body: bytes) -> tuple[int, Document]:
        source = SOURCES.get(name)
        if source is None:
            mend = f"Known sources: {', '.join(SOURCES)}"
            raise _Refused(
                404, InputError(f"no source {one_line(name, 60)!r}", where=scope["path"], mend=mend)
            )
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"] if k in _KEPT_HEADERS
        }
        try:
            domain = _domain(scope)
            parsed = source.parse(headers, body, self._clock.now())
            seq = await self._writer.append(Draft("ingest", name, body, domain, headers))
        except InputError as error:
            raise _Refused(400, error) from None
        except JournalUnavailable as error:
            raise _Refused(503, error) from None
        self.events[name] += len(parsed.events)
        return (200 if scope["path"] == "/api/v2/alerts" else 202), _accepted(seq, parsed)

    def _remember(self, name: str, refused: _Refused, body: bytes) -> None:
        error = refused.error
        start = body[:400].decode("utf-8", "replace")
        at = self._clock.now()
        self.refusals.append(
            Refusal(at, name, refused.status, error.what, error.where, error.mend, one_line(start, 300))
        )

    def refused(self) -> list[Document]:
        """The last refusals, newest first."""
        return [{**row._asdict(), "at": format_rfc3339(row.at)} for row in reversed(self.refusals)]


def _domain(scope: Scope) -> str:
    if not scope["query_string"]:
        return DEFAULT_DOMAIN
    query = parse_qs(bytes(scope["query_string"]).decode("latin-1"))
    given = query.get("domain", [DEFAULT_DOMAIN])[-1]
    if not _DOMAIN.fullmatch(given):
        mend = "Use 1 to 64 letters, digits, dots, hyphens or underscores"
        raise InputError(f"{one_line(given, 60)!r} is no domain", where="query, domain", mend=mend)
    return given


def _accepted(seq: int, parsed: Parsed) -> Document:
    problems = [{"where": p.where, "what": p.what, "mend": p.mend} for p in parsed.problems]
    answer: Document = {"status": "success", "record": seq, "events": len(parsed.events)}
    return {**answer, "left_out": problems} if problems else answer


def _error(error: WatchkeeperError) -> Document:
    return {"error": {"what": error.what, "where": error.where, "mend": error.mend}}


async def too_large(send: Send, limit: int) -> None:
    await _answer(send, 413, _error(_oversized(limit)))


def _oversized(limit: int) -> BodyError:
    return BodyError("the body is too large", where="body", mend=f"Send at most {limit} bytes at once")


async def _answer(send: Send, status: int, document: Document) -> None:
    body = orjson.dumps(document)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
