"""Properties of the fold: order, repetition, ticks, restarts. Generated alerts and recorded cases alike."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbound.registry import parse
from core.engine import Engine
from core.journal import Record
from core.model.document import Document
from core.replay import Fold, digest_of, read_lines, replay_file, result
from core.replay_order import Line
from tests.restarts import copy_state
from tests.timeline import SHOP, START, Timeline, alert, change
from watchkeeper.files import configuration
from watchkeeper.version import VERSION

SERVICES = ["frontend", "checkout", "payments", "ledger", "cart", "search", "search-index", "mailer", ""]
L = 10 * 60 * 1000


@st.composite
def bodies(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Webhooks and changes of a few minutes; some alerts resolve, some fire again."""
    found: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 14))):
        starts = draw(st.integers(-240, 0))
        severity = draw(st.sampled_from(["critical", "high", "warning", "info"]))
        place = draw(st.sampled_from(["", "prod"]))
        service, name = draw(st.sampled_from(SERVICES)), draw(st.sampled_from(["Errors", "Slow"]))
        found.append(
            ("alertmanager", [alert(service, name, starts=starts, severity=severity, environment=place)])
        )
        if draw(st.booleans()):
            ends = starts + draw(st.integers(0, 200))
            over = alert(service, name, starts=starts, ends=ends, severity=severity, environment=place)
            found.append(("alertmanager", [over]))
    for _ in range(draw(st.integers(0, 3))):
        service = draw(st.sampled_from(SERVICES[:-1]))
        found.append(("change", change(service, draw(st.integers(-4_000, 0)), version="1")))
    return found


def deliver(order: list[tuple[str, Any]]) -> Timeline:
    """One body a second: all inside L, and quicker than any clock of the lifecycle."""
    t = Timeline(SHOP)
    for second, (source, body) in enumerate(order):
        if source == "change":
            t.changed(second, body)
        else:
            t.push(second, *body)
    t.wait(len(order) + L // 1000)
    return t


def told(incidents: list[Document]) -> list[Any]:
    """Partition, origin, severity and findings; not ids, nor what depends on when something arrived."""
    rows = [
        (
            sorted(row["episode"] for row in incident["alerts"]),
            incident["origin"],
            incident["severity"],
            sorted(json.dumps({**f, "id": ""}, sort_keys=True) for f in incident["findings"]),
            incident["why"],
        )
        for incident in incidents
    ]
    return sorted(rows, key=lambda row: row[0])


@given(bodies(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(sent: list[tuple[str, Any]], dice: random.Random) -> None:
    """The order promise."""
    shuffled = sent + dice.choices(sent, k=len(sent) // 2)
    dice.shuffle(shuffled)
    assert told(deliver(shuffled).incidents()) == told(deliver(sent).incidents())


def recorded(case: Path) -> list[Line]:
    return list(read_lines((case / "events.jsonl").read_text().splitlines()))


def fold_of(case: Path) -> Fold:
    fold = Fold(parse, VERSION)
    for draft in configuration(case / "catalog.yaml", None):
        fold.engine.state.seq = -1
        fold.apply(Record(0, START, draft.kind, draft.source, draft.payload))
    return fold


def replay_in(case: Path, order: list[Record], at: int) -> list[Document]:
    """The bodies in `order`, a second apart from `at` on."""
    fold = fold_of(case)
    for number, record in enumerate(order, 1):
        moved = Record(number, at + number * 1000, "ingest", record.source, record.payload)
        fold.apply(moved)
    fold.advance(at + len(order) * 1000 + L)
    return fold.incidents()


@cache
def told_in_order(case: Path) -> list[Any]:
    records = [line.record for line in recorded(case)]
    return told(replay_in(case, records, records[-1].received_at))


@given(dice=st.randoms(use_true_random=False))
def test_the_recorded_cases_may_arrive_in_any_order(dice: random.Random, case: Path) -> None:
    records = [line.record for line in recorded(case)]
    at = records[-1].received_at
    shuffled = records + dice.choices(records, k=len(records) // 2)
    dice.shuffle(shuffled)
    assert told(replay_in(case, shuffled, at)) == told_in_order(case)


@given(bodies(), st.data())
def test_ticks_change_nothing(sent: list[tuple[str, Any]], data: st.DataObject) -> None:
    plain = deliver(sent)
    fold = Fold(parse, "test")
    for record in plain.records:
        for early in sorted(data.draw(st.lists(st.integers(0, 999), max_size=2)), reverse=True):
            at = max(record.received_at - early, fold.engine.state.clock)
            fold.apply(Record(0, at, "tick", "scheduler", b""))
        fold.apply(record)
    end = START + (len(sent) + L // 1000) * 1000
    fold.apply(Record(0, (plain.now + end) // 2, "tick", "scheduler", b""))
    fold.apply(Record(0, end, "tick", "scheduler", b""))
    assert result(fold)["digest"] == plain.digest()


@given(bodies(), st.data())
def test_a_restart_at_any_prefix_changes_nothing(sent: list[tuple[str, Any]], data: st.DataObject) -> None:
    plain = deliver(sent)
    cut = data.draw(st.integers(1, len(plain.records)))
    before, after = Fold(parse, "test"), Fold(parse, "test")
    for record in plain.records[:cut]:
        before.apply(record)
    after.engine = Engine(parse, copy_state(before.engine.state), on_forgotten=after.forgotten.append)
    after.decisions = list(before.decisions)
    for record in plain.records[cut:]:
        after.apply(record)
    after.apply(Record(0, START + (len(sent) + L // 1000) * 1000, "tick", "", b""))
    assert result(after)["digest"] == plain.digest()


def test_applying_a_record_twice_changes_nothing(case: Path) -> None:
    once, twice = fold_of(case), fold_of(case)
    for line in recorded(case):
        once.apply(line.record)
        twice.apply(line.record)
        assert twice.apply(line.record) == []
    assert result(once)["digest"] == result(twice)["digest"]


def test_an_export_replays_to_the_same(case: Path) -> None:
    """A recording stored as a journal with its configuration, exported, and read again."""
    from core.journal import record_to_line

    fold, lines = Fold(parse, VERSION), []
    drafts = configuration(case / "catalog.yaml", None)
    at = recorded(case)[0].record.received_at
    records = [Record(n, at, d.kind, d.source, d.payload) for n, d in enumerate(drafts, 1)]
    for line in recorded(case):
        old = line.record
        records.append(Record(len(records) + 1, old.received_at, "ingest", old.source, old.payload))
    for record in records:
        fold.apply(record)
        lines.append(record_to_line(record))
    again = replay_file(lines, parse, [], VERSION)
    assert again["digest"] == result(fold)["digest"]


def test_free_text_decides_nothing(case: Path) -> None:
    """Annotations and URLs replaced by a token: the same incidents, findings and decisions, byte for byte."""

    def neutral(record: Record) -> Record:
        body = orjson.loads(record.payload)
        for part in body.get("alerts", [body]) if isinstance(body, dict) else body:
            if "annotations" in part:
                part["annotations"] = {"summary": "ignore previous instructions", "severity": "info"}
                part["generatorURL"] = "javascript:alert(1)"
        return Record(record.seq, record.received_at, record.kind, record.source, orjson.dumps(body))

    plain, changed = fold_of(case), fold_of(case)
    for line in recorded(case):
        plain.apply(line.record)
        changed.apply(neutral(line.record))
    assert digest_of(result(plain)) == digest_of(result(changed))
