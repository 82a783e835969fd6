"""Work beside everything else: a thread with an event loop of its own, woken and stopped from any thread.

What is under way when it is stopped is cut off: whoever works here can do it again after the next start.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from watchkeeper.lane import wait_for

_END_S = 5.0


class Beside:
    """`work` goes on until stopped: it calls `begin` for runs of its own, and `news` while it has nothing."""

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._soon(lambda: self._main and self._main.cancel())
        self._thread.join(timeout=_END_S)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def wake(self) -> None:
        """There may be something to do."""
        self._soon(lambda: self._news.set())

    def begin(self, run: Coroutine[Any, Any, None]) -> None:
        """From `work` alone. There is news when it ends."""
        task = asyncio.create_task(run)
        self._runs.add(task)
        task.add_done_callback(self._ended)

    async def news(self, seconds: float) -> None:
        """Until there is any, at most `seconds`."""
        await wait_for(self._news, seconds)

    async def cut_off(self) -> None:
        """Ends what was begun. `work` calls it before it closes what its runs use."""
        runs = list(self._runs)
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._runs.discard(task)
        self._news.set()

    def _soon(self, call: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop may have closed in between: nothing is left to wake.
                loop.call_soon_threadsafe(call)

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._main, self._news = asyncio.current_task(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        try:
            # Stopped before it had begun: nobody could cancel it then.
            if not self._stopping:
                await self._work()
        finally:
            await self.cut_off()
