"""A server that pages through PagerDuty and e-mail at once: from the alert to the end, secrets kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.times import format_rfc3339
from tests.integration.server import Server, watchkeeper, within
from tests.listener import Listener, answering
from tests.smtp_sink import SmtpSink
from watchkeeper.clock import SystemClock

pytestmark = pytest.mark.integration
KEY = "0123456789abcdef0123456789abcdef"


def write_routes(folder: Path, url: str, port: int) -> Path:
    (folder / "pd.key").write_text(f"{KEY}\n")
    file = {
        "receivers": [
            {"name": "pd", "pagerduty": {"url": url, "routing_key_file": str(folder / "pd.key")}},
            {
                "name": "mail",
                "email": {
                    "host": "127.0.0.1", "port": port, "security": "none",
                    "from": "watch@ours.example", "to": ["ana@ours.example"],
                },
            },
        ],
        "routes": [{"receiver": "pd", "continue": True}, {"receiver": "mail", "match": {"when": "always"}}],
        "time_intervals": [{"name": "always", "time_intervals": [{"location": "Asia/Kolkata"}]}],
    }  # fmt: skip
    path = folder / "routes.yaml"
    path.write_text(json.dumps(file))
    return path


def alert(server: Server) -> None:
    labels = {"alertname": "HighErrorRatio", "service": "payments", "severity": "critical"}
    began = format_rfc3339(SystemClock().now())
    body = {"version": "4", "alerts": [{"status": "firing", "labels": labels, "startsAt": began}]}
    assert httpx.post(f"{server.url}/alerts", json=body, timeout=15.0).is_success


def move(server: Server, to: str) -> None:
    [name] = server.incident_ids()
    content = {"to": to, "actor": "ana", "reason": "because"}
    answer = httpx.post(f"{server.url}/v1/incidents/{name}/transitions", json=content, timeout=15.0)
    assert answer.is_success, answer.text


def test_an_incident_is_told_to_both_until_its_end(tmp_path: Path) -> None:
    with Listener(answering(202)) as pagerduty, SmtpSink() as sink:
        routes = write_routes(tmp_path, pagerduty.url, sink.port)
        with Server(tmp_path / "data", "--routes", routes) as server:
            alert(server)
            assert within(15.0, lambda: len(pagerduty.heard) == 1 and len(sink.mails) == 1)
            move(server, "acknowledged")
            assert within(15.0, lambda: len(pagerduty.heard) == 2)
            move(server, "resolved")
            assert within(15.0, lambda: len(pagerduty.heard) == 3 and len(sink.mails) == 2)
            assert within(15.0, lambda: len(deliveries(server)) == 5)
            assert {row[0] for row in deliveries(server)} == {"delivered"}
            [name] = server.incident_ids()
            log = server.log()
        stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    events = [json.loads(heard.body) for heard in pagerduty.heard]
    assert [(one["event_action"], one["dedup_key"]) for one in events] == [
        ("trigger", name), ("acknowledge", name), ("resolve", name),
    ]  # fmt: skip
    assert {one["routing_key"] for one in events} == {KEY}
    assert [mail.message["references"] for mail in sink.mails] == [None, f"<{name}@ours.example>"]
    for private in (KEY, "ours.example", pagerduty.url):
        assert private.encode() not in stored
        assert private not in log


def deliveries(server: Server) -> list[tuple[str, str]]:
    [incident] = server.incidents()
    rows: list[dict[str, Any]] = incident["deliveries"]
    return [(row["status"], row["receiver"]) for row in rows]


def test_doctor_names_the_receivers_and_their_kinds(tmp_path: Path) -> None:
    routes = write_routes(tmp_path, "https://events.eu.pagerduty.com/v2/enqueue", 25)
    done = watchkeeper("doctor", cwd=tmp_path, extra={"WATCHKEEPER_ROUTES": str(routes)})
    assert "receivers: mail (email), pd (pagerduty)" in done.stdout
    assert KEY not in done.stdout
