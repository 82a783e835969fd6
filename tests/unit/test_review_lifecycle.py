"""What merging, clocks and mitigation must not lose: pages, updates that are due, where alerts came from."""

from __future__ import annotations

from core.model.incident import Incident
from core.times import SECOND
from tests.timeline import SHOP, START, Timeline, alert, change
from core.times import SECOND

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
    assert t.pages()[0] == (140.0, "opened")


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
    resend, late, new = alert("payments"), alert("payments", "Slow", starts=30), alert("payments", "E", starts=65)
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
    from core.merging import merge
    from core.world import Turn

    merge(Turn(t.engine.world, START + 900 * SECOND, t.seq, []), older, newer, "linked")
    assert older.status == "acknowledged"
    assert (older.clocks.update_by, older.clocks.updated_at) == (due, said)
    assert t.engine.world.timers.armed[f"remind:{older.id}"][0] == due
