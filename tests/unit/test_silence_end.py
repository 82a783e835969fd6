"""Alerts that end by silence: resolved only while their source is alive, unknown otherwise."""

from __future__ import annotations

from typing import Any

from core.model.events import AlertEvent
from tests.timeline import SHOP, Timeline, alert, time
from tests.told import Told, moment


def leased(service: str, until: float, name: str = "Down", starts: float = 0) -> dict[str, Any]:
    return {**alert(service, name, starts=starts), "endsAt": time(until)}


def status(t: Timeline, service: str) -> str:
    rows = [row for one in t.incidents() for row in one["alerts"] if row["service"] == service]
    return str(rows[0]["status"])


def test_resent_alerts_go_on() -> None:
    t = Timeline(SHOP)
    for at in range(0, 1200, 60):
        t.post(at, leased("payments", at + 240))
    assert status(t, "payments") == "firing"


def test_silence_about_one_while_its_source_speaks_of_others_is_an_end() -> None:
    t = Timeline(SHOP)
    t.post(0, leased("payments", 240), leased("mailer", 240))
    for at in range(60, 360, 60):
        t.post(at, leased("mailer", at + 240))
    assert status(t, "payments") == "resolved"
    assert status(t, "mailer") == "firing"


def test_a_silent_source_leaves_its_alerts_unknown() -> None:
    t = Timeline(SHOP)
    t.post(0, leased("payments", 240))
    t.wait(3600)
    assert status(t, "payments") == "unknown"
    incident, silent = t.incidents()
    assert incident["status"] == "triggered"
    assert incident["alerts"][0]["unknown_since"] == time(240)
    assert [row["name"] for row in silent["alerts"]] == ["SourceSilent"]


def test_a_source_that_returns_is_asked_again_before_anything_is_resolved() -> None:
    t = Timeline(SHOP)
    t.post(0, leased("payments", 240), leased("mailer", 240))
    t.wait(3600)
    for at in range(3600, 3960, 60):
        t.post(at, leased("mailer", at + 240))
        expected = "unknown" if at < 3840 else status(t, "payments")
        assert status(t, "payments") == expected
    t.wait(3960)
    assert status(t, "payments") == "resolved"


def test_an_unknown_alert_that_is_sent_again_fires() -> None:
    t = Timeline(SHOP)
    t.post(0, leased("payments", 240))
    t.wait(3600)
    t.post(3601, leased("payments", 3841))
    assert status(t, "payments") == "firing"


def test_after_a_silent_end_the_same_episode_may_fire_again() -> None:
    t = Timeline(SHOP)
    t.post(0, leased("payments", 240), leased("mailer", 240))
    for at in range(60, 360, 60):
        t.post(at, leased("mailer", at + 240))
    t.post(361, leased("payments", 601))
    assert status(t, "payments") == "firing"


def test_a_past_end_is_a_resolve() -> None:
    t = Timeline(SHOP)
    t.post(0, leased("payments", 240))
    t.post(60, leased("payments", 59))
    assert status(t, "payments") == "resolved"


def test_without_a_start_the_open_episode_goes_on() -> None:
    t = Timeline(SHOP)
    for at in (0, 60, 120):
        body = leased("payments", at + 240)
        del body["startsAt"]
        t.post(at, body)
    [incident] = t.incidents()
    assert len(incident["alerts"]) == 1
    assert incident["alerts"][0]["flags"] == ["start_missing"]


def test_impossible_starts_are_clamped_flagged_and_kept() -> None:
    t = Timeline(SHOP)
    t.push(0, {**alert("payments"), "startsAt": "1970-01-01T00:00:00Z"})
    t.push(60, {**alert("payments"), "startsAt": "2099-01-01T00:00:00Z"})
    [incident] = t.incidents()
    [row] = incident["alerts"]
    assert (row["starts_at"], row["flags"]) == (time(0), ["start_clamped"])


def test_a_silent_end_that_was_none_reopens_what_was_resolved_by_it() -> None:
    t = Timeline(SHOP)
    t.post(0, leased("payments", 240), leased("mailer", 240))
    for at in range(60, 900, 60):
        t.post(at, leased("mailer", at + 240))
    payments = t.incidents()[[one["alerts"][0]["service"] for one in t.incidents()].index("payments")]["id"]
    assert t.engine.state.incidents[payments].status == "resolved"
    t.post(901, leased("payments", 1141))
    assert t.engine.state.incidents[payments].status == "triggered"
    assert t.decisions("reopen")[0]["reason"] == "alert_fires_again"


def test_a_firm_lease_ends_an_alert_whoever_is_silent() -> None:
    told = Told(SHOP)
    labels = {"alertname": "BackOff", "service": "payments"}
    told.tell(0, AlertEvent(labels, "firing", starts_at=moment(0), lease_until=moment(600), firm_lease=True))
    told.tell(
        300, AlertEvent(labels, "firing", starts_at=moment(0), lease_until=moment(900), firm_lease=True)
    )
    told.wait(899)
    assert told.incidents()[0]["alerts"][0]["status"] == "firing"
    told.wait(901)
    assert told.incidents()[0]["alerts"][0]["ends_at"] == time(900)
