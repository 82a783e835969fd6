"""The composition root: the front first, then what stands behind it; both are stopped in reverse order.

`App` is what `serve` runs and what tests start. Intake answers as soon as the journal is open, whatever the
engine has still to read; other requests wait the moment until what answers them is made.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from core.errors import WatchkeeperError
from core.model.document import Document
from core.ports import Clock
from watchkeeper.clock import SystemClock
from watchkeeper.front import Later, open_front
from watchkeeper.http.bodies import Receive, Scope, form
from watchkeeper.http.intake import Send, reply, too_large
from watchkeeper.settings import Settings

if TYPE_CHECKING:
    from watchkeeper.behind import Behind
    from watchkeeper.engine_loop import EngineLoop
    from watchkeeper.service import Watch

log = structlog.get_logger("app")
# A full collection looks at all that the engine holds, and nobody is answered meanwhile (0.2 s at 10,000
# alerts). What is held has few cycles: it is looked at a hundred times less often than by default.
_COLLECT = (10_000, 20, 50)
_PATIENCE = 60.0


class App:
    """`start`, then serve `asgi`, then `stop`.

    With `open` in the place of `start` only the front is made before; the rest is made once `asgi` is served.
    When that fails, `fault` says why and `on_fault` is called. `background` may add a task that runs while it
    serves.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.background: Callable[[], Any] | None = None
        self.on_fault: Callable[[], None] = lambda: None
        self.fault: Exception | None = None
        self._making = threading.Lock()
        self._made: Future[Behind] = Future()
        self._cleanup = ExitStack()

    def start(self) -> None:
        """All of it; on return there is a state to read. Raises as `open` does, and ProjectionUnavailable."""
        self.open()
        try:
            self._make().engine.wait_begun()
        except BaseException:
            self.stop()
            raise

    def open(self) -> None:
        """Raises InputError, JournalBusy, JournalUnavailable; then nothing is left open."""
        self._made = Future()
        # A request that is given up while it waits for this must not cancel it.
        self._made.set_running_or_notify_cancel()
        later = Later(
            lambda receivers: self._behind.paging.take(receivers),
            lambda seq, seconds: self._behind.engine.wait_for(seq, seconds),
            lambda names: self._behind.reloaded(names),
        )
        with ExitStack() as stack:
            self._front = open_front(self.settings, self.clock, later, stack)
            self.intake, self.reloader = self._front.intake, self._front.reloader
            self._writer = self._front.writer
            self._cleanup = stack.pop_all()

    def stop(self) -> None:
        self._cleanup.close()

    @property
    def engine(self) -> EngineLoop:
        return self._behind.engine

    @property
    def watch(self) -> Watch:
        return self._behind.watch

    def health(self) -> Document:
        return self._behind.health()

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.intake.source_of(scope["path"]) is not None:
            await self.intake(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._other(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bodies of people's requests are small: a declared size above intake's limit is not read."""
        limit = self.settings.max_body_bytes
        sizes = [value for key, value in scope.get("headers", ()) if key == b"content-length"]
        if any(size.isdigit() and int(size[:20]) > limit for size in sizes):
            await too_large(send, limit)
            return
        if not self._made.done():
            await asyncio.wait([asyncio.wrap_future(self._made)])
        if self._made.exception() is None:
            await self._behind.asgi(scope, receive, send)
            return
        error = WatchkeeperError("the server could not start and ends", mend="Its log says why")
        await reply(send, 503, orjson.dumps(form(error)))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Of the server around: it may call as soon as the front is there."""
        await receive()
        async with AsyncExitStack() as stack:
            usual = gc.get_threshold()
            stack.callback(gc.set_threshold, *usual)
            live = asyncio.create_task(self._live())
            stack.push_async_callback(_end, live)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _live(self) -> None:
        try:
            behind = await asyncio.to_thread(self._make)
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(behind.running())
                if self.background is not None:
                    task = asyncio.create_task(self.background())
                    stack.callback(task.cancel)
                await _begun(behind.engine)
                _settle_memory()
                await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - an outermost loop: whoever started the server is told
            self.fault = error
            self.on_fault()

    def _make(self) -> Behind:
        """What stands behind the front, once."""
        with self._making:
            if not self._made.done():
                try:
                    self._made.set_result(self._begin())
                except BaseException as error:
                    self._made.set_exception(error)
                    raise
            return self._behind

    def _begin(self) -> Behind:
        from watchkeeper.behind import Behind

        with ExitStack() as stack:
            behind = Behind(self._front)
            behind.begin(stack)
            self._cleanup.push(stack.pop_all())
            return behind

    @property
    def _behind(self) -> Behind:
        """Once it is made."""
        return self._made.result(0)


async def _begun(engine: EngineLoop) -> None:
    """Until the engine has its state, or has none for a minute."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # The loop has ended meanwhile.
            loop.call_soon_threadsafe(over.set)

    engine.on_begun(tell)
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await over.wait()


def _settle_memory() -> None:
    """What the start has made stays: it is never looked at again."""
    gc.freeze()
    gc.set_threshold(*_COLLECT)
    gc.enable()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
