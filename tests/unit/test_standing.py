"""When the clocks stand: while nobody was told, or where a person decided it; and never without a word."""

from __future__ import annotations

import random
from typing import Any

import pytest

from core.standing import TIMERS
from core.suppression.silencing import dismiss_draft, return_draft
from core.times import SECOND, parse_rfc3339
from tests.timeline import SHOP, START, Timeline, alert
from tests.unit.test_clocks import MIN, ON_CALL, at, clocks, moments, p1, told
from tests.unit.test_review_holding import NERVOUS, PAIR
from tests.unit.test_suppression import expire, put, silence
from tests.unit.test_suppression_story import RULES, restarted, story
from watchkeeper.cli.show import incident_lines
from watchkeeper.console.due import due
from watchkeeper.console.moments import moment

NERVOUS_RULES = {"085-flapping.yaml": NERVOUS.replace("steady_after: 5m", "steady_after: 50m")}


def clock_lines(t: Timeline) -> list[tuple[str, str, str]]:
    return [row for row in moments(t) if row[0].startswith("clocks")]


def flapping() -> Timeline:
    """A P1 of which people were told, and that flaps from its second minute on, without an end."""
    t = Timeline(SHOP, routes=ON_CALL, rules=NERVOUS_RULES)
    t.push(0, alert("payments"))
    for n in range(1, 5):
        t.push(n * 30, alert("payments", starts=(n - 1) * 30, ends=n * 30 - 10))
        t.push(n * 30 + 1, alert("payments", starts=n * 30))
    assert t.incidents()[0]["suppressed_total"]
    return t


def test_what_flaps_after_people_were_told_goes_on_and_escalates() -> None:
    t = flapping()
    assert (clocks(t)["respond_by"], clocks(t)["escalates_at"], clocks(t)["stands"]) == (at(15), at(15), None)
    t.wait(59 * MIN)
    assert [row for row in told(t) if row[0] < 31] == [
        (15, "oncall", "escalated:1:oncall"),
        (15, "everyone", "response_overdue:P1"),
        (30, "lead", "escalated:2:lead"),
    ]
    assert clock_lines(t) == []
    assert clocks(t)["respond_by"] == at(15)


def test_the_first_page_that_waits_for_more_alerts_makes_them_stand_and_its_going_out_go_on() -> None:
    t = Timeline(SHOP, routes=ON_CALL, rules={"086-threshold.yaml": PAIR})
    t.push(0, alert("payments"))
    assert clocks(t)["stands"] == {"since": at(0), "why": "too_few:pair"}
    assert (clocks(t)["respond_by"], clocks(t)["escalates_at"], clocks(t)["met"]) == (None, None, None)
    t.wait(40 * MIN)
    assert clocks(t)["stands"] == {"since": at(0), "why": "too_few:pair"}
    t.push(40 * MIN, alert("checkout", starts=60))
    assert (clocks(t)["respond_by"], clocks(t)["stands"]) == (at(55), None)
    assert clock_lines(t) == [
        ("clocks_stand", "too_few:pair", ""),
        ("clocks_go_on", "no_longer_held", f"response by {at(55)[:19].replace('T', ' ')} UTC"),
    ]


@pytest.mark.parametrize("how", ["silence", "dismissal"])
def test_a_person_who_wants_quiet_stops_them_and_what_was_left_is_left(how: str) -> None:
    t, name = p1()
    if how == "silence":
        put(t, 5 * MIN, silence('service="payments"', 5 * MIN, 60 * MIN))
    else:
        until = START + 60 * MIN * SECOND
        t._append(5 * MIN, dismiss_draft(name, until, "ana", "known", "api"))
    why = {"silence": "silenced:S1", "dismissal": f"dismissed:{name}"}[how]
    assert clocks(t)["stands"] == {"since": at(5), "why": clocks(t)["stands"]["why"]}
    assert clocks(t)["stands"]["why"].split(":")[0] == why.split(":", maxsplit=1)[0]
    t.wait(59 * MIN)
    assert told(t) == []
    t.wait(61 * MIN)
    assert (clocks(t)["stands"], clocks(t)["respond_by"], clocks(t)["escalates_at"]) == (None, at(70), at(70))
    t.wait(71 * MIN)
    assert [row for row in told(t) if row[0] == 70] == [
        (70, "oncall", "escalated:1:oncall"),
        (70, "everyone", "response_overdue:P1"),
    ]


def test_a_silence_that_does_not_cover_all_that_fires_stops_nothing() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    t.push(0, alert("payments"), alert("payments", "Slow"))
    put(t, 60, silence('alertname="Slow"', 60, 9000))
    assert clocks(t)["stands"] is None
    t.wait(16 * MIN)
    assert (15, "oncall", "escalated:1:oncall") in told(t)


def test_a_silence_beside_a_rule_stops_them_only_where_people_cover_each_alert() -> None:
    t = flapping()
    put(t, 200, silence('alertname="HighErrorRatio"', 200, 60 * MIN))
    assert clocks(t)["stands"]["why"] == "silenced:" + next(iter(t.engine.state.silences))
    t.push(300, alert("payments", "Other", starts=300))
    t.wait(361)
    assert clocks(t)["stands"] is None


def test_a_free_alert_that_joins_what_is_silenced_lets_them_go_on_within_a_minute() -> None:
    t, _ = p1()
    put(t, 5 * MIN, silence('alertname="HighErrorRatio"', 5 * MIN, 600 * MIN))
    t.push(10 * MIN, alert("payments", "Down", starts=8 * MIN))
    t.wait(11 * MIN)
    assert (clocks(t)["stands"], clocks(t)["respond_by"]) == (None, at(21))


def test_what_stands_when_somebody_takes_it_is_met_and_updates_are_due() -> None:
    t = Timeline(SHOP, routes=ON_CALL, rules={"086-threshold.yaml": PAIR})
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(40 * MIN, name, "acknowledged")
    assert (clocks(t)["met"], clocks(t)["respond_by"], clocks(t)["stands"]) == (True, at(55), None)
    assert clocks(t)["next_update_by"] == at(100)
    t.wait(101 * MIN)
    assert (100, "update_due") in [(when / 60, reason) for when, reason in t.pages()]


def test_updates_stand_by_a_silence_and_go_on_after_it() -> None:
    t, name = p1()
    t.move(60, name, "acknowledged")
    put(t, 21 * MIN, silence('service="payments"', 21 * MIN, 121 * MIN))
    assert (clocks(t)["next_update_by"], clocks(t)["stands"]["since"]) == (None, at(21))
    t.wait(122 * MIN)
    assert clocks(t)["next_update_by"] == at(161)
    t.wait(162 * MIN)
    assert told(t) == [(161, "everyone", "update_due")]


def test_a_rise_in_severity_while_they_stand_leaves_less_time_afterwards() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    put(t, 0, silence('service=~".+"', ends=40 * MIN))
    t.push(60, alert("payments", severity="warning", starts=60))
    t.push(10 * MIN, alert("payments", "Down", starts=9 * MIN))
    assert clocks(t)["stands"]["since"] == at(1.5)
    t.wait(41 * MIN)
    assert clocks(t)["respond_by"] == at(55)


def test_a_calendar_is_found_when_the_time_has_come_and_its_end_asks_at_once() -> None:
    quiet = """
rule: quiet-times
summary: test
windows:
  - name: night
    matchers: [service=payments]
    intervals: [{times: [{start_time: "08:10", end_time: "09:00"}]}]
"""
    t = Timeline(SHOP, routes=ON_CALL, rules={"111-quiet-times.yaml": quiet})
    t.push(0, alert("payments"))
    t.wait(16 * MIN)
    assert clocks(t)["stands"] == {"since": at(15), "why": "muted:night"}
    assert told(t) == []
    t.wait(61 * MIN)
    assert told(t) == [(60, "oncall", "escalated:1:oncall"), (60, "everyone", "response_overdue:P1")]


def test_words_say_that_they_stand_and_since_when() -> None:
    t, name = p1()
    t._append(5 * MIN, dismiss_draft(name, START + 60 * MIN * SECOND, "ana", "", "api"))
    document = t.incidents()[0]
    lines = "\n".join(incident_lines(document | {"annotations": []}))
    said = f"clocks stand since {at(5)}: somebody has dismissed the incident for a while"
    assert said in lines
    assert "response by" not in lines
    [shown] = due(document, START)
    assert shown.text == "The clocks stand (somebody has dismissed the incident for a while) since"
    t._append(7 * MIN, return_draft(name, "bo", "api"))
    assert clocks(t)["respond_by"] == at(17)
    [stood, went] = [moment(one, START) for one in t.incidents()[0]["history"] if "clocks" in one["what"]]
    assert (stood.what, went.what) == ("The clocks stand", "The clocks go on")
    assert at(17)[:19].replace("T", " ") in went.how


def test_ending_a_silence_by_hand_lets_them_go_on_at_once() -> None:
    t, _ = p1()
    put(t, 5 * MIN, silence('service="payments"', 5 * MIN, 600 * MIN))
    expire(t, 9 * MIN)
    assert (clocks(t)["stands"], clocks(t)["respond_by"]) == (None, at(19))


def test_very_many_silenced_alerts_are_looked_at_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    t, _ = p1()
    put(t, 5, silence('service="payments"', 5, 600 * MIN))
    asked = 0
    from core.suppression import suppressed

    def counting(*given: Any) -> Any:
        nonlocal asked
        asked += 1
        return suppressed(*given)

    monkeypatch.setattr("core.suppression.holding.suppressed", counting)
    monkeypatch.setattr("core.standing.suppressed", counting)
    for n in range(300):
        t.push(10 + n / 10, alert("payments", starts=10 + n / 10, instance=str(n)))
    assert asked < 900


def sound(t: Timeline) -> None:
    """What stands has no timer, says so in its history, and is held back; what does not has its timers."""
    world = t.engine.world
    for one in world.state.incidents.values():
        armed = {name for name in TIMERS if f"{name}:{one.id}" in world.timers.armed}
        last = [row.what for row in one.history if row.what.startswith("clocks")][-1:]
        if one.clocks.stands is not None:
            assert (armed, last) == (set(), ["clocks_stand"])
            assert one.clocks.stands.due
        elif one.status == "triggered" and one.clocks.respond_by is not None:
            assert "respond" in armed or one.clocks.overdue
        assert one.status in ("triggered", "acknowledged", "mitigated") or one.clocks.stands is None


def shown(t: Timeline) -> dict[str, tuple[Any, int]]:
    """By incident, its times, and how long its history is."""
    keys = ("respond_by", "next_update_by", "stands")
    return {
        one["id"]: ([one["clocks"][key] for key in keys], len(one["history"]))
        for one in t.incidents()
        if one["status"] == "triggered"
    }


@pytest.mark.parametrize("seed", range(20))
def test_no_time_moves_without_a_line_and_a_restart_changes_nothing(seed: int) -> None:
    rules = {**RULES, "086-threshold.yaml": PAIR, "085-flapping.yaml": NERVOUS}
    plain, other = (Timeline(SHOP, rules=rules, routes=ON_CALL) for _ in range(2))
    rng = random.Random(-seed)
    before: dict[str, tuple[Any, int]] = {}
    for _, step in story(random.Random(seed), 80):
        step(plain)
        sound(plain)
        now = shown(plain)
        for name, (times, lines) in now.items():
            if name in before and before[name][1] == lines:
                assert before[name][0][:2] == times[:2]
        before = now
        step(other)
        if rng.random() < 0.3:
            restarted(other)
    for t in (plain, other):
        t.wait(parse_rfc3339(plain.incidents()[0]["opened_at"]) / SECOND - START / SECOND + 60_000)
        sound(t)
    assert plain.fold.decisions == other.fold.decisions
    assert plain.digest() == other.digest()


def test_the_stories_make_clocks_stand_and_go_on() -> None:
    """Else the test above would prove nothing."""
    found: set[str] = set()
    for seed in range(20):
        t = Timeline(SHOP, rules=RULES, routes=ON_CALL)
        for _, step in story(random.Random(seed), 80):
            step(t)
        for one in t.incidents():
            found |= {f"{row['what']} {row['reason'].partition(':')[0]}" for row in one["history"]}
    wanted = {"clocks_go_on no_longer_held", "clocks_stand silenced", "clocks_stand dismissed"}
    assert wanted <= found
