"""In whatever order, and however often, the messages of one incident or change come: the same comes of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.inbound.registry import parse, source
from core.journal import Draft
from tests.timeline import Timeline, alert
from tests.unit.sender_bodies import STORIES, Message, alarm, flux

# An alert of the service, so that changes have an incident to be seen in.
TROUBLE = alert("checkout", starts=70)
ALERTS = ("grafana", "pagerduty", "sentry issue", "sentry metric", "incident_io", "jira", "flux", "sns alarm")
CHANGES = ("github", "github failed run", "gitlab", "terraform", "launchdarkly", "langfuse", "flux")


def deliver(messages: list[Message]) -> Timeline:
    t = Timeline()
    t.push(71, TROUBLE)
    for second, message in enumerate(messages, 72):
        t._append(second, Draft("ingest", message.source, message.payload, headers=dict(message.headers)))
    t.wait(72 + len(messages) + 600)
    return t


def told(t: Timeline) -> Any:
    """Incidents by their alerts, severity and state, and what is known of each change."""
    incidents = sorted(
        (
            sorted(
                (row["labels"]["alertname"], row["status"], row["labels"].get("severity", ""))
                for row in one["alerts"]
            ),
            one["severity"],
            one["status"],
            sorted((row["kind"], row["version"], row["environment"]) for row in one["changes"]),
        )
        for one in t.incidents()
    )
    changes = sorted(
        (
            change.event.kind,
            change.event.service,
            change.event.environment,
            change.event.version,
            change.event.state,
        )
        for change in t.engine.state.changes.values()
    )
    return incidents, changes


@pytest.mark.parametrize("name", STORIES)
@settings(max_examples=30)
@given(dice=st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(name: str, dice: random.Random) -> None:
    messages = STORIES[name]
    shuffled = messages + dice.choices(messages, k=len(messages) // 2)
    dice.shuffle(shuffled)
    assert told(deliver(shuffled)) == told(deliver(messages))


@pytest.mark.parametrize("name", ALERTS)
def test_at_the_end_of_the_story_nothing_fires(name: str) -> None:
    t = deliver(STORIES[name])
    rows = [row for one in t.incidents() for row in one["alerts"]]
    own = [row for row in rows if row["labels"]["alertname"] != TROUBLE["labels"]["alertname"]]
    assert len(own) == 1
    assert own[0]["status"] == "resolved"


@pytest.mark.parametrize("name", ALERTS)
def test_before_its_last_message_it_fires(name: str) -> None:
    messages = STORIES[name][:1]
    t = deliver(messages)
    own = [
        row for one in t.incidents() for row in one["alerts"]
        if row["labels"]["alertname"] != TROUBLE["labels"]["alertname"]
    ]  # fmt: skip
    assert [row["status"] for row in own] == ["firing"]
    assert own[0]["labels"].get("service", "checkout") == "checkout"


STATES = {
    "github": {"succeeded"},
    "github failed run": {"failed"},
    "gitlab": {"succeeded", "failed"},
    "terraform": {"succeeded"},
    "launchdarkly": {"succeeded"},
    "langfuse": {"succeeded"},
    "flux": {"succeeded"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_ends_in_the_state_that_was_told_last(name: str) -> None:
    changes = [change.event for change in deliver(STORIES[name]).engine.state.changes.values()]
    assert {change.service for change in changes} == {"checkout"}
    assert {change.state for change in changes} == STATES[name]


@pytest.mark.parametrize(
    ("name", "count"), [("github", 2), ("gitlab", 3), ("terraform", 1), ("launchdarkly", 1)]
)
def test_what_is_told_often_is_one_change(name: str, count: int) -> None:
    """A merge and the push it makes, a deployment and its states."""
    assert len(deliver(STORIES[name]).engine.state.changes) == count


@pytest.mark.parametrize("name", STORIES)
def test_every_message_of_a_story_is_read_without_its_headers_too(name: str) -> None:
    """A recording may have none."""
    for message in STORIES[name]:
        reader = source(message.source, {})
        bare, whole = reader.parse({}, message.payload, 0), reader.parse(message.headers, message.payload, 0)
        assert len(bare.events) == len(whole.events)
        assert bool(bare.events) == (not bare.ignored)


TWICE = {
    "an alarm twice": [alarm("ALARM", 0), alarm("ALARM", 120), alarm("OK", 60), alarm("OK", 180)],
    "two revisions that fail": [
        flux("error", "BuildFailed", 0, "a"),
        flux("error", "BuildFailed", 20, "b"),
        flux("info", "ReconciliationSucceeded", 40, "c"),
    ],
}


@pytest.mark.parametrize("name", TWICE)
def test_an_end_that_names_no_firing_ends_all_that_began_before_it(name: str) -> None:
    rows = [row for one in deliver(TWICE[name]).incidents() for row in one["alerts"]]
    own = [row["status"] for row in rows if row["labels"]["alertname"] != TROUBLE["labels"]["alertname"]]
    assert own == ["resolved", "resolved"]


def test_the_engine_reads_by_the_registry() -> None:
    assert Timeline().engine.parse is parse
