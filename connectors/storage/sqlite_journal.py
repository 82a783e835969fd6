"""The journal on SQLite: a row of segment files in DATA/journal, the last of which is written.

An append that returned survives a power cut. Old segments can be dropped, payloads erased, everything copied
while it runs. A damaged end of the journal is put aside by the next start; where what comes before is
damaged, reading works up to there and then raises JournalCorrupt, and `verify` says where.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.storage.journal.layout import FOLDER, Part, View, delete, listed, size_of, sync_directory
from connectors.storage.journal.opening import open_directory
from connectors.storage.journal.readers import Readers
from connectors.storage.journal.salvage import SetAside
from connectors.storage.journal.segment import Link, corrupt, end_of, to_record
from connectors.storage.journal.tail import Tail
from connectors.storage.journal.upkeep import Backup, Segment, check_target, copy_all, describe, erase_in
from core.errors import JournalCorrupt, JournalError, JournalUnavailable, NotFound
from core.journal import Draft, Record, RecordKind

__all__ = ["FILE_NAME", "Backup", "Segment", "SetAside", "SqliteJournal", "has_journal"]
FILE_NAME = FOLDER
_LATEST = "WHERE kind = ? AND kind <> 'ingest' AND source = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
_VERIFIED_AT_ONCE = 1_000


def has_journal(directory: Path) -> bool:
    return bool(listed(directory))


class SqliteJournal:
    """Raises JournalUnavailable when it cannot be opened or written, JournalCorrupt for a foreign format.

    One process may open a directory to write (`DirectoryLock`), any number may read. Any thread may call;
    readers never wait for `append`.
    """

    def __init__(self, directory: Path, *, read_only: bool = False, segment_bytes: int = 256 << 20) -> None:
        self._directory = directory
        self._readers = Readers()
        self._writing, self._keeping = threading.Lock(), threading.Lock()
        self._tail: Tail | None = None
        self.set_aside: list[SetAside] = []
        if read_only:
            self.read(0, 1)
        else:
            parts, self.set_aside = open_directory(directory)
            self._tail = Tail(directory, parts, segment_bytes)

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        if not drafts:
            return []
        with self._writing:
            return self._writable().append(drafts, now)

    def read(self, after: int, limit: int) -> list[Record]:
        """Up to the first fault; JournalCorrupt when it is the next record that is faulty."""
        records: list[Record] = []
        try:
            for path, row in self._readers.walk(self._view, after, limit):
                records.append(to_record(row, path))
        except JournalError:
            if not records:
                raise
        return records

    def head(self) -> int:
        view = self._view()
        if view.head is not None:
            return view.head
        part = view.parts[-1]
        row = self._readers.one(part, "WHERE seq >= ? ORDER BY seq DESC LIMIT 1", (part.first,))
        return row[0] if row else part.first - 1

    def first(self) -> int:
        return self._view().parts[0].first

    def latest(self, kind: RecordKind, source: str, before: int | None = None) -> Record | None:
        for part, end in reversed(list(self._view().spans())):
            last = end if before is None else min(end, before - 1)
            row = self._readers.one(part, _LATEST, (kind, source, last))
            if row:
                return to_record(row, part.path)
        return None

    def verify(self) -> Iterator[int]:
        """Walk the whole journal, yielding the last number checked. Raises JournalCorrupt at a fault."""
        link: Link | None = None
        for part, last in self._view().spans():
            before = self._readers.before(part)
            if before != (link or before) or before.seq != part.first - 1:
                raise corrupt(part.path, part.first, "it does not follow on the segment before it")
            link = before
            while rows := list(self._readers.rows(part, link.seq, last, _VERIFIED_AT_ONCE)):
                link = end_of(rows, link, part.path)
                yield link.seq

    def segments(self) -> list[Segment]:
        return describe(self._readers, self._view(), self.head())

    def drop(self, through: int) -> list[Segment]:
        """Delete the segments whose last record is `through` or before; never the one that is written."""
        with self._keeping, self._writing:
            tail = self._writable()
            gone = [part for part, last in tail.view.spans() if part != tail.part and last <= through]
            described = self.segments()[: len(gone)]
            tail.forget(gone)
            try:
                for part in gone:
                    delete(part.path)
                sync_directory(self._directory / FOLDER)
            except OSError as error:
                raise JournalUnavailable(
                    f"segments cannot be deleted ({error.strerror})",
                    where=str(self._directory),
                    mend="Check permissions",
                ) from error
            return described

    def erase(self, seqs: Sequence[int]) -> None:
        """Payloads gone from every segment and its log; copies in DATA/aside and backups are not touched.

        Raises NotFound, before anything is done, for numbers that are not there.
        """
        with self._keeping, self._writing:
            view = self._writable().view
            absent = [seq for seq in seqs if not view.parts[0].first <= seq <= self.head()]
            if absent:
                raise NotFound(
                    f"there is no record {absent[0]}", where=str(self._directory), mend="See `export`"
                )
            for part, last in view.spans():
                mine = [seq for seq in seqs if part.first <= seq <= last]
                # What a failed commit left beyond the end may hold the same payload.
                if mine or self._readers.one(part, "WHERE seq > ? LIMIT 1", (last,)):
                    erase_in(part, last, mine)

    def backup(self, target: Path) -> Backup:
        """Copy and verify, while appends go on. `target` is then a data directory.

        Raises InputError when something is in `target`, JournalError when it failed: then nothing stays.
        """
        check_target(target)
        with self._keeping:
            view, head = self._view(), self.head()
            try:
                copy_all(self._readers, view, head, target)
                return _verified(target, head)
            except JournalError:
                shutil.rmtree(target / FOLDER, ignore_errors=True)
                raise

    def close(self) -> None:
        self._readers.close()
        if self._tail is not None:
            with self._writing:
                self._tail.close()

    def _view(self) -> View:
        view = View(_readable(self._directory), None) if self._tail is None else self._tail.view
        self._readers.keep(view.parts)
        return view

    def _writable(self) -> Tail:
        if self._tail is None:
            raise JournalUnavailable(
                "opened to read only", where=str(self._directory), mend="Stop what writes it first"
            )
        return self._tail


def _readable(directory: Path) -> tuple[Part, ...]:
    parts = listed(directory)
    # An empty file is what a crash or a foreign hand left: the next start makes a segment of it.
    while parts and size_of(parts[-1].path) == 0:
        parts = parts[:-1]
    if not parts:
        raise JournalUnavailable(
            "there is no journal here", where=str(directory), mend="Give --data DIR of a server"
        )
    return parts


def _verified(target: Path, head: int) -> Backup:
    copy = SqliteJournal(target, read_only=True)
    try:
        last = max(copy.verify(), default=copy.first() - 1)
        if last != head:
            raise JournalCorrupt(
                f"the copy ends at record {last} instead of {head}", where=str(target), mend="Try again"
            )
        return Backup(copy.first(), last, sum(segment.bytes for segment in copy.segments()))
    finally:
        copy.close()
