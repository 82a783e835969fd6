"""A real Prometheus and a real Alertmanager send; an incident opens, somebody is paged, and it ends.

Everything is started here, on loopback. One metric turns bad and is mended again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import export
from tests.integration.pages import ENVIRONMENT, PageReceiver
from tests.integration.rules import quick_rules
from tests.integration.senders import Senders
from tests.integration.server import Server, watchkeeper, within

PATIENCE = 20.0

pytestmark = pytest.mark.integration
needs_prometheus = pytest.mark.skipif(
    not shutil.which("prometheus"), reason="needs Prometheus (Debian: prometheus)"
)
needs_alertmanager = pytest.mark.skipif(
    not shutil.which("prometheus-alertmanager"), reason="needs Alertmanager (Debian: prometheus-alertmanager)"
)


class House:
    """Watchkeeper, whoever sends to it, and the pager it rings."""

    def __init__(self, server: Server, senders: Senders, receiver: PageReceiver) -> None:
        self.server, self.senders, self.receiver = server, senders, receiver

    def incidents(self) -> list[dict[str, Any]]:
        return self.server.incidents()

    def status(self) -> str:
        """Of the one incident; empty while there is none."""
        found = self.incidents()
        assert len(found) <= 1, [one["title"] for one in found]
        return found[0]["status"] if found else ""

    def reasons(self) -> list[str]:
        return [page.body["reason"] for page in self.receiver.pages()]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Nobody waits minutes here: what is quiet for a second is resolved."""
    rules = quick_rules(tmp_path / "rules", clear_after="1s")
    with PageReceiver() as receiver:
        routes = receiver.write_routes(tmp_path / "routes.yaml")
        options = ("--rules", rules, "--routes", routes)
        with (
            Server(tmp_path / "data", *options, extra=ENVIRONMENT) as server,
            Senders(tmp_path) as senders,
        ):
            yield House(server, senders, receiver)


def breaks_and_mends(house: House) -> dict[str, Any]:
    """Break the metric, see the page; mend it, see the end. Returns the incident as it is then."""
    house.senders.kettle.cold = True
    assert within(PATIENCE, lambda: house.status() == "triggered"), house.server.log()
    assert within(5, lambda: house.reasons() == ["opened"]), house.server.log()
    house.senders.kettle.cold = False
    assert within(PATIENCE, lambda: house.status() == "resolved"), house.incidents()
    assert within(5, lambda: house.reasons() == ["opened", "resolved"]), house.reasons()
    (incident,) = house.incidents()
    return incident


def as_it_should_be(house: House, incident: dict[str, Any]) -> None:
    (alert,) = incident["alerts"]
    assert alert["name"] == "KettleCold"
    assert (alert["service"], alert["environment"], alert["cluster"]) == ("kettle", "production", "home")
    assert alert["status"] == "resolved"
    assert alert["starts_at"] < alert["ends_at"]
    assert alert["flags"] == []
    assert incident["severity"] == "P1"
    assert not house.receiver.faults()
    opened, resolved = house.receiver.pages()
    assert opened.body["incident"]["id"] == resolved.body["incident"]["id"] == incident["id"]
    assert opened.body["incident"]["alerts_firing"] == 1
    assert resolved.body["incident"]["alerts_firing"] == 0
    assert all(delivery["status"] == "delivered" for delivery in incident["deliveries"])


def sources_heard(house: House, folder: Path) -> set[str]:
    """Of the sources that told of the alert, by the journal."""
    path = folder / "export.jsonl"
    done = watchkeeper("journal", "export", path, "--data", house.server.data, cwd=folder)
    assert done.returncode == 0, done.stderr
    return {
        line["source"]
        for line in export.lines(path)
        if line["kind"] == "ingest" and "KettleCold" in json.dumps(export.body(line))
    }


@needs_prometheus
def test_prometheus_sends_straight_to_watchkeeper(house: House, tmp_path: Path) -> None:
    house.senders.start_prometheus(house.server.port)
    as_it_should_be(house, breaks_and_mends(house))
    assert sources_heard(house, tmp_path) == {"prometheus"}


@needs_prometheus
@needs_alertmanager
def test_alertmanager_sends_its_webhook(house: House, tmp_path: Path) -> None:
    manager = house.senders.start_alertmanager(f"{house.server.url}/alerts")
    house.senders.start_prometheus(manager)
    as_it_should_be(house, breaks_and_mends(house))
    assert sources_heard(house, tmp_path) == {"alertmanager"}


@needs_prometheus
@needs_alertmanager
def test_one_alert_by_both_ways_is_one_episode_and_one_page(house: House, tmp_path: Path) -> None:
    manager = house.senders.start_alertmanager(f"{house.server.url}/alerts")
    house.senders.start_prometheus(manager, house.server.port)
    as_it_should_be(house, breaks_and_mends(house))
    assert within(5, lambda: sources_heard(house, tmp_path) == {"prometheus", "alertmanager"})
    assert len(house.incidents()[0]["alerts"]) == 1
