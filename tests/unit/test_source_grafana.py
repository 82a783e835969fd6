"""Source grafana: unified and legacy bodies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import grafana
from core.errors import BodyError
from core.model.events import AlertEvent
from tests.timeline import START
from tests.unit import sender_bodies as bodies


def parse(message: bodies.Message) -> Any:
    return grafana.parse({}, message.payload, START)


def only(message: bodies.Message) -> AlertEvent:
    [event] = parse(message).events
    assert isinstance(event, AlertEvent)
    return event


def test_a_unified_alert_is_alertmanagers_with_words() -> None:
    firing, over = only(bodies.grafana()), only(bodies.grafana("resolved", ends=60))
    assert firing.labels == {"alertname": "HighLatency", "service": "checkout", "severity": "critical"}
    assert (firing.status, firing.starts_at, firing.ends_at) == ("firing", START, None)
    assert firing.annotations == {
        "summary": "slow",
        "values": "[ var='A' labels={} value=2.5 ]",
        "dashboard_url": "https://grafana.example/d/abc",
        "panel_url": "https://grafana.example/d/abc?viewPanel=1",
    }
    assert firing.generator_url == "https://grafana.example/alerting/grafana/abc/view"
    assert (over.status, over.ends_at) == ("resolved", START + 60_000)


def test_a_group_that_fires_may_hold_what_is_over() -> None:
    both = [bodies.grafana().body["alerts"][0], bodies.grafana("resolved").body["alerts"][0]]
    parsed = parse(bodies.Message("grafana", {"status": "firing", "alerts": both}))
    assert [event.status for event in parsed.events] == ["firing", "resolved"]


def test_a_relative_link_of_a_test_alert_is_not_kept() -> None:
    assert only(bodies.grafana(generatorURL="?orgId=1", panelURL="", dashboardURL="/d/x")).generator_url == ""
    assert only(bodies.grafana(generatorURL="?orgId=1")).generator_url.endswith("viewPanel=1")


def test_one_bad_alert_does_not_spoil_its_neighbour() -> None:
    body = bodies.grafana().body
    body["alerts"].append({"status": "on fire", "labels": {"alertname": "x"}})
    parsed = parse(bodies.Message("grafana", body))
    assert len(parsed.events) == 1
    assert parsed.problems[0].where == "alerts[1].status"


@pytest.mark.parametrize(
    ("state", "status"), [("alerting", "firing"), ("no_data", "firing"), ("ok", "resolved")]
)
def test_a_legacy_rule_has_a_state_and_no_time(state: str, status: str) -> None:
    event = only(bodies.grafana_legacy(state))
    assert event.status == status
    assert (event.starts_at, event.ends_at) == (None, None)
    assert event.labels == {
        "alertname": "High latency", "service": "checkout", "severity": "warning", "rule_id": "7",
    }  # fmt: skip
    assert "severity" not in event.identity
    assert event.annotations == {"summary": f"[{state}] High latency", "description": "slow"}
    assert event.generator_url == "https://grafana.example/d/x"


@pytest.mark.parametrize("state", ["paused", "pending"])
def test_a_legacy_rule_that_waits_is_ignored_with_a_reason(state: str) -> None:
    parsed = parse(bodies.grafana_legacy(state))
    assert parsed.events == ()
    assert state in parsed.ignored


@pytest.mark.parametrize(
    "body", [{}, {"state": "on fire"}, {"state": "ok"}, {"alerts": "x"}, {"alerts": [7]}]
)
def test_what_is_no_grafana_body_is_refused(body: Any) -> None:
    with pytest.raises(BodyError):
        grafana.parse({}, orjson.dumps(body), START)


def test_an_empty_group_is_ignored() -> None:
    assert parse(bodies.Message("grafana", {"alerts": []})).ignored == "a group without alerts"
