"""A journal as versions 0.1.0 and 0.2.0 wrote it, and left it after a crash: one file and a hot log."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from core.journal import GENESIS, Record, chain_hash

NAME = "journal.sqlite3"
_SCHEMA = """
CREATE TABLE records (
  seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, domain TEXT NOT NULL, kind TEXT NOT NULL,
  source TEXT NOT NULL, headers TEXT NOT NULL, payload BLOB NOT NULL, chain TEXT NOT NULL
) STRICT;
CREATE INDEX records_by_kind ON records (kind, source, seq) WHERE kind <> 'ingest';
PRAGMA user_version=1;
"""
_INSERT = "INSERT INTO records VALUES (?, ?, 'default', 'ingest', 'alertmanager', '{}', ?, ?)"


def write_old_journal(directory: Path, bodies: Sequence[bytes]) -> None:
    """The first half is in the file, the second half in the log beside it."""
    work = directory / "work"
    work.mkdir()
    connection = sqlite3.connect(work / NAME, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(_SCHEMA)
    chain = GENESIS
    for number, body in enumerate(bodies, 1):
        chain = chain_hash(chain, Record(number, number, "ingest", "alertmanager", body))
        connection.execute(_INSERT, (number, number, body, chain))
        if number == len(bodies) // 2:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in (NAME, f"{NAME}-wal"):
        shutil.copyfile(work / name, directory / name)
    connection.close()
    shutil.rmtree(work)
