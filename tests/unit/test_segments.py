"""The journal's row of segment files: how it grows, what is dropped, erased and copied, and who reads it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.storage.sqlite_journal import Backup, SqliteJournal, has_journal
from core.errors import InputError, JournalCorrupt, JournalError, JournalUnavailable, NotFound
from core.journal import Draft
from core.ports import read_all

ROOT = Path(__file__).parent.parent.parent
SMALL = 64 << 10


def body(number: int, size: int = 2_000) -> bytes:
    """Bytes that do not pack, so that sizes are what they seem and can be looked for in files."""
    return random.Random(number).randbytes(size)


def ingest(*numbers: int) -> list[Draft]:
    return [Draft("ingest", "a", body(number)) for number in numbers]


@pytest.fixture
def rolled(tmp_path: Path) -> Iterator[SqliteJournal]:
    """Sixty records of 2 kB, committed in twos, in segments of about 64 KiB; time is the number x 1000."""
    journal = SqliteJournal(tmp_path / "data", segment_bytes=SMALL)
    for number in range(1, 61, 2):
        journal.append(ingest(number, number + 1), number * 1_000)
    yield journal
    journal.close()


def directory_of(journal: SqliteJournal) -> Path:
    return journal.segments()[0].path.parent.parent


def everything(journal: SqliteJournal) -> list[bytes]:
    return [record.payload for record in read_all(journal, batch=7)]


def in_files(directory: Path, wanted: bytes) -> list[str]:
    """The files below `directory` that hold some stretch of `wanted`."""
    part = wanted[500:540]
    return [path.name for path in directory.rglob("*") if path.is_file() and part in path.read_bytes()]


def test_a_full_segment_is_followed_by_the_next(rolled: SqliteJournal) -> None:
    segments = rolled.segments()
    assert len(segments) > 5
    assert [one.path.name for one in segments] == [f"{one.first:012d}.sqlite3" for one in segments]
    assert [one.first for one in segments[1:]] == [one.last + 1 for one in segments[:-1]]
    assert (segments[0].first, segments[-1].last) == (1, 60)
    assert all(one.oldest_at == one.first * 1_000 for one in segments)
    assert all(one.newest_at == (one.last - 1) * 1_000 for one in segments)
    assert all(one.bytes < 2 * SMALL for one in segments)
    assert everything(rolled) == [body(n) for n in range(1, 61)]
    assert list(rolled.verify()) == [one.last for one in segments]


def test_a_segment_that_is_done_has_no_log(rolled: SqliteJournal) -> None:
    logs = [path.name for path in directory_of(rolled).rglob("*-wal") if path.stat().st_size]
    assert logs == [f"{rolled.segments()[-1].path.name}-wal"]


def test_it_goes_on_where_it_was_closed(rolled: SqliteJournal) -> None:
    directory, last = directory_of(rolled), rolled.segments()[-1]
    rolled.close()
    again = SqliteJournal(directory, segment_bytes=SMALL)
    again.append(ingest(61), 0)
    assert again.segments()[-1].first in (last.first, 61)
    assert again.read(60, 1)[0].received_at == 59_000
    assert everything(again) == [body(n) for n in range(1, 62)]
    assert max(again.verify()) == 61
    again.close()


def test_the_latest_of_a_kind_is_found_in_earlier_segments(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, segment_bytes=1)
    for number, kind in enumerate(["config", "tick", "config", "tick", "tick"], 1):
        journal.append([Draft(kind, "rules", b"%d" % number)], 0)  # type: ignore[arg-type]
    found = journal.latest("config", "rules")
    assert found is not None
    assert found.seq == 3
    assert journal.latest("config", "catalogue") is None
    journal.close()


def test_large_payloads_are_packed_and_come_back(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    texts = [b'{"labels": {"alertname": "a"}}' * 2_000, body(1, 60_000), b"short " * 100]
    journal.append([Draft("ingest", "a", text) for text in texts], 0)
    assert everything(journal) == texts
    journal.close()
    assert journal_bytes(tmp_path) < 60_000 + 30_000
    assert in_files(tmp_path, texts[1])


def journal_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*.sqlite3"))


# Dropping.


def test_what_is_dropped_is_gone_from_the_directory(rolled: SqliteJournal) -> None:
    segments = rolled.segments()
    dropped = rolled.drop(segments[2].last + 1)
    assert dropped == segments[:3]
    names = {path.name for path in (directory_of(rolled) / "journal").iterdir()}
    assert not any(name.startswith(one.path.name) for name in names for one in dropped)
    assert rolled.first() == segments[3].first
    assert rolled.segments() == segments[3:]
    assert everything(rolled) == [body(n) for n in range(segments[3].first, 61)]
    assert max(rolled.verify()) == 60
    with pytest.raises(NotFound, match="no record 1"):
        rolled.erase([1])


def test_a_journal_whose_beginning_was_dropped_opens_and_verifies(rolled: SqliteJournal) -> None:
    directory, first = directory_of(rolled), rolled.segments()[-2].first
    rolled.drop(first - 1)
    rolled.close()
    for read_only in (True, False):
        again = SqliteJournal(directory, read_only=read_only)
        assert (again.first(), again.head(), max(again.verify())) == (first, 60, 60)
        assert again.read(0, 1)[0].seq == first
        again.close()


def test_readers_in_other_threads_survive_drops(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, segment_bytes=SMALL)
    wrong: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            with suppress(JournalUnavailable):
                records = read_all(journal, batch=5)
                wrong.extend(f"record {one.seq}" for one in records if one.payload != body(one.seq))

    def guarded() -> None:
        try:
            read()
        except JournalError as error:
            wrong.append(str(error))

    threads = [threading.Thread(target=guarded) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 201):
        journal.append(ingest(number), number)
        if number % 20 == 0:
            journal.drop(number - 10)
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert journal.first() > 150
    assert max(journal.verify()) == 200
    journal.close()


# Erasing.


def test_an_erased_payload_is_in_no_file(rolled: SqliteJournal) -> None:
    """The first is in an old segment, the second in the one that is written, and in its log."""
    directory = directory_of(rolled)
    assert in_files(directory, body(3))
    assert any(name.endswith("-wal") for name in in_files(directory, body(60)))
    rolled.erase([3, 60])
    assert in_files(directory, body(3)) == in_files(directory, body(60)) == []
    assert in_files(directory, body(4))
    assert max(rolled.verify()) == 60
    rolled.append(ingest(61), 0)
    assert everything(rolled) == [b"" if n in (3, 60) else body(n) for n in range(1, 62)]


def test_an_erased_long_payload_leaves_no_page_behind(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    long = [body(number, 100_000) for number in range(3)]
    journal.append([Draft("ingest", "a", payload) for payload in long], 0)
    journal.erase([2])
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(long[1][at : at + 16] in content for at in range(0, 100_000, 1_000))
    assert long[0][50_000:50_016] in content
    assert everything(journal) == [long[0], b"", long[2]]
    journal.close()


def test_a_reader_in_another_process_sees_what_was_erased(rolled: SqliteJournal) -> None:
    reader = SqliteJournal(directory_of(rolled), read_only=True)
    assert reader.read(9, 1)[0].payload == body(10)
    rolled.erase([10])
    assert (reader.read(9, 1)[0].payload, len(reader.read(9, 1)[0].erased)) == (b"", 64)
    assert max(reader.verify()) == 60
    with pytest.raises(JournalUnavailable, match="read only"):
        reader.erase([11])
    reader.close()


# Copying.


def test_a_backup_is_a_data_directory(rolled: SqliteJournal, tmp_path: Path) -> None:
    rolled.drop(20)
    first = rolled.first()
    made = rolled.backup(tmp_path / "copies" / "monday")
    assert made == Backup(first, 60, journal_bytes(tmp_path / "copies" / "monday"))
    copy = SqliteJournal(tmp_path / "copies" / "monday", segment_bytes=SMALL)
    assert copy.append(ingest(61), 0)[0].seq == 61
    assert everything(copy) == [body(n) for n in range(first, 62)]
    copy.close()
    assert rolled.head() == 60


def test_a_backup_while_it_is_written_ends_at_one_head(rolled: SqliteJournal, tmp_path: Path) -> None:
    over = threading.Event()

    def write() -> None:
        number = 60
        while not over.is_set():
            number += 1
            rolled.append(ingest(number), number)

    thread = threading.Thread(target=write)
    thread.start()
    heads = [rolled.backup(tmp_path / f"copy-{number}").last for number in range(3)]
    over.set()
    thread.join()
    assert heads == sorted(heads)
    for number, head in enumerate(heads):
        copy = SqliteJournal(tmp_path / f"copy-{number}", read_only=True)
        assert everything(copy) == [body(n) for n in range(1, head + 1)]
        copy.close()


def test_another_process_can_back_up(rolled: SqliteJournal, tmp_path: Path) -> None:
    reader = SqliteJournal(directory_of(rolled), read_only=True)
    assert reader.backup(tmp_path / "copy")[:2] == (1, 60)
    reader.close()


@pytest.mark.parametrize("used", ["file", "full"])
def test_a_backup_goes_nowhere_where_something_is(rolled: SqliteJournal, tmp_path: Path, used: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(InputError, match="is in use"):
        rolled.backup(tmp_path / used)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]


def test_a_backup_of_a_damaged_journal_leaves_nothing(rolled: SqliteJournal, tmp_path: Path) -> None:
    damaged = rolled.segments()[2].path
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 6_000] = b"\xa5" * 6_000
    damaged.write_bytes(content)
    with pytest.raises(JournalCorrupt):
        rolled.backup(tmp_path / "copy")
    assert not has_journal(tmp_path / "copy")


# Other processes, and crashes.


READER = """
import json, sys
from pathlib import Path
from connectors.storage.sqlite_journal import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]), read_only=True)
print(journal.head(), flush=True)
seen = []
for line in sys.stdin:
    seen += [record.seq for record in journal.read(len(seen), 10_000)]
    print(json.dumps([journal.head(), len(seen), seen == list(range(1, len(seen) + 1))]), flush=True)
print(max(journal.verify()))
"""


def test_two_readers_follow_a_writer_into_new_segments(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, segment_bytes=SMALL)
    journal.append(ingest(1), 0)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, tmp_path],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [told(reader) for reader in readers] == [1, 1]
    for head in range(6, 101, 5):
        journal.append(ingest(*range(head - 4, head + 1)), 0)
        for reader in readers:
            assert reader.stdin is not None
            reader.stdin.write("\n")
            reader.stdin.flush()
        assert [told(reader) for reader in readers] == [[head, head, True]] * 2
    assert len(journal.segments()) > 5
    assert [reader.communicate()[0].strip() for reader in readers] == ["96", "96"]
    journal.close()


def told(reader: subprocess.Popen[str]) -> object:
    assert reader.stdout is not None
    return json.loads(reader.stdout.readline())


@pytest.mark.parametrize("action", ["open", "append", "drop"])
def test_a_crash_at_any_step_loses_nothing(rolled: SqliteJournal, tmp_path: Path, action: str) -> None:
    """The copy is taken while the journal is open, so it is what a kill -9 leaves."""
    rolled.drop(40)
    shutil.copytree(directory_of(rolled), tmp_path / "crash", ignore=shutil.ignore_patterns("*-shm"))
    command = [sys.executable, "-m", "tests.unit.crash_steps", str(tmp_path / "crash"), action]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["faults"] == []
    assert found["steps"] > 8, "too few steps for this to show anything"


def test_segments_follow_on_each_other(rolled: SqliteJournal) -> None:
    """One that was exchanged for another of the same numbers does not."""
    segments = rolled.segments()
    directory = directory_of(rolled)
    other = SqliteJournal(directory.with_name("other"), segment_bytes=SMALL)
    for first, following in pairwise([one.first for one in segments]):
        other.append(ingest(*range(first + 1, following + 1)), 0)
    rolled.close()
    other.close()
    name = segments[2].path.name
    shutil.copy(directory.with_name("other") / "journal" / name, directory / "journal" / name)
    reader = SqliteJournal(directory, read_only=True)
    with pytest.raises(JournalCorrupt, match=f"{name}.*does not follow"):
        list(reader.verify())
    reader.close()
