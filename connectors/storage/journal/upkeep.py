"""What is done to segments that exist: describe them, erase payloads in them, copy them all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from connectors.storage.journal import faults
from connectors.storage.journal.layout import (
    FOLDER,
    Part,
    View,
    make_folder,
    path_of,
    size_of,
    sync_directory,
    sync_file,
)
from connectors.storage.journal.readers import Readers
from connectors.storage.journal.segment import fold_log, open_writer, select, to_record
from core.errors import InputError, JournalError, JournalUnavailable

_OLDEST = "WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT 1"
_NEWEST = "WHERE seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT 1"
_ERASE = "UPDATE records SET payload = x'', coding = 0, erased = ? WHERE seq = ?"
# Files of format 1 came to have `coding` as their ninth column. How they were written is not known.
_TAKEN_OVER = "SELECT count(*) FROM pragma_table_info('records') WHERE name = 'coding' AND cid = 8"


class Segment(NamedTuple):
    """Records `first` to `last` (none where `last` is `first` - 1); times in ms UTC, 0 without records."""

    path: Path
    first: int
    last: int
    oldest_at: int
    newest_at: int
    bytes: int


class Backup(NamedTuple):
    """What was copied: records `first` to `last`, in so many bytes of files."""

    first: int
    last: int
    bytes: int


def describe(readers: Readers, view: View, head: int) -> list[Segment]:
    """A damaged segment is described by its neighbours; where they are damaged too, JournalError."""
    spans = [(part, min(last, head)) for part, last in view.spans()]
    found = []
    for number, (part, last) in enumerate(spans):
        try:
            ends = [readers.one(part, tail, (part.first, last)) for tail in (_OLDEST, _NEWEST)]
            oldest, newest = (row[1] if row else 0 for row in ends)
        except JournalError:
            if number + 1 == len(spans):
                raise
            oldest = newest = readers.before(spans[number + 1][0]).at
        found.append(Segment(part.path, part.first, last, oldest, newest, size_of(part.path)))
    return found


def erase_in(part: Part, last: int, seqs: Sequence[int]) -> None:
    """Leave no byte of these payloads in the segment or its log. Records beyond `last` go altogether.

    Raises JournalUnavailable, also while a reader holds on to the log: then ask again.
    """
    try:
        with closing(open_writer(part.path)) as connection:
            if not _erase(connection, part.path, last, seqs):
                return
            if connection.execute(_TAKEN_OVER).fetchone()[0]:
                connection.execute("VACUUM")
            folded = fold_log(connection)
    except sqlite3.Error as error:
        raise faults.unwritable(part.path, error) from error
    if not folded:
        raise JournalUnavailable(
            "a reader holds on to what is erased", where=str(part.path), mend="Erase it again in a moment"
        )


def _erase(connection: sqlite3.Connection, path: Path, last: int, seqs: Sequence[int]) -> bool:
    """Whether the segment had anything to do with it."""
    with connection:
        beyond = connection.execute("DELETE FROM records WHERE seq > ?", (last,)).rowcount
        statement = select(connection, path) + " WHERE seq = ?"
        for seq in seqs:
            row = connection.execute(statement, (seq,)).fetchone()
            connection.execute(_ERASE, (to_record(row, path).payload_hash, seq))
    return bool(beyond or seqs)


def check_target(target: Path) -> None:
    """Raises InputError where something is there already."""
    try:
        used = target.exists() and (not target.is_dir() or any(target.iterdir()))
    except OSError as error:
        raise InputError(
            f"cannot be used ({error.strerror})", where=str(target), mend="Give another directory"
        ) from None
    if used:
        raise InputError("is in use", where=str(target), mend="Give an empty or a new directory")


def copy_all(readers: Readers, view: View, head: int, target: Path) -> None:
    """Every segment as it stands, the last one up to record `head`. Raises JournalError."""
    try:
        make_folder(target)
        for part, last in view.spans():
            path = path_of(target, part.first)
            with closing(sqlite3.connect(path)) as copy:
                readers.snapshot(part, copy)
                copy.execute("PRAGMA synchronous=OFF")
                if part == view.parts[-1]:
                    with copy:
                        copy.execute("DELETE FROM records WHERE seq > ?", (min(last, head),))
            sync_file(path)
        sync_directory(target / FOLDER)
    except (sqlite3.Error, OSError) as error:
        raise JournalUnavailable(
            f"the backup cannot be written ({faults.words(error)[0]})", where=str(target), mend="Make room"
        ) from error
