"""The lifecycle: by people, by rule, and back; and when people are told."""

from __future__ import annotations

import pytest

from core.errors import TransitionRefused
from core.lifecycle import check
from tests.timeline import SHOP, Timeline, alert

ROUTES = """
routes:
  - {match: {team: [payments], severity: [P0, P1]}, receiver: payments-oncall}
  - {match: {environment: [staging]}, receiver: nobody-at-night}
  - {receiver: everyone}
"""
MIN = 60


def one(t: Timeline) -> dict[str, object]:
    [incident] = t.incidents()
    return incident


def test_a_person_acknowledges_resolves_and_closes() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(10, name, "acknowledged")
    assert (one(t)["status"], one(t)["acknowledged_by"]) == ("acknowledged", "ana")
    t.move(20, name, "resolved")
    t.move(30, name, "closed")
    assert one(t)["status"] == "closed"
    assert [moment["what"] for moment in t.incidents()[0]["history"]] == [
        "opened", "paged", "acknowledged", "resolved", "paged", "closed",
    ]  # fmt: skip


def test_what_is_not_allowed_is_refused_with_what_is() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    incident = t.engine.incident(t.incidents()[0]["id"])
    assert incident is not None
    with pytest.raises(TransitionRefused, match="from here: acknowledged, mitigated, resolved, merged"):
        check(incident.id, incident.status, len(incident.members), "closed")


def test_the_second_of_two_who_act_at_once_changes_nothing() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(10, name, "acknowledged", actor="ana")
    t.move(10, name, "acknowledged", actor="bo")
    assert one(t)["acknowledged_by"] == "ana"
    assert len(t.decisions("acknowledge")) == 1


def test_quiet_for_five_minutes_resolves() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(60, alert("payments", ends=55))
    t.wait(5 * MIN + 59)
    assert one(t)["status"] == "triggered"
    t.wait(6 * MIN)
    assert one(t)["status"] == "resolved"
    assert t.decisions("resolve")[0]["reason"] == "all_alerts_resolved"


def test_an_alert_that_fires_meanwhile_stops_the_clock() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(60, alert("payments", ends=55))
    t.push(4 * MIN, alert("payments", starts=4 * MIN))
    t.wait(20 * MIN)
    assert one(t)["status"] == "triggered"


def test_inside_the_reopen_window_a_new_alert_reopens() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    t.push(20 * MIN, alert("payments", starts=20 * MIN))
    assert one(t)["status"] == "triggered"
    assert t.decisions("reopen")[0]["reason"] == "new_alert"


def test_beyond_it_a_new_incident_says_what_it_recalls() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    t.push(90, alert("payments", ends=80))
    t.push(32 * MIN, alert("payments", starts=32 * MIN))
    first, second = t.incidents()
    assert (first["status"], second["recurrence_of"]) == ("resolved", name)
    assert name in second["questions"]["already_known"]["answer"]


def test_the_reopen_window_is_in_the_time_of_events() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    t.push(35 * MIN, alert("payments", starts=31 * MIN))
    assert [one["id"] for one in t.incidents()] == [name]
    u = Timeline(SHOP)
    u.push(0, alert("payments"))
    u.move(60, name, "resolved")
    u.push(90, alert("payments", ends=80))
    u.push(31 * MIN + 1, alert("payments", starts=31 * MIN + 1))
    assert len(u.incidents()) == 2


def test_nothing_goes_into_a_resolved_incident_unless_it_reopens() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "resolved")
    for at in (70, 90, 40 * MIN, 55 * MIN):
        before = t.incidents()[0]
        t.push(at, alert("payments", "Slow" if at < 100 else "HighErrorRatio", starts=at))
        after = t.incidents()[0]
        assert len(after["alerts"]) == len(before["alerts"]) or after["status"] == "triggered"
        t.move(at + 1, name, "resolved")
        t.push(at + 2, alert("payments", ends=at + 1), alert("payments", "Slow", starts=70, ends=at + 1))
        t.push(at + 2, alert("payments", "Slow", starts=90, ends=at + 1))
    assert [one["status"] for one in t.incidents()] == ["resolved", "triggered"]


def test_a_closed_incident_leaves_memory_and_stays_in_history() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.push(60, alert("payments", ends=55))
    t.wait(25 * 60 * MIN + 6 * MIN)
    assert not t.engine.state.incidents
    assert not t.engine.state.episodes
    assert [(row["id"], row["status"]) for row in t.incidents()] == [(name, "closed")]


def test_a_late_firing_does_not_undo_a_resolve() -> None:
    t = Timeline(SHOP)
    t.push(60, alert("payments", ends=55))
    t.push(61, alert("payments"))
    assert t.incidents()[0]["alerts"][0]["status"] == "resolved"


def test_severe_pages_go_at_once_and_others_wait_half_a_minute() -> None:
    t = Timeline(SHOP, routes=ROUTES)
    t.push(0, alert("payments"))
    t.push(0, alert("mailer", severity="warning"))
    t.wait(60)
    assert t.pages() == [(0, "opened"), (30, "opened")]
    assert [d["receiver"] for d in t.decisions("notify")] == ["payments-oncall", "everyone"]


def test_a_rise_in_severity_brings_the_page_forward_or_repeats_it() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("mailer", severity="warning"))
    t.push(10, alert("mailer", "Down", starts=10))
    assert t.pages() == [(10, "opened")]
    u = Timeline(SHOP)
    u.push(0, alert("mailer", severity="warning"))
    u.push(40, alert("mailer", "Down", starts=40))
    assert u.pages() == [(30, "opened"), (40, "severity_raised")]


def test_services_that_join_later_are_told_once_together() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("cart"))
    t.push(10, alert("checkout", starts=10, severity="warning"))
    t.wait(10 * MIN)
    assert t.pages() == [(0, "opened"), (130, "more_services")]


def test_nobody_is_paged_for_what_is_over_or_taken() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("mailer", severity="warning", ends=-5, starts=-60))
    t.push(0, alert("cart", severity="warning"))
    t.move(10, t.incidents()[1]["id"], "acknowledged")
    t.wait(2 * MIN)
    assert t.pages() == []
    assert [one["history"][-1]["reason"] for one in t.incidents()] == [
        "nothing_fires_any_more", "already_acknowledged",
    ]  # fmt: skip


def test_those_who_were_paged_hear_of_the_end_and_of_a_merge() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(100, alert("checkout", starts=100))
    t.push(101, alert("payments", "Slow", starts=60))
    t.move(160, t.incidents()[0]["id"], "resolved")
    assert [reason for _, reason in t.pages()] == [
        "opened", "opened", "merged", "resolved",
    ]  # fmt: skip
