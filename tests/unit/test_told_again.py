"""What is told again: after the last step, and to who has it and does not say how it goes."""

from __future__ import annotations

import pytest

from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_clocks import HOUR, MIN, ON_CALL, ONLY_EVERYONE, OWN_STEPS, at, clocks, p1, told

STEPS = {
    "076-escalation.yaml": "rule: escalation\nsummary: s\nsteps: {P1: [{after: 15m, receiver: oncall}]}\n"
}


def after(t: Timeline, minutes: float) -> list[tuple[float, str, str]]:
    return [row for row in told(t) if row[0] > minutes]


def test_after_the_last_step_people_are_told_every_four_hours() -> None:
    t, _ = p1()
    t.wait(3 * HOUR)
    assert (clocks(t)["escalates_at"], clocks(t)["repeats_at"]) == (None, at(360))
    t.wait(11 * HOUR)
    assert after(t, 120) == [
        (360, "everyone", "unanswered:P1"), (360, "vp", "unanswered:P1"),
        (600, "everyone", "unanswered:P1"), (600, "vp", "unanswered:P1"),
    ]  # fmt: skip
    assert clocks(t)["repeats_at"] == at(840)


def test_without_any_step_it_counts_from_the_opening() -> None:
    t = Timeline(SHOP, routes=ONLY_EVERYONE)
    t.push(0, alert("mailer", severity="warning"))
    assert clocks(t)["repeats_at"] == at(240)
    t.wait(9 * HOUR)
    assert after(t, 60) == [(240, "everyone", "unanswered:P2"), (480, "everyone", "unanswered:P2")]


@pytest.mark.parametrize("routes", [ONLY_EVERYONE, OWN_STEPS])
def test_steps_of_a_route_or_none_that_can_be_taken_end_in_the_same(routes: str) -> None:
    t, _ = p1(routes)
    t.wait(10 * HOUR)
    again = [row for row in told(t) if row[2] == "unanswered:P1"]
    assert len({when for when, _, _ in again}) == 2
    assert {who for _, who, _ in again} == ({"everyone"} if routes is ONLY_EVERYONE else {"payments", "cto"})


def test_the_answer_the_end_and_a_rule_without_it_stop_it() -> None:
    t, name = p1()
    t.move(5 * HOUR, name, "acknowledged")
    assert clocks(t)["repeats_at"] is None
    t.wait(5.9 * HOUR)
    assert after(t, 120) == []
    over, _ = p1()
    over.push(3 * HOUR, alert("payments", ends=3 * HOUR))
    over.wait(12 * HOUR)
    assert [reason for _, _, reason in after(over, 120)] == ["resolved"] * len(after(over, 120))
    never = Timeline(SHOP, routes=ON_CALL, rules=STEPS)
    never.push(0, alert("payments"))
    never.wait(24 * HOUR)
    assert after(never, 15) == []
    assert clocks(never)["repeats_at"] is None


def test_who_has_it_and_says_nothing_is_reminded_again_after_the_path() -> None:
    t, name = p1()
    t.move(5 * MIN, name, "acknowledged")
    t.wait(14 * HOUR)
    assert [(when, reason.partition(":")[0]) for when, _, reason in told(t)] == [
        (65, "update_due"), (125, "escalated"), (185, "escalated"), (245, "escalated"), (305, "escalated"),
        (545, "update_due"), (785, "update_due"),
    ]  # fmt: skip
    assert clocks(t)["repeats_at"] == at(1025)
    t.say(15 * HOUR, name, "still at it")
    assert (clocks(t)["repeats_at"], clocks(t)["next_update_by"]) == (None, at(16 * 60))


def test_a_rise_in_severity_begins_the_path_anew() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    t.push(0, alert("mailer", severity="warning"))
    t.wait(5 * HOUR)
    t.push(5 * HOUR, alert("mailer", starts=0), alert("mailer", "Other", starts=0, severity="critical"))
    assert (t.incidents()[0]["severity"], clocks(t)["repeats_at"]) == ("P1", None)
    t.wait(6 * HOUR)
    assert (315, "oncall", "escalated:1:oncall") in told(t)
