"""Paging put together: notifiers for the operator's receivers, the dispatcher, and our own heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx

from connectors.outbound.webhook import WebhookNotifier
from core.errors import NotFound
from core.ports import Clock, Document
from watchkeeper.dispatcher import Dispatcher
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.heartbeat import Heartbeat
from watchkeeper.receivers import Receivers
from watchkeeper.service import Watch
from watchkeeper.writer import JournalWriter


class Paging:
    def __init__(
        self,
        receivers: Receivers,
        watch: Watch,
        engine: EngineLoop,
        writer: JournalWriter,
        clock: Clock,
        base_url: str,
        lags: Callable[[], Mapping[str, int]],
    ) -> None:
        self._receivers, self._lags = receivers, lags
        self._client = httpx.AsyncClient(timeout=10.0)
        notifiers = {r.name: WebhookNotifier(r.url, r.secret, self._client) for r in receivers.receivers}

        def document(incident_id: str) -> Document | None:
            try:
                return watch.facts(incident_id)
            except NotFound:
                return None

        self.dispatcher = Dispatcher(
            pending=partial(engine.pending, "notify"),
            document=document,
            append=writer.append,
            notifiers=notifiers,
            clock=clock,
            base_url=base_url,
        )
        engine.on_decision(self.dispatcher.wake)
        self._heartbeat = (
            Heartbeat(receivers.heartbeat.url, receivers.heartbeat.every_ms, self._client, lags)
            if receivers.heartbeat
            else None
        )

    def lag_ms(self, now: int) -> int:
        return self.dispatcher.lag_ms(now)

    def heartbeat_state(self) -> str:
        return self._heartbeat.state() if self._heartbeat else "not configured"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._client)
            for part in (self.dispatcher, self._heartbeat):
                if part is not None:
                    stack.push_async_callback(_end, asyncio.create_task(part.run()))
            yield


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
