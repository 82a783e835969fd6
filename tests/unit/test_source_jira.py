"""Source jira: issues that stand for incidents."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import jira
from core.errors import BodyError
from core.model.events import AlertEvent
from tests.timeline import START
from tests.unit.sender_bodies import jira as message


def parse(event: str = "created", category: str = "new", at: float = 5, **more: Any) -> Any:
    told = message(event, category, at, **more)
    return jira.parse(told.headers, told.payload, START)


def only(event: str = "created", category: str = "new", at: float = 5, **more: Any) -> AlertEvent:
    [found] = parse(event, category, at, **more).events
    assert isinstance(found, AlertEvent)
    return found


def test_an_incident_that_was_created_fires() -> None:
    assert only() == AlertEvent(
        {"alertname": "[System] Incident", "service": "checkout", "severity": "critical"}, "firing", 0, START,
        annotations={"summary": "Checkout is down", "issue": "OPS-2"},
        generator_url="https://acme.atlassian.net/browse/OPS-2", occurrence="10002", identity=("alertname",),
    )  # fmt: skip
    assert parse().delivery == "created5"


def test_done_is_over_and_so_is_deleted() -> None:
    done = only("updated", "done", 60)
    assert (done.status, done.ends_at) == ("resolved", START + 60_000)
    gone = only("deleted", "new", 70)
    assert (gone.status, gone.ends_at) == ("resolved", START + 70_000)
    assert only("updated", "indeterminate").status == "firing"


@pytest.mark.parametrize("kind", ["Incident", "[System] Incident", "Major outage", "Alerts", "P1 incident"])
def test_types_that_are_incidents(kind: str) -> None:
    assert only(issuetype={"name": kind}).labels["alertname"] == kind


@pytest.mark.parametrize("kind", ["Bug", "Task", "Story", "Incidental work", "Problem", "Change", ""])
def test_all_other_types_are_ignored_by_name(kind: str) -> None:
    assert repr(kind) in parse(issuetype={"name": kind}).ignored


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Highest", "critical"),
        ("High", "high"),
        ("Medium", "warning"),
        ("Low", "low"),
        ("Lowest", "low"),
        ("Blocker", "critical"),
    ],
)
def test_priorities(name: str, level: str) -> None:
    assert only(priority={"name": name}).labels["severity"] == level


def test_without_a_component_the_project_is_the_service() -> None:
    assert only(components=[]).labels["service"] == "OPS"
    assert "severity" not in only(priority=None).labels


def test_other_events_are_ignored() -> None:
    body = orjson.dumps({"webhookEvent": "comment_created", "issue": {}})
    assert "comment_created" in jira.parse({}, body, START).ignored


@pytest.mark.parametrize("status", [None, {}, {"statusCategory": {"key": "x"}}])
def test_a_status_without_a_category_is_refused(status: Any) -> None:
    with pytest.raises(BodyError, match="category"):
        parse(status=status)


def test_an_issue_is_needed() -> None:
    with pytest.raises(BodyError, match="no `issue`"):
        jira.parse({}, b'{"webhookEvent": "jira:issue_created"}', START)
