"""Paging put together: notifiers for the operator's receivers, the dispatcher, and our own heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx

from connectors.outbound.email import EmailNotifier
from connectors.outbound.pagerduty import PagerdutyNotifier
from connectors.outbound.webhook import WebhookNotifier
from core.errors import NotFound
from core.model.document import Document
from core.ports import Clock, Notifier
from watchkeeper.dispatcher import Dispatcher
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.heartbeat import Heartbeat
from watchkeeper.receivers import AnyReceiver, EmailReceiver, PagerdutyReceiver, Receiver, Receivers
from watchkeeper.service import Watch
from watchkeeper.writer import JournalWriter

_TAKE_S = 30.0
# A page is short: what one alert says is enough.
_SAID = 1


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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beating: asyncio.Task[None] | None = None

        def document(incident_id: str) -> Document | None:
            try:
                return watch.with_said(watch.facts(incident_id), _SAID)
            except NotFound:
                return None

        self.dispatcher = Dispatcher(
            pending=partial(engine.pending, "notify"),
            document=document,
            append=writer.append,
            notifiers=self._notifiers(receivers),
            clock=clock,
            base_url=base_url,
        )
        engine.on_decision(self.dispatcher.wake)
        self._heartbeat = self._heart(receivers)

    @property
    def names(self) -> list[str]:
        """Of the receivers in force."""
        return sorted(self._receivers.names)

    def take(self, receivers: Receivers) -> None:
        """Put these in force. From any thread but the loop's; it waits until they are."""
        if receivers == self._receivers:
            return
        if self._loop is None:
            self._receivers = receivers
            self.dispatcher.take(self._notifiers(receivers))
            self._heartbeat = self._heart(receivers)
            return
        asyncio.run_coroutine_threadsafe(self._take(receivers), self._loop).result(_TAKE_S)

    async def _take(self, receivers: Receivers) -> None:
        before, self._receivers = self._receivers, receivers
        self.dispatcher.take(self._notifiers(receivers))
        if receivers.heartbeat != before.heartbeat:
            await self._stop_beating()
            self._heartbeat = self._heart(receivers)
            self._start_beating()

    def _notifiers(self, receivers: Receivers) -> dict[str, Notifier]:
        return {one.name: _notifier(one, self._client) for one in receivers.receivers}

    def _heart(self, receivers: Receivers) -> Heartbeat | None:
        beat = receivers.heartbeat
        return Heartbeat(beat.url, beat.every_ms, self._client, self._lags) if beat else None

    def _start_beating(self) -> None:
        if self._heartbeat is not None:
            self._beating = asyncio.create_task(self._heartbeat.run())

    async def _stop_beating(self) -> None:
        if self._beating is not None:
            await _end(self._beating)
        self._beating = None

    def results(self) -> Document:
        """Pages since the start: by receiver what it took (`delivered`) and what was given up (`failed`); and
        those of which no route said to whom."""
        counts = self.dispatcher.counts
        by_name = {
            name: {"delivered": one.delivered, "failed": one.failed} for name, one in sorted(counts.items())
        }
        return {"receivers": by_name, "no_receiver": self.dispatcher.no_receiver}

    def lag_ms(self, now: int) -> int:
        return self.dispatcher.lag_ms(now)

    def heartbeat_state(self) -> str:
        return self._heartbeat.state() if self._heartbeat else "not configured"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._client)
            stack.push_async_callback(_end, asyncio.create_task(self.dispatcher.run()))
            self._start_beating()
            stack.push_async_callback(self._stop_beating)
            self._loop = asyncio.get_running_loop()
            yield


def _notifier(receiver: AnyReceiver, client: httpx.AsyncClient) -> Notifier:
    match receiver:
        case PagerdutyReceiver():
            return PagerdutyNotifier(receiver.url, receiver.routing_key, client)
        case EmailReceiver():
            return EmailNotifier(receiver.mailbox)
        case Receiver():
            return WebhookNotifier(receiver.url, receiver.secret, client)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
