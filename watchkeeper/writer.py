"""Group commit: one thread writes the journal; whatever has gathered while it synced goes in the next commit.

Nobody is told that a record is stored before its commit has returned. What may wait is bounded in bytes;
beyond that an append is refused at once, so that memory stays bounded when the disk is slow.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import structlog

from core.errors import JournalError, JournalUnavailable
from core.journal import Draft
from core.ports import Clock, Journal

log = structlog.get_logger("writer")
_BATCH = 4_096


class _Waiting(NamedTuple):
    draft: Draft
    done: Future[int]
    since: int


class JournalWriter:
    def __init__(self, journal: Journal, clock: Clock, max_bytes: int) -> None:
        self._journal, self._clock, self._max_bytes = journal, clock, max_bytes
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._wakeup = threading.Condition()
        self._stopping = False
        self._writing_since: int | None = None
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
        size = sum(len(draft.payload) + 512 for draft in drafts)
        now = self._clock.now()
        waiting = [_Waiting(draft, Future(), now) for draft in drafts]
        with self._wakeup:
            if self._stopping:
                raise JournalUnavailable("shutting down", where="intake", mend="Send it again")
            if self._bytes + size > self._max_bytes and self._queue:
                raise JournalUnavailable(
                    "the disk cannot keep up", where="intake", mend="Send it again in a few seconds"
                )
            self._bytes += size
            self._queue.extend(waiting)
            self._wakeup.notify()
        return [item.done for item in waiting]

    async def append(self, draft: Draft) -> int:
        """The number of the committed record."""
        return await asyncio.wrap_future(self.submit([draft])[0])

    def append_now(self, draft: Draft) -> int:
        """The same, for threads that may block."""
        return self.submit([draft])[0].result()

    def lag_ms(self, now: int) -> int:
        """How long the oldest record that is not on disk yet has been waiting."""
        with self._wakeup:
            since = [item.since for item in (*list(self._queue)[:1],)]
            if self._writing_since is not None:
                since.append(self._writing_since)
        return max(0, now - min(since)) if since else 0

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                records = self._journal.append([item.draft for item in batch], self._clock.now())
            except JournalError as error:
                log.error("commit_failed", records=len(batch), error=str(error))
                for item in batch:
                    _settle(item.done, 0, error)
            else:
                for item, record in zip(batch, records, strict=True):
                    _settle(item.done, record.seq)
                for listener in self._listeners:
                    listener()
            self._writing_since = None

    def _next_batch(self) -> list[_Waiting]:
        with self._wakeup:
            while not self._queue and not self._stopping:
                self._wakeup.wait()
            batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
            self._bytes -= sum(len(item.draft.payload) + 512 for item in batch)
            self._writing_since = batch[0].since if batch else None
            return batch


def _settle(done: Future[int], seq: int, error: JournalError | None = None) -> None:
    """Whoever asked may have gone (a closed connection cancels its wait): then nobody is told."""
    if not done.set_running_or_notify_cancel():
        return
    if error is None:
        done.set_result(seq)
    else:
        done.set_exception(error)
