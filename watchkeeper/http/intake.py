"""Intake: bodies of sources come in, are proven, checked, committed, and only then acknowledged.

A raw ASGI application, because it is the hot path. It does not wait for the engine. Refusals name what is
wrong, where and how to mend it; the last 1,000 are kept to look at. A body that was proven and cannot be
read is kept all the same: it is in the journal, and among the dead letters. Overload and a full disk
answer 503.
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson

from connectors.inbound import alertmanager, prometheus
from connectors.inbound.registry import SOURCES, read, source
from connectors.inbound.source import Request, Source
from core.errors import BodyError, InputError, JournalUnavailable, SignatureRefused
from core.journal import DEFAULT_DOMAIN, Draft
from core.model.document import Document
from core.model.events import Parsed
from core.narrative.plain import one_line
from core.ports import Clock
from core.times import format_rfc3339
from watchkeeper.gate import Gate
from watchkeeper.http.bodies import Bodies, Receive, Refused, Scope, form, oversized, unpacked
from watchkeeper.senders import Sender, Senders
from watchkeeper.writer import JournalWriter

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ALIASES = {"/api/v2/alerts": "prometheus", "/alerts": "alertmanager"}
PREFIX = "/v1/ingest/"
# Alertmanager's own API answers 200, and senders look.
ANSWERS_200 = "/api/v2/alerts"
# Kept with the record, because they tell what a body is. Credentials are never among them.
_KEPT_HEADERS = (b"content-type", b"user-agent")
_CODING = b"content-encoding"
_DOMAINS = 1_000
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_RING = 1_000
# Problems that an answer lists; of the others it tells the number.
_LISTED = 100
# Sources that can count the events of a body in order without making them.
_COUNTS: dict[str, Callable[[bytes], int | None]] = {
    "alertmanager": alertmanager.count,
    "prometheus": prometheus.count,
}


class Refusal(NamedTuple):
    at: int
    source: str
    status: int
    what: str
    where: str
    mend: str
    body_start: str


class _Route(NamedTuple):
    """What is known of a source before a request comes. `looked_at` are the headers that matter."""

    sender: Sender
    reader: Source
    looked_at: frozenset[bytes]
    counted: Callable[[bytes], int | None] | None


class Intake:
    """`mappings` are the sources that are no modules (texts by name), `gates` those of some senders by name.

    Counts by source are for the metrics: requests by status, events committed.
    """

    def __init__(
        self,
        writer: JournalWriter,
        clock: Clock,
        max_body_bytes: int,
        mappings: Mapping[str, str] | None = None,
        senders: Senders | None = None,
        gates: Mapping[str, Gate] | None = None,
    ) -> None:
        self._writer, self._clock, self._max = writer, clock, max_body_bytes
        self._domains = {DEFAULT_DOMAIN}
        self._mappings, self._senders, self._gates = mappings or {}, senders or Senders(), gates or {}
        self._names = frozenset([*SOURCES, *self._mappings])
        self._routes: dict[str, _Route] = {}
        self._bodies = Bodies(writer)
        self._tasks: set[asyncio.Task[None]] = set()
        self.refusals: deque[Refusal] = deque(maxlen=_RING)
        self.requests: Counter[tuple[str, int]] = Counter()
        self.events: Counter[str] = Counter()

    def source_of(self, path: str) -> str | None:
        """The source that a path belongs to, or None when it is not intake's."""
        if path in ALIASES:
            return ALIASES[path]
        return path[len(PREFIX) :].partition("/")[0] if path.startswith(PREFIX) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self.source_of(scope["path"]) or ""
        known = name if name in self._names else "unknown"
        body = b""
        try:
            _check_method(scope)
            route = self._routes.get(name)
            limit = route.sender.max_body_bytes if route else self._senders.of(name).max_body_bytes
            body = await self._bodies.read(receive, limit or self._max)
            status, answer = await self._take(route or self._route(name), scope, body)
        except Refused as refused:
            status, answer = refused.status, orjson.dumps(form(refused.error))
            self._remember(known, refused, body)
        self.requests[known, status] += 1
        await reply(send, status, answer)

    def _route(self, name: str) -> _Route:
        """Raises Refused (404)."""
        try:
            reader = source(name, self._mappings)
        except InputError:
            raise Refused(404, _unknown(name, self._names)) from None
        kept = (name.encode("latin-1") for name in reader.kept)
        looked_at = frozenset((*_KEPT_HEADERS, *kept, _CODING))
        route = _Route(self._senders.of(name), reader, looked_at, _COUNTS.get(name))
        self._routes[name] = route
        return route

    async def _take(self, route: _Route, scope: Scope, body: bytes) -> tuple[int, bytes]:
        try:
            domain = self._domain(scope) if scope["query_string"] else DEFAULT_DOMAIN
            request = None
            if route.sender.proves_itself or route.sender.refused:
                request = await self._prove(route, scope, body)
            headers = {k: v.decode("latin-1") for k, v in scope["headers"] if k in route.looked_at}
            fault = None
            if _CODING in headers:
                limit = route.sender.max_body_bytes or self._max
                body, fault = self._unpacked(headers, body, request, limit)
            kept = {k.decode("latin-1"): v for k, v in headers.items()}
            draft = Draft("ingest", route.reader.name, body, domain, kept)
            status, answer = await self._store(route, draft, request, fault)
            return (200 if scope["path"] == ANSWERS_200 else status), answer
        except SignatureRefused as error:
            raise Refused(401, error) from None
        except InputError as error:
            raise Refused(400, error) from None
        except JournalUnavailable as error:
            raise Refused(503, error) from None

    def _domain(self, scope: Scope) -> str:
        """What is kept of a domain is kept for long: whoever makes up names is stopped."""
        domain = _domain(scope)
        if domain not in self._domains and len(self._domains) >= _DOMAINS:
            what = f"more than {_DOMAINS} domains since the start"
            raise InputError(what, where="query, domain", mend="Use fewer, one for each tenant or cluster")
        self._domains.add(domain)
        return domain

    async def _prove(self, route: _Route, scope: Scope, body: bytes) -> Request:
        """The request, when its sender has proven itself. Raises SignatureRefused."""
        if route.sender.refused:
            what = "no secret is set for this source, and such sources are refused here"
            raise SignatureRefused(what, where="address", mend="Give it one in the senders file")
        request = Request(_headers(scope), body, self._clock.now(), _path_token(scope["path"]))
        gate = self._gates.get(route.reader.name)
        if gate is not None:
            await gate.verify(request)
        else:
            route.reader.verify(request, route.sender.secrets)
        return request

    def _unpacked(
        self, headers: dict[bytes, str], body: bytes, proven: Request | None, limit: int
    ) -> tuple[bytes, BodyError | None]:
        """The body, and why it is still packed: one that was proven is kept all the same, with its header."""
        try:
            plain = unpacked(headers[_CODING], body, limit)
        except BodyError as fault:
            if proven is None:
                raise
            return body, fault
        del headers[_CODING]
        return plain, None

    async def _store(
        self, route: _Route, draft: Draft, proven: Request | None, fault: BodyError | None
    ) -> tuple[int, bytes]:
        """`fault` says why the body is still packed; then that is why it cannot be read."""
        count = route.counted(draft.payload) if route.counted is not None else None
        if count is not None:
            seq = await self._writer.append(draft)
            self.events[draft.source] += count
            return 202, b'{"status":"success","record":%d,"events":%d}' % (seq, count)
        try:
            parsed = read(route.reader, draft.headers, draft.payload, self._clock.now())
        except BodyError as error:
            if proven is None:
                raise
            seq = await self._writer.append(draft)
            letter = {"status": "dead_letter", "record": seq, "events": 0, **form(fault or error)}
            return 202, orjson.dumps(letter)
        seq = await self._writer.append(draft)
        self.events[draft.source] += len(parsed.events)
        self._tell_gate(draft.source, proven)
        return 202, orjson.dumps(_accepted(seq, parsed))

    def _tell_gate(self, name: str, proven: Request | None) -> None:
        gate = self._gates.get(name)
        if gate is not None and proven is not None:
            task = asyncio.create_task(gate.committed(proven))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _remember(self, name: str, refused: Refused, body: bytes) -> None:
        error = refused.error
        start = body[:400].decode("utf-8", "replace")
        at = self._clock.now()
        self.refusals.append(
            Refusal(at, name, refused.status, error.what, error.where, error.mend, one_line(start, 300))
        )

    def summaries(self) -> dict[str, str]:
        """What each source is, by name."""
        return {name: source(name, self._mappings).summary for name in sorted(self._names)}

    def refused(self) -> list[Document]:
        """The last refusals, newest first."""
        return [{**row._asdict(), "at": format_rfc3339(row.at)} for row in reversed(self.refusals)]


def _check_method(scope: Scope) -> None:
    if scope["method"] != "POST":
        method = one_line(scope["method"], 20)
        raise Refused(405, InputError(f"method {method}", where="request", mend="Use POST"))


def _headers(scope: Scope) -> dict[str, str]:
    """All headers; those of one name are joined, as HTTP allows."""
    found: dict[str, str] = {}
    for key, value in scope["headers"]:
        name, text = key.decode("latin-1"), value.decode("latin-1")
        found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _path_token(path: str) -> str:
    return path[len(PREFIX) :].partition("/")[2] if path.startswith(PREFIX) else ""


def _domain(scope: Scope) -> str:
    query = parse_qs(bytes(scope["query_string"]).decode("latin-1"))
    given = query.get("domain", [DEFAULT_DOMAIN])[-1]
    if not _DOMAIN.fullmatch(given):
        mend = "Use 1 to 64 letters, digits, dots, hyphens or underscores"
        raise InputError(f"{one_line(given, 60)!r} is no domain", where="query, domain", mend=mend)
    return given


def _unknown(name: str, names: Collection[str]) -> InputError:
    near = difflib.get_close_matches(name[:60].lower(), sorted(names), 3)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    mend = f"{meant}`watchkeeper sources` lists them all"
    return InputError(f"no source {one_line(name, 60)!r}", where="address", mend=mend)


def _accepted(seq: int, parsed: Parsed) -> Document:
    problems = parsed.problems
    answer: Document = {"status": "success", "record": seq, "events": len(parsed.events)}
    if parsed.ignored and not parsed.events:
        answer["ignored"] = parsed.ignored
    if problems:
        answer["left_out"] = [{"where": p.where, "what": p.what, "mend": p.mend} for p in problems[:_LISTED]]
    if len(problems) > _LISTED:
        answer["left_out_more"] = len(problems) - _LISTED
    return answer


async def too_large(send: Send, limit: int) -> None:
    await reply(send, 413, orjson.dumps(form(oversized(limit))))


_JSON = (b"content-type", b"application/json")
_ADDED = {405: [(b"allow", b"POST")], 408: [(b"connection", b"close")]}


async def reply(send: Send, status: int, body: bytes) -> None:
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    headers += _ADDED.get(status, ())
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
