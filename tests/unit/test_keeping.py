"""Checkpoints, the end of old records, erasing, backup and restore: what is left says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.inbound.registry import parse
from connectors.storage.sqlite_journal import SqliteJournal
from core.canonical import sha256_hex
from core.errors import InputError, NotFound
from core.journal import Draft, record_to_line
from core.ports import read_all
from core.replay import Fold, replay_file, result
from core.times import DAY
from tests.timeline import START, alert
from watchkeeper.cli import keeping
from watchkeeper.cli.offline import fold_journal
from watchkeeper.erasing import finish_erasing
from watchkeeper.files import configuration
from watchkeeper.housekeeping import Housekeeping, fold_apart
from watchkeeper.version import VERSION

SMALL = 65_536


def body(service: str, at: float, ends: float | None = None, **annotations: str) -> Draft:
    one = alert(service, starts=at, ends=ends)
    one["annotations"] = annotations or {"summary": f"{service} " + "x" * 3_000 + str(at)}
    return Draft("ingest", "alertmanager", orjson.dumps({"alerts": [one]}))


def filled(directory: Path, days: int = 6) -> SqliteJournal:
    """A journal of several segments: each day an incident that ends, and one that goes on from the first."""
    directory.mkdir(exist_ok=True)
    journal = SqliteJournal(directory, segment_bytes=SMALL)
    journal.append(configuration(None, None), START)
    for day in range(days):
        at = day * 86_400.0
        for minute in range(40):
            drafts = [body("ledger", 0), body(f"s{day}", at + minute, text=f"{day}/{minute} " + "ab" * 900)]
            journal.append(drafts, START + int(at + minute * 60) * 1_000)
        ended = [body(f"s{day}", at + minute, at + 3_000) for minute in range(40)]
        journal.append(ended, START + int(at + 3_000) * 1_000)
    return journal


class Clock:
    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


def housekeeping(journal: SqliteJournal, data: Path, now: int, retain_days: int) -> Housekeeping:
    def append(draft: Draft) -> int:
        return journal.append([draft], now)[0].seq

    def fold(directory: Path) -> bytes:
        out = directory / "made"
        keeping.checkpoint(out, directory, retain_days)
        return out.read_bytes()

    return Housekeeping(journal, append, Clock(now), data, retain_days, fold)


def said(journal: SqliteJournal) -> dict[str, Any]:
    return result(fold_journal(journal))


def whole_said(journal: SqliteJournal) -> dict[str, Any]:
    """The same, from the first record on, without taking up any checkpoint on the way."""
    fold = Fold(parse, VERSION)
    for record in read_all(journal):
        fold.apply(record)
    return result(fold)


def lines(journal: SqliteJournal) -> list[str]:
    return [record_to_line(record) for record in read_all(journal)]


@pytest.fixture(autouse=True)
def own_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint gives way to others; the tests need not. And their time is that of their journals."""
    monkeypatch.setattr("os.nice", lambda by: by)
    monkeypatch.setattr(keeping, "SystemClock", lambda: Clock(START + 62_000))


def test_a_checkpoint_and_what_follows_say_what_the_whole_journal_said(tmp_path: Path) -> None:
    journal = filled(tmp_path / "a")
    assert len(journal.segments()) > 3
    housekeeping(journal, tmp_path / "a", START + 6 * DAY, 0).look()
    assert journal.latest("checkpoint", "program") is not None
    whole = whole_said(journal)
    assert said(journal)["digest"] == whole["digest"]
    assert replay_file(lines(journal), parse, [], VERSION)["digest"] == whole["digest"]


def test_old_segments_go_and_what_is_left_still_says_the_same(tmp_path: Path) -> None:
    journal = filled(tmp_path / "a")
    now = START + 6 * DAY
    housekeeping(journal, tmp_path / "a", now, 0).look()
    whole = whole_said(journal)
    housekeeping(journal, tmp_path / "a", now, 3).look()
    assert journal.first() > 1
    left = said(journal)
    assert left["incidents"]
    # Incidents that closed before then are gone; of the others nothing is missing.
    known = {one["id"]: one for one in whole["incidents"]}
    assert all(known[one["id"]] == one for one in left["incidents"])
    assert {one["id"] for one in whole["incidents"] if one["status"] != "closed"} <= {
        one["id"] for one in left["incidents"]
    }
    assert replay_file(lines(journal), parse, [], VERSION)["digest"] == left["digest"]
    oldest = min(record.received_at for record in read_all(journal))
    assert oldest > START


def test_a_checkpoint_in_parts_outlives_the_segments_that_it_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.housekeeping._ONE_RECORD", 10)
    monkeypatch.setattr("core.checkpoint_parts.PART_BYTES", 8_192)
    journal = filled(tmp_path / "a")
    now = START + 6 * DAY
    housekeeping(journal, tmp_path / "a", now, 0).look()
    whole, first = whole_said(journal), journal.first()
    assert said(journal)["digest"] == whole["digest"]
    assert replay_file(lines(journal), parse, [], VERSION)["digest"] == whole["digest"]
    housekeeping(journal, tmp_path / "a", now, 3).look()
    assert journal.first() > first
    # It fills segments of its own, which is no reason for another.
    assert [record.source for record in read_all(journal) if record.kind == "checkpoint"].count(
        "program"
    ) == 1
    left = said(journal)
    assert left["incidents"]
    assert replay_file(lines(journal), parse, [], VERSION)["digest"] == left["digest"]
    made = journal.backup(tmp_path / "copy")
    assert made.last == journal.head()
    copy = SqliteJournal(tmp_path / "copy", read_only=True)
    assert said(copy)["digest"] == left["digest"]
    copy.close()


def test_records_that_came_while_the_checkpoint_was_made_are_not_lost(tmp_path: Path) -> None:
    journal = filled(tmp_path / "a", days=3)
    made = tmp_path / "made"
    keeping.checkpoint(made, tmp_path / "a", 0)
    journal.append([body("late", 3 * 86_400)], START + 3 * DAY)
    whole = said(journal)
    journal.append([Draft("checkpoint", "program", made.read_bytes())], START + 3 * DAY)
    journal.append([body("later", 3 * 86_400 + 60)], START + 3 * DAY + 60_000)
    services = {row["service"] for one in said(journal)["incidents"] for row in one["alerts"]}
    assert {"late", "later"} <= services
    assert len(said(journal)["incidents"]) == len(whole["incidents"]) + 1
    assert replay_file(lines(journal), parse, [], VERSION)["digest"] == said(journal)["digest"]


def test_nothing_is_dropped_that_no_checkpoint_holds(tmp_path: Path) -> None:
    journal = filled(tmp_path / "a", days=2)
    keeper = housekeeping(journal, tmp_path / "a", START + 60 * DAY, 1)
    keeper._drop()
    assert journal.first() == 1
    keeper.look()
    assert journal.first() > 1


def test_the_second_process_makes_the_same_checkpoint(tmp_path: Path) -> None:
    filled(tmp_path / "a", days=2).close()
    keeping.checkpoint(tmp_path / "here", tmp_path / "a", 0)
    assert fold_apart(tmp_path / "a", 0) == (tmp_path / "here").read_bytes()
    assert not (tmp_path / "a" / "checkpoint.new").exists()


SECRET = "card 4111-1111-1111-1111 of Erika"


def with_secret(directory: Path) -> int:
    directory.mkdir(exist_ok=True)
    journal = SqliteJournal(directory)
    journal.append(configuration(None, None), START)
    journal.append([body("payments", 0, summary=SECRET), body("ledger", 5, summary="fine")], START)
    seq = journal.head() - 1
    journal.append([body("payments", 0, summary=SECRET + " again")], START + 60_000)
    journal.close()
    return seq


def bytes_of(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def test_what_is_redacted_is_on_no_page_and_the_incidents_stay(tmp_path: Path) -> None:
    data = tmp_path / "a"
    seq = with_secret(data)
    journal = SqliteJournal(data, read_only=True)
    before, original = said(journal), journal.read(seq - 1, 1)[0]
    journal.close()
    keeping.checkpoint(tmp_path / "old", data, 0)
    writer = SqliteJournal(data)
    writer.append([Draft("checkpoint", "program", (tmp_path / "old").read_bytes())], START + 61_000)
    writer.close()
    keeping.redact(seq, "ana", "a card number", data)
    assert SECRET.encode() + b'"' not in bytes_of(data)
    journal = SqliteJournal(data, read_only=True)
    assert list(journal.verify())[-1] == journal.head()
    erased = journal.read(seq - 1, 1)[0]
    assert (erased.payload, erased.erased) == (b"", sha256_hex(original.payload))
    assert said(journal)["digest"] == before["digest"]
    exported = lines(journal)
    assert SECRET + '"' not in "".join(exported).replace(" again", "")
    assert replay_file(exported, parse, [], VERSION)["digest"] == before["digest"]
    journal.close()


def test_redacting_says_which_other_records_hold_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seq = with_secret(tmp_path / "a")
    keeping.redact(seq, "ana", "a card number", tmp_path / "a")
    # The other alert of that time has the same link, the later one the same card number too.
    assert f"records hold text of it too: {seq + 1}, {seq + 2}." in capsys.readouterr().out
    keeping.redact(seq + 2, "ana", "a card number", tmp_path / "a")
    assert b"4111-1111" not in bytes_of(tmp_path / "a")


def test_what_cannot_be_redacted(tmp_path: Path) -> None:
    seq = with_secret(tmp_path / "a")
    with pytest.raises(NotFound):
        keeping.redact(999, "ana", "", tmp_path / "a")
    with pytest.raises(InputError, match="is a config record"):
        keeping.redact(1, "ana", "", tmp_path / "a")
    keeping.redact(seq, "ana", "", tmp_path / "a")
    with pytest.raises(InputError, match="erased already"):
        keeping.redact(seq, "ana", "", tmp_path / "a")


def test_an_erasure_that_was_interrupted_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "a"
    seq = with_secret(data)
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "erase", lambda journal, seq: None)
        keeping.redact(seq, "ana", "", data)
    journal = SqliteJournal(data)
    assert not journal.read(seq - 1, 1)[0].erased
    finish_erasing(journal)
    assert journal.read(seq - 1, 1)[0].erased
    journal.close()


def test_a_backup_restores_to_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = filled(tmp_path / "a", days=2)
    before = said(journal)
    keeping.backup(tmp_path / "copy", tmp_path / "a")
    journal.append([body("later", 3 * 86_400)], START + 3 * DAY)
    keeping.restore(tmp_path / "copy", tmp_path / "b")
    restored = SqliteJournal(tmp_path / "b")
    assert said(restored)["digest"] == before["digest"]
    assert restored.append([body("new", 0)], START + 4 * DAY)[0].seq == restored.head()
    with pytest.raises(InputError):
        keeping.backup(tmp_path / "copy", tmp_path / "a")
    with pytest.raises(InputError, match="not empty"):
        keeping.restore(tmp_path / "copy", tmp_path / "b")
