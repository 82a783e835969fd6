"""Intake answers before the engine has its state; whoever asks for that state meanwhile is told so.

The server's engine waits in front of its checkpoint until the test lets it go, so that nothing depends on how
long anything takes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from connectors.storage.sqlite_journal import SqliteJournal
from core.checkpoint import reached
from core.journal import Draft
from tests.integration.server import Server, within
from watchkeeper.housekeeping import fold_apart

pytestmark = pytest.mark.integration
HELD_SERVER = Path(__file__).with_name("held_server.py")
PATH = "/api/v2/alerts"


def alert(name: str) -> list[dict[str, dict[str, str]]]:
    return [{"labels": {"alertname": name, "service": "payments", "severity": "critical"}}]


def told(data: Path) -> str:
    """A server was told of an alert, ended, and left a checkpoint that knows it; the id of its incident."""
    with Server(data) as server:
        assert httpx.post(server.url + PATH, json=alert("Before")).status_code == 200
        assert within(15, lambda: len(server.incident_ids()) == 1)
        [name] = server.incident_ids()
        assert server.terminate() == 0
    payload = fold_apart(data, 0)
    journal = SqliteJournal(data)
    try:
        journal.append([Draft("checkpoint", "program", payload)], 0)
        assert reached(journal) == journal.head() - 1
    finally:
        journal.close()
    return name


class Held:
    def __init__(self, server: Server, pipe: Path, incident: str) -> None:
        self.server, self.url, self.incident, self._pipe = server, server.url, incident, pipe

    def let_go(self) -> None:
        """The engine reads its checkpoint now."""
        self._pipe.write_bytes(b"")

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=15.0)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    name, pipe = told(tmp_path / "data"), tmp_path / "pipe"
    os.mkfifo(pipe)
    with Server(tmp_path / "data", extra={"HELD": str(pipe)}, program=HELD_SERVER) as server:
        yield Held(server, pipe, name)


def test_alerts_are_stored_while_the_engine_has_no_state_yet(held: Held) -> None:
    answer = httpx.post(held.url + PATH, json=alert("Meanwhile"))
    assert answer.status_code == 200, answer.text
    health = held.get("/readyz").json()
    assert health["ready"] is True
    assert health["engine"] == "the state is still being read from the last checkpoint"
    assert (health["engine_caught_up"], health["journal_head"]) == (False, answer.json()["record"])
    # What is in the checkpoint is no lag: what follows it is, itself and the alert among it.
    assert health["engine_lag_records"] == 2
    held.let_go()
    assert within(15, lambda: bool(held.get("/readyz").json()["engine_caught_up"]))
    assert held.get("/readyz").json()["engine"] == "caught up"
    [incident] = held.server.incidents()
    assert incident["id"] == held.incident
    assert {one["name"] for one in incident["alerts"]} == {"Before", "Meanwhile"}


def test_who_asks_for_an_incident_is_told_to_come_again(held: Held) -> None:
    answers = [held.get(path) for path in (f"/v1/incidents/{held.incident}", "/v1/incidents", "/v1/slos")]
    assert [one.status_code for one in answers] == [503, 503, 503]
    error = answers[0].json()["error"]
    assert error["what"] == "the state is still being read from the last checkpoint"
    assert "in a few seconds" in error["mend"]
    page = held.get(f"/incidents/{held.incident}")
    assert page.status_code == 503
    assert "The state is still being read from the last checkpoint." in page.text
    # Nothing is said of open incidents, which is not the same as none.
    metrics = held.get("/metrics").text
    assert "watchkeeper_journal_head" in metrics
    assert "watchkeeper_open_incidents{" not in metrics
    held.let_go()
    assert within(15, lambda: held.get(f"/v1/incidents/{held.incident}").status_code == 200)
    assert held.get(f"/incidents/{held.incident}").status_code == 200
    assert "watchkeeper_open_incidents{" in held.get("/metrics").text


def test_a_start_that_fails_behind_intake_ends_the_server_and_says_why(tmp_path: Path) -> None:
    blocked = tmp_path / "data" / "history.duckdb"
    blocked.mkdir(parents=True)
    server = Server(tmp_path / "data")
    server.launch()
    assert within(20, lambda: not server.alive())
    assert "watchkeeper: " in server.log()
    assert "Traceback" not in server.log()
