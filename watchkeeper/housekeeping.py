"""Housekeeping: checkpoints, and the end of old records.

When a segment of the journal is full, 100,000 records came since the last time, or the version is another, a
second process folds the journal into a checkpoint (encoding a large state would hold up the serving one) and
this one appends it, a large one in parts between the records that come meanwhile: from then on a start reads
the checkpoint and what follows, which is never much. Segments whose records are all
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
from core.checkpoint_parts import head_draft, part_drafts
from core.errors import JournalError, JournalUnavailable, WatchkeeperError
from core.journal import Draft
from core.ports import Clock
from core.times import DAY
from watchkeeper.upgrade import unanswered_upgrade

log = structlog.get_logger("housekeeping")
FIRST, EVERY, AGAIN = 60.0, 60.0, 600.0
# A start has so many records to fold at most, and those that came while the checkpoint was made.
RECORDS = 100_000
# Of the time, a checkpoint is being made for a twentieth at the most.
_RESTS = 20
# While the queue of the writer is full, a checkpoint finds no room in it.
_TRIES, _TRY_AGAIN = 100, 0.05
# One larger than this is appended in parts.
_ONE_RECORD = 4 << 20
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
    """`fold` makes a checkpoint's bytes from the journal in a directory; without it, in a process apart.
    `begins` says up to which record the checkpoint reaches that the server began with, None while it still
    catches up: that has the machine to itself."""

    def __init__(
        self,
        journal: SqliteJournal,
        append: Callable[[Draft], int],
        clock: Clock,
        data: Path,
        retain_days: int,
        fold: Fold | None = None,
        begins: Callable[[], int | None] | None = None,
    ) -> None:
        self._journal, self._append, self._clock, self._data = journal, append, clock, data
        self._retain_days = retain_days
        self._fold = fold or (lambda data: fold_apart(data, retain_days, self._stopping))
        self._stopping = threading.Event()
        self._begins = begins
        self._known: int | None = None
        self._record: int | None = None
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        # A process that was killed leaves what it had of a checkpoint.
        (self._data / _NEW).unlink(missing_ok=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def look(self) -> None:
        """Once: a checkpoint when a segment has filled, much has come since the last, or the version has
        changed; then drop what may go."""
        known = self._reached()
        if known is None:
            return
        sealed = self._journal.segments()[:-1]
        # One that the newest checkpoint itself has filled waits for the next: else it would never end.
        full = bool(sealed) and known < sealed[-1].last and self._newest() < sealed[-1].last
        upgraded = unanswered_upgrade(self._journal, known) is not None
        if full or upgraded or self._journal.head() - known >= RECORDS:
            seq = self._write(self._fold(self._data))
            self._known, self._record = reached(self._journal), seq
            log.info("checkpoint", record=seq, state_of=self._known)
        self._drop()

    def _write(self, payload: bytes) -> int:
        if len(payload) <= _ONE_RECORD or b"\n" not in payload:
            return self._append_soon(Draft("checkpoint", "program", payload))
        parts = [self._append_soon(draft) for draft in part_drafts(payload)]
        return self._append_soon(head_draft(payload, parts))

    def _append_soon(self, draft: Draft) -> int:
        for _ in range(_TRIES):
            try:
                return self._append(draft)
            except JournalUnavailable:
                if self._stopping.wait(_TRY_AGAIN):
                    raise Stopped from None
        return self._append(draft)

    def _drop(self) -> None:
        known = self._reached()
        if not self._retain_days or known is None:
            return
        oldest = self._clock.now() - self._retain_days * DAY
        old = [one for one in self._journal.segments()[:-1] if one.newest_at < oldest and one.last <= known]
        if old:
            dropped = self._journal.drop(old[-1].last)
            log.info("records_dropped", segments=len(dropped), through=old[-1].last)

    def _reached(self) -> int | None:
        """The last record that is in the newest checkpoint: while a server runs nobody else writes one."""
        if self._known is None:
            self._known = self._begins() if self._begins is not None else reached(self._journal)
        return self._known

    def _newest(self) -> int:
        """The number of the newest checkpoint's record, its last one; 0 for none."""
        if self._record is None:
            found = self._journal.latest("checkpoint", "program")
            self._record = found.seq if found else 0
        return self._record

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
