"""Going on from checkpoints of every kind: with dead letters, after a way back, from the right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.inbound.registry import parse
from connectors.storage.memory import MemoryJournal
from core.checkpoint import Checkpoint, checkpoint_draft, copy_state
from core.config import config_draft
from core.dead_letters import FIRST_CAME, REPLAYS
from core.errors import InputError
from core.journal import Draft, record_to_line
from core.ports import read_all
from core.replay import Fold, replay_file, result
from core.times import format_rfc3339
from tests.timeline import START
from tests.unit.test_upgrade import alerts_of, start
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
    assert start(journal, "4")[0] == "checkpoint program"
    journal.append([alerts_of(60, "mailer")], START + 60_000)
    assert start(journal, "3")[0] == "checkpoint program"
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


def test_a_checkpoint_that_cannot_be_read_stops_the_start_with_a_reason(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    first = App(settings)
    first.start()
    first._writer.append_now(Draft("checkpoint", "program", b'{"state": 5}'))
    first.stop()
    with pytest.raises(InputError, match="checkpoint record"):
        App(settings).start()


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
