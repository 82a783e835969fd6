"""Large checkpoints: in parts between the records that come meanwhile, whole again for whoever reads them."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest

from connectors.inbound.registry import parse
from connectors.storage.memory import MemoryJournal
from connectors.storage.sqlite_journal import SqliteJournal
from core import checkpoint_parts
from core.checkpoint import PART, Checkpoint, checkpoint_draft, reached, read_checkpoint, read_head
from core.checkpoint_parts import head_draft, part_drafts, parts_in, whole_in
from core.errors import InputError
from core.journal import Draft, Record, RecordKind, record_to_line
from core.ports import read_all
from core.replay import Fold, replay_file, result
from core.state import State
from tests.timeline import START
from tests.unit.test_going_on import folded
from tests.unit.test_keeping import Clock
from tests.unit.test_upgrade import alerts_of, start
from watchkeeper import housekeeping
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.housekeeping import Housekeeping
from watchkeeper.writer import JournalWriter

_LINE = 100_000


def payload_of(fold: Fold) -> bytes:
    one = Checkpoint(
        fold.version, fold.version, fold.engine.state, fold.forgotten, fold.decisions, "retention"
    )
    return checkpoint_draft(one).payload


def in_parts(journal: MemoryJournal | SqliteJournal, payload: bytes, at: int) -> list[int]:
    parts = [journal.append([draft], at)[0].seq for draft in part_drafts(payload)]
    journal.append([head_draft(payload, parts)], at)
    return parts


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> MemoryJournal:
    """Two alerts, a checkpoint in parts of few lines, and one more alert."""
    monkeypatch.setattr(checkpoint_parts, "PART_BYTES", 64)
    monkeypatch.setattr("core.checkpoint._A_PIECE", 1)
    made = MemoryJournal(segment_records=3)
    start(made, "1")
    made.append([alerts_of(0, "payments"), alerts_of(1, "mailer")], START)
    assert len(in_parts(made, payload_of(folded(made, "1")), START)) > 3
    made.append([alerts_of(5, "search")], START + 5_000)
    return made


def test_parts_are_whole_lines_and_all_of_them(journal: MemoryJournal) -> None:
    payload = payload_of(folded(journal, "1"))
    drafts = list(part_drafts(payload))
    assert all(draft.source == PART for draft in drafts)
    assert b"\n".join([payload.split(b"\n")[0], *(draft.payload for draft in drafts)]) == payload


def test_a_start_goes_on_from_parts(journal: MemoryJournal) -> None:
    assert reached(journal) == 5
    made = Fold(parse, "1")
    assert (made.begin(journal), made.reaches, made.passed_over) == (5, 5, [])
    assert result(folded(journal, "1"))["digest"] == result(folded(journal, "1", whole=True))["digest"]


def test_an_export_whose_first_records_are_gone_goes_on_from_parts(journal: MemoryJournal) -> None:
    assert journal.drop(5)
    lines = [record_to_line(record) for record in read_all(journal)]
    assert replay_file(lines, parse, [], "1")["digest"] == result(folded(journal, "1"))["digest"]


def test_a_record_with_its_parts_is_as_one_in_one_piece(journal: MemoryJournal) -> None:
    record = journal.latest("checkpoint", "program")
    assert record is not None
    apart = read_checkpoint(record, parts_in(journal, record, read_head(record)))
    assert read_checkpoint(whole_in(journal, record)) == apart
    assert apart.seq == 5
    with pytest.raises(InputError, match=f"checkpoint record {record.seq}"):
        read_checkpoint(record)


@pytest.mark.parametrize("how", ["erased", "another"])
def test_a_checkpoint_of_which_a_part_is_gone_is_passed_over(journal: MemoryJournal, how: str) -> None:
    expected = result(folded(journal, "1", whole=True))["digest"]
    if how == "erased":
        journal.erase([7])
    else:
        journal._records[6] = Record(7, START, "tick", "", b"")
    made = Fold(parse, "1")
    assert made.begin(journal) == 0
    assert made.reaches == 0
    assert ["record 7" in str(error) for error in made.passed_over] == [True]
    assert result(folded(journal, "1"))["digest"] == expected


def test_parts_without_a_head_have_no_effect(journal: MemoryJournal) -> None:
    expected = result(folded(journal, "1"))["digest"]
    for draft in part_drafts(payload_of(folded(journal, "1"))):
        journal.append([draft], START + 5_000)
    assert reached(journal) == 5
    assert result(folded(journal, "1"))["digest"] == expected


def test_a_start_reads_the_newest_checkpoint_once(
    journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    latest = journal.latest

    def counted(kind: RecordKind, source: str, before: int | None = None) -> Record | None:
        asked.append(kind)
        return latest(kind, source, before)

    monkeypatch.setattr(journal, "latest", counted)
    engine = EngineLoop(journal, parse, lambda draft: 0, Clock(START), "1")
    engine.start()
    assert engine.wait_for(journal.head(), 30)
    engine.stop()
    assert engine.reaches() == 5
    assert asked == ["checkpoint"]


def large(size: int) -> bytes:
    """A checkpoint of about so many bytes, which do not pack."""
    count = size // _LINE
    lines = [msgspec.json.encode(State(seq=1))]
    lines += [
        b'{"history":[{"id":"i%d","text":"%s"}]}' % (n, Random(n).randbytes(_LINE // 2).hex().encode())
        for n in range(count)
    ]
    head = {"from_version": "1", "to_version": "1", "seq": 1, "lines": len(lines), "reason": "retention"}
    return b"\n".join([msgspec.json.encode(head), *lines])


@pytest.mark.integration  # Some seconds of work.
def test_intake_is_answered_while_a_large_checkpoint_is_written(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.append([Draft("tick", "", b"")], 0)
    writer = JournalWriter(journal, Clock(0), 64 << 20)
    writer.start()
    payload, answered, over = large(200 << 20), [], threading.Event()

    def send() -> None:
        # One after the other, each once the one before was answered.
        while not over.is_set():
            answered.append(writer.append_now(Draft("ingest", "a", b"{}")))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        Housekeeping(journal, writer.append_now, Clock(0), tmp_path, 0, lambda data: payload)._write(payload)
    finally:
        over.set()
        sender.join()
        writer.stop()
    record = journal.latest("checkpoint", "program")
    assert record is not None
    parts = read_head(record).parts
    assert len(parts) > 100
    # Between any two parts somebody was answered, for most of them.
    between = sum(second - first > 1 for first, second in pairwise(parts))
    assert between > len(parts) // 2
    assert len({*answered, *parts, record.seq}) == journal.head() - 1 == len(answered) + len(parts) + 1
    read = read_checkpoint(record, parts_in(journal, record, read_head(record)))
    assert (len(read.history), read.seq) == (payload.count(b"\n") - 1, 1)
    journal.close()


def test_a_small_checkpoint_is_one_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = SqliteJournal(tmp_path)
    payload = payload_of(Fold(parse, "1"))

    def append(draft: Draft) -> int:
        return journal.append([draft], 0)[0].seq

    keeper = Housekeeping(journal, append, Clock(0), tmp_path, 0, lambda data: payload)
    assert keeper._write(payload) == 1
    monkeypatch.setattr(housekeeping, "_ONE_RECORD", 10)
    assert keeper._write(payload) == 3
    assert [record.source for record in read_all(journal)] == ["program", "part", "program"]
    journal.close()
