"""The dispatcher: performs notify decisions, at least once each, and journals what became of them.

Each receiver has a lane of its own, so a slow one delays nobody else. In a lane one page is sent, then its
outcome is recorded, then the next is sent: a crash can repeat at most the page that was under way. Pages of
one incident keep their order, whatever happens.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import structlog

from core.errors import JournalError
from core.journal import Draft, json_draft
from core.model.decision import Decision
from core.model.document import Document
from core.narrative.page import incident_url, page_text
from core.narrative.plain import one_line
from core.payloads import Outcome
from core.ports import Clock, Delivered, Message, Notifier
from watchkeeper.lane import Lane, Page, Retry, wait_for

log = structlog.get_logger("dispatcher")
Answer = TypeVar("Answer")


@dataclass
class Counts:
    """Of one receiver: tries, pages it accepted, pages given up."""

    attempts: int = 0
    delivered: int = 0
    failed: int = 0


class Dispatcher:
    """`pending` gives decisions without an outcome, oldest first; `document` an incident's, following merges;
    `append` commits a record or raises JournalError."""

    def __init__(
        self,
        pending: Callable[[], list[Decision]],
        document: Callable[[str], Document | None],
        append: Callable[[Draft], Awaitable[int]],
        notifiers: Mapping[str, Notifier],
        clock: Clock,
        base_url: str,
        retry: Retry | None = None,
    ) -> None:
        self._pending, self._document, self._append = pending, document, append
        self._notifiers, self._clock, self._base_url = dict(notifiers), clock, base_url
        self._retry = retry or Retry()
        self._pages: dict[str, Page] = {}
        # The lane without a name holds what can reach nobody; it only records that.
        self._lanes = {name: Lane(self._retry) for name in ("", *self._notifiers)}
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._workers: list[asyncio.Task[None]] = []
        self.counts = {name: Counts() for name in self._notifiers}
        self.no_receiver = 0

    async def run(self) -> None:
        """Until cancelled; then what is under way may end, within `grace_s`. Runs once."""
        self._loop = asyncio.get_running_loop()
        # Looking takes the engine's lock. A thread of our own: the shared ones may all be waiting for it.
        self._thread = ThreadPoolExecutor(1, "dispatcher")
        self._workers = [asyncio.create_task(self._work(lane)) for lane in self._lanes.values()]
        try:
            while True:
                await self._look()
                await wait_for(self._news, self._retry.poll_s)
        finally:
            self._loop, self._stopping = None, True
            await self._end(self._workers)
            self._thread.shutdown(wait=False)

    def take(self, notifiers: Mapping[str, Notifier]) -> None:
        """These from now on, on the loop's thread. One that is left out stays for the pages that were decided
        for it before."""
        self._notifiers |= notifiers
        for name in notifiers:
            self.counts.setdefault(name, Counts())
            if name not in self._lanes:
                lane = self._lanes[name] = Lane(self._retry)
                if self._loop is not None:
                    self._workers.append(asyncio.create_task(self._work(lane)))

    def wake(self) -> None:
        """There may be something to send. From any thread, at any time."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop may have closed in between: nothing is left to wake.
                loop.call_soon_threadsafe(self._news.set)

    def lag_ms(self, now: int) -> int:
        """Age of the oldest decision that nobody has been told of, or 0. From any thread.

        It asks anew what is pending, so that it grows too when `run` has come to a stop.
        """
        untold = [d.at for d in self._pending() if not ((page := self._pages.get(d.id)) and page.outcome)]
        return max(0, now - min(untold, default=now))

    async def _look(self) -> None:
        """Take up new decisions, forget those whose outcome the engine has read."""
        try:
            decisions = await self._on_thread(self._pending)
        except Exception as error:  # noqa: BLE001 - an outermost loop: the next look may succeed
            log.error("look_failed", fault=_fault(error))
            return
        known = {decision.id for decision in decisions}
        for name in [name for name, page in self._pages.items() if page.recorded and name not in known]:
            del self._pages[name]
        for decision in decisions:
            if decision.id not in self._pages:
                page = self._pages[decision.id] = Page(decision)
                self._lanes[decision.receiver if decision.receiver in self._notifiers else ""].add(page)

    async def _work(self, lane: Lane) -> None:
        while not self._stopping:
            page = await lane.next()
            if page is None:
                continue
            try:
                await self._perform(page)
            except Exception as error:  # noqa: BLE001 - the other one: a fault of ours costs a try, not the lane
                log.error("page_fault", decision=page.decision.id, fault=_fault(error))
                self._not_delivered(page, Delivered(False, f"internal fault ({type(error).__name__})"))
            if page.recorded:
                lane.remove(page)

    async def _perform(self, page: Page) -> None:
        """Send if that is still to be done; once the outcome is known, only recording it is repeated."""
        if page.outcome is None:
            await self._try(page)
        if page.outcome is not None:
            await self._record(page, page.outcome)

    async def _try(self, page: Page) -> None:
        decision = page.decision
        notifier = self._notifiers.get(decision.receiver)
        if notifier is None:
            page.outcome = self._nobody(decision)
            return
        page.begin_try()
        self.counts[decision.receiver].attempts += 1
        delivered = await notifier.send(await self._message(decision))
        if not delivered.ok:
            self._not_delivered(page, delivered)
            return
        page.outcome = _outcome(page, "delivered", delivered.detail)
        self.counts[decision.receiver].delivered += 1
        late = max(0, self._clock.now() - decision.at)
        told = {"receiver": decision.receiver, "incident": decision.subject, "attempts": page.attempts}
        log.info("delivered", **told, late_ms=late)

    def _nobody(self, decision: Decision) -> Outcome:
        if not decision.receiver:
            self.no_receiver += 1
            log.warning("no_receiver", incident=decision.subject, reason=decision.reason)
            return Outcome(decision.id, "no_receiver", detail="no route matches")
        log.error("unknown_receiver", incident=decision.subject, receiver=decision.receiver)
        detail = "the routing file has no receiver of this name any more"
        return Outcome(decision.id, "failed", decision.receiver, detail=detail)

    def _not_delivered(self, page: Page, answer: Delivered) -> None:
        """Put it off, or give it up."""
        decision = page.decision
        told = {"receiver": decision.receiver, "incident": decision.subject, "attempts": page.attempts}
        if page.outcome is None and (answer.final or page.too_old(self._retry)):
            page.outcome = _outcome(page, "failed", answer.detail)
            self.counts[decision.receiver].failed += 1
            log.error("given_up", **told, detail=answer.detail)
            return
        delay = page.put_off(self._retry)
        log.warning("not_delivered", **told, detail=answer.detail, again_in_s=round(delay, 1))

    async def _record(self, page: Page, outcome: Outcome) -> None:
        """Until the journal takes it. The lane waits: more sent would be more to repeat after a crash."""
        draft = json_draft("outcome", "dispatcher", msgspec.to_builtins(outcome))
        while not page.recorded:
            try:
                await self._append(draft)
            except JournalError as error:
                log.error("outcome_not_recorded", decision=outcome.decision, error=str(error))
                await asyncio.sleep(self._retry.record_s)
            else:
                page.recorded = True

    async def _message(self, decision: Decision) -> Message:
        """From what is known now: a page that comes late says what became of the incident."""
        document = await self._on_thread(self._document, decision.subject) or {"id": decision.subject}
        text = page_text(document, decision.reason, self._base_url, decision.at)
        incident = {**document, "url": incident_url(self._base_url, str(document["id"]))}
        return Message(decision.id, decision.reason, decision.at, incident, text, decision.receiver)

    async def _on_thread(self, ask: Callable[..., Answer], *arguments: Any) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, ask, *arguments)

    async def _end(self, workers: list[asyncio.Task[None]]) -> None:
        """A page that is being sent gets the time to be recorded, so that a restart does not repeat it."""
        try:
            for lane in self._lanes.values():
                lane.news.set()
            await asyncio.wait(workers, timeout=self._retry.grace_s)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


def _outcome(page: Page, status: str, detail: str) -> Outcome:
    decision = page.decision
    return Outcome(decision.id, status, decision.receiver, page.attempts, one_line(detail, 300))


def _fault(error: Exception) -> str:
    """On one line and without local variables, which a printed traceback would show: they hold addresses."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return one_line(f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})", 500)
