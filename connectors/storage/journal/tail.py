"""The segment that is written: commits, the change to a new segment, and what follows a commit that failed.

A commit returns after its sync, so what was committed survives a power cut. (With synchronous=NORMAL, which
only syncs at checkpoints, simulated power cuts lost 6 % of the acknowledged rows.) One connection writes and
folds the log back: with two that do it at the same time, SQLite before 3.51.3 can lose what it folds.

After a failed commit the connection is closed. A full disk leaves the segment as it is: the next append opens
it again and looks for the acknowledged end. After any other fault the next append begins a segment at the
acknowledged end, and what the old one holds beyond it does not count.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog
import zstandard

from connectors.storage.journal import faults
from connectors.storage.journal.layout import Part, View, delete, path_of, put_in_place, size_of
from connectors.storage.journal.segment import (
    INSERT,
    Link,
    Row,
    close_folded,
    connect,
    create,
    last_link,
    open_writer,
    to_row,
)
from core.errors import JournalUnavailable
from core.journal import Draft, Record, chain_hash

log = structlog.get_logger("journal")
# Folding back takes some ms for each megabyte, and commits wait for it; a longer log is folded less often.
_FOLD_BYTES = 8 << 20
_ROW_BYTES, _COMMIT_BYTES = 300, 12_288
# A reader in the middle of its call; if it stays longer, the old log stays too, and is read.
_PATIENCE_MS = 200


class Tail:
    """`view` and `link` change only when a commit has returned. One caller at a time."""

    def __init__(self, directory: Path, parts: tuple[Part, ...], segment_bytes: int) -> None:
        self._directory, self._segment_bytes = directory, segment_bytes
        self._packer = zstandard.ZstdCompressor(level=1)
        self._unfolded = self._room = 0
        self._suspect = False
        try:
            self._connection: sqlite3.Connection | None = open_writer(parts[-1].path)
            self.link = last_link(self._connection, parts[-1].path)
            self._anchor = _hold(parts[-1].path)
        except sqlite3.Error as error:
            raise faults.unwritable(parts[-1].path, error) from error
        self.view = View(parts, self.link.seq)

    @property
    def part(self) -> Part:
        return self.view.parts[-1]

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        """All or nothing. Raises JournalUnavailable."""
        connection = self._ready()
        records, rows, link = self._rows(drafts, max(now, self.link.at))
        try:
            with connection:
                connection.executemany(INSERT, rows)
        except sqlite3.Error as error:
            raise self._failed(error, len(rows)) from error
        size = _COMMIT_BYTES + sum(len(row[6]) + _ROW_BYTES for row in rows)
        self._unfolded, self._room = self._unfolded + size, self._room - size
        self.link, self.view = link, View(self.view.parts, link.seq)
        return records

    def forget(self, gone: Sequence[Part]) -> None:
        """Segments that are about to be deleted."""
        self.view = View(tuple(part for part in self.view.parts if part not in gone), self.view.head)

    def close(self) -> None:
        self._anchor.close()
        if self._connection is not None:
            close_folded(self._connection)
            self._connection = None

    def _rows(self, drafts: Sequence[Draft], at: int) -> tuple[list[Record], list[Row], Link]:
        chain, records, rows = self.link.chain, [], []
        for seq, draft in enumerate(drafts, self.link.seq + 1):
            record = Record(seq, at, draft.kind, draft.source, draft.payload, draft.domain, draft.headers)
            chain = chain_hash(chain, record)
            records.append(record)
            rows.append(to_row(record, chain, self._packer))
        return records, rows, Link(self.link.seq + len(rows), at, chain)

    def _ready(self) -> sqlite3.Connection:
        """A connection to a segment that ends at `link`."""
        try:
            if self._connection is not None:
                self._fold()
                if self._is_full():
                    self._begin_segment("the one before is full")
            elif self._suspect or not self._open_again():
                self._begin_segment("the one before may not hold what it was given")
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error, 0) from error
        assert self._connection is not None  # noqa: S101 - each way above leaves one
        return self._connection

    def _fold(self) -> None:
        if self._unfolded >= _FOLD_BYTES:
            self._unfolded = 0
            if self._connection is not None:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _is_full(self) -> bool:
        """The file is measured again when as much was written as there was room."""
        if self._room <= 0:
            self._room = self._segment_bytes - size_of(self.part.path)
        return self._room <= 0 and self.link.seq >= self.part.first

    def _open_again(self) -> bool:
        """Whether the segment still ends where it was acknowledged to end."""
        connection = open_writer(self.part.path)
        if last_link(connection, self.part.path) == self.link:
            self._connection = connection
            return True
        connection.close()
        return False

    def _begin_segment(self, why: str) -> None:
        first = self.link.seq + 1
        path = path_of(self._directory, first)
        built = path.with_suffix(".new")
        try:
            create(built, self.link)
            # Once the new file may be on the disk, a record in the old one would not count any more.
            self._suspect = True
            put_in_place(built, path)
            connection, anchor = open_writer(path), _hold(path)
        except BaseException:
            with suppress(OSError):
                delete(built)
            raise
        self._anchor.close()
        old, self._connection, self._anchor = self._connection, connection, anchor
        self._suspect, self._unfolded, self._room = False, 0, 0
        earlier = tuple(part for part in self.view.parts if part.first < first)
        self.view = View((*earlier, Part(first, path, path.stat().st_ino)), self.link.seq)
        with suppress(OSError):
            say = log.info if old is not None else log.warning
            say("journal_new_segment", first=first, why=why)
        if old is not None:
            old.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
            close_folded(old)

    def _failed(self, error: sqlite3.Error | OSError, records: int) -> JournalUnavailable:
        self._suspect = self._suspect or not faults.leaves_trust(error)
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        what, mend = faults.words(error)
        name = self.part.path.name
        # The log may go to the same disk.
        with suppress(OSError):
            log.warning("journal_commit_failed", segment=name, records=records, what=what, mend=mend)
        return faults.unwritable(self.part.path, error)


def _hold(path: Path) -> sqlite3.Connection:
    """Keeps the log's index in place when the writing connection is closed: on a disk that takes nothing,
    readers could not make it anew, and a file that is not trusted any more is not folded either.
    """
    connection = connect(path, "ro")
    try:
        last_link(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection
