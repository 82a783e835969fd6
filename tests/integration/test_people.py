"""What people do with incidents by the command line, on a real server, with a crash in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.server import Server, watchkeeper, within

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as made:
        yield made


def fire(server: Server, *services: str) -> list[str]:
    """An alert on each, told one after another; ids of the incidents, in order of the services."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    labels = [{"alertname": "Errors", "service": one, "severity": "critical"} for one in services]
    for one in labels:
        body = {"version": "4", "alerts": [{"status": "firing", "startsAt": now, "labels": one}]}
        assert httpx.post(f"{server.url}/alerts", json=body).status_code == 202
    assert within(10, lambda: len(server.incidents()) >= len(services))
    found = {one["alerts"][0]["service"]: one["id"] for one in server.incidents()}
    return [found[one] for one in services]


def say(server: Server, *words: str) -> tuple[int, str]:
    """Exit code and what was said, where a person reads it."""
    done = watchkeeper(*words, "--url", server.url, cwd=server.data.parent)
    assert "Traceback" not in done.stderr
    return done.returncode, (done.stdout or done.stderr).strip()


def shown(server: Server, name: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/v1/incidents/{name}").json()
    return found


def test_the_whole_life_of_incidents_by_commands(server: Server) -> None:
    first, second = fire(server, "payments", "mailer")
    actor = ("--actor", "ana", "--reason", "by hand")
    title = shown(server, first)["title"]
    assert say(server, "ack", first, *actor) == (0, f"{first} is acknowledged: {title}")
    assert say(server, "mitigate", first, *actor)[0] == 0
    assert shown(server, first)["mitigated_by"] == "ana"
    assert say(server, "comment", first, "waiting for the cache", "--actor", "ana")[0] == 0
    assert shown(server, first)["annotations"][0]["text"] == "waiting for the cache"
    code, words = say(server, "merge", second, first, *actor)
    assert (code, words.split()[:3]) == (0, [first, "is", "acknowledged:"])
    assert shown(server, second)["id"] == first
    alerts = shown(server, first)["alerts"]
    fingerprint = next(row["fingerprint"] for row in alerts if row["service"] == "mailer")
    code, words = say(server, "split", first, fingerprint, *actor)
    new = shown(server, first)["split_into"][0]
    assert (code, [line.split()[0] for line in words.splitlines()]) == (0, [first, new])
    before = {name: shown(server, name)["alerts"] for name in (first, second, new)}
    server.kill9()
    server.start()
    assert {name: shown(server, name)["alerts"] for name in (first, second, new)} == before
    assert shown(server, second)["id"] == first
    code, words = say(server, "merge", second, new, *actor)
    assert (code, shown(server, new)["id"]) == (0, first)
    moves = {"resolve": "resolved", "reopen": "triggered", "mitigate": "mitigated"}
    for verb, status in (*moves.items(), ("resolve", "resolved"), ("close", "closed")):
        assert say(server, verb, first, *actor)[0] == 0
        assert shown(server, first)["status"] == status


def test_what_cannot_be_is_said_in_one_message(server: Server) -> None:
    first, second = fire(server, "payments", "mailer")
    for code, words, said in (
        (1, ("close", first), "Allowed from here: acknowledged, mitigated, resolved, merged"),
        (2, ("merge", first, first), "with itself"),
        (1, ("merge", first, "INC-NONE"), "no incident 'INC-NONE' to merge into"),
        (1, ("split", first, "ffff"), "There is nothing to split"),
        (1, ("mitigate", "INC-NONE"), "no incident 'INC-NONE'"),
        (2, ("comment", first, " "), "no words"),
        (2, ("ack", first, "--actor", "  "), "nobody's name"),
    ):
        found = say(server, *words)
        assert found[0] == code, (words, found)
        assert said in found[1]
        assert len(found[1].splitlines()) == 1
    assert [shown(server, name)["status"] for name in (first, second)] == ["triggered", "triggered"]
