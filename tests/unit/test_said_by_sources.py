"""What alerts of other sources than Alertmanager say: on the alert's page, its incident's, and by the API."""

from __future__ import annotations

import html
import time as clock
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit import sender_bodies as bodies
from tests.unit.test_api import app, ask, settled
from tests.unit.test_console import check_page
from watchkeeper.app import App

__all__ = ["app"]
HOSTILE = "<script>alert(1)</script>"


def ago(seconds: float) -> str:
    return datetime.fromtimestamp(clock.time() - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def datadog(**more: Any) -> dict[str, Any]:
    return {
        "monitor": "Checkout is slow", "monitor_id": "77", "transition": "Triggered", "scope": "env:prod",
        "tags": "service:checkout", "priority": "P2", "date": str(int(clock.time() * 1_000)),
        "message": "p95 above 2 s\nLook at the queue", "url": "https://app.datadoghq.eu/monitors/77",
        "cycle": "9", **more,
    }  # fmt: skip


def cloudwatch(**more: Any) -> dict[str, Any]:
    return {
        "NewStateValue": "ALARM", "AlarmName": "checkout-5xx", "AlarmDescription": "Errors of the balancer",
        "NewStateReason": "Threshold Crossed: 3 datapoints were greater than 5.0", "StateChangeTime": ago(5),
        "Trigger": {"Dimensions": [{"name": "ServiceName", "value": "checkout"}]}, **more,
    }  # fmt: skip


def begun(message: bodies.Message, *keys: str | int) -> Any:
    """The body, with the time of now at `keys`."""
    place: Any = message.body
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = ago(30)
    return message.body


# Source and body; then the texts and the hosts that its page shows.
SAYS: list[tuple[str, Any, tuple[str, ...], tuple[str, ...]]] = [
    ("datadog", datadog(), ("p95 above 2 s", "Look at the queue"), ("app.datadoghq.eu",)),
    ("cloudwatch", cloudwatch(), ("Threshold Crossed: 3 datapoints", "Errors of the balancer"), ()),
    (
        "pagerduty",
        begun(
            bodies.pagerduty("triggered", "triggered", 0, body={"details": "Disk of db-1"}),
            "event", "data", "created_at",
        ),
        ("A little bump in the road", "Disk of db-1"),
        ("acme.pagerduty.com",),
    ),
    (
        "grafana",
        begun(bodies.grafana(imageURL="https://grafana.example/pics/1.png"), "alerts", 0, "startsAt"),
        ("slow", "Values: [ var='A' labels={} value=2.5 ]"),
        ("Dashboard", "Panel", "Picture", "https://grafana.example/pics/1.png"),
    ),
    (
        "sentry",
        begun(bodies.sentry_issue("created", 0), "data", "issue", "firstSeen"),
        ("ReferenceError: heck is not defined", "checkout.js in submit"),
        ("acme.sentry.io",),
    ),
]  # fmt: skip


def pages(app: App, source: str, body: Any) -> tuple[str, str, dict[str, Any]]:
    """The alert's page, its incident's, and the API's answer."""
    sentry = {"sentry-hook-resource": "issue"} if source == "sentry" else {}
    answer = ask(app, lambda client: client.post(f"/v1/ingest/{source}", json=body, headers=sentry))
    assert answer.status_code < 300, answer.text
    settled(app)
    [row] = ask(app, lambda client: client.get("/v1/incidents")).json()["incidents"]
    document = ask(app, lambda client: client.get(f"/v1/incidents/{row['id']}")).json()
    one = document["alerts"][0]
    place = f"alerts/{one['line']}/{one['index']}"
    alone = ask(app, lambda client: client.get(f"/incidents/{row['id']}/{place}")).text
    incident = ask(app, lambda client: client.get(f"/incidents/{row['id']}")).text
    return alone, incident, ask(app, lambda client: client.get(f"/v1/{place}")).json()


@pytest.mark.parametrize(("source", "body", "texts", "links"), SAYS, ids=[row[0] for row in SAYS])
def test_every_source_says_it_on_the_page(
    app: App, source: str, body: Any, texts: tuple[str, ...], links: tuple[str, ...]
) -> None:
    alone, incident, raw = pages(app, source, body)
    check_page(alone)
    says = html.unescape(alone.partition('id="says"')[2].partition("</section>")[0])
    assert all(text in says for text in texts), says
    assert all(text in says for text in links), says
    assert texts[0] in html.unescape(incident)
    assert texts[0] in raw["said"]["summary"] + raw["said"]["description"]
    # Labels that the source made, where the body has none of its own.
    assert "checkout" in alone.partition('id="labels"')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("datadog", datadog(message=HOSTILE, url="javascript:alert(1)")),
        ("cloudwatch", cloudwatch(NewStateReason=HOSTILE)),
        (
            "grafana",
            begun(
                bodies.grafana(
                    valueString=HOSTILE, imageURL="javascript:alert(1)", panelURL="https://a@evil.example/"
                ),
                "alerts", 0, "startsAt",
            ),
        ),
        (
            "pagerduty",
            begun(
                bodies.pagerduty("triggered", "triggered", 0, body={"details": HOSTILE}, html_url="data:x,y"),
                "event", "data", "created_at",
            ),
        ),
    ],
)  # fmt: skip
def test_what_is_said_stays_text(app: App, source: str, body: Any) -> None:
    alone, incident, _ = pages(app, source, body)
    for page in (alone, incident):
        check_page(page)
        assert HOSTILE not in page
        assert 'href="javascript' not in page
        assert 'href="data' not in page
        assert 'href="https://a@' not in page
    assert "&lt;script&gt;alert(1)" in alone
