"""What is resolved or closed by hand while its alerts fire: it comes back, once, and says so before."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.engine import Engine
from core.state import State
from core.timer_acts import timer_acts
from tests.timeline import SHOP, Timeline, alert, time
from tests.unit.test_console import Browser, FakeWatch, check_page, path_of
from tests.unit.test_suppression import put, silence
from watchkeeper.cli import moving
from watchkeeper.cli.show import incident_lines
from watchkeeper.console.incident_view import _standing
from watchkeeper.console.moments import moment
from watchkeeper.files import rules_content
from watchkeeper.shown import live_document, shown

MIN = 60
OLD = {"095-silent-source.yaml": "rule: silent-source\nsummary: x\nresends: {}\nexpected: {}\n"}


def resolved(t: Timeline, at: float = 60) -> str:
    t.push(0, alert("payments"))
    name: str = t.incidents()[0]["id"]
    t.move(at, name, "resolved")
    return name


def live(t: Timeline, name: str) -> dict[str, Any]:
    incident = t.engine.incident(name)
    assert incident is not None
    return live_document(t.fold, incident)


def lines(t: Timeline, what: str) -> list[tuple[str, str]]:
    return [
        (row["actor"], row["reason"])
        for one in t.incidents()
        for row in one["history"]
        if row["what"] == what
    ]


def prometheus(at: float, until: float, service: str = "payments") -> dict[str, Any]:
    one = alert(service)
    return {**one, "startsAt": time(0), "endsAt": time(until)}


def test_it_comes_back_once_when_the_window_is_over_and_pages_once() -> None:
    t = Timeline(SHOP)
    name = resolved(t)
    for minute in range(2, 60):
        t.push(minute * MIN, alert("payments"))
    [one] = t.incidents()
    assert (one["id"], one["status"]) == (name, "triggered")
    assert t.pages() == [
        (0, "opened"), (60, "resolved"), (31 * MIN, "reopened"), (46 * MIN, "response_overdue"),
    ]  # fmt: skip
    assert t.decisions("notify")[2]["reason"] == "reopened:still_firing"
    assert lines(t, "reopened") == [("rule", "still_firing")]


def test_a_second_resolution_by_hand_is_asked_the_same_again() -> None:
    t = Timeline(SHOP)
    name = resolved(t)
    t.wait(40 * MIN)
    t.move(40 * MIN, name, "resolved")
    for minute in range(41, 100):
        t.push(minute * MIN, alert("payments"))
    assert [row for row in t.pages() if row[1] == "reopened"] == [
        (31 * MIN, "reopened"),
        (70 * MIN, "reopened"),
    ]
    assert lines(t, "resolved") == [("ana", "person"), ("ana", "person")]


def test_what_ends_in_time_does_not_come_back() -> None:
    t = Timeline(SHOP)
    resolved(t)
    t.push(20 * MIN, alert("payments", ends=19 * MIN))
    t.wait(26 * 60 * MIN)
    assert t.incidents()[0]["status"] == "closed"
    assert [reason for _, reason in t.pages()] == ["opened", "resolved"]


def test_an_alert_that_began_anew_has_ended_before() -> None:
    t = Timeline(SHOP)
    resolved(t)
    t.push(10 * MIN, alert("payments", starts=9 * MIN))
    t.move(11 * MIN, t.incidents()[0]["id"], "resolved")
    t.push(12 * MIN, alert("payments", starts=9 * MIN, ends=12 * MIN))
    t.wait(3 * 60 * MIN)
    assert t.incidents()[0]["status"] == "resolved"


def test_a_lease_that_is_kept_up_counts_and_one_that_ran_out_does_not() -> None:
    t = Timeline(SHOP)
    t.post(0, prometheus(0, 240))
    name = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    for minute in range(1, 32):
        t.post(minute * MIN, prometheus(minute, minute * MIN + 240))
    assert t.incidents()[0]["status"] == "triggered"
    u = Timeline(SHOP)
    u.post(0, prometheus(0, 240))
    u.move(60, name, "resolved")
    u.wait(3 * 60 * MIN)
    assert u.incidents()[0]["alerts"][0]["status"] == "unknown"
    assert u.incidents()[0]["status"] == "resolved"
    u.post(3 * 60 * MIN, prometheus(0, 3 * 60 * MIN + 240))
    assert (u.incidents()[0]["status"], lines(u, "reopened")) == ("triggered", [("rule", "still_firing")])


def test_what_is_left_unknown_is_closed_after_a_day_and_the_history_says_why() -> None:
    t = Timeline(SHOP)
    t.post(0, prometheus(0, 240))
    t.post(1, prometheus(0, 240, "checkout"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    t.wait(20 * MIN)
    said = (
        "Nobody knows whether 2 alerts still fire, their source is silent: it comes back when they are told"
        " again after 08:31 UTC on 2026-03-02; until then it stays resolved, and closes at 08:01 UTC on"
        " 2026-03-03"
    )
    assert live(t, name)["comes_back"] == {"alerts": 2, "at": None, "text": said}
    t.wait(25 * 60 * MIN)
    one = next(one for one in t.incidents() if one["id"] == name)
    assert (one["status"], lines(t, "closed")) == ("closed", [("rule", "resolved_untold:2")])
    assert [row["status"] for row in one["alerts"]] == ["unknown", "unknown"]
    closed = live(t, name)
    assert closed["comes_back"]["text"] == (
        "Nobody knows whether 2 alerts still fire, their source is silent: a new incident opens when they"
        " are told again"
    )
    assert moment(closed["history"][-1], 0).how == "resolved for long enough; alerts whose end nobody told: 2"
    watch = FakeWatch(t, lambda document: closed)
    html = Browser(watch).get(path_of(watch)).text
    check_page(html)
    assert closed["comes_back"]["text"] in html
    assert "resolved for long enough; alerts whose end nobody told: 2" in html
    t.post(25 * 60 * MIN, prometheus(25 * 60 * MIN, 25 * 60 * MIN + 240))
    assert ("triggered", name) in [(one["status"], one["recurrence_of"]) for one in t.incidents()]


def test_of_a_source_that_tells_a_thing_once_it_takes_another_telling() -> None:
    t = Timeline(SHOP, rules=OLD)
    name = resolved(t)
    t.wait(5 * 60 * MIN)
    assert t.incidents()[0]["status"] == "resolved"
    assert live(t, name)["comes_back"] == {
        "alerts": 1,
        "at": None,
        "text": "1 alert still fires: it comes back when it is told again after 08:31 UTC on 2026-03-02",
    }
    t.push(5 * 60 * MIN, alert("payments"))
    assert t.incidents()[0]["status"] == "triggered"


def test_its_page_is_held_back_by_a_silence_and_comes_after_it() -> None:
    t = Timeline(SHOP)
    resolved(t)
    put(t, 10 * MIN, silence('service="payments"', 10 * MIN, 60 * MIN))
    t.wait(59 * MIN)
    assert t.incidents()[0]["status"] == "triggered"
    assert [reason for _, reason in t.pages()] == ["opened", "resolved"]
    t.wait(70 * MIN)
    assert t.pages()[-1] == (60 * MIN, "reopened")
    assert t.decisions("notify")[-1]["reason"] == "reopened:still_firing after SIL-A"


def test_without_a_reopen_window_it_stays_over() -> None:
    files = rules_content(None)["files"]
    text = files["060-lifecycle.yaml"].replace("reopen_window: 30m", "reopen_window: 0s")
    t = Timeline(SHOP, rules={"060-lifecycle.yaml": text})
    name = resolved(t)
    t.push(5 * MIN, alert("payments"))
    t.wait(60 * MIN)
    assert (t.incidents()[0]["status"], live(t, name)["comes_back"]) == ("resolved", None)


def closed(t: Timeline) -> str:
    t.push(0, alert("payments"), alert("payments", "Slow"), alert("payments", "Gone"))
    t.push(30, alert("payments", "Gone", ends=20))
    name: str = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    t.move(120, name, "closed")
    return name


def test_of_a_closed_one_a_telling_after_the_window_opens_another_that_recalls_it() -> None:
    t = Timeline(SHOP)
    name = closed(t)
    for minute in range(3, 90, 5):
        t.push(minute * MIN, alert("payments"), alert("payments", "Slow"))
    old, new = t.incidents()
    assert (old["id"], old["status"], new["status"]) == (name, "closed", "triggered")
    assert (new["recurrence_of"], new["opened_at"]) == (name, time(32 * MIN))
    assert sorted(row["name"] for row in new["alerts"]) == ["HighErrorRatio", "Slow"]
    assert [page for page in t.pages() if page[1] in ("opened", "reopened")] == [
        (0, "opened"),
        (32 * MIN, "opened"),
    ]
    t.push(91 * MIN, alert("payments", ends=91 * MIN), alert("payments", "Slow", ends=91 * MIN))
    t.wait(100 * MIN)
    assert [one["status"] for one in t.incidents()] == ["closed", "resolved"]


def test_a_closed_one_of_which_nothing_is_told_stays_closed_and_its_end_opens_nothing() -> None:
    t = Timeline(SHOP)
    closed(t)
    t.wait(5 * 60 * MIN)
    t.push(5 * 60 * MIN, alert("payments", ends=299 * MIN), alert("payments", "Slow", ends=299 * MIN))
    t.wait(8 * 60 * MIN)
    assert [one["status"] for one in t.incidents()] == ["closed"]
    assert not t.engine.state.incidents


def test_what_joins_the_one_that_opened_anew_joins_it_after_a_restart_too() -> None:
    seen = []
    for restart in (False, True):
        t = Timeline(SHOP)
        closed(t)
        t.push(33 * MIN, alert("payments"))
        if restart:
            state = msgspec.json.decode(msgspec.json.encode(t.engine.state), type=State)
            t.fold.engine = Engine(t.engine.parse, state, on_forgotten=t.fold.forgotten.append)
        t.push(34 * MIN, alert("payments", "Late", starts=10))
        t.push(35 * MIN, alert("payments", starts=34.5 * MIN))
        t.wait(60 * MIN)
        assert len(t.incidents()) == 2
        assert len(t.incidents()[1]["alerts"]) == 4
        seen.append((t.digest(), t.fold.decisions))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("to", ["resolved", "closed"])
def test_what_is_said_of_it(to: str, capsys: pytest.CaptureFixture[str]) -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("payments", "Slow"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    if to == "closed":
        t.move(60, name, "closed")
    said = {
        "resolved": "2 alerts still fire: it comes back at 08:31 UTC on 2026-03-02 if they still do",
        "closed": (
            "2 alerts still fire: a new incident opens when they are told again after 08:31 UTC on 2026-03-02"
        ),
    }[to]
    document = live(t, name)
    assert document["comes_back"]["text"] == said
    moving._say(document)
    assert said in capsys.readouterr().out
    assert said in "\n".join(incident_lines(shown(document)))
    assert _standing(document, 0)["comes_back"] == said


def test_what_is_open_or_quiet_says_nothing_of_it() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    assert live(t, name)["comes_back"] is None
    t.push(10, alert("payments", ends=5))
    t.move(20, name, "resolved")
    assert live(t, name)["comes_back"] is None
    assert "still" in timer_acts(t.engine._identify, {})


def test_two_that_were_resolved_and_merged_come_back_as_one() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(100, alert("mailer", starts=100))
    first, second = (one["id"] for one in t.incidents())
    t.move(200, first, "resolved")
    t.move(500, second, "resolved")
    t.move(510, second, "merged", into=first)
    t.wait(60 * MIN)
    assert [row for row in t.pages() if row[1] == "reopened"] == [(500 + 30 * MIN, "reopened")]
