"""Group commit: one thread writes the journal; whatever has gathered while it synced goes in the next commit.

Nobody is told that a record is stored before its commit has returned. What may wait is bounded in bytes;
beyond that an append is refused at once, so that memory stays bounded when the disk is slow. Bodies that
are still arriving count, and may hold half of it: those that are whole always find room beside them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

import structlog

from core.errors import JournalError, JournalUnavailable
from core.journal import Draft
from core.ports import Clock, Journal

log = structlog.get_logger("writer")
_BATCH = 4_096
# What a record takes beside its payload, about.
_ENVELOPE = 512
# For so long after a failed commit nobody should be sent here; then somebody may try again.
_FAILING_MS = 10_000


class _Waiting(NamedTuple):
    """`loop` is that of `done` when a coroutine waits, None when a thread does."""

    draft: Draft
    done: Future[int] | asyncio.Future[int]
    since: int
    loop: asyncio.AbstractEventLoop | None = None


# What to tell a coroutine: the record's number, or why there is none.
_Told = tuple[asyncio.Future[int], int, JournalError | None]


class JournalWriter:
    def __init__(self, journal: Journal, clock: Clock, max_bytes: int) -> None:
        self._journal, self._clock, self._max_bytes = journal, clock, max_bytes
        self._queue: deque[_Waiting] = deque()
        self._bytes = self._arriving = 0
        self._wakeup = threading.Condition()
        self._waking: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._writing_since: int | None = None
        self._failed_at: int | None = None
        self._listeners: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Commit what was accepted, then end."""
        with self._wakeup:
            self._stopping = True
            self._wakeup.notify()
        self._thread.join()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """`listener` is called on the writer's thread after each commit; it must not block."""
        self._listeners.append(listener)

    def submit(self, drafts: Sequence[Draft]) -> list[Future[int]]:
        """Futures of the records' numbers. Raises JournalUnavailable when too much waits already."""
        now = self._clock.now()
        futures: list[Future[int]] = [Future() for _ in drafts]
        waiting = [_Waiting(draft, done, now) for draft, done in zip(drafts, futures, strict=True)]
        self._put(waiting, sum(len(draft.payload) + _ENVELOPE for draft in drafts))
        self._wake()
        return futures

    def append(self, draft: Draft) -> asyncio.Future[int]:
        """The number of the committed record, for the running event loop. Raises as `submit`."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._put((_Waiting(draft, done, self._clock.now(), loop),), len(draft.payload) + _ENVELOPE)
        # The writer is woken once for all that this turn of the loop appends: one commit, not one each.
        if self._waking is not loop:
            self._waking = loop
            loop.call_soon(self._wake)
        return done

    def append_now(self, draft: Draft) -> int:
        """The same, for threads that may block."""
        return self.submit([draft])[0].result()

    def hold(self, size: int, held: int) -> None:
        """Count `size` more bytes of a body that is still arriving and holds `held`.

        Raises JournalUnavailable when there is no room; a single body may be as large as it likes.
        """
        with self._wakeup:
            if self._arriving > held and self._arriving + size > self._max_bytes // 2:
                raise JournalUnavailable(
                    "too many large bodies at once", where="intake", mend="Send it again in a few seconds"
                )
            self._arriving += size

    def let_go(self, size: int) -> None:
        """They have arrived, or will not."""
        with self._wakeup:
            self._arriving -= size

    def lag_ms(self, now: int) -> int:
        """How long the oldest record that is not on disk yet has been waiting."""
        with self._wakeup:
            oldest = self._writing_since
            if oldest is None and self._queue:
                oldest = self._queue[0].since
        return 0 if oldest is None else max(0, now - oldest)

    def fails(self, now: int) -> bool:
        """Whether the last commit failed, not long ago."""
        failed_at = self._failed_at
        return failed_at is not None and now - failed_at < _FAILING_MS

    def _put(self, waiting: Sequence[_Waiting], size: int) -> None:
        with self._wakeup:
            if self._stopping:
                raise JournalUnavailable("shutting down", where="intake", mend="Send it again")
            if self._queue and self._bytes + self._arriving + size > self._max_bytes:
                raise JournalUnavailable(
                    "the disk cannot keep up", where="intake", mend="Send it again in a few seconds"
                )
            self._bytes += size
            self._queue.extend(waiting)

    def _wake(self) -> None:
        self._waking = None
        with self._wakeup:
            self._wakeup.notify()

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                records = self._journal.append([item.draft for item in batch], self._clock.now())
            except JournalError as error:
                self._failed_at = self._clock.now()
                _settle(batch, [0] * len(batch), error)
                log.error("commit_failed", records=len(batch), error=str(error))
            else:
                self._failed_at = None
                _settle(batch, [record.seq for record in records])
                for listener in self._listeners:
                    listener()
            self._writing_since = None

    def _next_batch(self) -> list[_Waiting]:
        with self._wakeup:
            while not self._queue and not self._stopping:
                self._wakeup.wait()
            batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
            self._bytes -= sum(len(item.draft.payload) + _ENVELOPE for item in batch)
            self._writing_since = batch[0].since if batch else None
            return batch


def _settle(batch: list[_Waiting], numbers: list[int], error: JournalError | None = None) -> None:
    """Tell all who wait: threads one by one, an event loop once for all of its coroutines."""
    told: dict[asyncio.AbstractEventLoop, list[_Told]] = {}
    for item, number in zip(batch, numbers, strict=True):
        if isinstance(item.done, Future):
            _tell(item.done, number, error)
        elif item.loop is not None:
            told.setdefault(item.loop, []).append((item.done, number, error))
    for loop, answers in told.items():
        with suppress(RuntimeError):  # The loop has ended, and with it whoever asked.
            loop.call_soon_threadsafe(_tell_all, answers)


def _tell_all(answers: list[_Told]) -> None:
    for done, number, error in answers:
        if done.done():
            continue  # A closed connection cancels its wait.
        if error is None:
            done.set_result(number)
        else:
            done.set_exception(error)


def _tell(done: Future[int], number: int, error: JournalError | None) -> None:
    """Whoever asked may have gone: then nobody is told."""
    if not done.set_running_or_notify_cancel():
        return
    if error is None:
        done.set_result(number)
    else:
        done.set_exception(error)
