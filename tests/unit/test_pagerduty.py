"""Pages to PagerDuty: what each state of an incident becomes there, and what may never leave or get in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from connectors.outbound.pagerduty import MAX_BYTES, PagerdutyNotifier, encoded, events
from core.model.document import Document
from core.ports import Delivered, Message
from core.times import format_rfc3339, parse_rfc3339
from tests.listener import Listener, answering

AT = parse_rfc3339("2026-11-21T08:00:00Z")
KEY = "R0utingK3y" * 3 + "xy"
INCIDENT: Document = {
    "id": "INC-20261121-ABCDEF",
    "title": "payments: HighErrorRatio (+1 service)",
    "severity": "P1",
    "status": "triggered",
    "url": "https://watch.example/incidents/INC-20261121-ABCDEF",
    "services": [{"service": "checkout", "environment": "production", "cluster": ""}],
    "alerts": [{"status": "firing", "labels": {"token": "not for others"}}, {"status": "resolved"}],
    "origin": {"service": "payments", "environment": "production", "score": 900},
    "changes": [
        {"kind": "deploy", "service": "payments", "version": "2.4.0\n", "at": "2026-11-21T07:50:00Z"}
    ],
    "questions": {"what_changed": {"answer": "Deploy of payments 2.4.0.", "status": "known", "evidence": []}},
    "history": [],
}


def message(reason: str = "opened", **more: Any) -> Message:
    return Message("dec-1", reason, AT, {**INCIDENT, **more}, "page text")


def actions(reason: str, **more: Any) -> list[tuple[str, str]]:
    return [(event["event_action"], event["dedup_key"]) for event in events(message(reason, **more))]


def send(url: str, page: Message) -> Delivered:
    async def once() -> Delivered:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await PagerdutyNotifier(url, KEY, client, 5.0).send(page)

    return asyncio.run(once())


def sent(page: Message) -> list[dict[str, Any]]:
    with Listener(answering(202)) as there:
        assert send(there.url, page).ok
        return [json.loads(heard.body) for heard in there.heard]


def test_an_open_incident_triggers_with_its_id_and_the_facts() -> None:
    [event] = sent(message())
    payload = event.pop("payload")
    assert event == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "INC-20261121-ABCDEF",
        "client": "Watchkeeper",
        "client_url": INCIDENT["url"],
        "links": [{"href": INCIDENT["url"], "text": "Watchkeeper"}],
    }
    details = payload.pop("custom_details")
    assert payload == {
        "summary": "P1 payments: HighErrorRatio (+1 service)",
        "source": "payments",
        "component": "payments",
        "group": "production",
        "class": "opened",
        "severity": "critical",
        "timestamp": "2026-11-21T08:00:00.000Z",
    }
    assert details["what_changed"] == "Deploy of payments 2.4.0."
    assert details["changes"] == ["deploy payments 2.4.0 2026-11-21T07:50:00Z"]
    assert (details["alerts_total"], details["alerts_firing"], details["services"]) == (2, 1, ["checkout"])
    assert "not for others" not in json.dumps(details)


@pytest.mark.parametrize(
    ("severity", "there"),
    [("P0", "critical"), ("P1", "critical"), ("P2", "error"), ("P3", "warning"), ("P9", "error")],
)
def test_severities_are_theirs(severity: str, there: str) -> None:
    [event] = events(message(severity=severity))
    assert event["payload"]["severity"] == there


@pytest.mark.parametrize(
    ("reason", "status", "action"),
    [
        ("opened", "triggered", "trigger"),
        ("more_services:3", "triggered", "trigger"),
        ("acknowledged", "acknowledged", "acknowledge"),
        ("acknowledged", "mitigated", "acknowledge"),
        ("resolved", "resolved", "resolve"),
        ("resolved", "closed", "resolve"),
        # What came late tells what is so now.
        ("opened", "resolved", "resolve"),
        ("acknowledged", "triggered", "trigger"),
        ("resolved", "triggered", "trigger"),
    ],
)
def test_what_is_sent_is_the_state_of_the_moment(reason: str, status: str, action: str) -> None:
    assert actions(reason, status=status) == [(action, "INC-20261121-ABCDEF")]


def test_without_a_document_the_reason_decides() -> None:
    for reason, action in (("opened", "trigger"), ("resolved", "resolve"), ("acknowledged", "acknowledge")):
        [event] = events(Message("dec-1", reason, AT, {"id": "INC-1"}, "text"))
        assert (event["event_action"], event["dedup_key"]) == (action, "INC-1")


def test_what_was_merged_away_is_resolved_and_only_that() -> None:
    assert actions("merged:INC-OLD") == [("trigger", "INC-20261121-ABCDEF"), ("resolve", "INC-OLD")]
    moments = [
        {"at": format_rfc3339(AT), "what": "merged", "detail": "INC-OLD"},
        {"at": format_rfc3339(AT), "what": "merged", "detail": "INC-TWO"},
        {"at": format_rfc3339(AT - 1), "what": "merged", "detail": "INC-BEFORE"},
        {"at": format_rfc3339(AT), "what": "paged", "detail": "INC-NO"},
    ]
    merged = [("trigger", "INC-20261121-ABCDEF"), ("resolve", "INC-OLD"), ("resolve", "INC-TWO")]
    assert actions("merged:INC-OLD", history=moments) == merged
    own = "INC-20261121-ABCDEF:severity_raised:P0:2026-11-21T08:00:00.000Z"
    assert actions("severity_raised:P0", history=moments) == [("trigger", own), *merged[1:]]
    assert actions("merged:INC-OLD", status="resolved")[0] == ("resolve", "INC-20261121-ABCDEF")
    bare = [{"event_action": "resolve", "dedup_key": "INC-OLD", "routing_key": KEY}]
    assert sent(message("merged:INC-OLD"))[1:] == bare


def test_a_page_of_two_events_is_sent_again_as_a_whole() -> None:
    with Listener(answering(202)) as there:
        answers = [answering(202), answering(500), answering(202), answering(202)]
        there.behave(lambda handler: answers.pop(0)(handler))
        first, second = (send(there.url, message("merged:INC-OLD")) for _ in range(2))
        keys = [json.loads(heard.body)["dedup_key"] for heard in there.heard]
    assert (first.ok, first.final, second.ok) == (False, False, True)
    assert keys == ["INC-20261121-ABCDEF", "INC-OLD"] * 2


@pytest.mark.parametrize(
    ("status", "final"), [(400, True), (413, True), (429, False), (500, False), (503, False), (404, False)]
)
def test_only_what_will_never_be_taken_is_final(status: int, final: bool) -> None:
    with Listener(answering(status, b"bad key " + KEY.encode())) as there:
        delivered = send(there.url, message())
    assert (delivered.ok, delivered.final) == (False, final)
    assert KEY not in delivered.detail
    assert delivered.detail == f"HTTP {status}: bad key (routing key)"


def test_however_large_the_incident_the_event_is_taken() -> None:
    huge = "ü" * 2_000_000
    page = message(
        title=huge,
        services=[{"service": huge}] * 5_000,
        origin={"service": huge, "environment": huge},
        changes=[{"kind": huge, "version": huge}] * 1_000,
        questions={"what_changed": {"answer": huge}},
    )._replace(text=huge)
    [event] = events(page)
    assert len(encoded({"routing_key": KEY, **event})) < 100_000
    assert len(event["payload"]["summary"]) <= 1_024
    over = {**event, "payload": {**event["payload"], "custom_details": {"text": huge}}}
    assert len(encoded(over)) < MAX_BYTES


def test_foreign_text_is_one_line_and_opens_no_door() -> None:
    page = message(title="a\r\nb\x00\ud800c", url="javascript:alert(1)", origin=None, services=[])
    [event] = events(page)
    assert event["payload"]["summary"] == "P1 a b c"
    assert event["payload"]["source"] == "watchkeeper"
    assert event["links"] == []
    encoded(event)


def moment(reason: str, minutes: int, what: str = "paged", detail: str = "oncall") -> dict[str, str]:
    return {"at": format_rfc3339(AT + minutes * 60_000), "what": what, "reason": reason, "detail": detail}


def key(reason: str, minutes: int, name: str = "INC-20261121-ABCDEF") -> str:
    return f"{name}:{reason}:{format_rfc3339(AT + minutes * 60_000)}"


WAKING_PAGES = [
    "escalated:2:lead", "effect_back:new_alert", "severity_raised:P0", "reopened", "returned:time_is_up",
    "response_overdue:P1", "update_due", "spread:1", "unanswered:P1",
]  # fmt: skip


@pytest.mark.parametrize("reason", WAKING_PAGES)
def test_what_is_to_wake_somebody_has_a_key_of_its_own(reason: str) -> None:
    """A second trigger of a key that is open there notifies nobody."""
    taken = {"acknowledged_at": "2026-11-21T07:59:00.000Z", "acknowledged_by": "ana"}
    [event] = events(message(reason, status="acknowledged", **taken))
    assert (event["event_action"], event["dedup_key"]) == ("trigger", key(reason, 0))
    assert event["payload"]["summary"].startswith(f"[{reason.partition(':')[0].replace('_', ' ')}] P1 ")
    said = event["payload"]["custom_details"]["acknowledged"]
    assert said == "first page acknowledged at 2026-11-21T07:59:00.000Z by ana"
    assert event["links"][0]["href"] == INCIDENT["url"]


@pytest.mark.parametrize(("status", "action"), [("acknowledged", "acknowledge"), ("resolved", "resolve")])
def test_an_answer_and_the_end_go_to_every_key(status: str, action: str) -> None:
    told = [
        moment("opened", 0),
        moment("escalated:1:oncall", 15),
        moment("spread:1", 20, detail="vp, oncall"),
    ]
    other = [moment("escalated:2:lead", 30, detail="lead"), moment("held", 31, what="not_paged")]
    page = message(status, status=status, history=[*told, *other])._replace(receiver="oncall")
    keys = ["INC-20261121-ABCDEF", key("escalated:1:oncall", 15), key("spread:1", 20)]
    assert [(one["event_action"], one["dedup_key"]) for one in events(page)] == [
        (action, one) for one in keys
    ]
    anybody = [one["dedup_key"] for one in events(page._replace(receiver=""))]
    assert anybody == [*keys, key("escalated:2:lead", 30)]


def test_one_page_of_a_kind_stands_for_the_one_before_it() -> None:
    history = [moment("unanswered:P1", -480), moment("unanswered:P1", -240), moment("unanswered:P1", 0)]
    assert actions("unanswered:P1", history=history) == [
        ("trigger", key("unanswered:P1", 0)), ("resolve", key("unanswered:P1", -240)),
    ]  # fmt: skip


def test_what_was_merged_away_leaves_none_of_its_keys_open() -> None:
    history = [moment("escalated:1:oncall", -5), moment("linked", 0, what="merged", detail="INC-OLD")]
    found = actions("merged:INC-OLD", history=history)
    assert found == [
        ("trigger", "INC-20261121-ABCDEF"), ("resolve", "INC-OLD"),
        ("resolve", key("escalated:1:oncall", -5, "INC-OLD")),
    ]  # fmt: skip
    [first, *_] = actions("merged:INC-OLD", status="acknowledged", history=history)
    assert first == ("trigger", key("merged:INC-OLD", 0))


def test_keys_fit_what_pagerduty_takes() -> None:
    [event] = events(message("escalated:1:" + "x" * 300, id="I" * 300, status="triggered"))
    assert len(event["dedup_key"]) <= 255
