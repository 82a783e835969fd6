"""Starts: configuration is journalled when it changed, and an upgrade writes a checkpoint first."""

from __future__ import annotations

from pathlib import Path

from connectors.inbound.registry import parse
from connectors.storage.memory import MemoryJournal
from core.checkpoint import read_checkpoint
from core.config import config_draft
from core.journal import Draft, Record
from core.ports import read_all
from core.replay import Fold, result
from core.rules.loader import parse_rules
from core.rules.schema import ADDED_LATER, RULES
from tests.timeline import SHOP, START, Timeline, alert
from watchkeeper.files import builtin_rules, configuration, rules_content
from watchkeeper.upgrade import start_records


def drafts(version: str, catalogue: str = SHOP) -> list[Draft]:
    rest = [config_draft("rules", rules_content(None)), config_draft("catalogue", catalogue)]
    return [config_draft("program", version), *rest]


def start(journal: MemoryJournal, version: str, catalogue: str = SHOP) -> list[str]:
    """What a start of `version` appends, as `kind source`."""
    new = start_records(journal, parse, drafts(version, catalogue), version)
    if new:
        journal.append(new, START)
    return [f"{draft.kind} {draft.source}" for draft in new]


def alerts_of(at: int, *services: str) -> Draft:
    t = Timeline()
    t.push(at, *(alert(service, starts=at) for service in services))
    return Draft("ingest", "alertmanager", t.records[-1].payload)


def fold(journal: MemoryJournal, version: str) -> Fold:
    made = Fold(parse, version)
    for record in read_all(journal):
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
    assert start(journal, "2") == ["checkpoint program", "config program"]
    checkpoint = read_checkpoint(journal.read(4, 1)[0])
    assert (checkpoint.from_version, checkpoint.to_version) == ("1", "2")
    after = fold(journal, "2")
    assert result(after)["digest"] == result(before)["digest"]
    journal.append([alerts_of(30, "checkout")], START + 30_000)
    groups = [sorted(row["service"] for row in one["alerts"]) for one in fold(journal, "2").incidents()]
    assert sorted(groups) == [["checkout", "payments"], ["mailer"]]


def test_a_rebuild_does_not_decide_again_what_another_version_decided() -> None:
    """Version 1 ended with an incident that today's code would not have made: it stays."""
    journal = MemoryJournal()
    start(journal, "1")
    journal.append([alerts_of(0, "payments")], START)
    start(journal, "2")
    record = journal.read(4, 1)[0]
    forged = record.payload.replace(b'"severity_reason":"critical"', b'"severity_reason":"as it was"')
    journal._records[4] = Record(5, record.received_at, record.kind, record.source, forged)
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
    assert fold(journal, "2").incidents() == closed


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
