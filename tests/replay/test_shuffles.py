"""Recorded cases told in other orders end in the same grouping; the whole run is `make shuffles`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.journal import Record, record_to_line
from core.lifecycle import Transition, transition_draft
from tests.replay import shuffles
from tests.replay.golden import CASES, case_names
from tests.replay.shuffles import Case, cases, grouping, read_case, replay, shuffled
from tests.timeline import SHOP, Timeline, alert

QUICK = 15


def test_all_golden_cases_are_shuffled() -> None:
    assert {*case_names(), "overlapping"} <= {case.name for case in cases()}


@pytest.mark.parametrize("name", [case.name for case in cases()])
def test_other_orders_end_in_the_same_grouping(name: str) -> None:
    [case] = [one for one in cases() if one.name == name]
    said: list[int] = []
    assert shuffled(case, range(QUICK), said.append) is None
    assert said == list(range(1, QUICK + 1))


def split_case(folder: Path) -> Case:
    """Two services that call each other alert; a person splits the one off, then a third one alerts."""
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(5, alert("checkout", starts=3))
    t.push(90, alert("frontend", starts=30))
    *two, third = [one for one in t.records if one.kind == "ingest"]
    before = made(folder, two)
    [incident] = replay(before, before.stretches[0])
    [checkout] = [row["episode"] for row in incident["alerts"] if row["service"] == "checkout"]
    draft = transition_draft(Transition(incident["id"], "split", "ana", "because", "", (checkout,)), "api")
    split = Record(0, two[-1].received_at + 60_000, draft.kind, draft.source, draft.payload)
    return made(folder, [*two, split, third])


def made(folder: Path, records: list[Record]) -> Case:
    folder.mkdir(exist_ok=True)
    (folder / "catalog.yaml").write_text(SHOP)
    lines = [json.loads(record_to_line(one)) for one in records]
    for line in lines:
        del line["seq"]
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return read_case(folder)


def test_what_people_did_stays_in_its_place(tmp_path: Path) -> None:
    case = split_case(tmp_path / "split")
    assert [[one.kind for one in part] for part in case.stretches] == [
        ["ingest"] * 2,
        ["transition"],
        ["ingest"],
    ]
    told = grouping(replay(case, [one for part in case.stretches for one in part], {}))
    assert sorted(len(alerts) for alerts, *_ in told) == [1, 2]
    assert shuffled(case, range(40), lambda done: None) is None


def test_a_body_that_crosses_a_barrier_is_found(tmp_path: Path) -> None:
    """The comparison can fail: without the barrier, an alert that comes before the split goes elsewhere."""
    case = split_case(tmp_path / "split")
    acted_on: dict[int, str] = {}
    in_order = [one for part in case.stretches for one in part]
    expected = grouping(replay(case, in_order, acted_on))
    first, second, split, third = in_order
    moved = [first, second, third, split]
    assert grouping(replay(case, moved, acted_on)) != expected


def test_a_difference_is_shown_with_its_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A configuration that a case has not in common with its shuffles would be a difference."""
    case = read_case(CASES / "two-troubles")
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "catalog.yaml").write_text("services: []\n")
    plain, replayed = shuffles.replay, []

    def other_catalogue(case: Case, *more: object) -> object:
        replayed.append(case)
        where = case._replace(catalogue=bare / "catalog.yaml") if len(replayed) > 2 else case
        return plain(where, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(shuffles, "cases", lambda: [case])
    monkeypatch.setattr(shuffles, "replay", other_catalogue)
    assert shuffles.main(["--count", "5", "--seed", "7"]) == 1
    said = capsys.readouterr().out
    assert "--case two-troubles --seed 7 --count 1" in said
    before, _, after = said.partition("Shuffled:")
    assert "'service': 'inventory-db'" in before
    assert "dependency-edge" not in after
