"""Redaction: nothing of a record's words is left in a file of the data directory, nor in what is folded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import orjson
import pytest

from connectors.inbound.registry import parse
from connectors.storage.sqlite_journal import SqliteJournal
from core.config import config_draft
from core.engine import Engine
from core.findings import refresh
from core.forgetting import Forget, Said, forget
from core.journal import Draft, Record, json_draft, record_to_line
from core.lifecycle import Transition, transition_draft
from core.model.events import AlertEvent, Parsed
from core.model.note import Line, Note
from core.payloads import Annotation, Outcome
from core.ports import read_all
from core.quoting import ERASED, holds, of_words, struck
from core.replay import Fold, replay_file, result
from core.times import DAY
from core.world import Turn
from tests.judged import check
from tests.timeline import START, alert, change, time
from watchkeeper.cli import keeping
from watchkeeper.cli.offline import fold_journal
from watchkeeper.files import configuration, rules_content
from watchkeeper.version import VERSION

LATE = 30 * DAY // 1_000


class Clock:
    def now(self) -> int:
        return START + 2_000_000


@pytest.fixture(autouse=True)
def own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "SystemClock", Clock)


@pytest.fixture
def marker() -> str:
    return uuid4().hex


@pytest.fixture
def journal(tmp_path: Path) -> SqliteJournal:
    (tmp_path / "data").mkdir()
    made = SqliteJournal(tmp_path / "data")
    made.append(configuration(None, None), START)
    return made


def append(journal: SqliteJournal, seconds: float, draft: Draft) -> int:
    return journal.append([draft], START + int(seconds * 1_000))[0].seq


def push(journal: SqliteJournal, seconds: float, *alerts: dict[str, Any]) -> int:
    return append(journal, seconds, Draft("ingest", "alertmanager", orjson.dumps({"alerts": alerts})))


def tell(journal: SqliteJournal, seconds: float, **more: str) -> int:
    told = change("payments", -60, **more)
    return append(journal, seconds, Draft("ingest", "change", orjson.dumps(told)))


def incident(journal: SqliteJournal) -> str:
    return next(iter(fold_journal(journal).engine.state.incidents))


def hidden(marker: str) -> str:
    """The marker among what JSON escapes, and more than one line."""
    return f'Zoë "{marker}" \\ of\nday'


def in_annotation(journal: SqliteJournal, marker: str) -> int:
    return push(journal, 1, {**alert("payments"), "annotations": {"summary": hidden(marker)}})


def in_link(journal: SqliteJournal, marker: str) -> int:
    return push(journal, 1, {**alert("payments"), "generatorURL": f"http://x.example/{marker}"})


def in_label(journal: SqliteJournal, marker: str) -> int:
    return push(journal, 1, alert("payments", person=hidden(marker)))


def in_annotation_of_a_resend(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, {**alert("payments"), "annotations": {}})
    return push(journal, 2, {**alert("payments"), "annotations": {"summary": hidden(marker)}})


def in_version(journal: SqliteJournal, marker: str) -> int:
    seq = tell(journal, 0, version=hidden(marker), author="ana")
    push(journal, 1, alert("payments"))
    return seq


def in_long_version(journal: SqliteJournal, marker: str) -> int:
    """So long that the answer to `what changed` cuts it short."""
    seq = tell(journal, 0, version=(marker + " ") * 7)
    push(journal, 1, alert("payments"))
    return seq


def in_second_telling(journal: SqliteJournal, marker: str) -> int:
    tell(journal, 0, ref="r1", state="started", version="1.2")
    push(journal, 1, alert("payments"))
    return tell(journal, 2, ref="r1", state="succeeded", version=f"2 {marker}", author=marker)


def in_first_telling(journal: SqliteJournal, marker: str) -> int:
    seq = tell(journal, 0, ref="r1", state="started", version=f"1 {marker}", url=f"http://x.example/{marker}")
    push(journal, 1, alert("payments"))
    tell(journal, 2, ref="r1", state="succeeded", version="2")
    return seq


def in_reason(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, alert("payments"))
    moved = Transition(incident(journal), "acknowledged", "ana", hidden(marker))
    return append(journal, 2, transition_draft(moved, "api"))


def in_reason_of_a_merge(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, alert("payments"))
    push(journal, 2, alert("mailer"))
    one, other = fold_journal(journal).engine.state.incidents
    moved = Transition(other, "merged", "ana", hidden(marker), into=one)
    return append(journal, 3, transition_draft(moved, "api"))


def in_reason_of_a_split(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, alert("payments"), alert("payments", "Slow"))
    [one] = fold_journal(journal).engine.state.incidents.values()
    moved = Transition(one.id, "split", "ana", hidden(marker), alerts=(one.members[0],))
    return append(journal, 3, transition_draft(moved, "api"))


def in_outcome(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, alert("payments"))
    append(journal, 900, Draft("tick", "scheduler", b""))
    pending = fold_journal(journal).engine.state.pending.values()
    page = next(one for one in pending if one.kind == "notify")
    failed = Outcome(page.id, "failed", detail=hidden(marker))
    return append(journal, 901, json_draft("outcome", "dispatcher", msgspec.to_builtins(failed)))


def in_comment(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, alert("payments"))
    said = Annotation(incident(journal), marker, "comment", hidden(marker))
    return append(journal, 2, json_draft("annotation", "api", msgspec.to_builtins(said)))


def in_notes(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, alert("payments"))
    note = Note("narrator", "narrative", (Line(hidden(marker)),), "model")
    said = Annotation(incident(journal), notes=(note,), read_to=journal.head())
    return append(journal, 2, json_draft("annotation", "agents", msgspec.to_builtins(said)))


def in_dead_letter(journal: SqliteJournal, marker: str) -> int:
    push(journal, 1, alert("payments"))
    return push(journal, 2, {**alert("payments"), "status": hidden(marker)})


def in_cause(journal: SqliteJournal, marker: str) -> int:
    tell(journal, 0, version="1")
    push(journal, 1, alert("payments"))
    [suspect] = fold_journal(journal).engine.state.changes
    said = Annotation(incident(journal), "ana", "cause", hidden(marker), change=suspect)
    return append(journal, 2, json_draft("annotation", "api", msgspec.to_builtins(said)))


def in_version_of_a_cause(journal: SqliteJournal, marker: str) -> int:
    seq = tell(journal, 0, version=hidden(marker))
    push(journal, 1, alert("payments"))
    [suspect] = fold_journal(journal).engine.state.changes
    said = Annotation(incident(journal), "ana", "cause", "why", change=suspect)
    append(journal, 2, json_draft("annotation", "api", msgspec.to_builtins(said)))
    return seq


CASES: tuple[Callable[[SqliteJournal, str], int], ...] = (
    in_annotation, in_link, in_label, in_annotation_of_a_resend, in_version,
    in_long_version, in_second_telling, in_first_telling, in_reason,
    in_reason_of_a_merge, in_reason_of_a_split, in_outcome, in_comment, in_notes,
    in_dead_letter, in_cause, in_version_of_a_cause,
)  # fmt: skip


def traces(data: Path, marker: str) -> list[object]:
    """Files and records that hold the marker; a payload may be packed in its file."""
    files = [path for path in data.rglob("*") if path.is_file() and marker.encode() in path.read_bytes()]
    journal = SqliteJournal(data, read_only=True)
    held = [(one.seq, one.kind) for one in read_all(journal) if marker.encode() in one.payload]
    journal.close()
    return [*files, *held]


def folded(journal: SqliteJournal) -> Fold:
    fold = fold_journal(journal)
    for one in fold.engine.state.incidents.values():
        refresh(fold.engine.world, one)
    return fold


def bare(journal: SqliteJournal) -> dict[str, Any]:
    """What was decided: incidents with their members, severity and findings' ids, and the decisions."""
    said = result(fold_journal(journal))
    rows = [
        (
            one["id"],
            one["severity"],
            one["status"],
            one["services"],
            [row["episode"] for row in one["alerts"]],
        )
        for one in said["incidents"]
    ]
    found = [(row["incident"], row["id"], row["confidence"]) for row in said["findings"]]
    return {"incidents": rows, "findings": found, "decisions": said["decisions"]}


def checkpoint(journal: SqliteJournal, data: Path, out: Path, seconds: float) -> None:
    """As housekeeping makes one; what was written before it is in it."""
    keeping.checkpoint(out, data, 0)
    append(journal, seconds, Draft("checkpoint", "program", out.read_bytes()))


def looked_at(journal: SqliteJournal, data: Path, out: Path) -> None:
    """Findings are made when somebody looks; then a checkpoint has them."""
    append(journal, 905, configuration(None, None)[0])
    checkpoint(journal, data, out, 906)


def leave_memory(journal: SqliteJournal) -> None:
    """All that fires ends, and the incident closes and goes into history."""
    for episode in list(fold_journal(journal).engine.state.episodes.values()):
        one = {"status": "resolved", "labels": episode.labels, "startsAt": time(0), "endsAt": time(907)}
        push(journal, 907, one)
    append(journal, LATE, Draft("tick", "scheduler", b""))


@pytest.mark.parametrize("build", CASES, ids=lambda one: one.__name__)
def test_nothing_is_left_of_a_redacted_record(
    build: Callable[[SqliteJournal, str], int], journal: SqliteJournal, marker: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    seq = build(journal, marker)
    looked_at(journal, data, tmp_path / "made")
    before = bare(journal)
    assert (seq, journal.read(seq - 1, 1)[0].kind) in traces(data, marker)
    journal.close()
    (data / "checkpoint.new").write_bytes((tmp_path / "made").read_bytes())
    keeping.redact(seq, "ana", "private", data)
    assert traces(data, marker) == []
    assert_whole(data, marker, before)


@pytest.mark.parametrize("build", CASES, ids=lambda one: one.__name__)
def test_nothing_is_left_of_one_whose_incident_left_memory(
    build: Callable[[SqliteJournal, str], int], journal: SqliteJournal, marker: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    seq = build(journal, marker)
    leave_memory(journal)
    assert fold_journal(journal).engine.state.incidents == {}
    before = bare(journal)
    others = [held for held in holding(journal, marker) if held != seq]
    journal.close()
    for one in (seq, *others):
        keeping.redact(one, "ana", "private", data)
    assert traces(data, marker) == []
    assert_whole(data, marker, before)


def holding(journal: SqliteJournal, marker: str) -> list[int]:
    return [one.seq for one in read_all(journal) if marker.encode() in one.payload]


def assert_whole(data: Path, marker: str, before: dict[str, Any]) -> None:
    """The journal verifies, decides what it decided, and its replay agrees with its newest checkpoint."""
    journal = SqliteJournal(data, read_only=True)
    assert list(journal.verify())[-1] == journal.head()
    assert bare(journal) == before
    lines = [record_to_line(record) for record in read_all(journal)]
    assert replay_file(lines, parse, [], VERSION)["digest"] == result(folded(journal))["digest"]
    shown = orjson.dumps(folded(journal).incidents()).decode()
    assert marker not in shown
    journal.close()


def test_a_redacted_assessment_goes_whole_with_all_that_it_taught(
    journal: SqliteJournal, marker: str, tmp_path: Path
) -> None:
    data, head = tmp_path / "data", "4f2c9d1e" * 5
    match = {"rule": "r", "level": "high", "what": hidden(marker)}
    body = check(title=f"t {marker}", files=[f"{marker}.py"], matches=[match], head=head)
    seq = append(journal, 0, Draft("ingest", "risk", orjson.dumps(body)))
    tell(journal, 1, version=head)
    push(journal, 2, alert("payments"))
    [suspect] = fold_journal(journal).engine.state.changes
    said = Annotation(incident(journal), "ana", "cause", "w", change=suspect)
    append(journal, 3, json_draft("annotation", "api", msgspec.to_builtins(said)))
    leave_memory(journal)
    assert marker in orjson.dumps(folded(journal).incidents()).decode()
    journal.close()
    keeping.redact(seq, "ana", "private", data)
    assert traces(data, marker) == []
    state = folded(SqliteJournal(data, read_only=True)).engine.state
    assert (state.assessments, [one.past.files for one in state.taught.values()]) == ({}, [()])


def test_the_beginning_of_a_commit_goes_too(
    journal: SqliteJournal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, head = tmp_path / "data", "4f2c9d1e" * 5
    seq = tell(journal, 0, version=head)
    push(journal, 1, alert("payments"))
    note = Note("narrator", "narrative", (Line(f"The deploy of payments ({head[:12]}) came."),), "model")
    said = Annotation(incident(journal), notes=(note,), read_to=journal.head())
    second = append(journal, 2, json_draft("annotation", "agents", msgspec.to_builtins(said)))
    assert head[:12] in str(folded(journal).incidents()[0]["questions"])
    journal.close()
    keeping.redact(seq, "ana", "private", data)
    assert f"hold text of it too: {second}." in capsys.readouterr().out
    keeping.redact(second, "ana", "private", data)
    assert traces(data, head[:12]) == []
    assert head[:12] not in str(folded(SqliteJournal(data, read_only=True)).incidents())


def test_a_text_in_two_records_is_listed_and_goes_with_the_second(
    journal: SqliteJournal, marker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    first, second = in_label(journal, marker), in_reason(journal, marker)
    journal.close()
    keeping.redact(first, "ana", "private", data)
    listed = capsys.readouterr().out.partition("too: ")[2].partition(". ")[0].split(", ")
    assert str(second) in listed
    assert (second, "transition") in traces(data, marker)
    keeping.redact(second, "ana", "private", data)
    assert traces(data, marker) == []


def test_a_text_is_found_where_json_escapes_it(
    journal: SqliteJournal, marker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = in_label(journal, marker)
    text = orjson.dumps({"alerts": [alert("payments", person=hidden(marker))]})
    other = (
        text.decode()
        .replace("Zoë", "\\u005ao\\u00eb")
        .replace(marker[:3], f"\\u{ord(marker[0]):04x}{marker[1:3]}")
    )
    second = append(journal, 2, Draft("ingest", "alertmanager", other.encode()))
    journal.close()
    keeping.redact(first, "ana", "private", tmp_path / "data")
    assert f"records hold text of it too: {second}." in capsys.readouterr().out


def test_other_alerts_and_changes_keep_their_words(journal: SqliteJournal, tmp_path: Path) -> None:
    seq = push(journal, 1, alert("payments", team="x", rack="kubernetes-nodes"))
    other = {**alert("ledger", rack="kubernetes-nodes"), "annotations": {"summary": "ledger is slow"}}
    push(journal, 1, other)
    tell(journal, 2, version="2.4.0", author="ana")
    journal.close()
    keeping.redact(seq, "ana", "private", tmp_path / "data")
    state = fold_journal(SqliteJournal(tmp_path / "data", read_only=True)).engine.state
    payments, ledger = sorted(state.episodes.values(), key=lambda one: one.entity.service, reverse=True)
    assert (payments.labels["rack"], payments.labels["service"]) == (ERASED, "payments")
    assert ledger.labels["rack"] == "kubernetes-nodes"
    [told] = state.changes.values()
    assert (told.event.version, told.event.author) == ("2.4.0", "ana")


def test_quotations_are_found_whole_and_cut_short() -> None:
    swaps = of_words(["a secret of some length", "short"])
    assert struck({"summary": "it says a secret of some length."}, swaps) == {"summary": f"it says {ERASED}."}
    assert struck(["so it says a secret of so…"], swaps) == [f"so it says {ERASED}"]
    assert struck("ends a secret of so…, if it can", swaps) == f"ends {ERASED}, if it can"
    assert struck({"id": "a secret of some length", "n": 3}, swaps) == {
        "id": "a secret of some length",
        "n": 3,
    }
    assert struck("short words stay", swaps) == "short words stay"
    assert holds([{"text": "a secret of some length"}], swaps)
    assert not holds([{"text": "a secret of some kind"}], swaps)


def test_labels_of_a_worse_telling_are_found_by_what_it_said(marker: str) -> None:
    """A source may name the labels that identify; then those of a later record stand in the episode."""

    def told(person: str, severity: str) -> dict[str, str]:
        return {"alertname": "A", "service": "payments", "severity": severity, "person": person}

    def read(record: Record, mappings: Mapping[str, str]) -> Parsed:
        labels = orjson.loads(record.payload)
        event = AlertEvent(labels, "firing", starts_at=START, identity=("alertname", "service"))
        return Parsed((event,))

    engine, worse = Engine(read), told(marker, "critical")
    drafts = [config_draft("rules", rules_content(None))]
    drafts += [Draft("ingest", "x", orjson.dumps(one)) for one in (told("nobody", "info"), worse)]
    for seq, draft in enumerate(drafts, 1):
        engine.apply(Record(seq, START + seq, draft.kind, draft.source, draft.payload))
    [episode] = engine.state.episodes.values()
    assert (episode.seq, episode.labels) == (2, worse)
    what = Forget(3, "", "ana")
    forget(Turn(engine.world, START + 9, 4, []), what)
    assert episode.labels == worse
    forget(Turn(engine.world, START + 9, 4, []), what, Said(labels=(worse,)))
    assert episode.labels == {**worse, "person": ERASED}
