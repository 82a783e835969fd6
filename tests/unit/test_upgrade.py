"""Starts: configuration is journalled when it changed; what an older version decided stays decided."""

from __future__ import annotations

from pathlib import Path

from connectors.inbound.registry import parse
from connectors.storage.memory import MemoryJournal
from core.checkpoint import Checkpoint, checkpoint_draft, reached, read_checkpoint
from core.config import config_draft
from core.journal import Draft, Record, record_to_line
from core.ports import read_all
from core.replay import Fold, replay_file, result
from core.replay_order import Line, upgrades_first
from core.rules.loader import parse_rules
from core.rules.schema import ADDED_LATER, RULES
from tests.timeline import SHOP, START, Timeline, alert
from watchkeeper.files import builtin_rules, configuration, rules_content
from watchkeeper.upgrade import start_records, unanswered_upgrade


def drafts(version: str, catalogue: str = SHOP) -> list[Draft]:
    rest = [config_draft("rules", rules_content(None)), config_draft("catalogue", catalogue)]
    return [config_draft("program", version), *rest]


def start(journal: MemoryJournal, version: str, catalogue: str = SHOP) -> list[str]:
    """What a start of `version` appends, as `kind source`."""
    new = start_records(journal, drafts(version, catalogue), version)
    if new:
        journal.append(new, START)
    return [f"{draft.kind} {draft.source}" for draft in new]


def answer(journal: MemoryJournal, version: str) -> int:
    """Append the checkpoint of an upgrade, as housekeeping does; its number, or 0."""
    upgrade = unanswered_upgrade(journal, reached(journal))
    if upgrade is None:
        return 0
    fold = Fold(parse, version)
    for record in read_all(journal, fold.begin(journal)):
        if record.seq <= upgrade.seq:
            fold.apply(record)
    state, history, made = fold.engine.state, fold.forgotten, fold.decisions
    draft = checkpoint_draft(Checkpoint(upgrade.before, version, state, history, made, "retention"))
    return journal.append([draft], START)[0].seq


def alerts_of(at: int, *services: str) -> Draft:
    t = Timeline()
    t.push(at, *(alert(service, starts=at) for service in services))
    return Draft("ingest", "alertmanager", t.records[-1].payload)


def fold(journal: MemoryJournal, version: str) -> Fold:
    """From the first record on."""
    made = Fold(parse, version)
    for line in upgrades_first(Line(record, record.seq, True) for record in read_all(journal)):
        if line.early:
            made.take_up(line.record)
        else:
            made.apply(line.record)
    return made


def begun(journal: MemoryJournal, version: str) -> Fold:
    """As a start does: from the newest checkpoint on."""
    made = Fold(parse, version)
    for record in read_all(journal, made.begin(journal)):
        made.apply(record)
    return made


def test_configuration_is_written_once() -> None:
    journal = MemoryJournal()
    assert start(journal, "1") == ["config program", "config rules", "config catalogue"]
    assert start(journal, "1") == []
    assert start(journal, "1", SHOP + "  - {name: new}\n") == ["config catalogue"]


def test_an_upgrade_goes_on_from_what_was_decided() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([alerts_of(0, "payments", "mailer")], START)
    before = fold(journal, "1")
    assert start(journal, "2") == ["config program"]
    assert answer(journal, "2") == 6
    checkpoint = read_checkpoint(journal.read(5, 1)[0])
    assert (checkpoint.from_version, checkpoint.to_version, checkpoint.seq) == ("1", "2", 4)
    for after in (fold(journal, "2"), begun(journal, "2")):
        assert result(after)["digest"] == result(before)["digest"]
    assert (answer(journal, "2"), start(journal, "2")) == (0, [])
    journal.append([alerts_of(30, "checkout")], START + 30_000)
    groups = [sorted(row["service"] for row in one["alerts"]) for one in fold(journal, "2").incidents()]
    assert sorted(groups) == [["checkout", "payments"], ["mailer"]]


def test_what_comes_while_an_upgrade_is_answered_is_not_lost() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([alerts_of(0, "payments")], START)
    start(journal, "2")
    journal.append([alerts_of(10, "mailer")], START + 10_000)
    alone = result(begun(journal, "2"))["digest"]
    assert answer(journal, "2") == 7
    whole = [result(made)["digest"] for made in (fold(journal, "2"), begun(journal, "2"))]
    lines = [record_to_line(record) for record in read_all(journal)]
    assert {*whole, replay_file(lines, parse, [], "2")["digest"]} == {alone}
    services = [row["service"] for one in begun(journal, "2").incidents() for row in one["alerts"]]
    assert sorted(services) == ["mailer", "payments"]
    # And by the older version, which decided that itself.
    assert result(fold(journal, "1"))["digest"] == alone


def test_a_second_upgrade_before_the_first_was_answered() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([alerts_of(0, "payments")], START)
    start(journal, "2")
    journal.append([alerts_of(10, "mailer")], START + 10_000)
    start(journal, "3")
    assert unanswered_upgrade(journal, 0) == ("2", "3", 6)
    journal.append([alerts_of(20, "search")], START + 20_000)
    assert answer(journal, "3") == 9
    found = [result(made)["digest"] for made in (fold(journal, "3"), begun(journal, "3"))]
    assert found[0] == found[1]
    assert len(begun(journal, "3").incidents()) == 3


def test_a_rebuild_does_not_decide_again_what_another_version_decided() -> None:
    """Version 1 ended with an incident that today's code would not have made: it stays."""
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([alerts_of(0, "payments")], START)
    start(journal, "2")
    number = answer(journal, "2")
    record = journal.read(number - 1, 1)[0]
    forged = record.payload.replace(b'"severity_reason":"critical"', b'"severity_reason":"as it was"')
    journal._records[number - 1] = Record(number, record.received_at, record.kind, record.source, forged)
    assert begun(journal, "2").incidents()[0]["severity_reason"] == "as it was"
    assert fold(journal, "2").incidents()[0]["severity_reason"] == "as it was"
    assert fold(journal, "1").incidents()[0]["severity_reason"] == "critical"


def test_what_had_left_memory_is_in_the_checkpoint() -> None:
    journal = MemoryJournal()
    start(journal, "1")
    t = Timeline(SHOP)
    t.push(0, alert("payments", ends=1))
    journal.append([Draft("ingest", "alertmanager", t.records[-1].payload)], START)
    journal.append([Draft("tick", "scheduler", b"")], START + 3 * 86_400_000)
    closed = fold(journal, "1").incidents()
    assert closed[0]["status"] == "closed"
    start(journal, "2")
    assert answer(journal, "2")
    assert fold(journal, "2").incidents() == closed
    assert begun(journal, "2").incidents() == closed


def test_rules_of_a_journal_that_began_before_newer_ones_are_still_read() -> None:
    old = {name: text for name, text in builtin_rules().items() if name[4:-5] not in ADDED_LATER}
    assert len(old) == len(RULES) - len(ADDED_LATER)
    assert parse_rules(old).symptom.words == {}


def test_the_shipped_configuration_is_complete(tmp_path: Path) -> None:
    assert len(builtin_rules()) == len(RULES)
    (tmp_path / "c.yaml").write_text(SHOP)
    assert [draft.source for draft in configuration(tmp_path / "c.yaml", None)] == [
        "program",
        "rules",
        "runbooks",
        "levels",
        "sources",
        "catalogue",
    ]
