"""The stream of events of a real server: it tells of incidents, and the server's end waits for no stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.server import Server

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as started:
        yield started


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The events of a stream as they come: `event`, `id`, and `data` as an object."""
    found: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            found[name] = json.loads(value) if name == "data" else value
        elif found:
            yield found
            found = {}


def test_an_incident_is_told_and_sigterm_ends_the_stream(server: Server) -> None:
    with httpx.stream("GET", f"{server.url}/v1/events", timeout=20) as answer:
        told = events(answer.iter_lines())
        hello = next(told)
        assert hello["event"] == "hello"
        assert hello["data"]["version"] == server.get("/readyz")["version"]
        alert = {"labels": {"alertname": "Slow <b>", "service": "search", "severity": "critical"}}
        assert httpx.post(f"{server.url}/api/v2/alerts", json=[alert]).status_code == 200
        first = next(told)
        (name,) = server.incident_ids()
        assert first["event"] == "incident"
        assert int(first["id"]) > hello["data"]["record"]
        assert first["data"]["id"] == name
        assert first["data"]["title"] == "search: Slow <b>"
        form = {"to": "acknowledged", "actor": "ana"}
        assert httpx.post(f"{server.url}/v1/incidents/{name}/transitions", json=form).status_code == 200
        while (later := next(told))["data"]["status"] != "acknowledged":
            assert later["data"]["id"] == name
        assert later["data"]["version"] > first["data"]["version"]
        assert server.terminate() == 0
        assert all(event["event"] == "incident" for event in told), "then the stream ends as it should"
    assert "exceeded" not in server.log()
    assert "without completing" not in server.log()
    assert "Traceback" not in server.log()
