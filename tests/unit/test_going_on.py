"""Going on from checkpoints of every kind: with dead letters, after a way back, from the right one."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest
from structlog.testing import capture_logs

from connectors.inbound.registry import parse
from connectors.storage.memory import MemoryJournal
from connectors.storage.sqlite_journal import SqliteJournal
from core.checkpoint import Checkpoint, checkpoint_draft, reached, read_checkpoint
from core.config import config_draft
from core.dead_letters import FIRST_CAME, REPLAYS
from core.errors import EngineStarting, InputError
from core.journal import Draft, record_to_line
from core.ports import read_all
from core.replay import Fold, replay_file, result
from core.times import format_rfc3339
from tests.restarts import copy_state
from tests.timeline import START
from tests.unit.test_upgrade import alerts_of, answer, start
from watchkeeper.app import App
from watchkeeper.settings import Settings


def folded(journal: MemoryJournal, version: str, *, whole: bool = False) -> Fold:
    """As a start does: from the newest checkpoint; `whole`: from the first record."""
    made = Fold(parse, version)
    for record in read_all(journal, 0 if whole else made.begin(journal)):
        try:
            made.apply(record)
        except InputError as error:
            made.set_aside(record, error)
    return made


def checkpoint(fold: Fold, reason: str = "retention") -> Draft:
    made = Checkpoint(
        fold.version,
        fold.version,
        fold.engine.state,
        fold.forgotten,
        fold.decisions,
        reason,  # type: ignore[arg-type]
    )
    return checkpoint_draft(made)


def test_a_dead_letter_goes_into_a_checkpoint_and_comes_out_of_it() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([Draft("ingest", "alertmanager", b'{"x":1}'), alerts_of(0, "payments")], START)
    before = folded(journal, "1")
    assert [letter.seq for letter in before.engine.state.dead_letters.values()] == [4]
    assert copy_state(before.engine.state) == before.engine.state
    journal.append([checkpoint(before)], START)
    after = folded(journal, "1")
    assert after.engine.state.dead_letters == before.engine.state.dead_letters
    assert result(after)["digest"] == result(folded(journal, "1", whole=True))["digest"]


def test_the_way_back_to_an_older_version_keeps_the_watch() -> None:
    journal = MemoryJournal()
    start(journal, "3")
    journal.append([alerts_of(0, "payments")], START)
    assert start(journal, "4") == ["config program"]
    assert answer(journal, "4")
    journal.append([alerts_of(60, "mailer")], START + 60_000)
    assert start(journal, "3") == ["config program"]
    assert answer(journal, "3")
    journal.append([alerts_of(120, "search")], START + 120_000)
    services = {row["service"] for one in folded(journal, "3").incidents() for row in one["alerts"]}
    assert services == {"payments", "mailer", "search"}


def test_going_back_before_the_new_version_wrote_anything_else() -> None:
    journal = MemoryJournal()
    start(journal, "3")
    journal.append([alerts_of(0, "payments")], START)
    [first, *_] = journal.read(3, 1)
    state = folded(journal, "3")
    journal.append(
        [checkpoint_draft(Checkpoint("3", "4", state.engine.state, state.forgotten, state.decisions))], START
    )
    again = folded(journal, "3")
    assert [one["alerts"][0]["service"] for one in again.incidents()] == ["payments"]
    assert again.engine.world.config.documents["rules"]
    assert first.seq == 4


def test_an_export_goes_on_from_a_checkpoint_that_reaches_to_its_first_record() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    early = folded(journal, "1")
    journal.append([alerts_of(0, "payments"), alerts_of(1, "mailer")], START)
    late = folded(journal, "1")
    # The older one was folded before the two records and appended after them, as the newer one.
    journal.append([checkpoint(early), checkpoint(late), alerts_of(5, "search")], START + 5_000)
    lines = [record_to_line(record) for record in read_all(journal, after=5)]
    assert replay_file(lines, parse, [], "1")["digest"] == result(folded(journal, "1"))["digest"]


def with_state(state: str) -> bytes:
    head = '{"from_version": "1", "to_version": "1", "reason": "retention", "state": '
    return f"{head}{state}}}".encode()


HEAD = b'{"from_version": "1", "to_version": "1", "seq": 4, "lines": %d, "reason": "retention"}'

# First as up to version 0.2, in one piece, then in lines. Torn; of no known form; of fewer lines or more;
# with episodes, an episode or an incident of another version.
UNREADABLE = (
    b'{"from_version": "1", "sta',
    b'{"state": 5}',
    with_state('{"seq": 4, "episodes": []}'),
    with_state('{"seq": 4, "episodes": {"e": {}}}'),
    with_state('{"seq": 4, "incidents": {"i": 5}}'),
    b'{"from_version": "1"\n{}',
    HEAD % 2 + b'\n{"seq": 4}',
    HEAD % 1 + b'\n{"seq": 4}\n{}',
    HEAD % 0 + b"\n",
    HEAD % 2 + b'\n{"seq": 4}\n{"episodes": {"e": {}}}',
    HEAD % 2 + b'\n{"seq": 4}\n{"incidents": {"i": ',
)


def test_a_state_of_many_pieces_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.checkpoint._A_PIECE", 2)
    journal = MemoryJournal()
    start(journal, "1")
    names = ("payments", "mailer", "search", "cart", "stock")
    journal.append([alerts_of(60 * turn, name) for turn, name in enumerate(names)], START)
    fold = folded(journal, "1")
    fold.forgotten = [{"id": f"inc-{number}", "says": "a\nb"} for number in range(5)]
    draft = checkpoint(fold)
    assert draft.payload.count(b"\n") >= 8
    assert max(line.count(b'"fingerprint"') for line in draft.payload.split(b"\n")) <= 2
    journal.append([draft], START)
    read = read_checkpoint(journal.read(journal.head() - 1, 1)[0])
    assert read.state == fold.engine.state
    assert list(read.state.episodes) == sorted(fold.engine.state.episodes)
    assert (read.history, read.decisions, read.seq) == (fold.forgotten, fold.decisions, journal.head() - 1)


def test_a_checkpoint_in_one_piece_is_read_too() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([alerts_of(0, "payments")], START)
    fold = folded(journal, "1")
    made = Checkpoint("1", "1", fold.engine.state, fold.forgotten, fold.decisions, "retention")
    journal.append([Draft("checkpoint", "program", msgspec.json.encode(made, order="deterministic"))], START)
    assert reached(journal) == journal.head() - 1
    assert read_checkpoint(journal.read(journal.head() - 1, 1)[0]).state == fold.engine.state
    assert result(folded(journal, "1"))["digest"] == result(fold)["digest"]


@pytest.mark.parametrize("payload", UNREADABLE)
def test_a_checkpoint_that_cannot_be_read_is_passed_over_for_an_older_one(payload: bytes) -> None:
    journal = MemoryJournal(segment_records=4)
    start(journal, "1")
    journal.append([alerts_of(0, "payments")], START)
    journal.append([checkpoint(folded(journal, "1")), alerts_of(1, "mailer")], START + 1_000)
    before = result(folded(journal, "1"))["digest"]
    journal.append([Draft("checkpoint", "program", payload)], START + 2_000)
    # The records before the older one are gone: without it there would be nothing to go on from.
    assert journal.drop(4)
    made = Fold(parse, "1")
    assert made.begin(journal) == 4
    assert [error.where for error in made.passed_over] == ["checkpoint record 7"]
    assert result(folded(journal, "1"))["digest"] == before


@pytest.mark.parametrize("payload", UNREADABLE)
def test_without_an_older_one_the_whole_journal_is_read_if_it_is_there(payload: bytes) -> None:
    journal = MemoryJournal(segment_records=4)
    start(journal, "1")
    journal.append([alerts_of(0, "payments")], START)
    whole = result(folded(journal, "1"))["digest"]
    journal.append([Draft("checkpoint", "program", payload), alerts_of(1, "mailer")], START + 1_000)
    made = Fold(parse, "1")
    assert made.begin(journal) == 0
    assert result(folded(journal, "1"))["digest"] != whole
    assert journal.drop(4)
    with pytest.raises(InputError, match="checkpoint record 5"):
        made.begin(journal)


def test_a_server_whose_checkpoint_cannot_be_read_starts_and_says_so(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    first = App(settings)
    first.start()
    first._writer.append_now(alerts_of(0, "payments"))
    first._writer.append_now(Draft("checkpoint", "program", b'{"state": 5}'))
    first.stop()
    second = App(settings)
    with capture_logs() as logs:
        second.start()
    try:
        assert second.engine.wait_for(second.health()["journal_head"], 30)
        [incident] = second.watch.incidents(None, None, 10)["incidents"]
        assert incident["title"]
    finally:
        second.stop()
    [said] = [row for row in logs if row["event"] == "checkpoint_unreadable"]
    assert "checkpoint record" in said["error"]


def test_a_server_that_has_no_state_to_go_on_from_says_why_and_stores_alerts(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", segment_bytes=65_536)
    journal = SqliteJournal(settings.data, segment_bytes=65_536)
    for n in range(40):
        journal.append([Draft("ingest", "alertmanager", Random(n).randbytes(8_000))], START)
    journal.append([Draft("checkpoint", "program", b'{"state": 5}')], START)
    assert journal.drop(20)
    journal.close()
    app = App(settings)
    app.start()
    try:
        assert app._writer.append_now(alerts_of(0, "payments")) > 41
        with pytest.raises(EngineStarting, match="there is no state: Expected `object`"):
            app.watch.incidents(None, None, 10)
        health = app.health()
        assert (health["ready"], health["engine_caught_up"]) == (False, False)
        assert health["engine"].startswith("there is no state")
    finally:
        app.stop()


MAPPING = """
source: job
summary: Jobs of ours
events:
  - alert:
      labels: {alertname: job, service: job}
      status: {from: result, map: {%s}}
"""


def job(result: str) -> Draft:
    return Draft("ingest", "job", b'{"job": "backup", "result": "%s"}' % result.encode())


def test_a_dead_letter_that_is_read_later_counts_as_of_when_it_came() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([mappings("failed: firing, done: resolved")], START)
    journal.append([job("partly")], START)
    journal.append([job("done")], START + 60_000)
    journal.append([mappings("failed: firing, partly: firing, done: resolved")], START + 120_000)
    letter = journal.read(4, 1)[0]
    headers = {REPLAYS: "5", FIRST_CAME: str(letter.received_at)}
    journal.append([Draft("ingest", "job", letter.payload, headers=headers)], START + 180_000)
    fold = folded(journal, "1")
    [incident] = fold.incidents()
    assert incident["alerts"][0]["starts_at"] == format_rfc3339(START)
    assert incident["alerts"][0]["status"] == "resolved"
    assert fold.engine.state.dead_letters["5"].read_as == 8


def mappings(words: str) -> Draft:
    return config_draft("sources", {"bundle": "own", "files": {"job.yaml": MAPPING % words}})
