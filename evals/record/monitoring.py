"""A real Prometheus, and where the case wants one a real Alertmanager, watching a shop.

Both listen on the loopback address and keep their data in a folder given to them. What they write into
alerts is the same on every machine: example addresses, and instance names instead of ports.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from evals.record.script import Delivery
from evals.shop import wire
from evals.shop.processes import Children
from evals.shop.topology import BY_NAME, CLUSTER, ENVIRONMENT

READY_SECONDS = 30.0
# what it is -> (names of the program to look for, Debian package that brings it)
PROGRAMS = {
    "prometheus": (("prometheus",), "prometheus"),
    "alertmanager": (("prometheus-alertmanager", "alertmanager"), "prometheus-alertmanager"),
}


class NotInstalled(Exception):
    """A program that the recording needs is not on this machine."""


def program(what: str) -> str:
    """The path of a monitoring program, or `NotInstalled` saying how to get it."""
    names, package = PROGRAMS[what]
    for name in names:
        if path := shutil.which(name):
            return path
    raise NotInstalled(f"{what} is not installed; on Debian: apt-get install {package}")


class Monitoring:
    """Prometheus, and Alertmanager when the delivery asks for it, started as `children`."""

    def __init__(
        self,
        folder: Path,
        children: Children,
        shop: Mapping[str, int],
        delivery: Delivery,
        receiver_port: int,
        rules: str = "rules.yaml",
    ) -> None:
        self._folder = folder
        self._children = children
        self._shop = shop
        self._receiver_port = receiver_port
        self._rules = Path(__file__).with_name(rules)
        self._port, self._alertmanager_port = wire.free_ports(2)
        self._has_alertmanager = delivery == "alertmanager"

    def start(self) -> None:
        """Start what the delivery needs and wait until all of it says that it is ready."""
        if self._has_alertmanager:
            self._start_alertmanager()
        self._start_prometheus()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result vector of an instant query."""
        answer = json.loads(wire.get(self._port, f"/api/v1/query?query={quote(expression)}"))
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def healthy(self) -> bool:
        """Whether every service is scraped, answers customers without an error, and nothing alerts."""
        serving = self.query('rate(shop_requests_total{outcome="ok"}[15s]) > 0')
        failing = self.query('rate(shop_requests_total{outcome="error"}[15s]) > 0')
        return len(serving) == len(self._shop) and not failing and not self.firing(pending=True)

    def firing(self, *, pending: bool = False) -> set[tuple[str, str]]:
        """(alert name, service) of what fires now; with `pending`, also of what is about to."""
        answer = json.loads(wire.get(self._port, "/api/v1/alerts"))
        return {
            (alert["labels"]["alertname"], alert["labels"]["service"])
            for alert in answer["data"]["alerts"]
            if pending or alert["state"] == "firing"
        }

    def _start_prometheus(self) -> None:
        target = self._alertmanager_port if self._has_alertmanager else self._receiver_port
        config = self._write("prometheus.yml", _prometheus(self._shop, target, self._rules))
        flags = [
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'tsdb'}",
            f"--web.listen-address={wire.LOOPBACK}:{self._port}",
            "--web.external-url=http://prometheus.example:9090",
            "--rules.alert.resend-delay=30s",
            "--log.level=warn",
        ]
        self._children.start("prometheus", [program("prometheus"), *flags])
        self._wait_for(self._port)

    def _start_alertmanager(self) -> None:
        config = self._write("alertmanager.yml", _alertmanager(self._receiver_port))
        flags = [
            f"--config.file={config}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address={wire.LOOPBACK}:{self._alertmanager_port}",
            "--web.external-url=http://alertmanager.example:9093",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        self._children.start("alertmanager", [program("alertmanager"), *flags])
        self._wait_for(self._alertmanager_port)

    def _write(self, name: str, config: dict[str, Any]) -> Path:
        path = self._folder / name
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return path

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            self._children.check()
            try:
                wire.get(port, "/-/ready")
                return
            except wire.CallFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def _prometheus(shop: Mapping[str, int], alertmanager_port: int, rules: Path) -> dict[str, Any]:
    return {
        "global": {
            "scrape_interval": "2s",
            "scrape_timeout": "2s",
            "evaluation_interval": "2s",
            # As one of a pair would have it: the replica label rides on every alert.
            "external_labels": {"cluster": CLUSTER, "environment": ENVIRONMENT, "replica": "prometheus-0"},
        },
        "rule_files": [str(rules)],
        "alerting": {
            "alertmanagers": [{"api_version": "v2", "static_configs": [_target(alertmanager_port)]}]
        },
        "scrape_configs": [
            {"job_name": "shop", "static_configs": [_service(name, port) for name, port in shop.items()]}
        ],
    }


def _target(port: int) -> dict[str, Any]:
    return {"targets": [f"{wire.LOOPBACK}:{port}"]}


def _service(name: str, port: int) -> dict[str, Any]:
    labels = {"service": name, "team": BY_NAME[name].team, "instance": f"{name}-0"}
    return {**_target(port), "labels": labels}


def _alertmanager(receiver_port: int) -> dict[str, Any]:
    return {
        "route": {
            "receiver": "watchkeeper",
            "group_by": ["alertname", "service"],
            "group_wait": "1s",
            "group_interval": "2s",
            "repeat_interval": "1h",
        },
        "receivers": [
            {
                "name": "watchkeeper",
                "webhook_configs": [
                    {
                        "url": f"http://{wire.LOOPBACK}:{receiver_port}/v1/ingest/alertmanager",
                        "send_resolved": True,
                    }
                ],
            }
        ],
    }
