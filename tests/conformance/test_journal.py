"""What every journal promises, run on each implementation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.storage.lock import DirectoryLock
from connectors.storage.memory import MemoryJournal
from connectors.storage.sqlite_journal import SqliteJournal
from core.canonical import sha256_hex
from core.errors import JournalBusy, JournalCorrupt, JournalUnavailable, NotFound
from core.journal import GENESIS, Draft, chain_hash
from core.ports import Journal, read_all

SEGMENT = "journal/000000000001.sqlite3"


@pytest.fixture(params=["memory", "sqlite", "sqlite in segments"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """The last begins a segment with every append, the first after every four records."""
    if request.param == "memory":
        yield MemoryJournal(segment_records=4)
        return
    made = SqliteJournal(tmp_path, segment_bytes=1 if "segments" in request.param else 256 << 20)
    yield made
    made.close()


def draft(text: str, kind: str = "ingest", source: str = "alertmanager") -> Draft:
    return Draft(kind, source, text.encode(), headers={"content-type": "x"})  # type: ignore[arg-type]


def test_numbers_are_gapless_and_time_never_goes_back(journal: Journal) -> None:
    journal.append([draft("a"), draft("b")], 1_000)
    journal.append([draft("c")], 500)
    records = journal.read(0, 10)
    assert [(r.seq, r.received_at) for r in records] == [(1, 1_000), (2, 1_000), (3, 1_000)]
    assert (journal.first(), journal.head()) == (1, 3)


def test_an_empty_journal_says_so(journal: Journal) -> None:
    assert (journal.first(), journal.head(), journal.read(0, 5)) == (1, 0, [])
    assert journal.append([], 5) == []
    assert journal.head() == 0


def test_what_was_appended_comes_back_unchanged(journal: Journal) -> None:
    sent = Draft("ingest", "change", b"\x00\xff raw", "eu", {"user-agent": "ü"})
    long = Draft("ingest", "change", b"again and again " * 1_000)
    stored = journal.append([sent, long], 7)
    read = journal.read(0, 2)
    assert read == stored
    assert (read[0].payload, read[0].domain, read[0].headers) == (sent.payload, "eu", {"user-agent": "ü"})
    assert read[1].payload == long.payload


def test_reading_goes_on_where_it_stopped(journal: Journal) -> None:
    for start in range(0, 25, 5):
        journal.append([draft(str(n)) for n in range(start, start + 5)], 1)
    assert [r.seq for r in read_all(journal, after=3, batch=4)] == list(range(4, 26))
    assert journal.read(25, 10) == []
    assert [r.payload for r in journal.read(8, 5)] == [b"8", b"9", b"10", b"11", b"12"]


def test_the_latest_of_a_kind(journal: Journal) -> None:
    assert journal.latest("config", "rules") is None
    journal.append([draft("old", "config", "rules"), draft("new", "config", "rules"), draft("x")], 1)
    journal.append([draft("other", "config", "catalogue")], 1)
    latest = journal.latest("config", "rules")
    assert latest is not None
    assert latest.payload == b"new"
    older = journal.latest("config", "rules", latest.seq)
    assert older is not None
    assert (older.payload, older.seq) == (b"old", 1)
    assert journal.latest("config", "rules", older.seq) is None
    assert journal.latest("config", "rules", latest.seq + 1) == latest


def test_the_oldest_can_be_dropped_in_whole_segments(journal: Journal) -> None:
    for n in range(12):
        journal.append([draft(str(n))], n)
    dropped = journal.drop(9)
    first = journal.first()
    assert first > 1 or not dropped
    assert [(one.first, one.last) for one in dropped] == list(runs(dropped))
    assert first == (dropped[-1].last + 1 if dropped else 1)
    assert first <= 10
    assert [r.seq for r in read_all(journal)] == list(range(first, 13))
    assert journal.read(0, 1)[0].payload == str(first - 1).encode()
    assert journal.append([draft("next")], 99)[0].seq == 13


def runs(spans: object) -> Iterator[tuple[int, int]]:
    """What `spans` must be if nothing is left out between them."""
    following = 1
    for span in spans:  # type: ignore[attr-defined]
        yield following, span.last
        following = span.last + 1


def test_the_segment_that_is_written_stays(journal: Journal) -> None:
    for n in range(8):
        journal.append([draft(str(n))], n)
    journal.drop(1_000)
    assert journal.head() == 8
    assert journal.first() <= 8
    assert journal.read(7, 1)[0].payload == b"7"
    assert journal.append([draft("next")], 9)[0].seq == 9


def test_an_erased_payload_is_gone_and_the_chain_still_holds(journal: Journal) -> None:
    journal.append([draft("one"), draft("secret"), draft("three")], 1)
    journal.append([draft("four")], 1)
    before = journal.read(0, 10)
    for _ in range(2):
        journal.erase([2, 4])
    after = journal.read(0, 10)
    assert [r.payload for r in after] == [b"one", b"", b"three", b""]
    assert [r.erased for r in after] == ["", sha256_hex(b"secret"), "", sha256_hex(b"four")]
    old, new = GENESIS, GENESIS
    for one, other in zip(before, after, strict=True):
        old, new = chain_hash(old, one), chain_hash(new, other)
    assert old == new


def test_nothing_is_erased_where_a_number_is_not_there(journal: Journal) -> None:
    journal.append([draft("one")], 1)
    with pytest.raises(NotFound, match="no record 2"):
        journal.erase([1, 2])
    assert journal.read(0, 1)[0].payload == b"one"


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
        ("UPDATE records SET erased = 'not its hash' WHERE seq = 2", "record 2: its content"),
        ("UPDATE records SET coding = 1 WHERE seq = 2", "record 2: its content cannot be read"),
        ("UPDATE records SET coding = 7 WHERE seq = 2", "record 2: its content cannot be read"),
        ("UPDATE records SET headers = '{' WHERE seq = 2", "record 2: its content cannot be read"),
        ("DELETE FROM records WHERE seq = 2", "record 2 is missing"),
        ("DELETE FROM records WHERE seq = 1", "record 1 is missing"),
        ("UPDATE records SET received_at = 1 WHERE seq = 3", "record 3: its time"),
    ],
)
def test_verify_finds_what_was_changed(tmp_path: Path, statement: str, says: str) -> None:
    journal = SqliteJournal(tmp_path)
    journal.append([draft("a"), draft("b"), draft("c")], 100)
    journal.append([draft("d")], 100)
    journal.close()
    with sqlite3.connect(tmp_path / SEGMENT) as raw:
        raw.execute(statement)
    raw.close()
    with pytest.raises(JournalCorrupt, match=says):
        verify(tmp_path)


def verify(directory: Path) -> None:
    reader = SqliteJournal(directory, read_only=True)
    try:
        list(reader.verify())
    finally:
        reader.close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "journal.sqlite3"
    foreign.write_bytes(b"not a database, but long enough to look at" * 10)
    with pytest.raises(JournalUnavailable, match="cannot be written"):
        SqliteJournal(tmp_path)
    with pytest.raises(JournalCorrupt, match="cannot be read"):
        SqliteJournal(tmp_path, read_only=True)
    assert foreign.stat().st_size == 420


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    SqliteJournal(tmp_path).close()
    with sqlite3.connect(tmp_path / SEGMENT) as raw:
        raw.execute("PRAGMA user_version=3")
    raw.close()
    for read_only in (False, True):
        with pytest.raises(JournalCorrupt, match="format 3 is not known"):
            SqliteJournal(tmp_path, read_only=read_only)


def test_reading_where_there_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="no journal here"):
        SqliteJournal(tmp_path, read_only=True)


def test_a_directory_serves_one_process(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(JournalBusy, match="another Watchkeeper"):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()
