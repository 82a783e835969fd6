"""Housekeeping: checkpoints, and the end of old records.

When a segment of the journal is full, or 100,000 records came since the last time, a second process folds the
journal into a checkpoint (encoding a large state would hold up the serving one) and this one appends it: from
then on a start reads the checkpoint and what follows, which is never much. Segments whose records are all
older than `retain_days`, and in the checkpoint, are dropped. A stop ends the second process: the next start
makes that checkpoint.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import structlog

from connectors.storage.sqlite_journal import SqliteJournal
from core.checkpoint import reached
from core.errors import JournalError, JournalUnavailable, WatchkeeperError
from core.journal import Draft
from core.ports import Clock
from core.times import DAY

log = structlog.get_logger("housekeeping")
FIRST, EVERY, AGAIN = 60.0, 60.0, 600.0
# A start has so many records to fold at most, and those that came while the checkpoint was made.
RECORDS = 100_000
# Of the time, a checkpoint is being made for a twentieth at the most.
_RESTS = 20
# While the queue of the writer is full, a checkpoint finds no room in it.
_TRIES, _TRY_AGAIN = 100, 0.05
_PATIENCE = 3_600.0
_LOOK = 0.2
# A process that was asked to end has so long before it is ended.
_LAST_WORDS = 5.0
_LONGEST_SAID = 4_096
_NEW = "checkpoint.new"
Fold = Callable[[Path], bytes]


class Stopped(Exception):
    """The server stops: what was being made is given up."""


class Housekeeping:
    """`fold` makes a checkpoint's bytes from the journal in a directory; without it, in a process apart."""

    def __init__(
        self,
        journal: SqliteJournal,
        append: Callable[[Draft], int],
        clock: Clock,
        data: Path,
        retain_days: int,
        fold: Fold | None = None,
    ) -> None:
        self._journal, self._append, self._clock, self._data = journal, append, clock, data
        self._retain_days = retain_days
        self._fold = fold or (lambda data: fold_apart(data, retain_days, self._stopping))
        self._stopping = threading.Event()
        self._known: int | None = None
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        # A process that was killed leaves what it had of a checkpoint.
        (self._data / _NEW).unlink(missing_ok=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def look(self) -> None:
        """Once: a checkpoint when a segment has filled or much has come since the last, then drop what may
        go."""
        sealed, known = self._journal.segments()[:-1], self._reached()
        full = bool(sealed) and known < sealed[-1].last
        if full or self._journal.head() - known >= RECORDS:
            seq = self._append_soon(Draft("checkpoint", "program", self._fold(self._data)))
            self._known = None
            log.info("checkpoint", record=seq, state_of=self._reached())
        self._drop()

    def _append_soon(self, draft: Draft) -> int:
        for _ in range(_TRIES):
            try:
                return self._append(draft)
            except JournalUnavailable:
                if self._stopping.wait(_TRY_AGAIN):
                    raise Stopped from None
        return self._append(draft)

    def _drop(self) -> None:
        if not self._retain_days:
            return
        oldest, reached = self._clock.now() - self._retain_days * DAY, self._reached()
        old = [one for one in self._journal.segments()[:-1] if one.newest_at < oldest and one.last <= reached]
        if old:
            dropped = self._journal.drop(old[-1].last)
            log.info("records_dropped", segments=len(dropped), through=old[-1].last)

    def _reached(self) -> int:
        """The last record that is in the newest checkpoint, which is large and read once: while a server runs
        nobody else writes one."""
        if self._known is None:
            self._known = reached(self._journal)
        return self._known

    def _run(self) -> None:
        wait = FIRST
        while not self._stopping.wait(wait):
            began = time.monotonic()
            try:
                self.look()
                wait = max(EVERY, _RESTS * (time.monotonic() - began))
            except Stopped:
                return
            except (WatchkeeperError, OSError, subprocess.SubprocessError) as error:
                wait = AGAIN
                log.error("housekeeping_failed", error=str(error))


def fold_apart(data: Path, retain_days: int, stopping: threading.Event | None = None) -> bytes:
    """A checkpoint of the journal in `data`, made by a process of its own that gives way to others.

    Raises Stopped once `stopping` is set, JournalError with the process's last words when it fails.
    """
    data = data.resolve()  # The process begins elsewhere.
    out = data / _NEW
    command = [sys.executable, "-m", "watchkeeper", "journal", "checkpoint", str(out)]
    command += ["--data", str(data), "--retain-days", str(retain_days)]
    try:
        run_apart(command, data, stopping or threading.Event())
        return out.read_bytes()
    finally:
        out.unlink(missing_ok=True)


def run_apart(command: list[str], directory: Path, stopping: threading.Event) -> None:
    """Run a command to its end, or end it when `stopping` is set. Raises as fold_apart does."""
    with TemporaryFile() as said:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, cwd=directory
        )
        try:
            _wait(child, stopping)
        finally:
            _end(child)
        if child.returncode:
            raise JournalError(
                f"no checkpoint was made (status {child.returncode}): {_last_line(said)}",
                where=str(directory),
                mend="It is tried again in ten minutes; `watchkeeper journal checkpoint` does it by hand",
            )


def _wait(child: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    latest = time.monotonic() + _PATIENCE
    while child.poll() is None:
        if stopping.wait(_LOOK):
            raise Stopped
        if time.monotonic() > latest:
            raise subprocess.TimeoutExpired(child.args, _PATIENCE)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _last_line(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, 2) - _LONGEST_SAID))
    lines = [line.strip() for line in said.read().decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "it said nothing")
