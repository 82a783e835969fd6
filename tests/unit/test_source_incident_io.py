"""Source incident_io: incidents by the category of their status."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import incident_io
from core.errors import BodyError
from core.model.events import AlertEvent
from tests.timeline import START, time
from tests.unit.sender_bodies import incident_io as message


def parse(category: str = "triage", at: float = 5, event: str = "incident_updated_v2", **more: Any) -> Any:
    told = message(event, category, at, **more)
    return incident_io.parse(told.headers, told.payload, START)


def only(
    category: str = "triage", at: float = 5, event: str = "incident_updated_v2", **more: Any
) -> AlertEvent:
    [found] = parse(category, at, event, **more).events
    assert isinstance(found, AlertEvent)
    return found


def test_a_new_incident_fires() -> None:
    assert only(event="incident_created_v2") == AlertEvent(
        {"alertname": "Outage", "service": "checkout", "severity": "critical"}, "firing", 0, START,
        annotations={"summary": "Our database is sad", "description": "It is", "reference": "INC-123"},
        generator_url="https://app.incident.io/acme/incidents/123",
        occurrence="01FDAG4SAP5TYPT98WGR2N7W91", identity=("alertname",),
    )  # fmt: skip


def test_the_incident_may_stand_inside_the_news() -> None:
    assert only(event="incident_status_updated_v2") == only(event="incident_created_v2")


@pytest.mark.parametrize("category", ["triage", "live", "active", "paused"])
def test_categories_that_fire(category: str) -> None:
    assert only(category).status == "firing"


@pytest.mark.parametrize(
    "category", ["learning", "post-incident", "closed", "declined", "merged", "canceled"]
)
def test_categories_that_are_over(category: str) -> None:
    assert (only(category, 60).status, only(category, 60).ends_at) == ("resolved", START + 60_000)


def test_its_own_time_of_the_end_counts_before_that_of_the_news() -> None:
    stamps = [{"incident_timestamp": {"name": "Resolved at"}, "value": {"value": time(50)}},
              {"incident_timestamp": {"name": "Accepted at"}, "value": None}]  # fmt: skip
    assert only("closed", 90, incident_timestamp_values=stamps).ends_at == START + 50_000


@pytest.mark.parametrize(
    ("name", "level"),
    [("Critical", "critical"), ("Major", "high"), ("Minor", "warning"), ("SEV1", "critical")],
)
def test_severities(name: str, level: str) -> None:
    assert only(severity={"name": name}).labels["severity"] == level


def test_without_a_severity_or_a_service_there_is_no_label() -> None:
    assert only(severity=None, custom_field_entries=[], incident_type=None).labels == {
        "alertname": "Incident"
    }


@pytest.mark.parametrize(
    "value",
    [
        {"value_catalog_entry": {"name": "pay"}},
        {"value_option": {"value": "pay"}},
        {"value_text": "pay"},
        {"value_literal": "pay"},
    ],
)
def test_the_service_is_a_custom_field(value: Any) -> None:
    entries = [
        {"custom_field": {"name": "Team"}, "values": []},
        {"custom_field": {"name": "Service"}, "values": [value]},
    ]
    assert only(custom_field_entries=entries).labels["service"] == "pay"


def test_of_a_private_incident_only_the_id_is_told() -> None:
    kind = "private_incident.incident_created_v2"
    body = orjson.dumps({"event_type": kind, kind: {"id": "01FDAG4SAP5TYPT98WGR2N7W91"}})
    parsed = incident_io.parse({"webhook-id": "w"}, body, START)
    assert (parsed.events, parsed.delivery) == ((), "w")
    assert "private" in parsed.ignored


@pytest.mark.parametrize("mode", ["test", "tutorial", "retrospective"])
def test_exercises_are_ignored(mode: str) -> None:
    assert mode in parse(mode=mode).ignored


@pytest.mark.parametrize(
    "kind", ["public_incident.follow_up_created_v1", "public_alert.alert_created_v1", ""]
)
def test_other_events_are_ignored(kind: str) -> None:
    assert (kind or "no known type") in incident_io.parse(
        {}, orjson.dumps({"event_type": kind}), START
    ).ignored


def test_an_unknown_category_or_no_incident_is_refused() -> None:
    with pytest.raises(BodyError, match="category"):
        parse("on fire")
    with pytest.raises(BodyError, match="no incident"):
        incident_io.parse({}, b'{"event_type": "public_incident.incident_updated_v2"}', START)
    with pytest.raises(BodyError, match="missing"):
        parse(id="")
