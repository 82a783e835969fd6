"""Source pagerduty: one incident is one firing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import pagerduty
from core.errors import BodyError
from core.model.events import AlertEvent
from tests.timeline import START, time
from tests.unit.sender_bodies import pagerduty as message


def parse(kind: str, status: str, at: float = 5, **more: Any) -> Any:
    return pagerduty.parse({}, message(kind, status, at, **more).payload, START)


def only(kind: str, status: str, at: float = 5, **more: Any) -> AlertEvent:
    [event] = parse(kind, status, at, **more).events
    assert isinstance(event, AlertEvent)
    return event


def test_an_incident_that_was_triggered_fires() -> None:
    assert only("triggered", "triggered") == AlertEvent(
        {"alertname": "PagerDuty incident", "service": "checkout", "severity": "high"}, "firing", 0, START,
        annotations={"summary": "A little bump in the road"}, occurrence="PGR0VU2",
        generator_url="https://acme.pagerduty.com/incidents/PGR0VU2", identity=("alertname", "service"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["acknowledged", "unacknowledged", "escalated", "priority_updated", "delegated"]
)
def test_other_news_say_that_it_still_fires(kind: str) -> None:
    assert only(kind, "acknowledged").status == "firing"


def test_resolved_is_over_and_later_news_say_nothing() -> None:
    over = only("resolved", "resolved", 60)
    assert (over.status, over.ends_at, over.occurrence) == ("resolved", START + 60_000, "PGR0VU2")
    assert "told before" in parse("priority_updated", "resolved").ignored


def test_an_incident_that_was_reopened_is_another_firing() -> None:
    again, over = (
        only("reopened", "triggered", reopened_at=time(90)),
        only("resolved", "resolved", reopened_at=time(90)),
    )
    assert again.starts_at == START + 90_000
    assert again.occurrence == over.occurrence != "PGR0VU2"


@pytest.mark.parametrize(
    ("priority", "urgency", "level"),
    [({"summary": "P1"}, "high", "critical"), ({"summary": "P3"}, "high", "warning"), (None, "high", "high"),
     (None, "low", "low"), ({"summary": "SEV-2"}, "low", "high"), ({"summary": "?"}, "low", "low")],
)  # fmt: skip
def test_severity_is_priority_else_urgency(priority: Any, urgency: str, level: str) -> None:
    assert only("triggered", "triggered", priority=priority, urgency=urgency).labels["severity"] == level


@pytest.mark.parametrize("kind", ["annotated", "status_update_published", "responder.added"])
def test_news_about_something_else_are_ignored(kind: str) -> None:
    assert kind in parse(kind, "triggered", type="incident_note").ignored
    ping = {"event": {"id": "1", "event_type": "pagey.ping", "data": {"type": "ping"}}}
    assert "pagey.ping" in pagerduty.parse({}, orjson.dumps(ping), START).ignored


def test_a_delivery_has_an_id() -> None:
    assert parse("triggered", "triggered", 5).delivery == "triggered-5"


def test_messages_of_the_old_version_are_read() -> None:
    incident = {"id": "PIJ90N7", "created_on": time(0), "service": {"name": "checkout"}}
    told = [
        {"type": f"incident.{kind}", "created_on": time(at), "data": {"incident": incident}}
        for kind, at in (("trigger", 0), ("escalate", 5), ("resolve", 60))
    ]
    first, last = pagerduty.parse({}, orjson.dumps({"messages": told}), START).events
    assert isinstance(first, AlertEvent)
    assert isinstance(last, AlertEvent)
    assert (first.status, first.index, last.status, last.index) == ("firing", 0, "resolved", 2)
    assert first.occurrence == last.occurrence == "PIJ90N7"
    assert last.ends_at == START + 60_000


@pytest.mark.parametrize("body", [{}, {"event": 7}, {"event": {"event_type": "incident.triggered"}}])
def test_what_is_no_event_is_refused(body: Any) -> None:
    with pytest.raises(BodyError):
        pagerduty.parse({}, orjson.dumps(body), START)


def test_an_incident_without_an_id_is_refused() -> None:
    with pytest.raises(BodyError, match="missing"):
        parse("triggered", "triggered", id="")
