"""What merging, clocks and mitigation must not lose: pages, updates that are due, where alerts came from."""

from __future__ import annotations

from core.merging import merge
from core.model.incident import Incident
from core.response import rearm
from core.times import SECOND
from core.world import Turn
from tests.timeline import SHOP, START, Timeline, alert, change
from watchkeeper.files import rules_content

MIN = 60


def only(t: Timeline) -> Incident:
    [incident] = t.engine.state.incidents.values()
    return incident


def seconds(at: int | None) -> float | None:
    return None if at is None else (at - START) / SECOND


def test_a_merge_by_a_change_into_a_quiet_incident_loses_no_page() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", severity="warning"))
    t.push(10, alert("payments", severity="warning", ends=5))
    t.push(100, alert("checkout", severity="warning", starts=100))
    assert len(t.incidents()) == 2
    t.changed(110, change("payments", -5))
    assert only(t).firing == 1
    t.wait(20 * MIN)
    assert t.pages()[0] == (130.0, "opened")


def test_a_merge_into_a_quiet_incident_stops_its_clear_timer() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", severity="warning"))
    t.push(10, alert("payments", severity="warning", ends=5))
    t.push(100, alert("checkout", severity="warning", starts=100))
    t.changed(110, change("payments", -5))
    assert f"resolve:{only(t).id}" not in t.engine.world.timers.armed


def test_a_first_page_that_an_acknowledgement_forestalled_comes_when_it_gets_worse() -> None:
    for acknowledged in (5, 40):
        t = Timeline(SHOP)
        t.push(0, alert("ledger", severity="warning"))
        t.move(acknowledged, only(t).id, "acknowledged")
        t.push(60, *(alert(name, starts=60) for name in ("payments", "checkout", "frontend")))
        t.wait(10 * MIN)
        assert only(t).severity == "P0"
        assert (60.0, "severity_raised") in t.pages()


def test_at_work_on_one_that_rises_the_waiting_page_is_spent() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("ledger", severity="warning"))
    t.move(5, only(t).id, "acknowledged")
    t.push(10, *(alert(name, starts=10) for name in ("payments", "checkout", "frontend")))
    t.wait(10 * MIN)
    assert [page for page in t.pages() if page[0] == 10.0]
    assert not any(moment.what == "not_paged" for moment in only(t).history)


def mitigated() -> Timeline:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(60, only(t).id, "mitigated")
    return t


def test_a_group_resend_with_an_alert_heard_late_ends_no_mitigation() -> None:
    resend, late = alert("payments"), alert("payments", "Slow", starts=30)
    for body in ((resend, late), (late, resend)):
        t = mitigated()
        t.push(70, *body)
        assert only(t).status == "mitigated"


def test_a_new_alert_in_a_group_resend_ends_a_mitigation_in_any_order() -> None:
    resend, late = alert("payments"), alert("payments", "Slow", starts=30)
    new = alert("payments", "Down", starts=65)
    for body in ((resend, late, new), (new, late, resend), (late, new, resend)):
        t = mitigated()
        t.push(70, *body)
        assert only(t).status == "acknowledged"
        assert [m.reason for m in only(t).history if m.what == "effect_back"] == ["new_alert"]


def test_an_alert_that_fires_again_ends_a_mitigation() -> None:
    t = mitigated()
    t.push(70, alert("payments", ends=65))
    t.push(90, alert("payments", starts=85))
    assert only(t).status == "acknowledged"


def test_a_merge_by_rule_is_no_update() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(100, alert("mailer", starts=100))
    t.wait(200)
    older, newer = sorted(t.engine.state.incidents.values(), key=lambda one: one.opened_at)
    t.move(210, newer.id, "acknowledged")
    due, said = newer.clocks.update_by, newer.clocks.updated_at
    assert due is not None
    merge(Turn(t.engine.world, START + 900 * SECOND, t.seq, []), older, newer, "linked")
    assert older.status == "acknowledged"
    assert (older.clocks.update_by, older.clocks.updated_at) == (due, said)
    assert t.engine.world.timers.armed[f"remind:{older.id}"][0] == due


def test_an_effect_that_is_back_is_no_update() -> None:
    t = mitigated()
    due, said = only(t).clocks.update_by, only(t).clocks.updated_at
    t.push(400, alert("payments", "Down", starts=390))
    assert only(t).status == "acknowledged"
    assert (only(t).clocks.update_by, only(t).clocks.updated_at) == (due, said)
    t.wait(62 * MIN)
    assert (60.0 + 60 * MIN, "update_due") in t.pages()


def two(t: Timeline) -> tuple[Incident, Incident]:
    t.push(0, alert("payments"))
    t.push(100, alert("mailer", starts=100))
    older, newer = sorted(t.engine.state.incidents.values(), key=lambda one: one.opened_at)
    return older, newer


def join(t: Timeline, at: float, kept: Incident, absorbed: Incident) -> None:
    merge(Turn(t.engine.world, START + int(at * SECOND), t.seq, []), kept, absorbed, "linked")


def test_of_two_updates_that_are_due_the_earlier_one_holds() -> None:
    t = Timeline(SHOP)
    older, newer = two(t)
    t.move(200, newer.id, "acknowledged")
    t.move(300, older.id, "acknowledged")
    join(t, 400, older, newer)
    assert seconds(older.clocks.update_by) == 200 + 60 * MIN
    assert seconds(older.clocks.updated_at) == 300
    assert f"remind:{newer.id}" not in t.engine.world.timers.armed


def test_an_update_that_was_missed_stays_missed_in_a_merge() -> None:
    t = Timeline(SHOP)
    older, newer = two(t)
    t.move(200, newer.id, "acknowledged")
    t.wait(200 + 61 * MIN)
    missed = newer.clocks.missed
    assert missed == 1
    remind = t.engine.world.timers.armed[f"remind:{newer.id}"]
    join(t, 200 + 62 * MIN, older, newer)
    assert (older.clocks.missed, seconds(older.clocks.updated_at)) == (1, 200)
    assert t.engine.world.timers.armed[f"remind:{older.id}"][0] == remind[0]


def test_a_merge_keeps_where_alerts_were_split_off() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("mailer"))
    t.push(100, alert("payments", starts=100), alert("payments", "Slow", starts=100))
    mailer, payments = sorted(t.engine.state.incidents.values(), key=lambda one: one.opened_at)
    t.move(200, payments.id, "split", alerts=(payments.members[1],))
    new = t.engine.state.incidents[payments.split_into[0]]
    join(t, 300, mailer, payments)
    assert mailer.split_into == (new.id,)
    join(t, 400, mailer, new)
    assert mailer.split_from == payments.id
    assert t.engine.world.resolve_id(mailer.split_from) == mailer.id


def test_what_was_split_off_and_comes_back_was_not_split_from_itself() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("payments", "Slow"))
    old = only(t)
    t.move(200, old.id, "split", alerts=(old.members[1],))
    new = t.engine.state.incidents[old.split_into[0]]
    join(t, 300, old, new)
    assert old.split_from == ""


def test_a_quiet_mitigated_incident_that_a_person_reopens_stays_open() -> None:
    t = mitigated()
    t.push(100, alert("payments", ends=90))
    t.move(120, only(t).id, "triggered")
    t.wait(30 * MIN)
    assert only(t).status == "triggered"


NO_CLOCKS = {
    "075-response.yaml": "rule: response\nsummary: x\nrespond: {}\nupdate: {}\n",
    "076-escalation.yaml": "rule: escalation\nsummary: x\nsteps: {}\n",
}
ROUTES = "routes: [{match: {team: [nobody]}, receiver: oncall}, {receiver: everyone}]"


def reload(t: Timeline, at: float) -> None:
    """Rules that have clocks come into force."""
    t.configure(at, "rules", rules_content(None))
    rearm(Turn(t.engine.world, START + int(at * SECOND), t.seq, []))


def test_rules_that_are_added_arm_the_clocks_of_what_is_open() -> None:
    t = Timeline(SHOP, rules=NO_CLOCKS, routes=ROUTES)
    older, newer = two(t)
    t.move(200, newer.id, "acknowledged")
    t.wait(100 * MIN)
    assert (older.clocks.respond_by, newer.clocks.update_by) == (None, None)
    reload(t, 100 * MIN)
    assert seconds(older.clocks.respond_by) == 115 * MIN
    assert seconds(newer.clocks.update_by) == 160 * MIN
    t.wait(120 * MIN)
    late = [page for page in t.pages() if page[0] >= 100 * MIN]
    assert sorted(late) == [(115.0 * MIN, "escalated"), (115.0 * MIN, "response_overdue")]


def test_rules_that_are_loaded_again_move_no_clock() -> None:
    t = Timeline(SHOP, routes=ROUTES)
    older, newer = two(t)
    t.move(200, newer.id, "acknowledged")
    before = dict(t.engine.world.timers.armed)
    reload(t, 300)
    for name in (f"respond:{older.id}", f"escalate:{older.id}", f"remind:{newer.id}"):
        assert t.engine.world.timers.armed[name] == before[name]
