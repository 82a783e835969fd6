"""The two folds of a backtest: what is replaced, what is decided anew, what people did, what is gone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.inbound.registry import parse
from core.backtest import Comparison, compare
from core.backtest.side import Named, Side, by_people
from core.canonical import canonical_json
from core.checkpoint import Checkpoint, checkpoint_draft
from core.errors import InputError
from core.journal import Record
from core.model.document import Document
from tests.backtesting import FAR, NEAR, rule, rule_files, two_services
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.files import rules_content

ROUTES = (
    "routes: [{receiver: shop, match: {team: [shop]}}, {receiver: payments, match: {team: [payments]}}]\n"
)


def content(**files: str) -> dict[str, Any]:
    """The rules document with these files in the place of the shipped ones."""
    made = rules_content(None)
    return {**made, "files": {**made["files"], **files}}


def far() -> dict[str, Any]:
    return {"rules": content(**rule_files(FAR))}


def fold(records: list[Record], instead: dict[str, Any], told: list[Named] | None = None) -> tuple[Side, Any]:
    """A side, and what it says of people's records; with `told` it follows."""
    side, said = Side(parse, "test", instead), []
    heard = iter(told or [])
    for record in records:
        named = next(heard) if told is not None and by_people(record) else None
        answer = side.apply(record, named)
        if answer is not None and told is None:
            said.append(answer)
    return side, said


def backtest(timeline: Timeline, instead: dict[str, Any]) -> tuple[Comparison, Side]:
    before, said = fold(timeline.records, {})
    after, _ = fold(timeline.records, instead, said)
    return compare(before.finish(), after.finish()), after


def holding(document: Document, service: str) -> Any:
    [found] = [
        one for one in document["incidents"] if service in {alert["service"] for alert in one["alerts"]}
    ]
    return found


def test_the_rules_that_were_in_force_give_what_happened() -> None:
    timeline = two_services()
    found, _ = backtest(timeline, {"rules": content(**rule_files(NEAR))})
    assert not found.different
    assert found.incidents["before"] == len(timeline.incidents()) == 3


def test_before_is_what_the_engine_decided() -> None:
    timeline = two_services(routes=ROUTES)
    side, _ = fold(timeline.records, {})
    document = side.finish()
    assert {one["id"] for one in document["incidents"]} == {one["id"] for one in timeline.incidents()}
    assert document["decisions"] == timeline.decisions("notify")


def test_a_wider_window_merges_and_the_why_tree_names_the_link() -> None:
    found, _ = backtest(two_services(routes=ROUTES), far())
    assert found.groups["merged"].groups == 1
    [example] = found.examples["merged"]
    assert [one.services for one in example.before] == [("payments",), ("checkout",)]
    assert {(one.seen, one.rule, one.counted) for one in example.why} == {("after", "dependency-edge", True)}
    assert "checkout" in example.why[0].summary
    assert found.pages.by_receiver["shop"]["before"] > 0


def test_a_narrower_window_splits_and_the_why_tree_names_what_is_gone() -> None:
    found, _ = backtest(two_services(FAR), {"rules": content(**rule_files(NEAR))})
    assert found.groups["split"].groups == 1
    assert {one.seen for one in found.examples["split"][0].why} == {"before"}


def test_every_rules_record_is_replaced_and_others_are_not() -> None:
    timeline = two_services()
    timeline.configure(1_300, "rules", content(**rule_files(FAR)))
    timeline.push(1_400, alert("ledger", "DiskFull", starts=1_400))
    timeline.push(1_430, alert("payments", "TooManyErrors", starts=1_430))
    before, _ = fold(timeline.records, {})
    after, _ = fold(timeline.records, {"rules": content(**rule_files(NEAR))})
    linked = {"ledger", "payments"}
    assert any(linked <= {a["service"] for a in one["alerts"]} for one in before.finish()["incidents"])
    assert not any(linked <= {a["service"] for a in one["alerts"]} for one in after.finish()["incidents"])


def test_a_catalogue_is_tried_where_there_was_none_and_where_there_was_one() -> None:
    flat = "services: [{name: checkout}, {name: payments}]\n"
    timeline = two_services(FAR)
    assert backtest(timeline, {"catalogue": flat})[0].groups["split"].groups == 1
    bare = Timeline(rules=rule_files(FAR))
    bare.push(0, alert("payments", "SlowQueries"))
    bare.push(30, alert("checkout", "TooManyErrors", starts=30))
    assert backtest(bare, {"catalogue": SHOP})[0].groups["merged"].groups == 1


def test_a_checkpoint_shortens_nothing() -> None:
    """The after-world is decided from the first record, whatever a checkpoint holds."""
    timeline = two_services()
    made = Checkpoint("0.1", "0.2", timeline.engine.state, timeline.fold.forgotten, timeline.fold.decisions)
    whole = backtest(timeline, far())[0]
    for reason in ("upgrade", "retention", "redaction"):
        draft = checkpoint_draft(msgspec.structs.replace(made, reason=reason))
        seq = len(timeline.records) + 1
        record = Record(seq, timeline.now, draft.kind, draft.source, draft.payload)
        records = [*timeline.records, record]
        before, said = fold(records, {})
        after, _ = fold(records, far(), said)
        assert compare(before.finish(), after.finish()) == whole


def test_a_journal_without_its_oldest_records_begins_with_what_was_in_force() -> None:
    timeline = two_services()
    state = timeline.engine.state
    draft = checkpoint_draft(Checkpoint("test", "test", state, reason="retention"))
    checkpoint = Record(len(timeline.records) + 1, timeline.now, draft.kind, draft.source, draft.payload)
    kept = [checkpoint, *timeline.records[3:], checkpoint]
    before, said = fold(kept, {})
    after, _ = fold(kept, far(), said)
    assert before.notes.from_record == after.notes.from_record == 0
    assert holding(before.finish(), "checkout")["alerts"]
    found = compare(before.finish(), after.finish())
    assert found.incidents == {"before": 3, "after": 2}
    assert found.groups["merged"].groups == 1


def test_a_part_without_rules_is_refused_or_takes_those_of_the_baseline() -> None:
    timeline = two_services()
    with pytest.raises(InputError, match=r"record 3: no rules are in force.*--baseline"):
        fold(timeline.records[2:], {})
    side, _ = fold(timeline.records[2:], far())
    assert len(side.finish()["incidents"]) == 3


def test_what_a_person_did_is_done_to_the_incident_that_holds_the_opening_alert() -> None:
    acted = Timeline(SHOP, rules=rule_files(NEAR))
    acted.push(0, alert("payments", "SlowQueries"))
    acted.push(30, alert("checkout", "TooManyErrors", starts=30))
    late = holding({"incidents": acted.incidents()}, "checkout")
    acted.move(90, late["id"], "acknowledged")
    found, after = backtest(acted, far())
    [merged] = after.finish()["incidents"]
    assert merged["id"] != late["id"]
    assert after.fold.engine.incident(merged["id"]).status == "acknowledged"  # type: ignore[union-attr]
    assert after.notes.not_applicable == 0
    assert found.groups["merged"].groups == 1


def test_merges_by_people_are_done_to_both_incidents() -> None:
    """Under rules that split the first, both names are found by what they opened with."""
    timeline = Timeline(SHOP, rules=rule_files(FAR))
    timeline.push(0, alert("payments", "SlowQueries"))
    timeline.push(30, alert("checkout", "TooManyErrors", starts=30))
    timeline.push(600, alert("mailer", "QueueTooLong", starts=600))
    one, two = (one["id"] for one in timeline.incidents())
    timeline.say(620, two, "they belong together")
    timeline.move(630, two, "merged", into=one)
    found, after = backtest(timeline, {"rules": content(**rule_files(NEAR))})
    assert after.notes.not_applicable == 0
    assert {tuple(brief.services for brief in found.examples["split"][0].after)} == {
        (("mailer", "payments"), ("checkout",))
    }


def test_what_people_say_reaches_the_incident_and_what_agents_say_is_no_action() -> None:
    timeline = Timeline(SHOP, rules=rule_files(NEAR))
    timeline.push(0, alert("payments", "SlowQueries"))
    timeline.push(30, alert("checkout", "TooManyErrors", starts=30))
    late = holding({"incidents": timeline.incidents()}, "checkout")["id"]
    timeline.say(60, late, f"as in {late}")
    timeline.say(61, "INC-20260302-NOBODY", "hello")
    said = timeline.records[-1]
    timeline.records.append(msgspec.structs.replace(said, seq=said.seq + 1, source="agents"))
    _, after = backtest(timeline, far())
    [merged] = after.fold.engine.state.incidents.values()
    assert merged.id != late
    assert [remark.text for remark in merged.remarks] == [f"as in {late}"]
    assert after.notes.not_applicable == 0


def test_what_a_person_did_to_what_is_not_there_is_counted() -> None:
    """One more alert holds the incident open after, so that it cannot be closed as it was."""
    timeline = Timeline(SHOP, rules=rule_files(NEAR))
    timeline.push(0, alert("payments", "SlowQueries"))
    timeline.push(30, alert("checkout", "TooManyErrors", starts=30))
    timeline.push(120, alert("checkout", "TooManyErrors", starts=30, ends=110))
    timeline.wait(3_600)
    late = holding({"incidents": timeline.incidents()}, "checkout")
    timeline.move(3_700, late["id"], "closed")
    _, after = backtest(timeline, far())
    assert after.notes.not_applicable == 1
    _, same = backtest(timeline, {"rules": content(**rule_files(NEAR))})
    assert same.notes.not_applicable == 0


def test_a_second_person_who_came_too_late_is_not_counted() -> None:
    timeline = two_services()
    name = holding({"incidents": timeline.incidents()}, "mailer")["id"]
    timeline.move(1_250, name, "acknowledged")
    timeline.move(1_251, name, "acknowledged", "ben")
    timeline.move(1_252, "INC-20260302-NOBODY", "acknowledged")
    found, after = backtest(timeline, {"rules": content(**rule_files(NEAR))})
    assert after.notes.not_applicable == 0
    assert not found.different


def test_an_incident_is_found_although_its_alert_has_another_identity() -> None:
    timeline = Timeline(SHOP, rules=rule_files(NEAR))
    timeline.push(0, alert("payments", "SlowQueries", zone="eu-1"))
    [one] = timeline.incidents()
    timeline.move(30, one["id"], "acknowledged")
    names = next(name for name, text in rules_content(None)["files"].items() if "rule: identity" in text)
    found, after = backtest(timeline, {"rules": content(**{names: rule("identity", ignored=["zone"])})})
    assert found.groups["same"].groups == 1
    assert after.notes.not_applicable == 0
    [live] = after.fold.engine.state.incidents.values()
    assert live.status == "acknowledged"
    assert live.id != one["id"]


def test_a_record_that_cannot_be_read_is_counted_and_the_rest_goes_on() -> None:
    timeline = two_services()
    seq = len(timeline.records)
    broken = [
        Record(seq + 1, timeline.now, "ingest", "alertmanager", b"{"),
        Record(seq + 2, timeline.now, "transition", "api", b"[1]"),
        Record(seq + 3, timeline.now, "transition", "api", b"\xff"),
        Record(seq + 4, timeline.now, "config", "rules", b"{}"),
        Record(seq + 5, timeline.now, "ingest", "alertmanager", b"", erased="0" * 64),
        Record(seq + 6, timeline.now, "transition", "api", canonical_json({"incident": ["x", 1], "to": 7})),
    ]
    before, said = fold([*timeline.records, *broken], {})
    after, _ = fold([*timeline.records, *broken], far(), said)
    for side in (before, after):
        assert (side.notes.set_aside, side.notes.erased) == (5, 1)
        assert f"record {seq + 1}" in side.notes.first_error
    assert compare(before.finish(), after.finish()) == backtest(timeline, far())[0]


def test_only_what_is_compared_is_kept() -> None:
    side, _ = fold(two_services().records, {})
    document = side.finish()
    assert not {"plans", "questions", "changes"} & set(document["incidents"][0])
    assert "labels" not in document["incidents"][0]["alerts"][0]
    assert not side.fold.decisions
