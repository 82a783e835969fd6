"""What every journal promises, run on each implementation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.storage.lock import DirectoryLock
from connectors.storage.memory import MemoryJournal
from connectors.storage.sqlite_journal import FILE_NAME, SqliteJournal
from core.errors import JournalBusy, JournalCorrupt, JournalUnavailable
from core.journal import Draft
from core.ports import Journal, read_all


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal()
        return
    made = SqliteJournal(tmp_path)
    yield made
    made.close()


def draft(text: str, kind: str = "ingest", source: str = "alertmanager") -> Draft:
    return Draft(kind, source, text.encode(), headers={"content-type": "x"})  # type: ignore[arg-type]


def test_numbers_are_gapless_and_time_never_goes_back(journal: Journal) -> None:
    journal.append([draft("a"), draft("b")], 1_000)
    journal.append([draft("c")], 500)
    records = journal.read(0, 10)
    assert [(r.seq, r.received_at) for r in records] == [(1, 1_000), (2, 1_000), (3, 1_000)]
    assert journal.head() == 3


def test_what_was_appended_comes_back_unchanged(journal: Journal) -> None:
    sent = Draft("ingest", "change", b"\x00\xff raw", "eu", {"user-agent": "ü"})
    [stored] = journal.append([sent], 7)
    [read] = journal.read(0, 1)
    assert read == stored
    assert (read.payload, read.domain, read.headers) == (sent.payload, "eu", {"user-agent": "ü"})


def test_reading_goes_on_where_it_stopped(journal: Journal) -> None:
    journal.append([draft(str(n)) for n in range(25)], 1)
    assert [r.seq for r in read_all(journal, after=3, batch=4)] == list(range(4, 26))
    assert journal.read(25, 10) == []


def test_the_latest_of_a_kind(journal: Journal) -> None:
    assert journal.latest("config", "rules") is None
    journal.append([draft("old", "config", "rules"), draft("new", "config", "rules"), draft("x")], 1)
    journal.append([draft("other", "config", "catalogue")], 1)
    latest = journal.latest("config", "rules")
    assert latest is not None
    assert latest.payload == b"new"


def test_a_sqlite_journal_survives_closing(tmp_path: Path) -> None:
    first = SqliteJournal(tmp_path)
    first.append([draft("a")], 50)
    first.close()
    second = SqliteJournal(tmp_path)
    assert second.append([draft("b")], 10)[0].received_at == 50
    assert list(second.verify()) == [2]
    second.close()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE records SET payload = x'00' WHERE seq = 2", "record 2: its content"),
        ("UPDATE records SET source = 'change' WHERE seq = 2", "record 2: its content"),
        ("DELETE FROM records WHERE seq = 2", "record 2 is missing"),
        ("DELETE FROM records WHERE seq = 1", "record 1 is missing"),
        ("UPDATE records SET received_at = 1 WHERE seq = 3", "record 3: its time"),
    ],
)
def test_verify_finds_what_was_changed(tmp_path: Path, statement: str, says: str) -> None:
    journal = SqliteJournal(tmp_path)
    journal.append([draft("a"), draft("b"), draft("c")], 100)
    journal.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as raw:
        raw.execute(statement)
    raw.close()
    reader = SqliteJournal(tmp_path, read_only=True)
    with pytest.raises(JournalCorrupt, match=says):
        list(reader.verify())
    reader.close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to look at" * 10)
    with pytest.raises(JournalUnavailable, match="cannot be written"):
        SqliteJournal(tmp_path)
    with pytest.raises(JournalCorrupt, match="cannot be read"):
        SqliteJournal(tmp_path, read_only=True)


def test_reading_where_there_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="no journal here"):
        SqliteJournal(tmp_path, read_only=True)


def test_a_directory_serves_one_process(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(JournalBusy, match="another Watchkeeper"):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()
