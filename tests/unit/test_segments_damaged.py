"""Segments on bad disks: commits that fail, ends that are torn, files that are damaged."""

from __future__ import annotations

import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.storage.journal import salvage, tail
from connectors.storage.sqlite_journal import SqliteJournal
from core.errors import JournalCorrupt, JournalUnavailable
from core.journal import Draft
from core.ports import read_all

ROOT = Path(__file__).parent.parent.parent
SMALL = 64 << 10


def body(number: int, size: int = 2_000) -> bytes:
    return random.Random(number).randbytes(size)


def ingest(*numbers: int) -> list[Draft]:
    return [Draft("ingest", "a", body(number)) for number in numbers]


def bodies(first: int, last: int) -> list[bytes]:
    return [body(number) for number in range(first, last + 1)]


def everything(journal: SqliteJournal) -> list[bytes]:
    return [record.payload for record in read_all(journal, batch=7)]


def filled(directory: Path, records: int = 40, segment_bytes: int = 256 << 20) -> Path:
    """The last segment of a journal that was closed."""
    journal = SqliteJournal(directory, segment_bytes=segment_bytes)
    for number in range(1, records + 1):
        journal.append(ingest(number), number)
    last = journal.segments()[-1].path
    journal.close()
    return last


def killed(directory: Path, target: Path) -> Path:
    """A copy of a journal that is still open, as kill -9 leaves it."""
    return shutil.copytree(directory, target, ignore=shutil.ignore_patterns("*-shm"))


def sound_after(directory: Path, at_least: int, at_most: int) -> list[str]:
    """Open, check that the beginning was kept, go on, open again. Returns what was put aside."""
    journal = SqliteJournal(directory)
    aside = [one.what for one in journal.set_aside]
    head = journal.head()
    assert at_least <= head <= at_most
    assert everything(journal) == bodies(1, head)
    assert journal.append([Draft("tick", "", b"")], 0)[0].seq == head + 1
    assert max(journal.verify()) == head + 1
    journal.close()
    again = SqliteJournal(directory)
    assert (again.set_aside, again.head()) == ([], head + 1)
    again.close()
    return aside


def test_a_start_looks_at_the_end_and_verify_at_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvage, "_CHECKED", 10)
    path = filled(tmp_path)
    change_payload(path, 20)
    journal = SqliteJournal(tmp_path)
    assert (journal.set_aside, journal.head()) == ([], 40)
    with pytest.raises(JournalCorrupt, match="record 20: its content does not match the hash chain"):
        list(journal.verify())
    journal.close()
    change_payload(path, 31)
    again = SqliteJournal(tmp_path)
    assert ["record 31" in one.what for one in again.set_aside] == [True]
    # What is made anew is looked at from its beginning.
    assert again.head() == 19
    assert max(again.verify()) == 19
    again.close()


def change_payload(path: Path, seq: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE records SET payload = ? WHERE seq = ?", (b"other", seq))


# Torn ends.


@pytest.mark.parametrize("length", [1, 50, 100, 4_096, 10_000, 8_192, 40_960, 61_440, 70_000, -4_096, -1])
def test_a_file_that_was_cut_off(tmp_path: Path, length: int) -> None:
    path = filled(tmp_path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(length if length > 0 else size + length)
    damaged = path.read_bytes()
    with capture_logs() as lines:
        journal = SqliteJournal(tmp_path)
    [aside] = journal.set_aside
    journal.close()
    assert aside.path.read_bytes() == damaged
    assert aside.path.parent == tmp_path / "aside"
    assert [line["event"] for line in lines] == ["journal_set_aside"]
    assert sound_after(tmp_path, max(0, len(damaged) // 4_096 - 6), 39) == []


@pytest.mark.parametrize(
    ("at", "length"), [(0, 100), (100, 3_000), (30_000, 5_000), (-9_000, 4_096), (-700, 700)]
)
def test_garbage_in_the_file(tmp_path: Path, at: int, length: int) -> None:
    path = filled(tmp_path)
    content = bytearray(path.read_bytes())
    at = at if at >= 0 else len(content) + at
    content[at : at + length] = random.Random(7).randbytes(length)
    path.write_bytes(content)
    least = 0 if at < 4_096 else at // 4_096 - 6
    [what] = sound_after(tmp_path, least, 39)
    assert "kept up to record" in what


def test_one_changed_bit_in_the_last_record(tmp_path: Path) -> None:
    path = filled(tmp_path, 10)
    content = bytearray(path.read_bytes())
    content[content.index(body(10)[1_000:1_040])] ^= 1
    path.write_bytes(content)
    [what] = sound_after(tmp_path, 9, 9)
    assert "record 10: its content does not match the hash chain; kept up to record 9" in what


def test_what_lies_in_the_log_of_a_damaged_file_is_put_aside_too(tmp_path: Path) -> None:
    directory = damaged_with_log(tmp_path, 15)
    sound_after(directory, 14, 14)
    copy = (directory / "aside" / "000000000001-1.sqlite3").read_bytes()
    assert all(body(number)[1_000:1_040] in copy for number in (14, 16, 21, 22))


def damaged_with_log(tmp_path: Path, number: int) -> Path:
    """Twenty records in the file, of which `number` is damaged; two more and a new page one in the log."""
    live = tmp_path / "live"
    filled(live, 20)
    journal = SqliteJournal(live)
    journal.append(ingest(21, 22), 0)
    directory = killed(live, tmp_path / "dead")
    journal.close()
    path = directory / "journal" / "000000000001.sqlite3"
    content = bytearray(path.read_bytes())
    place = content.index(body(number)[1_000:1_040])
    content[place : place + 40] = bytes(40)
    path.write_bytes(content)
    return directory


def unreadable_with_log(tmp_path: Path) -> Path:
    """A file that is no database any more beside a log that would be played into what takes its place."""
    filled(tmp_path / "live", 20)
    journal = SqliteJournal(tmp_path / "live")
    journal.append([Draft("tick", "", b"small")], 0)
    directory = killed(tmp_path / "live", tmp_path / "dead")
    journal.close()
    path = directory / "journal" / "000000000001.sqlite3"
    path.write_bytes(bytes(4_096) + path.read_bytes()[4_096:])
    assert path.with_name(path.name + "-wal").stat().st_size > 4_096
    return directory


@pytest.mark.parametrize("found", ["one record damaged", "no database"])
def test_a_crash_at_any_step_of_the_mending_keeps_what_is_sound(tmp_path: Path, found: str) -> None:
    directory = (
        damaged_with_log(tmp_path, 15) if found == "one record damaged" else unreadable_with_log(tmp_path)
    )
    command = [sys.executable, "-m", "tests.unit.crash_steps", str(directory), "open"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["faults"] == []
    assert told["steps"] > 20, "too few steps for this to show anything"


def test_an_unreadable_file_is_put_aside_as_it_was_found(tmp_path: Path) -> None:
    directory = unreadable_with_log(tmp_path)
    found = {path.name: path.read_bytes() for path in (directory / "journal").iterdir()}
    SqliteJournal(directory).close()
    aside = {path.name.replace("-1.", "."): path.read_bytes() for path in (directory / "aside").iterdir()}
    assert aside == found


def test_a_segment_that_stands_by_takes_its_place_at_the_next_start(tmp_path: Path) -> None:
    """The state between the two renames: the old file and its log are still there."""
    directory = with_log(tmp_path)
    filled(tmp_path / "other", 3)
    folder = directory / "journal"
    shutil.copy(tmp_path / "other" / "journal" / "000000000001.sqlite3", folder / "000000000001.ready")
    (folder / "000000000007.new").write_bytes(b"half a segment")
    (folder / "000000000007.new-journal").touch()
    assert sound_after(directory, 3, 3) == []
    assert names(directory) == {"000000000001.sqlite3"}


@pytest.mark.parametrize(
    "tail_bytes", [random.Random(1).randbytes(5_000), b"x", random.Random(2).randbytes(4_120)]
)
def test_garbage_after_the_log(tmp_path: Path, tail_bytes: bytes) -> None:
    directory = with_log(tmp_path)
    log = directory / "journal" / "000000000001.sqlite3-wal"
    with log.open("ab") as file:
        file.write(tail_bytes)
    [what] = sound_after(directory, 5, 5)
    assert what == f"{len(tail_bytes)} bytes of its log after record 5 belong to no whole commit"
    assert (directory / "aside" / "000000000001-1.log").read_bytes() == tail_bytes


def with_log(tmp_path: Path) -> Path:
    """Five records, all of them only in the log."""
    journal = SqliteJournal(tmp_path / "live")
    for number in range(1, 6):
        journal.append(ingest(number), 0)
    directory = killed(tmp_path / "live", tmp_path / "dead")
    journal.close()
    return directory


def test_a_commit_that_was_cut_off(tmp_path: Path) -> None:
    directory = with_log(tmp_path)
    log = directory / "journal" / "000000000001.sqlite3-wal"
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 100)
    [what] = sound_after(directory, 4, 4)
    assert "after record 4 belong to no whole commit" in what


def test_a_log_whose_beginning_is_garbage_is_kept_aside_whole(tmp_path: Path) -> None:
    directory = with_log(tmp_path)
    log = directory / "journal" / "000000000001.sqlite3-wal"
    content = b"\xff" * 32 + log.read_bytes()[32:]
    log.write_bytes(content)
    sound_after(directory, 0, 0)
    assert (directory / "aside" / "000000000001-1.log").read_bytes() == content.rstrip(b"\0")


def test_empty_space_after_the_log_is_nothing(tmp_path: Path) -> None:
    directory = with_log(tmp_path)
    with (directory / "journal" / "000000000001.sqlite3-wal").open("ab") as file:
        file.write(bytes(10_000))
    assert sound_after(directory, 5, 5) == []


def test_old_rounds_of_a_log_are_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "_FOLD_BYTES", 1)
    journal = SqliteJournal(tmp_path / "live")
    journal.append(ingest(*range(1, 31)), 0)
    for number in range(31, 41):
        journal.append(ingest(number), 0)
    directory = killed(tmp_path / "live", tmp_path / "dead")
    journal.close()
    log = directory / "journal" / "000000000001.sqlite3-wal"
    assert log.stat().st_size > 60_000, "the first round was long"
    assert sound_after(directory, 40, 40) == []


@pytest.mark.parametrize("segment_bytes", [256 << 20, SMALL], ids=["alone", "the last of several"])
def test_an_empty_file_is_started_over(tmp_path: Path, segment_bytes: int) -> None:
    path = filled(tmp_path, 40, segment_bytes)
    first = int(path.name[:12])
    path.write_bytes(b"")
    for left in path.parent.glob(f"{path.name}-*"):
        left.unlink()
    assert sound_after(tmp_path, first - 1, first - 1) == []


@pytest.mark.parametrize("damage", [b"garbage " * 1_000, b""], ids=["garbage", "empty, with a log"])
def test_the_segments_before_a_damaged_one_are_all_kept(tmp_path: Path, damage: bytes) -> None:
    path = filled(tmp_path, 40, SMALL)
    first = int(path.name[:12])
    assert first > 20
    path.write_bytes(damage)
    path.with_name(path.name + "-wal").write_bytes(b"a log of no use")
    [what] = sound_after(tmp_path, first - 1, first - 1)
    assert f"kept up to record {first - 1}" in what


def test_a_reader_reads_up_to_the_damage_and_mends_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path)
    content = bytearray(path.read_bytes())
    content[-9_000:-4_904] = bytes(4_096)
    path.write_bytes(content)
    reader = SqliteJournal(tmp_path, read_only=True)
    found = reader.read(0, 100)
    assert 30 <= len(found) < 40
    assert [one.payload for one in found] == bodies(1, len(found))
    with pytest.raises(JournalCorrupt, match=path.name):
        reader.read(len(found), 100)
    reader.close()
    assert path.read_bytes() == content


# Damage further up.


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[SqliteJournal]:
    """The second of several segments is damaged, after its first record."""
    filled(tmp_path, 60, SMALL)
    second = sorted((tmp_path / "journal").glob("*.sqlite3"))[1]
    content = bytearray(second.read_bytes())
    place = content.index(body(int(second.name[:12]) + 1)[1_000:1_040])
    content[place : place + 40] = bytes(40)
    second.write_bytes(content)
    journal = SqliteJournal(tmp_path, segment_bytes=SMALL)
    yield journal
    journal.close()


def test_damage_in_an_earlier_segment_stops_no_start(damaged: SqliteJournal) -> None:
    second = damaged.segments()[1]
    assert damaged.set_aside == []
    assert damaged.append(ingest(61), 0)[0].seq == 61
    with pytest.raises(JournalCorrupt, match=f"{second.path.name}: record {second.first + 1}"):
        list(damaged.verify())


def test_a_segment_that_cannot_be_read_stops_reading_there(damaged: SqliteJournal, tmp_path: Path) -> None:
    segments = damaged.segments()
    damaged.close()
    segments[1].path.write_bytes(b"no database at all" * 1_000)
    journal = SqliteJournal(tmp_path, segment_bytes=SMALL)
    found = journal.read(0, 100)
    assert [one.payload for one in found] == bodies(1, segments[0].last)
    with pytest.raises(JournalCorrupt, match=segments[1].path.name):
        journal.read(segments[0].last, 100)
    assert [one.payload for one in journal.read(segments[1].last, 100)] == bodies(segments[2].first, 60)
    assert [one.newest_at for one in journal.segments()[:3]] == [one.newest_at for one in segments[:3]]
    assert len(journal.drop(segments[1].last)) == 2
    assert everything(journal) == bodies(segments[2].first, 60)
    journal.close()


def test_a_segment_that_is_missing_is_missed(damaged: SqliteJournal) -> None:
    segments = damaged.segments()
    segments[2].path.unlink()
    reader = SqliteJournal(segments[0].path.parent.parent, read_only=True)
    with pytest.raises(JournalCorrupt, match=f"record {segments[2].first} is missing"):
        reader.read(segments[2].first - 1, 10)
    reader.close()


# Commits that fail.


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The system refuses to write beyond `size` bytes of any file, as a device that fails there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_after_a_device_error_a_new_segment_goes_on(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.append(ingest(*range(1, 41)), 0)
    with capture_logs() as lines, no_file_larger_than(64 << 10):
        with pytest.raises(JournalUnavailable, match=r"input/output error.*Check the disk"):
            journal.append(ingest(41), 0)
        assert journal.head() == 40
        assert journal.append(ingest(41), 0)[0].seq == 41
    assert [line["event"] for line in lines] == ["journal_commit_failed", "journal_new_segment"]
    assert all(line["log_level"] == "warning" for line in lines)
    assert [one.first for one in journal.segments()] == [1, 41]
    assert everything(journal) == bodies(1, 41)
    journal.close()
    sound_after(tmp_path, 41, 41)


def test_while_the_disk_is_broken_each_append_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.append(ingest(1), 0)
    before = names(tmp_path)
    with no_file_larger_than(0):
        for _ in range(5):
            with pytest.raises(JournalUnavailable, match="cannot be written"):
                journal.append(ingest(2), 0)
            assert names(tmp_path) == before
            assert everything(journal) == bodies(1, 1)
    assert journal.append(ingest(2), 0)[0].seq == 2
    assert everything(journal) == bodies(1, 2)
    assert max(journal.verify()) == 2
    journal.close()


def names(directory: Path) -> set[str]:
    """Of files that matter: a log may come and go."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.name for path in files if not path.name.endswith(("-wal", "-shm"))}


def test_a_segment_in_which_nothing_was_acknowledged_is_replaced(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    with no_file_larger_than(0), pytest.raises(JournalUnavailable):
        journal.append(ingest(1), 0)
    write_unacknowledged(tmp_path / "journal" / "000000000001.sqlite3", 1)
    assert journal.append(ingest(1), 0)[0].seq == 1
    assert [one.path.name for one in journal.segments()] == ["000000000001.sqlite3"]
    assert everything(journal) == bodies(1, 1)
    journal.close()


def write_unacknowledged(path: Path, seq: int) -> None:
    """What a commit whose sync failed may leave all the same."""
    with closing(sqlite3.connect(path)) as raw, raw:
        row = (seq, 0, "default", "ingest", "a", "{}", 0, "not the chain", body(99))
        columns = "seq, received_at, domain, kind, source, headers, coding, chain, payload"
        raw.execute(f"INSERT INTO records ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608


def test_what_a_failed_commit_left_counts_as_not_there(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.append(ingest(1, 2), 0)
    with no_file_larger_than(0), pytest.raises(JournalUnavailable):
        journal.append(ingest(3), 0)
    first = tmp_path / "journal" / "000000000001.sqlite3"
    write_unacknowledged(first, 3)
    assert journal.head() == 2
    assert everything(journal) == bodies(1, 2)
    journal.append(ingest(3, 4), 0)
    reader = SqliteJournal(tmp_path, read_only=True)
    for one in (journal, reader):
        assert everything(one) == bodies(1, 4)
        assert list(one.verify()) == [2, 4]
    journal.close()
    journal = SqliteJournal(tmp_path)
    assert everything(journal) == bodies(1, 4)
    assert left_in_files(tmp_path, body(99)), "the test would show nothing"
    journal.erase([4])
    assert left_in_files(tmp_path, body(99)) == left_in_files(tmp_path, body(4)) == []
    assert everything(reader) == [*bodies(1, 3), b""]
    reader.close()
    journal.close()


def left_in_files(directory: Path, wanted: bytes) -> list[str]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path.name for path in files if wanted[500:540] in path.read_bytes()]


def test_a_segment_that_does_not_end_as_acknowledged_is_left_behind(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.append(ingest(1), 0)
    holder = sqlite3.connect(tmp_path / "journal" / "000000000001.sqlite3")
    holder.execute("BEGIN IMMEDIATE")
    journal._tail._connection.execute("PRAGMA busy_timeout=10")  # type: ignore[union-attr]
    with pytest.raises(JournalUnavailable, match="another process holds it"):
        journal.append(ingest(2), 0)
    holder.rollback()
    holder.close()
    write_unacknowledged(tmp_path / "journal" / "000000000001.sqlite3", 2)
    assert journal.append(ingest(2), 0)[0].seq == 2
    assert everything(journal) == bodies(1, 2)
    assert [one.first for one in journal.segments()] == [1, 2]
    journal.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here (that needs root)")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_on_a_full_disk_the_same_segment_goes_on_when_there_is_room(tiny_disk: Path) -> None:
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(bytes(250_000))
    journal = SqliteJournal(tiny_disk)
    with pytest.raises(JournalUnavailable, match=r"the disk is full.*Free space"):
        fill(journal)
    number = journal.head() + 1
    assert number > 10
    for _ in range(3):
        with pytest.raises(JournalUnavailable, match="the disk is full"):
            journal.append(ingest(number), 0)
    assert everything(journal) == bodies(1, number - 1)
    ballast.unlink()
    assert journal.append(ingest(number), 0)[0].seq == number
    assert len(journal.segments()) == 1
    assert everything(journal) == bodies(1, number)
    assert max(journal.verify()) == number
    journal.close()


def fill(journal: SqliteJournal) -> None:
    for number in range(1, 1_000):
        journal.append(ingest(number), 0)
