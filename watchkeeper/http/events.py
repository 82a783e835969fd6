"""`GET /v1/events`: what changed, told to whoever has a page open, as Server-Sent Events.

An event says that an incident is another than before; what it is now is read where it always is. Nothing is
kept for clients that are away: each connection begins with `hello`, and then a client looks again. Without a
client nothing is looked at.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, NamedTuple, cast

import structlog
from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.document import incident_summary
from core.errors import WatchkeeperError
from core.model.document import Document
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.version import VERSION

log = structlog.get_logger("events")
CLIENTS, ROOM = 200, 64
PING_SECONDS, SEND_SECONDS = 15, 30
_PATH = "/v1/events"
_AT_ONCE = 100
_KEYS = ("id", "version", "status", "severity", "title")


class News(NamedTuple):
    """What changed since the last look: `changed` documents, or `much` when it is too much to name.

    `record` is the number of the last record in it.
    """

    record: int
    changed: tuple[Document, ...]
    much: bool


# It is given the versions it saw last, by incident, and brings them up to date.
Rows = Callable[[dict[str, int]], News]


def engine_rows(engine: EngineLoop) -> Rows:
    """Reads the engine's memory. Only what changed is put into words, and at most 100 of it at once."""

    def rows(seen: dict[str, int]) -> News:
        if not engine.begun:
            return News(engine.applied, (), False)
        with engine.reading() as fold:
            incidents = fold.engine.state.incidents
            changed = [one for one in incidents.values() if seen.get(one.id) != one.version]
            seen.update((one.id, one.version) for one in changed)
            if len(seen) > len(incidents):
                for name in seen.keys() - incidents.keys():
                    del seen[name]
            much = len(changed) > _AT_ONCE
            named = [] if much else changed
            told = tuple(
                {
                    **incident_summary(fold.engine.world, one),
                    "version": one.version,
                    "merged_from": one.merged_from[-_AT_ONCE:],
                }
                for one in named
            )
            return News(engine.applied, told, much)

    return rows


class Client:
    """One open stream: a bounded queue. When it is full, what waits is dropped and `reset` says so."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._queue: deque[Document] = deque()
        self._news = asyncio.Event()
        self._ended = False

    def put(self, event: Document) -> None:
        if len(self._queue) >= self._room:
            self._queue.clear()
            event = _event("reset", event["id"], {})
        self._queue.append(event)
        self._news.set()

    def set(self) -> None:
        """End the stream when what waits has been sent. So called by who tells of the server's end."""
        self._ended = True
        self._news.set()

    async def events(self) -> AsyncIterator[Document]:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue:
                yield self._queue.popleft()
            if self._ended:
                return


class Events:
    """The hub. `wake` and `close` may be called from any thread; all the rest is the event loop's."""

    def __init__(self, rows: Rows, *, clients: int = CLIENTS, pause: float = 0.25) -> None:
        self._rows, self._most, self._pause = rows, clients, pause
        self._clients: set[Client] = set()
        self._seen: dict[str, int] = {}
        self._record: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._woken = False
        self._following: asyncio.Task[None] | None = None

    @property
    def clients(self) -> int:
        return len(self._clients)

    def wake(self) -> None:
        """Something may have changed."""
        if self._loop is not None and not self._woken:
            self._woken = True
            self._soon(self._news.set)

    def close(self) -> None:
        """End every stream."""
        self._soon(self._end)

    def join(self) -> Client:
        """A new client, greeted. Raises WatchkeeperError when there are too many."""
        if len(self._clients) >= self._most:
            what = f"{self._most} pages follow it live already"
            raise WatchkeeperError(
                what, where=_PATH, mend="Close pages nobody looks at, then reload this one"
            )
        client = Client()
        self._clients.add(client)
        if self._record is not None:
            client.put(_hello(self._record))
        if self._following is None or self._following.done():
            self._loop, self._news, self._woken = asyncio.get_running_loop(), asyncio.Event(), False
            self._following = self._loop.create_task(self._follow())
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)
        if not self._clients and self._following is not None:
            self._following.cancel()
            self._following = self._loop = self._record = None
            self._seen = {}

    def router(self) -> APIRouter:
        router = APIRouter(tags=["incidents"])

        @router.get(_PATH, response_class=_EventStream)
        async def events() -> Response:
            """Server-Sent Events: `hello` first, `incident` for one that changed, `reset` for many.

            The `id` is the number of the last record applied. A client looks again after `hello` and `reset`.
            """
            return Stream(self)

        return router

    async def _follow(self) -> None:
        try:
            await self._look_forever(self._seen)
        except Exception:  # One of the outermost loops: clients are sent away, and come again.
            log.exception("events_failed")
            self._end()

    async def _look_forever(self, seen: dict[str, int]) -> None:
        """The first look says only what is there. Looking takes at most a fifth of the time."""
        loop = asyncio.get_running_loop()
        self._record = (await asyncio.to_thread(self._rows, seen)).record
        self._tell(_hello(self._record))
        pause = self._pause
        while True:
            await self._news.wait()
            await asyncio.sleep(pause)
            self._news.clear()
            self._woken = False
            began = loop.time()
            news = await asyncio.to_thread(self._rows, seen)
            pause = max(self._pause, 4 * (loop.time() - began))
            self._record = news.record
            for event in _events_of(news):
                self._tell(event)

    def _soon(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop has ended, and with it all streams.
                loop.call_soon_threadsafe(call)

    def _end(self) -> None:
        for client in self._clients:
            client.set()

    def _tell(self, event: Document) -> None:
        for client in self._clients:
            client.put(event)


class _EventStream(Response):
    media_type = "text/event-stream"


class Stream(_EventStream):
    """The answer that stays open. What it needs is imported when the first one is sent."""

    def __init__(self, hub: Events) -> None:
        super().__init__()
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from sse_starlette import EventSourceResponse, ServerSentEvent
        from sse_starlette.sse import SendTimeoutError

        client = self._hub.join()
        try:
            stream = EventSourceResponse(
                client.events(),
                ping=PING_SECONDS,
                sep="\n",
                ping_message_factory=lambda: ServerSentEvent(comment="ping", sep="\n"),
                send_timeout=SEND_SECONDS,
                shutdown_event=cast(Any, client),
                shutdown_grace_period=2.0,
            )
            with suppress(SendTimeoutError):  # It reads no more: it is let go.
                await stream(scope, receive, send)
        finally:
            self._hub.leave(client)


def _events_of(news: News) -> list[Document]:
    if news.much:
        return [_event("reset", news.record, {})]
    told = []
    for one in news.changed:
        data = {key: one[key] for key in _KEYS}
        merged = {"merged_from": one["merged_from"]} if one.get("merged_from") else {}
        told.append(_event("incident", news.record, {**data, **merged}))
    return told


def _hello(record: int) -> Document:
    return {**_event("hello", record, {"record": record, "version": VERSION}), "retry": 2_000}


def _event(name: str, record: int | str, data: Document) -> Document:
    return {"event": name, "id": str(record), "data": json.dumps(data)}
