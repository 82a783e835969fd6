"""The shop that recordings are made of really runs, really breaks, and leaves nothing running.

Everything listens on the loopback address, on ports that were free. The last tests read the recordings
that the project keeps and hold them against their own expected.yaml.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from evals.record import __main__ as command
from evals.record.cases import CASES
from evals.record.heard import firings
from evals.record.monitoring import Monitoring, NotInstalled, program
from evals.record.receiver import CapturingReceiver
from evals.shop import wire
from evals.shop.processes import Children
from evals.shop.shop import Shop
from evals.shop.topology import BY_NAME, SERVICES, reach

EVALS = Path(__file__).resolve().parents[2] / "evals"
CASE_FOLDER, RULES_FOLDER = EVALS / "cases", EVALS / "record"
SELLING = ("payments", "checkout", "subscriptions", "storefront", "mobile-api")
STOCKING = ("inventory", "checkout", "storefront", "mobile-api")
HELPING = ("help-center", "search", "search-index", "mailer")

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
    reason="needs Prometheus and Alertmanager (Debian: prometheus, prometheus-alertmanager)",
)


def outcomes(shop: Shop, service: str) -> dict[str, float]:
    """The request counter of one service as its /metrics page has it, by outcome."""
    page = wire.get(shop.ports[service], "/metrics").decode()
    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "shop_requests_total"
    }


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether `holds` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not (true := holds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return true


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("service", "version", "failing"), [("payments", "2.4.0", SELLING), ("inventory", "3.2.0", STOCKING)]
)
def test_a_bad_deploy_fails_its_service_and_the_callers_only_and_everything_stops(
    tmp_path: Path, service: str, version: str, failing: tuple[str, ...]
) -> None:
    with Shop(tmp_path) as shop:
        pids = shop.pids()
        assert within(5, lambda: all(outcomes(shop, s.name)["ok"] > 0 for s in SERVICES))
        assert all(outcomes(shop, s.name)["error"] == 0 for s in SERVICES)

        shop.deploy(service, version)
        assert within(8, lambda: all(outcomes(shop, name)["error"] > 0 for name in failing))
        untouched = {s.name for s in SERVICES}.difference(failing)
        assert all(outcomes(shop, name)["error"] == 0 for name in untouched)
    assert len(pids) == len(SERVICES) + 1
    assert not [name for name, pid in pids.items() if alive(pid)]


def test_a_killed_database_fails_its_callers_until_it_is_started_again(tmp_path: Path) -> None:
    look = {"op": "look", "item": "oolong"}
    with Shop(tmp_path) as shop:
        shop.kill("inventory-db")
        with pytest.raises(wire.CallFailed, match="500"):
            wire.post(shop.ports["inventory"], "/call", look)
        shop.restart("inventory-db")
        assert wire.post(shop.ports["inventory"], "/call", look)["left"] > 0


@needs_prometheus
@pytest.mark.parametrize("rules", sorted({case.rules for case in CASES.values()}))
def test_the_monitoring_accepts_its_configuration_and_sees_every_service(tmp_path: Path, rules: str) -> None:
    # Ports on which nothing listens: every target is down, which is all this test needs to see.
    ports = dict(zip(BY_NAME, wire.free_ports(len(BY_NAME)), strict=True))
    children = Children(tmp_path)
    try:
        monitor = Monitoring(tmp_path, children, ports, "alertmanager", 1, rules)
        monitor.start()
        assert within(8, lambda: len(monitor.query("up == 0")) == len(BY_NAME))
        assert within(4, lambda: len(monitor.firing(pending=True)) == len(BY_NAME))
    finally:
        children.stop()


def test_the_receiver_keeps_bodies_in_order_under_the_names_of_their_sources() -> None:
    receiver = CapturingReceiver()
    receiver.start()
    try:
        wire.post(receiver.port, "/v1/ingest/change", {"kind": "deploy"})
        wire.post(receiver.port, "/api/v2/alerts", [])
        wire.post(receiver.port, "/v1/ingest/alertmanager", {"alerts": []})
        with pytest.raises(wire.CallFailed, match="404"):
            wire.post(receiver.port, "/elsewhere", {})
    finally:
        receiver.stop()
    lines = receiver.lines()
    assert [line["source"] for line in lines] == ["change", "prometheus", "alertmanager"]
    assert lines[0]["body"] == {"kind": "deploy"}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


def test_a_missing_program_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalled, match="apt-get install prometheus-alertmanager"):
        program("alertmanager")
    monkeypatch.setattr("sys.argv", ["record", "dead-dependency"])
    assert command.main() == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_two_halves_of_the_shop_share_no_edge() -> None:
    assert not any(reach(name).intersection(SELLING) for name in HELPING)
    assert not any(reach(name).intersection(HELPING) for name in SELLING)


def test_the_renamed_rules_alert_on_the_same_conditions_in_other_words() -> None:
    before, after = (
        yaml.safe_load((RULES_FOLDER / name).read_text())["groups"][0]["rules"]
        for name in ("rules.yaml", "rules_renamed.yaml")
    )
    conditions = [
        [(rule["expr"], rule["for"], rule["labels"]) for rule in rules] for rules in (before, after)
    ]
    assert conditions[0] == conditions[1]
    for old, new in zip(before, after, strict=True):
        assert old["alert"] != new["alert"]
        assert not set(old["annotations"].values()) & set(new["annotations"].values())


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_kept_recording_says_what_its_expected_file_says(name: str) -> None:
    lines = [json.loads(line) for line in (CASE_FOLDER / name / "events.jsonl").read_text().splitlines()]
    expected: dict[str, Any] = yaml.safe_load((CASE_FOLDER / name / "expected.yaml").read_text())
    catalogue = yaml.safe_load((CASE_FOLDER / name / "catalog.yaml").read_text())
    heard = firings(lines)
    members = [service for incident in expected["incidents"] for service in incident["members"]]
    announced = [
        {key: line["body"][key] for key in ("kind", "service", "version")}
        for line in lines
        if line["source"] == "change"
    ]
    told = [incident["change"] for incident in expected["incidents"] if incident["change"]]
    told += [{k: v for k, v in change.items() if k != "role"} for change in expected["other_changes"]]

    assert sorted({firing.service for firing in heard}) == sorted(members)
    assert all(firing.resolved_at for firing in heard)
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert sorted(map(str, announced)) == sorted(map(str, told))
    assert {entry["name"] for entry in catalogue["services"]} >= set(members)
