"""The engine's thread: it takes up the newest checkpoint, pulls records from the journal by number, folds
them, and writes ticks when due.

Intake never waits for it. Readers take `lock` to look at the state; it is released after every record, and
readers go first. Until the checkpoint has been read there is no state, and readers are told so at once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from core.engine import Parse
from core.errors import EngineStarting, InputError, JournalError, JournalUnavailable, WatchkeeperError
from core.journal import Draft, Record
from core.model.decision import PERFORMED, Decision, DecisionKind
from core.ports import Clock, Journal
from core.replay import Fold
from watchkeeper.pace import Pace

log = structlog.get_logger("engine")
_BATCH = 256
# Payloads in a batch, about: records of 25 MB are not read by the hundred.
_BATCH_BYTES = 8 << 20
_TURN_SECONDS = 0.001
# Refusals at most that are kept for who asks: each is asked for at once.
_REFUSED = 1_000


class EngineLoop:
    def __init__(
        self,
        journal: Journal,
        parse: Parse,
        append: Callable[[Draft], int],
        clock: Clock,
        version: str,
    ) -> None:
        self.fold = Fold(parse, version, keep=False)
        self.applied = 0
        self.applied_at = 0
        self.unreadable = 0
        self._journal, self._append, self._clock = journal, append, clock
        self._lock = threading.Lock()
        self._readers = 0
        self._pace, self._batch = Pace(), 1
        self._news = threading.Event()
        self._progress = threading.Condition()
        self._stopping = False
        self._caught_up = threading.Event()
        # Whether the beginning is over; and why it did not work.
        self._begun = threading.Event()
        self._fault: WatchkeeperError | None = None
        # What people did and had no effect, and why: the last ones, by the record's number.
        self._refused: dict[int, WatchkeeperError] = {}
        self._on_decision: list[Callable[[], None]] = []
        self._on_applied: list[Callable[[], None]] = []
        self._on_begun: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        # Folding is long stretches of computing: with Python's own 5 ms the others wait too long for a turn.
        sys.setswitchinterval(_TURN_SECONDS)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._news.set()
        self._thread.join()

    def wake(self) -> None:
        """The journal has grown."""
        self._news.set()

    def on_decision(self, listener: Callable[[], None]) -> None:
        """Called on the engine's thread when there is something to perform."""
        self._on_decision.append(listener)

    def on_applied(self, listener: Callable[[], None]) -> None:
        """Called on the engine's thread after every batch of records; it must not block."""
        self._on_applied.append(listener)

    @contextmanager
    def reading(self) -> Iterator[Fold]:
        """The state, standing still. Keep it short. Raises EngineStarting while there is none."""
        if not self.begun:
            raise self._no_state()
        self._readers += 1
        try:
            with self._lock:
                yield self.fold
        finally:
            self._readers -= 1

    @property
    def begun(self) -> bool:
        """Whether there is a state to read: that of the newest checkpoint, and what came after it so far."""
        return self._begun.is_set() and self._fault is None

    def reaches(self) -> int | None:
        """The last record of the checkpoint that was taken up, 0 for none; None before it has caught up."""
        return self.fold.reaches if self.caught_up else None

    def wait_begun(self) -> None:
        """Until the beginning is over, whether or not there is a state then."""
        self._begun.wait()

    def on_begun(self, listener: Callable[[], None]) -> None:
        """Called when the beginning is over, at once if it is; perhaps twice."""
        self._on_begun.append(listener)
        if self._begun.is_set():
            listener()

    def standing(self) -> str:
        """How far it is, in words."""
        if not self.begun:
            return self._no_state().what
        return "caught up" if self.caught_up else "reading the journal"

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the journal at the start has been folded."""
        return self._caught_up.is_set()

    def wait_for(self, seq: int, timeout: float) -> bool:
        """Whether record `seq` was applied within `timeout` seconds."""
        with self._progress:
            return self._progress.wait_for(lambda: self.applied >= seq or self._stopping, timeout)

    def refused(self, seq: int) -> WatchkeeperError | None:
        """Why record `seq`, of what a person did, had no effect when it was applied."""
        return self._refused.get(seq)

    def lag(self, now: int) -> tuple[int, int]:
        """Records not applied yet, and the age in ms of the oldest of them."""
        applied = self.applied or self.fold.reaches
        waiting = self._journal.head() - applied
        if waiting <= 0:
            return 0, 0
        oldest = self._journal.read(applied, 1)
        return waiting, max(0, now - oldest[0].received_at) if oldest else 0

    def pending(self, kind: DecisionKind) -> list[Decision]:
        """Decisions of a kind to perform, oldest first; none before the journal was folded."""
        if not self.caught_up:
            return []
        with self.reading() as fold:
            found = [one for one in fold.engine.state.pending.values() if one.kind == kind]
        return sorted(found, key=lambda one: (one.at, one.seq))

    def _run(self) -> None:
        try:
            if not self._begin():
                return
        finally:
            self._begun.set()
            _tell(self._on_begun)
        _tell(self._on_applied)
        target = self._journal.head()
        while not self._stopping:
            try:
                asked = self._batch
                records = self._journal.read(self.applied, asked)
                self._batch = _next_batch(asked, records)
                self._apply_all(records)
                if self.applied >= target and not self.caught_up:
                    log.info("caught_up", records=self.applied)
                    self._caught_up.set()
                if len(records) < asked:
                    self._wait()
            except JournalError as error:
                log.error("journal", error=str(error))
                time.sleep(1.0)

    def _begin(self) -> bool:
        """Take up the newest checkpoint that can be read. False: there is no state, or a stop came first."""
        while not self._stopping:
            try:
                self.applied = self.fold.begin(self._journal)
                break
            except JournalUnavailable as error:
                log.error("journal", error=str(error))
                time.sleep(1.0)
            except (InputError, JournalError) as error:
                # Intake goes on storing: nothing is lost while somebody mends this.
                log.error("no_state", error=str(error))
                self._fault = error
                return False
        for passed in self.fold.passed_over:
            mend = "an older checkpoint, or the records themselves, were read instead"
            log.error("checkpoint_unreadable", error=str(passed), mend=mend)
        return not self._stopping

    def _no_state(self) -> EngineStarting:
        fault = self._fault
        if fault is not None:
            return EngineStarting(f"there is no state: {fault.what}", where=fault.where, mend=fault.mend)
        return EngineStarting(
            "the state is still being read from the last checkpoint",
            where="engine",
            mend="Alerts are taken in meanwhile. Ask again in a few seconds; /readyz says how far it is",
        )

    def _apply_all(self, records: list[Record]) -> None:
        for record in records:
            with self._lock:
                decisions = self._apply(record)
            self.applied, self.applied_at = record.seq, record.received_at
            if any(decision.kind in PERFORMED for decision in decisions):
                _tell(self._on_decision)
            pause = self._pace.pause(self._clock.now() - record.received_at)
            if pause or self._readers:
                time.sleep(pause or 0.0002)  # Let go of the interpreter; a reader gets the lock.
        if records:
            with self._progress:
                self._progress.notify_all()
            _tell(self._on_applied)

    def _apply(self, record: Record) -> list[Decision]:
        try:
            decisions = self.fold.apply(record)
        except InputError as error:
            self.unreadable += 1
            self.fold.set_aside(record, error)
            log.error("record_without_effect", seq=record.seq, error=str(error))
            return []
        except Exception:
            # One of the outermost loops: a fault of ours must not end the watch. It is counted and shown.
            self.unreadable += 1
            log.exception("record_failed", seq=record.seq)
            return []
        if self.fold.engine.refused is not None:
            self._refused[record.seq] = self.fold.engine.refused
            if len(self._refused) > _REFUSED:
                del self._refused[next(iter(self._refused))]
        return decisions

    def _wait(self) -> None:
        """Until there is news or a timer is due; then a tick makes its time known to every replay."""
        due = self.fold.engine.next_due() if self.caught_up else None
        wait = 1.0 if due is None else min(1.0, max(0.0, (due - self._clock.now()) / 1_000))
        self._news.wait(wait)
        self._news.clear()
        if due is not None and due <= self._clock.now() and self._journal.head() == self.applied:
            self._append(Draft("tick", "scheduler", b""))


def _next_batch(asked: int, records: Sequence[Record]) -> int:
    """How many records to read next: twice as many at most, and about 8 MB of what was just read."""
    size = sum(len(record.payload) for record in records)
    fitting = len(records) * _BATCH_BYTES // size if size else _BATCH
    return max(1, min(2 * asked, fitting, _BATCH))


def _tell(listeners: list[Callable[[], None]]) -> None:
    for listener in listeners:
        listener()
