"""What a start does about a last segment that is not as it was written: put it aside, keep what is sound.

What lies after the last whole commit of a log, and a file that cannot be read or fails its chain, is copied
to DATA/aside as it was found. Then the records up to the first fault take the segment's place. Only the end
is looked at, where a crash can have left something half written, for a start must not take longer the more
there is: reading and `verify` say where an earlier segment, or an earlier part of the last, is damaged.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import structlog

from connectors.storage.journal import faults
from connectors.storage.journal.layout import (
    ASIDE,
    Part,
    beside,
    make_folder,
    put_in_place,
    size_of,
    sync_directory,
    sync_file,
)
from connectors.storage.journal.segment import (
    START,
    Link,
    Row,
    UnknownFormat,
    before,
    connect,
    create,
    end_of,
    fold_log,
    follow,
    last_link,
    missing,
    open_writer,
    select,
)
from core.errors import JournalCorrupt

log = structlog.get_logger("journal")
_SMALLEST = 4_096
# Records at the end that are checked: more than the log holds between two times that it is folded back.
_CHECKED = 32_768
# Of a log that a reader made longer: no record takes fewer bytes in it.
_LEAST_BYTES = 256
_LOG_HEADER, _FRAME_HEADER = 32, 24
_LOG_MAGIC = (0x377F0682, 0x377F0683)
# Each time a log starts over, its first salt goes up by one; what is left of earlier rounds has smaller ones.
_ROUNDS = 1 << 20


class SetAside(NamedTuple):
    """A copy of what was damaged, and what was wrong with it."""

    path: Path
    what: str


def mend(directory: Path, parts: tuple[Part, ...]) -> list[SetAside]:
    """Make the last of `parts` sound. Raises UnknownFormat, sqlite3.Error or OSError where that cannot be."""
    part = parts[-1]
    if not size_of(part.path):
        _rebuild(parts)
        return []
    if part.path.stat().st_size < _SMALLEST:
        # SQLite takes it for an empty database, and deletes its log unread.
        return [salvage(directory, parts, "the file was cut off")]
    try:
        in_log = size_of(part.path) - part.path.stat().st_size
        found = settle_log(directory, part.path)
        _check(part, max(_CHECKED, in_log // _LEAST_BYTES))
    except UnknownFormat:
        raise
    except JournalCorrupt as error:
        return [salvage(directory, parts, error.what)]
    except sqlite3.Error as error:
        if not faults.is_damage(error):
            raise
        return [salvage(directory, parts, str(error))]
    return found


def settle_log(directory: Path, path: Path) -> list[SetAside]:
    """Write the log back into its file. What in it belongs to no commit and is no old round is put aside."""
    # A writing connection changes a damaged file even when all it does is to close.
    with closing(connect(path, "ro")) as connection:
        last_link(connection, path)
    with closing(open_writer(path)) as connection:
        busy, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        found = []
        torn = b"" if busy or frames < 0 else _torn_part(beside(path, "-wal"), frames)
        if torn:
            head = last_link(connection, path).seq
            what = f"{len(torn)} bytes of its log after record {head} belong to no whole commit"
            target = _free_name(directory, path, ".log")
            target.write_bytes(torn)
            found.append(_aside(target, what))
        fold_log(connection)
    return found


def salvage(directory: Path, parts: tuple[Part, ...], why: str) -> SetAside:
    """Put the last of `parts` aside and leave the records before the first fault in its place."""
    path = parts[-1].path
    target = _free_name(directory, path, path.suffix)
    size = size_of(path)
    log_of = beside(path, "-wal")
    for suffix in ("", "-wal") if log_of.exists() and log_of.stat().st_size else ("",):
        shutil.copyfile(beside(path, suffix), beside(target, suffix))
        sync_file(beside(target, suffix))
    return _aside(target, f"{size} bytes: {why}; kept up to record {_rebuild(parts)}")


def _rebuild(parts: tuple[Part, ...]) -> int:
    """The last of `parts` anew, from its records before the first fault; the number of the last."""
    path, link = parts[-1].path, _link_before(parts)
    built = path.with_suffix(".new")
    with suppress(sqlite3.Error), closing(connect(path, "ro")) as damaged:
        # A file that was cut off is not opened otherwise.
        damaged.execute("PRAGMA writable_schema=ON")
        create(built, link, _sound_rows(damaged, link, path))
    if not built.exists():
        create(built, link)
    with closing(connect(built, "rw")) as connection:
        head = last_link(connection, built).seq
    put_in_place(built, path)
    return head


def _check(part: Part, most: int) -> None:
    """The last records of a segment, `most` of them. Raises JournalCorrupt, sqlite3.Error."""
    with closing(connect(part.path, "ro")) as connection:
        link = before(connection, part.path)
        if link.seq != part.first - 1:
            raise JournalCorrupt("it begins elsewhere than its name says", where=str(part.path))
        begin = last_link(connection, part.path).seq - most
        if begin > link.seq:
            statement = "SELECT seq, received_at, chain FROM records WHERE seq = ?"
            row = connection.execute(statement, (begin,)).fetchone()
            if row is None:
                raise missing(part.path, begin)
            link = Link(*row)
        rows = connection.execute(select(connection, part.path) + " WHERE seq > ? ORDER BY seq", (link.seq,))
        end_of(rows, link, part.path)


def _sound_rows(connection: sqlite3.Connection, link: Link, path: Path) -> Iterator[Row]:
    with suppress(sqlite3.Error, JournalCorrupt):
        rows = connection.execute(select(connection, path) + " ORDER BY seq")
        for row, _ in follow(rows, link, path):
            yield row


def _link_before(parts: tuple[Part, ...]) -> Link:
    """What the last segment goes on from: by its own word, else by the segment before it."""
    last = parts[-1]
    wanted = last.first - 1
    with suppress(sqlite3.Error, JournalCorrupt), closing(connect(last.path, "ro")) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        link = before(connection, last.path)
        if link.seq == wanted:
            return link
    for part in parts[-2:-1]:
        with suppress(sqlite3.Error), closing(connect(part.path, "ro")) as connection:
            statement = "SELECT seq, received_at, chain FROM records WHERE seq = ?"
            row = connection.execute(statement, (wanted,)).fetchone()
            if row:
                return Link(*row)
    return START._replace(seq=wanted)


def _torn_part(path: Path, frames: int) -> bytes:
    """What is in a log after its first `frames` frames, unless that is of earlier rounds or empty space."""
    try:
        with path.open("rb") as file:
            at = _first_torn(file, path.stat().st_size, frames)
            if at is None:
                return b""
            file.seek(at)
            return file.read().rstrip(b"\0")
    except FileNotFoundError:
        return b""


def _first_torn(file: BinaryIO, size: int, frames: int) -> int | None:
    header = file.read(_LOG_HEADER)
    if len(header) < _LOG_HEADER:
        return 0 if header.strip(b"\0") else None
    magic, _, page, _, salt = struct.unpack(">5I", header[:20])
    if magic not in _LOG_MAGIC:
        return 0 if header.strip(b"\0") else None
    step = _FRAME_HEADER + page
    for at in range(_LOG_HEADER + frames * step, size, step):
        file.seek(at)
        frame = file.read(step)
        old = len(frame) == step and 0 < (salt - int.from_bytes(frame[8:12], "big")) % 2**32 < _ROUNDS
        if not old and frame.strip(b"\0"):
            return at
    return None


def _free_name(directory: Path, path: Path, suffix: str) -> Path:
    folder = directory / ASIDE
    folder.mkdir(exist_ok=True)
    make_folder(directory)
    number = 1
    while any(folder.glob(f"{path.stem}-{number}.*")):
        number += 1
    return folder / f"{path.stem}-{number}{suffix}"


def _aside(target: Path, what: str) -> SetAside:
    sync_file(target)
    sync_directory(target.parent)
    log.warning("journal_set_aside", copy=str(target), what=what)
    return SetAside(target, what)
