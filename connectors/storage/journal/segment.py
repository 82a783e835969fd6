"""One segment: a SQLite file in format 2, its rows, and the hash chain through them.

`meta` holds the link before the first record, so that a chain can be followed from any segment on. Payloads
of 1 KiB and more are packed with zstd where that is smaller; the chain is over what was sent. Errors of
SQLite pass through: who calls knows whether it reads or writes.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard

from connectors.storage.journal.layout import sync_file
from core.errors import JournalCorrupt
from core.journal import GENESIS, Record, RecordKind, chain_hash

FORMAT = 2
RAW, ZSTD = 0, 1
PACKED_FROM = 1_024
_SCHEMA = """
CREATE TABLE records (
  seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, domain TEXT NOT NULL, kind TEXT NOT NULL,
  source TEXT NOT NULL, headers TEXT NOT NULL, coding INTEGER NOT NULL DEFAULT 0, erased TEXT,
  chain TEXT NOT NULL, payload BLOB NOT NULL
) STRICT
"""
# Few records are not alerts; finding the configuration in force must not read the rest.
_INDEX = "CREATE INDEX IF NOT EXISTS records_by_kind ON records (kind, source, seq) WHERE kind <> 'ingest'"
_META = "CREATE TABLE meta (seq INTEGER NOT NULL, at INTEGER NOT NULL, chain TEXT NOT NULL) STRICT"
_COLUMNS = "seq, received_at, domain, kind, source, headers, payload, chain"
_SELECT = {
    1: f"SELECT {_COLUMNS}, 0, NULL FROM records",  # noqa: S608 - constants
    2: f"SELECT {_COLUMNS}, coding, erased FROM records",  # noqa: S608 - constants
}
INSERT = f"INSERT INTO records ({_COLUMNS}, coding, erased) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
Row = tuple[int, int, str, RecordKind, str, str, bytes, str, int, str | None]
_own = threading.local()


class Link(NamedTuple):
    """What a record hands on to the next one: its number, its time (ms), its place in the chain."""

    seq: int
    at: int
    chain: str


START = Link(0, 0, GENESIS)


class UnknownFormat(JournalCorrupt):
    pass


def connect(path: Path, mode: str, timeout: float = 5.0) -> sqlite3.Connection:
    """`mode` is "ro", "rw" or "rwc"; the file must exist for the first two."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=timeout)


def select(connection: sqlite3.Connection, path: Path) -> str:
    """The statement that reads whole rows of this file. Raises UnknownFormat."""
    return _SELECT[max(1, _version(connection, path))]


def create(path: Path, before: Link, rows: Iterable[Row] = ()) -> None:
    """Build a whole segment and sync it; its directory entry is the caller's."""
    connection = connect(path, "rwc")
    try:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")
        with connection:
            for statement in (_SCHEMA, _INDEX, _META, f"PRAGMA user_version={FORMAT}"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES (?, ?, ?)", before)
            connection.executemany(INSERT, rows)
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
    sync_file(path)


def open_writer(path: Path, timeout: float = 5.0) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return; a file of format 1 is brought to 2."""
    connection = connect(path, "rw", timeout)
    try:
        version = _version(connection, path)
        if version < FORMAT:
            # A file without records is none of ours, and must stay as it is.
            connection.execute("SELECT seq FROM records LIMIT 1").fetchone()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        # Folding the log back happens between commits, where its errors are seen.
        connection.execute("PRAGMA wal_autocheckpoint=0")
        if version < FORMAT:
            _upgrade(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def before(connection: sqlite3.Connection, path: Path) -> Link:
    """The link before the first record."""
    if _version(connection, path) < FORMAT:
        return START
    row = connection.execute("SELECT seq, at, chain FROM meta").fetchone()
    if row is None:
        raise JournalCorrupt("its beginning is not written down", where=str(path), mend="Restore a backup")
    return Link(*row)


def last_link(connection: sqlite3.Connection, path: Path) -> Link:
    statement = "SELECT seq, received_at, chain FROM records ORDER BY seq DESC LIMIT 1"
    row = connection.execute(statement).fetchone()
    return Link(*row) if row else before(connection, path)


def fold_log(connection: sqlite3.Connection) -> bool:
    """Write the log back into the file and empty it. False: a reader holds on to it."""
    return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def close_folded(connection: sqlite3.Connection) -> None:
    """Close; where the log cannot go now, whoever opens the file next reads it, so nothing is lost."""
    try:
        fold_log(connection)
    except sqlite3.Error:
        return
    finally:
        connection.close()


def to_row(record: Record, chain: str, packer: zstandard.ZstdCompressor) -> Row:
    payload, coding = record.payload, RAW
    if len(payload) >= PACKED_FROM:
        packed = packer.compress(payload)
        if len(packed) < len(payload):
            payload, coding = packed, ZSTD
    headers = json.dumps(record.headers, sort_keys=True) if record.headers else "{}"
    return (
        record.seq, record.received_at, record.domain, record.kind, record.source, headers, payload, chain,
        coding, record.erased or None,
    )  # fmt: skip


def to_record(row: Row, path: Path) -> Record:
    """Raises JournalCorrupt where the row cannot be what was written."""
    try:
        headers = json.loads(row[5]) if row[5] != "{}" else {}
        payload = row[6] if row[8] == RAW else _unpacked(row[6], row[8])
    except (ValueError, MemoryError, zstandard.ZstdError) as error:
        raise corrupt(path, row[0], f"its content cannot be read ({error})") from None
    return Record(row[0], row[1], row[3], row[4], payload, row[2], headers, row[9] or "")


def follow(rows: Iterable[Row], link: Link, path: Path) -> Iterator[tuple[Row, Link]]:
    """Each row with its link, the chain followed from `link` on. Raises JournalCorrupt at the first fault."""
    for row in rows:
        if row[0] != link.seq + 1:
            raise missing(path, link.seq + 1)
        if row[1] < link.at:
            raise corrupt(path, row[0], "its time lies before the record before it")
        link = Link(row[0], row[1], chain_hash(link.chain, to_record(row, path)))
        if link.chain != row[7]:
            raise corrupt(path, row[0], "its content does not match the hash chain")
        yield row, link


def end_of(rows: Iterable[Row], link: Link, path: Path) -> Link:
    """The last link of `rows`, all of them checked as by `follow`."""
    for _, reached in follow(rows, link, path):
        link = reached
    return link


def missing(path: Path, seq: int) -> JournalCorrupt:
    return corrupt(path, seq, f"record {seq} is missing")


def corrupt(path: Path, seq: int, what: str) -> JournalCorrupt:
    return JournalCorrupt(
        f"record {seq}: {what}", where=str(path), mend="Restore a backup, or replay the part before it"
    )


def _unpacked(payload: bytes, coding: int) -> bytes:
    if coding != ZSTD:
        raise ValueError(f"coding {coding} is not known")
    unpacker: zstandard.ZstdDecompressor | None = getattr(_own, "unpacker", None)
    if unpacker is None:
        unpacker = _own.unpacker = zstandard.ZstdDecompressor()
    return unpacker.decompress(payload)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= version <= FORMAT:
        raise UnknownFormat(f"format {version} is not known", where=str(path), mend="Use a newer Watchkeeper")
    return version


def _upgrade(connection: sqlite3.Connection) -> None:
    """Format 1 lacked `coding`, `erased` and `meta`. One transaction: done or not done."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ALTER TABLE records ADD COLUMN coding INTEGER NOT NULL DEFAULT 0")
        connection.execute("ALTER TABLE records ADD COLUMN erased TEXT")
        connection.execute(_INDEX)
        connection.execute(_META)
        connection.execute("INSERT INTO meta VALUES (?, ?, ?)", START)
        connection.execute(f"PRAGMA user_version={FORMAT}")
