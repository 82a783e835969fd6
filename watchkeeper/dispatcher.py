"""The dispatcher: performs notify decisions without an outcome, at least once each, and records outcomes.

One task per receiver, so that a slow one delays nobody else; within a receiver pages go in the order
decided. What was sent is not sent again while this process lives, even when its outcome cannot be journalled
yet; after a crash in between it is sent once more.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import structlog

from core.engine import Outcome
from core.errors import JournalUnavailable
from core.journal import Draft, json_draft
from core.model.decision import Decision
from core.narrative.page import page_text
from core.ports import Clock, Document, Message, Notifier
from core.times import HOUR, SECOND

log = structlog.get_logger("dispatcher")


class Patience(NamedTuple):
    """Milliseconds: first wait, longest wait, and after how long a page is given up."""

    first: int = SECOND
    longest: int = 60 * SECOND
    give_up: int = HOUR
    look: int = SECOND


@dataclass
class Counters:
    """Sent attempts and their ends, by receiver; for the metrics."""

    attempts: dict[str, int] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def add(self, counts: dict[str, int], receiver: str) -> None:
        counts[receiver] = counts.get(receiver, 0) + 1


class Dispatcher:
    def __init__(
        self,
        pending: Callable[[], list[Decision]],
        document: Callable[[str], Document | None],
        append: Callable[[Draft], Awaitable[int]],
        notifiers: Mapping[str, Notifier],
        clock: Clock,
        base_url: str,
        patience: Patience | None = None,
    ) -> None:
        self.counters = Counters()
        self._pending, self._document, self._append = pending, document, append
        self._notifiers, self._clock, self._base_url = notifiers, clock, base_url
        self._patience = patience or Patience()
        self._done: set[str] = set()
        self._open: dict[str, Decision] = {}
        self._queues: dict[str, asyncio.Queue[Decision]] = {}
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """There may be something to do. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    def lag_ms(self, now: int) -> int:
        """Age of the oldest page that was neither delivered nor given up."""
        return max((now - decision.at for decision in list(self._open.values())), default=0)

    async def run(self) -> None:
        """Until cancelled."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._take_new(tasks, await asyncio.to_thread(self._pending))
                try:
                    async with asyncio.timeout(self._patience.look / 1_000):
                        await self._news.wait()
                except TimeoutError:
                    pass
                self._news.clear()

    def _take_new(self, tasks: asyncio.TaskGroup, pending: list[Decision]) -> None:
        # What the engine has seen the outcome of need not be remembered.
        self._done &= {decision.id for decision in pending}
        for decision in pending:
            if decision.id in self._open or decision.id in self._done:
                continue
            self._open[decision.id] = decision
            queue = self._queues.get(decision.receiver)
            if queue is None:
                queue = self._queues[decision.receiver] = asyncio.Queue()
                tasks.create_task(self._serve(queue))
            queue.put_nowait(decision)

    async def _serve(self, queue: asyncio.Queue[Decision]) -> None:
        while True:
            decision = await queue.get()
            outcome = await self._perform(decision)
            await self._record(outcome)
            self._done.add(decision.id)
            del self._open[decision.id]

    async def _perform(self, decision: Decision) -> Outcome:
        if not decision.receiver:
            return Outcome(decision.id, "no_receiver", detail="no route leads to a receiver")
        notifier = self._notifiers.get(decision.receiver)
        if notifier is None:
            return Outcome(
                decision.id, "failed", decision.receiver, 0, "this receiver is not configured any more"
            )
        started, attempts = self._clock.now(), 0
        while True:
            attempts += 1
            self.counters.add(self.counters.attempts, decision.receiver)
            message = await asyncio.to_thread(self._message, decision)
            if message is None:
                return Outcome(decision.id, "failed", decision.receiver, attempts, "the incident is gone")
            sent = await notifier.send(message)
            if sent.ok:
                self.counters.add(self.counters.delivered, decision.receiver)
                return Outcome(decision.id, "delivered", decision.receiver, attempts, sent.detail)
            log.warning(
                "page_not_delivered", receiver=decision.receiver, attempt=attempts, detail=sent.detail
            )
            wait = self._wait_ms(decision, attempts)
            if sent.final or self._clock.now() + wait - started > self._patience.give_up:
                self.counters.add(self.counters.failed, decision.receiver)
                return Outcome(decision.id, "failed", decision.receiver, attempts, sent.detail)
            await asyncio.sleep(wait / 1_000)

    def _message(self, decision: Decision) -> Message | None:
        incident = self._document(decision.subject)
        if incident is None:
            return None
        text = page_text(incident, decision.reason, self._base_url)
        return Message(decision.id, decision.reason, self._clock.now(), incident, text)

    def _wait_ms(self, decision: Decision, attempts: int) -> int:
        """Doubling, with up to a quarter taken off by the decision's hash, so that waits spread."""
        wait = min(self._patience.longest, self._patience.first << min(attempts - 1, 16))
        spread = hashlib.sha256(f"{decision.id} {attempts}".encode()).digest()[0]
        return wait - wait * spread // 1_024

    async def _record(self, outcome: Outcome) -> None:
        """Journal it; a full disk delays this and never the sending again."""
        draft = json_draft("outcome", "dispatcher", msgspec.to_builtins(outcome))
        while True:
            try:
                await self._append(draft)
            except JournalUnavailable as error:
                log.error("outcome_not_recorded", decision=outcome.decision, error=str(error))
                await asyncio.sleep(self._patience.first / 1_000)
            else:
                return
