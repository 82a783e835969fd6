"""Source sentry: issues, issue alerts, metric alerts and the old plugin."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import sentry
from core.errors import BodyError
from core.journal import Draft
from core.model.events import AlertEvent
from tests.timeline import START, Timeline
from tests.unit import sender_bodies as bodies


def parse(message: bodies.Message) -> Any:
    return sentry.parse(message.headers, message.payload, START)


def first(message: bodies.Message) -> AlertEvent:
    event = parse(message).events[0]
    assert isinstance(event, AlertEvent)
    return event


def test_a_new_issue_fires_since_it_was_first_seen() -> None:
    event = first(bodies.sentry_issue("created", 5))
    assert event.labels == {
        "alertname": "Sentry issue", "service": "checkout", "issue": "1170820242", "severity": "high",
    }  # fmt: skip
    assert (event.status, event.starts_at, event.occurrence) == ("firing", START, "1170820242")
    assert event.annotations["summary"] == "ReferenceError: heck is not defined"
    assert event.generator_url == "https://acme.sentry.io/issues/1170820242/"


def test_an_issue_alert_tells_of_the_same_issue() -> None:
    issue, alert = first(bodies.sentry_issue("created", 5)), first(bodies.sentry_event(6))
    assert (alert.labels, alert.occurrence) == (issue.labels, issue.occurrence)
    assert alert.annotations["rule"] == "Very important rule!"
    assert alert.annotations["environment"] == "production"


@pytest.mark.parametrize("action", ["resolved", "archived", "ignored"])
def test_an_issue_that_people_are_done_with_is_over(action: str) -> None:
    events = parse(bodies.sentry_issue(action, 60)).events
    assert [(event.status, event.ends_at) for event in events] == [("resolved", START + 60_000)] * 2
    assert [event.occurrence for event in events] == ["1170820242", ""]


def test_an_issue_that_comes_back_fires_again_and_can_be_resolved_again() -> None:
    t = Timeline()

    def send(message: bodies.Message, at: float) -> list[str]:
        t._append(at, Draft("ingest", "sentry", message.payload, headers=dict(message.headers)))
        return sorted(row["status"] for one in t.incidents() for row in one["alerts"])

    assert send(bodies.sentry_issue("created", 0), 0) == ["firing"]
    assert send(bodies.sentry_issue("resolved", 60), 60) == ["resolved"]
    assert send(bodies.sentry_issue("unresolved", 300, substatus="regressed"), 300) == ["firing", "resolved"]
    assert send(bodies.sentry_issue("resolved", 400), 400) == ["resolved", "resolved"]


def test_a_metric_alert_is_one_firing_by_its_id() -> None:
    warning, critical = first(bodies.sentry_metric("warning", 5)), first(bodies.sentry_metric("critical", 9))
    assert warning.labels == {
        "alertname": "Too many errors",
        "service": "checkout",
        "environment": "production",
        "severity": "warning",
    }
    assert critical.labels["severity"] == "critical"
    over = first(bodies.sentry_metric("resolved", 60))
    assert (over.status, over.ends_at, "severity" in over.labels) == ("resolved", START + 60_000, False)
    assert warning.occurrence == critical.occurrence == over.occurrence == "4"


@pytest.mark.parametrize(
    ("level", "ours"), [("fatal", "critical"), ("error", "high"), ("warning", "warning"), ("debug", "info")]
)
def test_levels(level: str, ours: str) -> None:
    assert first(bodies.sentry_issue("created", 1, level=level)).labels["severity"] == ours


@pytest.mark.parametrize("action", ["assigned", "x", ""])
def test_other_actions_are_ignored(action: str) -> None:
    assert "does not say how it stands" in parse(bodies.sentry_issue(action, 1)).ignored


@pytest.mark.parametrize("resource", ["installation", "comment", "error", "seer"])
def test_other_resources_are_ignored(resource: str) -> None:
    parsed = sentry.parse({"sentry-hook-resource": resource, "request-id": "r"}, b"{}", START)
    assert (resource in parsed.ignored, parsed.delivery) == (True, "r")


def test_the_old_plugin_tells_of_an_issue_too() -> None:
    event = {"title": "t", "timestamp": START / 1000}
    body = {"id": "46", "project_slug": "checkout", "level": "error", "culprit": "c", "event": event}
    [told] = sentry.parse({}, orjson.dumps(body), START + 5).events
    assert isinstance(told, AlertEvent)
    assert (told.labels["issue"], told.labels["service"], told.starts_at) == ("46", "checkout", START)


@pytest.mark.parametrize(
    ("resource", "body"),
    [
        ("issue", {"action": "created"}),
        ("metric_alert", {"action": "x"}),
        ("metric_alert", {"action": "critical"}),
        ("event_alert", {"action": "triggered", "data": {"event": {}}}),
    ],
)
def test_news_of_nothing_are_refused(resource: str, body: Any) -> None:
    with pytest.raises(BodyError):
        sentry.parse({"sentry-hook-resource": resource}, orjson.dumps(body), START)
