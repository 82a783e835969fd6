"""Files that change while the server runs: valid ones come into force, broken ones do not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.server import Server, watchkeeper, within
from tests.listener import Listener, answering

pytestmark = pytest.mark.integration
LIFECYCLE = (
    "rule: lifecycle\nsummary: s\nlate_after: 10m\nclear_after: {clear}\n"
    "reopen_window: 30m\nclose_after: 24h\nalive_gap: 3m\n"
)
SHOP = "services:\n  - {name: web, depends_on: [db]}\n  - {name: db}\n"


class Place:
    """A directory of rules and a catalogue, and the server that was started with them."""

    def __init__(self, folder: Path, seconds: str) -> None:
        self.rule, self.catalogue = folder / "rules" / "clocks.yaml", folder / "shop.yaml"
        self.rule.parent.mkdir()
        self.rule.write_text(LIFECYCLE.format(clear="5m"))
        self.catalogue.write_text(SHOP)
        options = ("--rules", self.rule.parent, "--catalog", self.catalogue)
        self.server = Server(folder / "data", *options, extra={"WATCHKEEPER_WATCH_SECONDS": seconds})

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.server.get("/readyz")["configuration"]
        return found

    def post(self, **headers: str) -> httpx.Response:
        return httpx.post(f"{self.server.url}/v1/reload", headers=headers, timeout=15.0)

    def configs(self) -> list[str]:
        """Names of the configuration records in the journal, in order, without those of the start."""
        out = self.server.data.with_name("export.jsonl")
        out.unlink(missing_ok=True)
        done = watchkeeper("journal", "export", out, "--data", self.server.data, cwd=self.server.data.parent)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        names = [line["source"] for line in lines if line.get("kind") == "config"]
        return names[len(set(names)) :]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Place]:
    """Reloads only when it is asked to."""
    place = Place(tmp_path, "0")
    with place.server:
        yield place


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, "0.1")
    with place.server:
        yield place


def test_a_valid_change_a_broken_one_and_its_mending(asked: Place) -> None:
    asked.rule.write_text(LIFECYCLE.format(clear="7m"))
    asked.catalogue.write_text(SHOP + "  - {name: cache}\n")
    answer = asked.post()
    assert answer.status_code == 200, answer.text
    assert answer.json()["changed"] == ["rules", "catalogue"]
    assert asked.server.get("/readyz")["catalogue_services"] == 3
    before = asked.server.get("/v1/config")["documents"]

    asked.rule.write_text(LIFECYCLE.format(clear="7m").replace("clear_after", "clear_aftr"))
    asked.catalogue.write_text(SHOP)
    answer = asked.post()
    assert answer.status_code == 409
    assert answer.json()["changed"] == ["catalogue"], "one broken file holds up no other"
    error = answer.json()["error"]
    assert error["where"] == f"{asked.rule}, line 4"
    assert "clear_aftr" in error["what"]
    assert "`clear_after`" in error["mend"]
    after = asked.server.get("/v1/config")["documents"]
    assert after["rules"] == before["rules"]
    assert after["catalogue"] != before["catalogue"]
    assert asked.server.get("/readyz")["ready"], "intake goes on"

    asked.rule.write_text(LIFECYCLE.format(clear="9m"))
    assert asked.post().json()["problems"] == []
    state = asked.state()
    assert (state["ok"], state["reloads"], state["failures"]) == (True, 3, 1)
    assert asked.server.get("/v1/config")["documents"]["rules"] != before["rules"]
    assert asked.configs() == ["rules", "catalogue", "catalogue", "rules"]


def test_nothing_changed_writes_nothing(asked: Place) -> None:
    head = asked.server.get("/readyz")["journal_head"]
    assert asked.post().json()["changed"] == []
    os.utime(asked.rule)
    assert asked.post().json()["changed"] == []
    assert asked.server.get("/readyz")["journal_head"] == head


def test_what_is_broken_is_shown(asked: Place) -> None:
    asked.catalogue.write_text("services: [")
    assert asked.post().status_code == 409
    metrics = httpx.get(f"{asked.server.url}/metrics").text
    assert "watchkeeper_config_reload_failures_total 1.0" in metrics
    assert "watchkeeper_config_last_reload_ok 0.0" in metrics
    page = httpx.get(f"{asked.server.url}/").text
    assert "A change of the catalogue is not in force" in page
    assert "shop.yaml, line 1" in page
    assert "not_in_force" in asked.server.log()
    asked.catalogue.write_text(SHOP)
    assert asked.post().status_code == 200
    assert "is not in force" not in httpx.get(f"{asked.server.url}/").text
    assert "watchkeeper_config_last_reload_ok 1.0" in httpx.get(f"{asked.server.url}/metrics").text


def test_a_file_that_is_gone_is_a_problem_and_not_an_empty_catalogue(asked: Place) -> None:
    asked.catalogue.unlink()
    assert asked.post().json()["problems"][0]["document"] == "catalogue"
    assert asked.server.get("/readyz")["catalogue_services"] == 2


def test_another_site_cannot_ask_for_it(asked: Place) -> None:
    asked.catalogue.write_text(SHOP + "  - {name: cache}\n")
    assert asked.post(**{"sec-fetch-site": "cross-site"}).status_code == 403
    assert asked.post(origin="https://elsewhere.example").status_code == 403
    assert asked.state()["reloads"] == 0


def test_sighup_reloads(asked: Place) -> None:
    asked.catalogue.write_text(SHOP + "  - {name: cache}\n")
    process = asked.server._process
    assert process is not None
    os.kill(process.pid, signal.SIGHUP)
    assert within(10.0, lambda: asked.state()["reloads"] == 1)
    assert asked.server.get("/readyz")["catalogue_services"] == 3
    assert asked.server.alive()


def test_files_are_watched(watching: Place) -> None:
    """And nobody asked."""
    watching.rule.write_text("rule: lifecycle\nsummary: s\n")
    assert within(10.0, lambda: not watching.state()["ok"])
    assert watching.state()["problems"][0]["document"] == "rules"
    watching.rule.unlink()
    (watching.rule.parent / "other.yaml").write_text(LIFECYCLE.format(clear="8m"))
    assert within(10.0, lambda: bool(watching.state()["ok"]))
    assert watching.configs() == ["rules"]
    assert watching.server.terminate() == 0
    watching.server.start()
    assert watching.configs() == ["rules"], "a restart finds the same"


def test_routes_and_receivers_change_together(tmp_path: Path) -> None:
    """A receiver that did not exist at the start is paged; the journal still holds no address."""
    routes = tmp_path / "routes.yaml"
    with Listener(answering(200)) as first, Listener(answering(200)) as second:
        routes.write_text(_routes("first", first.url))
        options = ("--routes", routes)
        with Server(tmp_path / "data", *options, extra={"WATCHKEEPER_WATCH_SECONDS": "0"}) as server:
            _alert(server, "checkout")
            assert within(15.0, lambda: len(first.heard) == 1)
            routes.write_text(
                _routes("second", second.url) + f"heartbeat: {{url: '{second.url}-beat', every: 5s}}\n"
            )
            answer = httpx.post(f"{server.url}/v1/reload", timeout=15.0)
            assert (answer.status_code, answer.json()["changed"]) == (200, ["routes"])
            assert server.get("/readyz")["receivers"] == ["second"]
            _alert(server, "payments")
            assert within(15.0, lambda: any(one.path == "/hook" for one in second.heard))
            assert within(15.0, lambda: any(one.path == "/hook-beat" for one in second.heard))
            assert len(first.heard) == 1
            routes.write_text(_routes("second", "not an address"))
            answer = httpx.post(f"{server.url}/v1/reload", timeout=15.0)
            assert answer.status_code == 409
            assert answer.json()["error"]["where"] == f"{routes}, line 3"
            assert server.get("/readyz")["receivers"] == ["second"]
            stored = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
            assert second.url.encode() not in stored


def _routes(name: str, url: str) -> str:
    return f"receivers:\n  - name: {name}\n    webhook: {{url: '{url}'}}\nroutes: [{{receiver: {name}}}]\n"


def _alert(server: Server, service: str) -> None:
    labels = {"alertname": "HighErrorRatio", "service": service, "severity": "critical"}
    body = {
        "version": "4",
        "alerts": [{"status": "firing", "labels": labels, "startsAt": "2026-11-21T10:00:00Z"}],
    }
    answer = httpx.post(f"{server.url}/alerts", json=body, timeout=15.0)
    assert answer.status_code in (200, 202), answer.text


def test_what_comes_into_force_decides(asked: Place) -> None:
    """An edge that is added while the server runs joins the alerts that come after it, and none before."""
    _alert(asked.server, "api")
    _alert(asked.server, "store")
    assert within(10.0, lambda: len(asked.server.incident_ids()) == 2)
    asked.catalogue.write_text(SHOP + "  - {name: api2, depends_on: [store2]}\n  - {name: store2}\n")
    assert asked.post().status_code == 200
    _alert(asked.server, "api2")
    _alert(asked.server, "store2")
    assert within(10.0, lambda: sum(len(one["alerts"]) for one in asked.server.incidents()) == 4)
    services = sorted(sorted(part["service"] for part in one["services"]) for one in asked.server.incidents())
    assert services == [["api"], ["api2", "store2"], ["store"]]
