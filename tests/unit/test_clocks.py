"""The response and update clocks, and the steps that are taken when they run out."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from core.errors import RoutesError, RuleError
from core.narrative.page import page_text
from core.routing import parse_routes
from core.rules.loader import parse_rules
from core.suppression.matchers import parse_matchers
from core.suppression.silences import Silence
from core.suppression.silencing import put_draft
from core.times import format_rfc3339, parse_rfc3339
from tests.timeline import SHOP, START, Timeline, alert
from watchkeeper.cli.show import incident_lines
from watchkeeper.files import rules_content
from watchkeeper.receivers import read_receivers

MIN, HOUR = 60, 3600
ONLY_EVERYONE = "routes: [{receiver: everyone}]"
ON_CALL = """
routes:
  - {match: {team: [nobody]}, receiver: oncall}
  - {match: {team: [nobody]}, receiver: lead}
  - {match: {team: [nobody]}, receiver: manager}
  - {match: {team: [nobody]}, receiver: vp}
  - {receiver: everyone}
"""
OWN_STEPS = """
routes:
  - match: {team: [payments]}
    receiver: payments
    escalation: [{after: 10m, receiver: payments-lead}, {after: 20m, receiver: cto}]
  - {receiver: everyone}
"""


def at(minutes: float) -> str:
    return format_rfc3339(START + int(minutes * 60_000))


def p1(routes: str = ON_CALL) -> tuple[Timeline, str]:
    t = Timeline(SHOP, routes=routes)
    t.push(0, alert("payments"))
    return t, t.incidents()[0]["id"]


def clocks(t: Timeline) -> dict[str, Any]:
    found: dict[str, Any] = t.incidents()[0]["clocks"]
    return found


def told(t: Timeline) -> list[tuple[float, str, str]]:
    """(minutes, receiver, reason) of each page of the first incident after its first."""
    pages = [one for one in t.decisions("notify") if one["subject"] == t.incidents()[0]["id"]]
    return [
        ((parse_rfc3339(one["at"]) - START) / 60_000, one["receiver"], one["reason"]) for one in pages[1:]
    ]


def moments(t: Timeline) -> list[tuple[str, str, str]]:
    rows = [(m["what"], m["reason"], m["detail"]) for m in t.incidents()[0]["history"]]
    return [row for row in rows if row[0] not in ("opened", "paged")]


def test_the_path_of_a_p1_is_taken_step_by_step() -> None:
    t, _ = p1()
    assert clocks(t)["escalates_at"] == at(15)
    assert clocks(t)["escalates_to"] == "oncall"
    t.wait(3 * HOUR)
    assert told(t) == [
        (15, "oncall", "escalated:1:oncall"),
        (15, "everyone", "response_overdue:P1"),
        (30, "lead", "escalated:2:lead"),
        (60, "manager", "escalated:3:manager"),
        (120, "vp", "escalated:4:vp"),
    ]
    assert moments(t) == [("response_overdue", "not_acknowledged_in_time", "P1")]
    assert (clocks(t)["met"], clocks(t)["escalates_at"]) == (False, None)


def test_a_p0_goes_faster() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    t.push(0, alert("payments"), alert("checkout"), alert("frontend"))
    t.wait(2 * HOUR)
    steps = [row for row in told(t) if row[2].startswith("escalated")]
    assert [(when, who) for when, who, _ in steps] == [
        (5, "oncall"), (15, "lead"), (30, "manager"), (60, "vp"),
    ]  # fmt: skip
    assert clocks(t)["respond_by"] == at(5)


def test_acknowledging_stops_the_path_and_meets_the_clock() -> None:
    t, name = p1()
    assert clocks(t) | {"escalates_at": None, "escalates_to": None} == {
        "respond_by": at(15), "responded_at": None, "met": None, "next_update_by": None, "updated_at": None,
        "update_overdue": False, "escalates_at": None, "escalates_to": None, "repeats_at": None,
        "stands": None,
    }  # fmt: skip
    t.move(14 * MIN, name, "acknowledged")
    t.wait(50 * MIN)
    assert told(t) == []
    found = clocks(t)
    assert (found["responded_at"], found["met"], found["next_update_by"]) == (at(14), True, at(74))


@pytest.mark.parametrize("to", ["mitigated", "resolved"])
def test_mitigating_and_resolving_stop_it_too(to: str) -> None:
    t, name = p1()
    t.move(20 * MIN, name, to)
    t.wait(49 * MIN)
    assert [who for _, who, reason in told(t) if reason.startswith("escalated")] == ["oncall"]
    assert (clocks(t)["responded_at"], clocks(t)["met"]) == (at(20), False)


def test_what_resolves_by_itself_stops_it_and_is_neither_met_nor_missed() -> None:
    t, _ = p1()
    t.push(2 * MIN, alert("payments", ends=100))
    t.wait(3 * HOUR)
    assert [reason for _, _, reason in told(t)] == ["resolved"]
    assert (clocks(t)["met"], clocks(t)["responded_at"]) == (None, None)
    assert not [name for name in t.engine.state.timers if name.startswith(("respond", "escalate", "remind"))]


def test_while_nothing_fires_steps_wait() -> None:
    t, _ = p1()
    t.push(12 * MIN, alert("payments", ends=12 * MIN))
    t.push(16 * MIN, alert("payments", "Slow", starts=14 * MIN))
    t.wait(29 * MIN)
    steps = [(when, who) for when, who, reason in told(t) if reason.startswith("escalated")]
    assert steps == [(20, "oncall")]


def test_receivers_that_no_route_knows_are_said_once() -> None:
    t, _ = p1(ONLY_EVERYONE)
    t.wait(3 * HOUR)
    assert told(t) == [(15, "everyone", "response_overdue:P1")]
    assert ("not_escalated", "no_receiver", "oncall, lead, manager, vp") in moments(t)
    assert len(moments(t)) == 2
    assert clocks(t)["escalates_at"] is None


def test_a_known_receiver_keeps_its_time() -> None:
    t, _ = p1("routes: [{match: {team: [x]}, receiver: lead}, {receiver: everyone}]")
    t.wait(3 * HOUR)
    assert [(when, who) for when, who, reason in told(t) if reason.startswith("escalated")] == [(30, "lead")]
    assert [detail for what, _, detail in moments(t) if what == "not_escalated"] == ["oncall", "manager, vp"]


def test_a_route_may_have_steps_of_its_own() -> None:
    t, _ = p1(OWN_STEPS)
    assert (clocks(t)["escalates_at"], clocks(t)["escalates_to"]) == (at(10), "payments-lead")
    t.push(1, alert("mailer", starts=1))
    t.wait(HOUR)
    steps = [(when, who) for when, who, reason in told(t) if reason.startswith("escalated")]
    assert steps == [(10, "payments-lead"), (20, "cto")]


def test_a_rise_in_severity_gives_less_time_and_begins_the_path_anew() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    t.push(0, alert("payments", severity="warning"))
    assert (clocks(t)["respond_by"], clocks(t)["escalates_at"]) == (at(60), None)
    t.push(10 * MIN, alert("payments", "Down", starts=10 * MIN))
    assert (clocks(t)["respond_by"], clocks(t)["escalates_at"]) == (at(25), at(25))
    u = Timeline(SHOP, routes=ON_CALL)
    u.push(0, alert("payments", severity="warning"))
    u.push(59 * MIN, alert("payments", severity="warning"))
    u.push(59 * MIN + 1, alert("payments", "Down", severity="warning", starts=1))
    assert clocks(u)["respond_by"] == at(60)


def test_a_reopening_starts_them_again() -> None:
    t, name = p1()
    t.move(5 * MIN, name, "resolved")
    t.push(10 * MIN, alert("payments", "Slow", starts=10 * MIN))
    assert (clocks(t)["respond_by"], clocks(t)["responded_at"]) == (at(25), None)
    t.wait(26 * MIN)
    assert told(t)[-2:] == [(25, "oncall", "escalated:1:oncall"), (25, "everyone", "response_overdue:P1")]


def test_an_update_that_does_not_come_is_asked_for_and_then_escalates() -> None:
    t, name = p1()
    t.move(0, name, "acknowledged")
    t.wait(59 * MIN)
    assert told(t) == []
    t.wait(7 * HOUR)
    assert told(t) == [
        (60, "everyone", "update_due"),
        (120, "oncall", "escalated:1:oncall"),
        (180, "lead", "escalated:2:lead"),
        (240, "manager", "escalated:3:manager"),
        (300, "vp", "escalated:4:vp"),
    ]
    assert moments(t)[1:] == [("update_overdue", "no_update_in_time", "P1")]
    assert clocks(t)["update_overdue"] is True


@pytest.mark.parametrize("how", ["comment", "update", "transition"])
def test_what_a_person_says_or_does_is_an_update(how: str) -> None:
    t, name = p1()
    t.move(0, name, "acknowledged")
    t.wait(90 * MIN)
    if how == "transition":
        t.move(100 * MIN, name, "mitigated")
    else:
        t.say(100 * MIN, name, "still looking", kind=how)
    assert (clocks(t)["next_update_by"], clocks(t)["update_overdue"]) == (at(160), False)
    t.wait(159 * MIN)
    assert [reason for _, _, reason in told(t)] == ["update_due"]
    t.wait(161 * MIN)
    assert [reason for _, _, reason in told(t)] == ["update_due", "update_due"]


def test_what_agents_say_is_no_update() -> None:
    t, name = p1()
    t.move(0, name, "acknowledged")
    t.say(30 * MIN, name, "a fault", author="agents", kind="fault")
    t.say(31 * MIN, name, "nobody's", author="")
    assert clocks(t)["next_update_by"] == at(60)


def test_a_comment_is_no_response() -> None:
    t, name = p1()
    t.say(60, name, "I see it")
    assert (clocks(t)["responded_at"], clocks(t)["next_update_by"]) == (None, None)
    t.wait(16 * MIN)
    assert clocks(t)["met"] is False


def test_of_two_that_become_one_the_earlier_time_holds() -> None:
    t, first = p1(ONLY_EVERYONE)
    t.push(5 * MIN, alert("mailer", starts=5 * MIN, severity="warning"))
    second = t.incidents()[1]["id"]
    t.move(6 * MIN, first, "merged", into=second)
    assert clocks(t)["respond_by"] == at(15)
    t.wait(70 * MIN)
    assert [m for m in moments(t) if m[0] == "response_overdue"] != []
    assert not [name for name in t.engine.state.timers if name.endswith(second)]


def test_the_one_who_had_one_of_two_has_both() -> None:
    t, first = p1()
    t.push(60, alert("mailer", starts=60))
    second = t.incidents()[1]["id"]
    t.move(120, second, "acknowledged")
    t.move(180, second, "merged", into=first)
    assert (clocks(t)["responded_at"], clocks(t)["met"]) == (at(2), True)
    t.wait(40 * MIN)
    assert not [row for row in told(t) if row[2].startswith(("escalated", "response"))]


def test_what_a_person_splits_off_waits_for_somebody() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    t.push(0, alert("payments"), alert("payments", "Slow"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "acknowledged")
    slow = next(row["episode"] for row in t.incidents()[0]["alerts"] if row["name"] == "Slow")
    t.move(10 * MIN, name, "split", alerts=(slow,))
    old, new = sorted(t.incidents(), key=lambda one: one["id"] != name)
    assert (old["status"], new["status"]) == ("acknowledged", "triggered")
    assert (new["clocks"]["respond_by"], new["clocks"]["escalates_at"]) == (at(25), at(25))


def test_journals_without_these_rules_have_no_clocks() -> None:
    content = rules_content(None)
    files = {name: text for name, text in content["files"].items() if "rule: response" not in text}
    files = {name: text for name, text in files.items() if "rule: escalation" not in text}
    t = Timeline(SHOP, routes=ON_CALL)
    t.configure(0, "rules", {"bundle": content["bundle"], "files": files})
    t.push(0, alert("payments"))
    t.wait(3 * HOUR)
    assert told(t) == []
    assert (clocks(t)["respond_by"], clocks(t)["escalates_at"]) == (None, None)


def test_steps_out_of_order_are_refused_with_their_place() -> None:
    files = dict(rules_content(None)["files"])
    steps = "[{after: 5m, receiver: a}, {after: 5m, receiver: b}]"
    files["own.yaml"] = f"rule: escalation\nsummary: x\nsteps: {{P1: {steps}}}\n"
    files = {name: text for name, text in files.items() if "076" not in name}
    with pytest.raises(RuleError, match="each `after` must be longer than the one before it"):
        parse_rules(files)
    own = "[{after: 20m, receiver: b}, {after: 1m, receiver: c}]"
    with pytest.raises(RoutesError, match="escalation"):
        parse_routes(f"routes: [{{receiver: a, escalation: {own}}}]")


def test_routes_with_steps_come_back_as_they_were_written() -> None:
    routes = parse_routes(OWN_STEPS)
    data = routes.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert parse_routes(yaml.safe_dump(data)) == routes


def test_while_its_pages_are_held_back_the_clocks_stand() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    matchers = parse_matchers('service="payments"')
    t._append(0, put_draft(Silence("SIL-A", matchers, START, START + 40 * 60_000, "ana", "known"), "api"))
    t.push(1, alert("payments", starts=1))
    t.wait(39 * MIN)
    assert (t.decisions("notify"), [m[0] for m in moments(t)]) == ([], ["not_paged", "clocks_stand"])
    t.wait(2 * HOUR)
    late = [m for m in moments(t) if m[0] == "response_overdue"]
    assert len(late) == 1
    steps = [(when, who) for when, who, reason in told(t) if reason.startswith("escalated")]
    assert steps == [(55, "oncall"), (70, "lead"), (100, "manager")]


def test_merging_what_is_held_back_with_what_is_not_pages() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    matchers = parse_matchers('service="mailer"')
    t._append(0, put_draft(Silence("SIL-A", matchers, START, START + 400 * 60_000, "ana", "known"), "api"))
    t.push(1, alert("mailer", starts=1))
    t.push(2, alert("payments", starts=2))
    held, free = (one["id"] for one in t.incidents())
    t.move(60, free, "merged", into=held)
    [one] = t.incidents()
    assert one["id"] == held
    assert [d["subject"] for d in t.decisions("notify")] == [free, held]
    t.wait(HOUR)
    steps = [(round(when, 2), reason) for when, _, reason in told(t)]
    assert steps[:2] == [(15.03, "escalated:1:oncall"), (15.03, "response_overdue:P1")]
    assert not [name for name in t.engine.state.timers if name.endswith(free)]


def test_splitting_off_what_is_silenced_leaves_a_held_page_behind() -> None:
    t = Timeline(SHOP, routes=ON_CALL)
    matchers = parse_matchers('alertname="Slow"')
    t._append(0, put_draft(Silence("SIL-A", matchers, START, START + 400 * 60_000, "ana", "known"), "api"))
    t.push(1, alert("payments"), alert("payments", "Slow"))
    [one] = t.incidents()
    loud = next(row["episode"] for row in one["alerts"] if row["name"] == "HighErrorRatio")
    t.move(60, one["id"], "split", alerts=(loud,))
    t.wait(5 * MIN)
    old, new = sorted(t.incidents(), key=lambda found: found["id"] != one["id"])
    assert [m["what"] for m in old["history"]].count("not_paged") <= 1
    assert [m["reason"] for m in new["history"] if m["what"] == "paged"] == [f"split_from:{old['id']}"]


ROUTING_FILE = """
receivers:
  - {name: payments, webhook: {url: "https://hooks.example/p"}}
  - {name: cto, webhook: {url: "https://hooks.example/c"}}
routes:
  - {receiver: payments, escalation: [{after: 10m, receiver: %s}]}
"""


def test_the_journal_gets_the_steps_and_no_address() -> None:
    read = read_receivers(ROUTING_FILE % "cto", "routes.yaml", {})
    assert "hooks.example" not in read.routes_text
    [route] = parse_routes(read.routes_text).routes
    assert [(step.after, step.receiver) for step in route.escalation] == [(600_000, "cto")]


def test_a_step_to_nobody_is_refused_with_its_place() -> None:
    with pytest.raises(RoutesError, match=r"routes\.1\.escalation\.1\.receiver: no receiver is called 'ceo'"):
        read_receivers(ROUTING_FILE % "ceo", "routes.yaml", {})


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("response_overdue:P1", "nobody has responded in time for P1"),
        ("escalated:2:lead", "escalated, step 2, lead"),
        ("update_due", "an update is due"),
        ("effect_back:new_alert", "mitigated, and the effect is back"),
        ("split_from:INC-1", "split off from INC-1"),
    ],
)
def test_a_page_says_why_in_words(reason: str, said: str) -> None:
    t, _ = p1()
    assert said in page_text(t.incidents()[0], reason, "https://watch.example")


def test_a_terminal_shows_the_clocks() -> None:
    t, name = p1()

    def lines() -> str:
        return "\n".join(incident_lines(t.incidents()[0] | {"annotations": []}))

    assert f"response by {at(15)}: running" in lines()
    assert f"escalates to oncall at {at(15)}" in lines()
    t.wait(20 * MIN)
    assert f"response by {at(15)}: NOT MET" in lines()
    t.move(21 * MIN, name, "acknowledged")
    assert f"next update by {at(81)}" in lines()
    t.wait(90 * MIN)
    assert f"next update by {at(81)}: OVERDUE" in lines()
