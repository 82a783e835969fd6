"""A journal of 0.1 or 0.2 (one file, format 1) becomes the first segment, whatever a crash left of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from connectors.storage.sqlite_journal import SqliteJournal, has_journal
from core.errors import JournalUnavailable
from core.journal import GENESIS, Draft, Record, chain_hash
from core.ports import read_all

# As 0.2.0 wrote it.
OLD_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, domain TEXT NOT NULL, kind TEXT NOT NULL,
  source TEXT NOT NULL, headers TEXT NOT NULL, payload BLOB NOT NULL, chain TEXT NOT NULL
) STRICT
"""
OLD_INDEX = "CREATE INDEX IF NOT EXISTS records_by_kind ON records (kind, source, seq) WHERE kind <> 'ingest'"
OLD_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
BODIES = [f"body {n} ".encode() * (1 + 300 * (n % 3)) for n in range(60)]
SEGMENT = "journal/000000000001.sqlite3"


def old_connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", OLD_SCHEMA, OLD_INDEX):
        connection.execute(statement)
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    return connection


def fill(connection: sqlite3.Connection) -> None:
    chain = GENESIS
    for seq, body in enumerate(BODIES, 1):
        kind = "config" if seq % 10 == 0 else "ingest"
        record = Record(seq, 1_000 + seq, kind, "rules", body, "eu", {"a": "b"})  # type: ignore[arg-type]
        chain = chain_hash(chain, record)
        with connection:
            row = (seq, 1_000 + seq, "eu", kind, "rules", '{"a": "b"}', body, chain)
            connection.execute(OLD_INSERT, row)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A directory as 0.2.0 left it after a proper end."""
    directory = tmp_path / "old"
    directory.mkdir()
    with closing(old_connection(directory / "journal.sqlite3")) as connection:
        fill(connection)
    assert not (directory / "journal.sqlite3-wal").exists()
    return directory


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """As a kill -9 left it: half of the rows only in its log."""
    live = tmp_path / "live"
    live.mkdir()
    with closing(old_connection(live / "journal.sqlite3")) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=20")
        fill(connection)
        directory = shutil.copytree(live, tmp_path / "killed", ignore=shutil.ignore_patterns("*-shm"))
    assert (directory / "journal.sqlite3-wal").stat().st_size > 10_000
    return directory


@pytest.fixture(params=["old", "killed"])
def before(request: pytest.FixtureRequest) -> Path:
    directory: Path = request.getfixturevalue(request.param)
    return directory


def bodies(directory: Path, *, read_only: bool = True) -> list[bytes]:
    journal = SqliteJournal(directory, read_only=read_only)
    try:
        assert max(journal.verify()) == journal.head()
        return [record.payload for record in read_all(journal)]
    finally:
        journal.close()


def names(directory: Path) -> list[str]:
    files = (path for path in directory.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return sorted(str(path.relative_to(directory)) for path in files)


def test_it_is_read_where_it_lies_before_a_server_took_it_over(before: Path) -> None:
    assert has_journal(before)
    assert bodies(before) == BODIES
    reader = SqliteJournal(before, read_only=True)
    latest = reader.latest("config", "rules")
    assert latest is not None
    assert (latest.seq, latest.domain, latest.headers, latest.received_at) == (60, "eu", {"a": "b"}, 1_060)
    assert (reader.first(), reader.head()) == (1, 60)
    reader.close()
    assert "journal.sqlite3" in names(before)


def test_the_first_start_makes_it_the_first_segment(before: Path) -> None:
    journal = SqliteJournal(before)
    assert journal.set_aside == []
    assert journal.append([Draft("ingest", "a", b"new " * 1_000)], 0)[0].seq == 61
    journal.close()
    assert names(before) == [SEGMENT]
    assert bodies(before) == [*BODIES, b"new " * 1_000]
    assert bodies(before, read_only=False) == [*BODIES, b"new " * 1_000]


def test_a_reader_in_between_sees_it_move(before: Path) -> None:
    reader = SqliteJournal(before, read_only=True)
    assert reader.head() == 60
    journal = SqliteJournal(before)
    journal.append([Draft("ingest", "a", b"packed " * 1_000)], 0)
    assert reader.head() == 61
    assert reader.read(59, 5)[1].payload == b"packed " * 1_000
    reader.close()
    journal.close()


def test_a_crash_at_any_step_leaves_what_the_next_start_completes(before: Path) -> None:
    module = "tests.unit.crash_steps"
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-m", module, str(before), "open"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["faults"] == []
    assert told["steps"] > 15, "too few steps for this to show anything"


def test_a_crash_after_the_columns_were_added_and_before_the_move(old: Path) -> None:
    path = old / "journal.sqlite3"
    SqliteJournal(old).close()
    shutil.move(old / SEGMENT, path)
    shutil.rmtree(old / "journal")
    assert bodies(old) == BODIES
    assert bodies(old, read_only=False) == BODIES
    assert names(old) == [SEGMENT]


def test_a_file_of_format_1_that_somebody_moved_is_brought_up(killed: Path) -> None:
    (killed / "journal").mkdir()
    for suffix in ("", "-wal"):
        shutil.move(killed / f"journal.sqlite3{suffix}", killed / f"{SEGMENT}{suffix}")
    assert bodies(killed) == BODIES
    assert bodies(killed, read_only=False) == BODIES


def test_two_journals_are_not_guessed_about(old: Path, tmp_path: Path) -> None:
    SqliteJournal(tmp_path / "new").close()
    shutil.copytree(tmp_path / "new" / "journal", old / "journal")
    with pytest.raises(JournalUnavailable, match="another journal"):
        SqliteJournal(old)


def test_what_0_2_left_of_a_start_that_was_cut_off_is_started_over(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").touch()
    with pytest.raises(JournalUnavailable, match="no journal here"):
        SqliteJournal(tmp_path, read_only=True)
    journal = SqliteJournal(tmp_path)
    assert (journal.head(), journal.set_aside) == (0, [])
    journal.close()


def test_a_torn_old_journal_keeps_its_sound_records(killed: Path) -> None:
    """The file is cut off below its root's leaves; a part of the rows is in the log."""
    path = killed / "journal.sqlite3"
    (killed / "journal.sqlite3-wal").unlink()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4_096 * 4_096)
    journal = SqliteJournal(killed)
    assert len(journal.set_aside) == 1
    assert 0 < journal.head() < 60
    assert [r.payload for r in read_all(journal)] == BODIES[: journal.head()]
    journal.close()
    assert len(names(killed)) == 2, "the segment, and the copy of what was damaged"


def test_erasing_from_a_journal_that_was_taken_over_leaves_no_byte(old: Path) -> None:
    journal = SqliteJournal(old)
    journal.erase([2, 3])
    journal.close()
    content = (old / SEGMENT).read_bytes()
    assert b"body 1 " not in content
    assert b"body 2 " not in content
    assert b"body 3 " in content
    assert bodies(old)[1:4] == [b"", b"", BODIES[3]]
