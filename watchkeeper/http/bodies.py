"""Reading the bodies that intake is sent: bounded in size, in time, and in what all of them hold together.

A body has half a minute to arrive, whatever it drips. What has come of unfinished bodies counts with what
waits for the disk, so that many large ones at once are refused (503) before they fill the memory.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from core.errors import BodyError, InputError, JournalUnavailable, WatchkeeperError
from core.model.document import Document
from core.narrative.plain import one_line
from watchkeeper.writer import JournalWriter

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# A body is given up at the seventh look after it began: after 30 to 35 s.
_LOOK_SECONDS, _LOOKS = 5.0, 7
_GZIP = b"\x1f\x8b"
# A member costs some microseconds, however little is in it. What follows one is copied, a piece at the most.
_MOST_MEMBERS, _PIECE = 1_000, 64 * 1024


class Refused(Exception):
    """A request that is answered with `status` and what is wrong."""

    def __init__(self, status: int, error: WatchkeeperError) -> None:
        self.status, self.error = status, error


class Bodies:
    """`look_seconds` is how often unfinished bodies are looked at; one is given up at the seventh time."""

    def __init__(self, writer: JournalWriter, look_seconds: float = _LOOK_SECONDS) -> None:
        self._writer, self._look_seconds = writer, look_seconds
        # Which look is the last one, by who reads; a timer for each body would cost more than its reading.
        self._until: dict[asyncio.Task[Any], int] = {}
        self._looks = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._late: set[asyncio.Task[Any]] = set()

    async def read(self, receive: Receive, limit: int) -> bytes:
        """The whole body. Raises Refused: 400 when the sender goes away, 408 too slow, 413 too large, 503."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - an ASGI application runs in a task
        self._until[task] = self._looks + _LOOKS
        if self._loop is not (loop := task.get_loop()):
            self._look_again(loop)
        try:
            message = await receive()
            body: bytes = message.get("body", b"")
            if not message.get("more_body") and message["type"] == "http.request" and len(body) <= limit:
                return body
            return await self._parts(message, receive, limit)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise Refused(408, _late()) from None
        finally:
            del self._until[task]
            self._late.discard(task)

    async def _parts(self, message: MutableMapping[str, Any], receive: Receive, limit: int) -> bytes:
        chunks: list[bytes] = []
        held = 0
        try:
            while True:
                if message["type"] == "http.disconnect":
                    gone = BodyError("the sender went away", where="body", mend="Send it again")
                    raise Refused(400, gone)
                part = message.get("body", b"")
                if held + len(part) > limit:
                    raise Refused(413, oversized(limit))
                self._writer.hold(len(part), held)
                held += len(part)
                chunks.append(part)
                if not message.get("more_body"):
                    return b"".join(chunks)
                message = await receive()
        except JournalUnavailable as error:
            raise Refused(503, error) from None
        finally:
            self._writer.let_go(held)

    def _look_again(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop
        if loop is not None:
            loop.call_later(self._look_seconds, self._look)

    def _look(self) -> None:
        self._looks += 1
        for task, last in self._until.items():
            if last <= self._looks and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._look_again(self._loop if self._until else None)


def unpacked(coding: str, body: bytes, limit: int) -> bytes:
    """The body as it was before the sender packed it. No more than `limit` bytes are ever unpacked.

    Raises Refused (413), and BodyError.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        named = one_line(coding, 40)
        raise BodyError(f"content-encoding {named!r}", where="headers", mend="Use gzip, or none")
    try:
        return b"".join(_members(memoryview(body), limit))
    except zlib.error:
        raise BodyError("not gzip, though it says so", where="body", mend="Send it uncompressed") from None


def _members(packed: memoryview, limit: int) -> Iterator[bytes]:
    """What gzip data holds, which may be several members in a row (RFC 1952, 2.2); or one of zlib."""
    gzip = bytes(packed[:2]) == _GZIP
    room, members = limit, 0
    while packed or not members:
        if members == (_MOST_MEMBERS if gzip else 1) or (members and bytes(packed[:2]) != _GZIP):
            what = "bytes that are no gzip follow" if members < _MOST_MEMBERS else "too many gzip members"
            raise BodyError(what, where="body", mend="Send all of it as one gzip member")
        members += 1
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16 if gzip else zlib.MAX_WBITS)
        while not unpack.eof:
            if not packed:
                raise BodyError("the gzip data ends too early", where="body", mend="Send all of it")
            plain = unpack.decompress(packed[:_PIECE], room + 1)
            if len(plain) > room:
                raise Refused(413, oversized(limit))
            room -= len(plain)
            packed = packed[len(packed[:_PIECE]) - len(unpack.unused_data) :]
            yield plain


def form(error: WatchkeeperError) -> Document:
    """The one form of all errors."""
    return {"error": {"what": error.what, "where": error.where, "mend": error.mend}}


def oversized(limit: int) -> BodyError:
    return BodyError("the body is too large", where="body", mend=f"Send at most {limit} bytes at once")


def _late() -> InputError:
    return InputError("the body did not arrive in time", where="body", mend="Send it within 30 seconds")
