"""The list: what needs somebody first over all that is open, its pages, its totals, and many at once."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from connectors.storage.memory import MemoryProjection
from core.errors import InputError
from core.narrative.counts import open_words
from core.storm import burst, burst_words
from tests.timeline import Timeline, alert
from tests.unit.test_console import Browser, FakeWatch, check_page
from watchkeeper.cli import show
from watchkeeper.listing import asked, in_memory, whole

Row = dict[str, Any]


def listed(t: Timeline, status: str | None, cursor: str | None, limit: int, order: str = "need") -> Row:
    page = asked(status, cursor, limit, order)
    return whole(in_memory(t.fold, page), page, MemoryProjection())


def walked(t: Timeline, status: str | None, limit: int, cursor: str | None = None) -> list[Row]:
    rows: list[Row] = []
    while True:
        page = listed(t, status, cursor, limit)
        rows += page["incidents"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


def many(count: int, cluster: str = "", every: float = 10) -> Timeline:
    """One P1 that somebody has, then so many P2; the first three of those are over."""
    t = Timeline()
    t.push(0, alert("payments", "Down", cluster=cluster))
    t.move(1, t.incidents()[0]["id"], "acknowledged")
    for n in range(count):
        t.push(2 + every * n, alert(f"s{n:04d}", "Slow", severity="warning", starts=n, cluster=cluster))
    names = [name for name in t.engine.state.incidents if not t.engine.state.incidents[name].acknowledged_by]
    for name in names[:3]:
        t.move(2 + every * count, name, "resolved")
    return t


def test_what_is_worst_is_first_however_many_are_open() -> None:
    t = many(1_200)
    page = listed(t, "open", None, 50)
    assert [row["severity"] for row in page["incidents"]] == ["P1"] + ["P2"] * 49
    newest = [row["opened_at"] for row in page["incidents"][1:]]
    assert newest == sorted(newest, reverse=True)
    assert (page["total"], page["open"]["total"], page["open"]["unacknowledged"]) == (1_198, 1_198, 1_197)
    assert open_words(page["open"]) == "1,198 open: 1 P1, 1,197 P2; 1,197 not acknowledged"
    rows = walked(t, None, 499)
    assert len({row["id"] for row in rows}) == len(rows) == 1_201
    assert [row["status"] for row in rows[-3:]] == ["resolved"] * 3
    assert listed(t, None, None, 5)["total"] == 1_201


def test_a_page_goes_on_where_the_one_before_ended_whatever_happened_since() -> None:
    t = many(40)
    first = listed(t, "open", None, 10)
    seen = [row["id"] for row in first["incidents"]]
    t.move(900, seen[3], "acknowledged")
    t.push(901, alert("new", "Slow", severity="warning"), alert("worse", "Down"))
    rest = [row["id"] for row in walked(t, "open", 10, first["next_cursor"])]
    still = [row["id"] for row in walked(t, "open", 500)]
    assert len(rest) == len(set(rest))
    assert {one for one in still if one not in seen} - set(rest) == {
        row["id"] for row in listed(t, "open", None, 500)["incidents"] if "worse" in row["title"] or
        "new" in row["title"]
    }  # fmt: skip


def test_within_a_severity_what_nobody_has_is_first() -> None:
    t = Timeline()
    for n, service in enumerate(("a", "b", "c", "d")):
        t.push(n, alert(service, starts=n))
    by = {row["services"][0]["service"]: row["id"] for row in t.incidents()}
    t.move(10, by["d"], "mitigated")
    t.move(11, by["c"], "acknowledged")
    assert [row["id"] for row in listed(t, "open", None, 9)["incidents"]] == [by[x] for x in "bacd"]
    newest = listed(t, "open", None, 9, "newest")["incidents"]
    assert [row["id"] for row in newest] == [by[x] for x in "dcba"]


def test_a_cursor_of_before_goes_on_newest_first() -> None:
    t = many(9)
    rows = listed(t, None, None, 50, "newest")["incidents"]
    old = base64.urlsafe_b64encode(f"{rows[3]['opened_at']} {rows[3]['id']}".encode()).decode()
    page = listed(t, None, old, 2)
    assert [row["id"] for row in page["incidents"]] == [row["id"] for row in rows[4:6]]
    again = listed(t, None, page["next_cursor"], 50)
    assert [row["id"] for row in again["incidents"]] == [row["id"] for row in rows[6:]]


@pytest.mark.parametrize("text", ["x", "", "eA==", base64.b64encode(b"a b c d e").decode(), "é", "=" * 9])
def test_a_broken_cursor_or_a_strange_question_is_refused(text: str) -> None:
    if text:
        with pytest.raises(InputError, match="broken"):
            asked(None, text, 5)
    with pytest.raises(InputError, match="unknown order"):
        asked(None, None, 5, text or "worst")
    with pytest.raises(InputError, match="unknown status"):
        asked(text or "no", None, 5)


def test_what_has_left_memory_is_counted_once() -> None:
    t = Timeline()
    for n in range(5):
        t.push(n, alert(f"s{n}", starts=n))
    t.push(600, *(alert(f"s{n}", starts=n, ends=590) for n in range(3)))
    t.wait(40 * 86_400)
    past = list(t.fold.forgotten)
    assert past
    projection = MemoryProjection()
    for held in (past, past[:1], []):
        page = asked(None, None, 50)
        memory = in_memory(t.fold, page)._replace(leaving=held)
        projection.put(past, [one["id"] for one in past])
        found = whole(memory, page, projection)
        assert found["total"] == len(found["incidents"]) == len(t.incidents())


def test_many_at_once_are_a_storm_for_as_long_as_they_are_open() -> None:
    t = many(30, "c1", every=2)
    found = burst(t.engine.world)
    assert found is not None
    assert burst_words(found) == "Storm: 28 incidents began within 60 s, 1 P1; most on cluster c1"
    page = listed(t, "open", None, 5)
    assert page["storm"]["text"] == burst_words(found)
    quiet = many(30, "c1", every=60)
    assert (burst(quiet.engine.world), listed(quiet, "open", None, 5)["storm"]) == (None, None)
    for name in list(found.incidents)[:9]:
        t.move(200, name, "resolved")
    assert burst(t.engine.world) is None


def test_the_page_says_how_many_there_are_and_that_it_is_a_storm() -> None:
    t = many(130, "<b>", every=1)
    watch = FakeWatch(t)
    text = check_page(Browser(watch).get("/").text).text
    assert "128 open incidents (100 on this page): 1 P1, 127 P2; 127 not acknowledged by anybody" in text
    assert "Storm: 128 incidents began within 2 min, 1 P1; most on cluster <b>." in text
    page = watch.incidents("open", None, 5)
    first = check_page(Browser(watch).get(f"/incidents/{page['incidents'][0]['id']}").text).text
    assert "Storm: 128 incidents began" in first
    over = check_page(Browser(watch).get("/?status=resolved").text).text
    assert "3 resolved incidents. Newest first." in over


def test_the_command_says_how_many_it_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    t = many(60, every=2)

    class Answers:
        def incidents(self, status: str | None, limit: int, cursor: str = "") -> Row:
            return listed(t, status, cursor or None, min(limit, 25))

    monkeypatch.setattr(show, "answers", lambda data, url: Answers())
    show.incidents(None, None, "open", 10, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Storm: 58 incidents began within")
    assert lines[1] == "58 open: 1 P1, 57 P2; 57 not acknowledged"
    assert "  P1  " in lines[2]
    assert lines[-1] == "10 of 58, what needs somebody first; --limit N shows more, --all shows all of them"
    show.incidents(None, None, None, None, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 2 * 61
