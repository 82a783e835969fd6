"""Reading segments: each thread has connections of its own, a few at most, to the segments it read last.

No read transaction outlives a call, so logs can be folded back. A segment that was dropped meanwhile shows as
`Gone`; whoever holds the list of segments looks again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from connectors.storage.journal import faults
from connectors.storage.journal.layout import NO_END, Part, View
from connectors.storage.journal.segment import Link, Row, before, connect, missing, select
from core.errors import JournalError, JournalUnavailable

_KEPT = 3
_TRIES = 5


class Gone(JournalUnavailable):
    """The segment is no longer there."""


class Reader(NamedTuple):
    connection: sqlite3.Connection
    select: str


class Readers:
    def __init__(self) -> None:
        self._own = threading.local()
        self._open: set[sqlite3.Connection] = set()

    def walk(self, view: Callable[[], View], after: int, limit: int) -> Iterator[tuple[Path, Row]]:
        """Up to `limit` rows above `after`, in order, without a gap. Raises JournalError at a fault."""
        tries = 0
        while True:
            now = view()
            after = max(after, now.parts[0].first - 1)
            try:
                for part, last in now.spans(after):
                    for row in self.rows(part, after, last, limit):
                        after, limit = row[0], limit - 1
                        yield part.path, row
                return
            except Gone:
                tries += 1
                if tries == _TRIES:
                    raise

    def rows(self, part: Part, after: int, last: int, limit: int) -> Iterator[Row]:
        """Rows of one segment, from `after` + 1 to `last`, without a gap."""
        after = max(after, part.first - 1)
        end = min(last, after + limit)
        if end <= after:
            return
        seq = after
        try:
            reader = self._reader(part)
            statement = reader.select + " WHERE seq > ? AND seq <= ? ORDER BY seq"
            for row in reader.connection.execute(statement, (after, end)):
                seq += 1
                if row[0] != seq:
                    raise self._missing(part, seq)
                yield row
        except sqlite3.Error as error:
            raise self._fault(part, error) from error
        if seq < end and last < NO_END:
            raise self._missing(part, seq + 1)

    def one(self, part: Part, tail: str, values: tuple[Any, ...]) -> Row | None:
        """The first row for `tail`, the rest of a SELECT on whole rows."""
        try:
            reader = self._reader(part)
            row: Row | None = reader.connection.execute(f"{reader.select} {tail}", values).fetchone()
            return row
        except sqlite3.Error as error:
            raise self._fault(part, error) from error

    def before(self, part: Part) -> Link:
        try:
            return before(self._reader(part).connection, part.path)
        except sqlite3.Error as error:
            raise self._fault(part, error) from error

    def snapshot(self, part: Part, target: sqlite3.Connection) -> None:
        """Copy the segment as it stands now. Raises sqlite3.Error where `target` cannot be written."""
        reader = self._reader(part) if part.path.exists() else None
        if reader is None:
            raise _gone(part)
        reader.connection.backup(target)

    def keep(self, parts: tuple[Part, ...]) -> None:
        """Let go of this thread's connections to segments that are not in the row any more."""
        if getattr(self._own, "parts", None) is parts:
            return
        self._own.parts = parts
        mine: dict[Part, Reader] = getattr(self._own, "readers", {})
        for part in [part for part in mine if part not in parts]:
            self._close(mine.pop(part))

    def close(self) -> None:
        for connection in list(self._open):
            connection.close()
        self._open.clear()

    def _reader(self, part: Part) -> Reader:
        mine: dict[Part, Reader] | None = getattr(self._own, "readers", None)
        if mine is None:
            mine = self._own.readers = {}
        reader = mine.pop(part, None) or self._connect(part)
        mine[part] = reader
        if len(mine) > _KEPT:
            self._close(mine.pop(next(iter(mine))))
        return reader

    def _connect(self, part: Part) -> Reader:
        connection = connect(part.path, "ro")
        try:
            reader = Reader(connection, select(connection, part.path))
        except BaseException:
            connection.close()
            raise
        self._open.add(connection)
        return reader

    def _close(self, reader: Reader) -> None:
        self._open.discard(reader.connection)
        reader.connection.close()

    def _fault(self, part: Part, error: sqlite3.Error) -> JournalError:
        return faults.unreadable(part.path, error) if part.path.exists() else _gone(part)

    def _missing(self, part: Part, seq: int) -> JournalError:
        return missing(part.path, seq) if part.path.exists() else _gone(part)


def _gone(part: Part) -> Gone:
    return Gone("the segment was dropped while it was read", where=str(part.path), mend="Read again")
