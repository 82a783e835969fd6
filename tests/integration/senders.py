"""A real Prometheus and a real Alertmanager on loopback, watching one metric that a test breaks and mends."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from evals.record.monitoring import READY_SECONDS, program
from evals.shop import wire
from evals.shop.processes import Children

_RULES = {
    "groups": [
        {
            "name": "kettle",
            "rules": [
                {
                    "alert": "KettleCold",
                    "expr": "kettle_cold == 1",
                    "for": "0s",
                    "labels": {"severity": "critical", "team": "kitchen"},
                    "annotations": {"summary": "{{ $labels.service }} is cold"},
                }
            ],
        }
    ]
}


class Kettle:
    """A metrics page with one gauge, `kettle_cold`, which is what `cold` says."""

    def __init__(self) -> None:
        self.port = wire.free_ports(1)[0]
        self.cold = False
        self._server = wire.Server(self.port, {("GET", "/metrics"): self._metrics})
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _metrics(self, body: bytes) -> wire.Reply:
        page = f"# TYPE kettle_cold gauge\nkettle_cold {int(self.cold)}\n"
        return wire.Reply(200, page.encode(), "text/plain; version=0.0.4")


class Senders:
    """Starts what is asked for, as a context ends it. Everything ticks once a second."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._cleanup = folder, ExitStack()
        self.kettle = Kettle()
        self._cleanup.callback(self.kettle.stop)
        self._children = Children(folder)
        self._cleanup.callback(self._children.stop)

    def __enter__(self) -> Senders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def start_prometheus(self, *alertmanager_ports: int) -> None:
        """It sends its alerts to each of the ports."""
        port = wire.free_ports(1)[0]
        rules = self._write("rules.yml", _RULES)
        config = self._write("prometheus.yml", _prometheus(rules, self.kettle.port, alertmanager_ports))
        flags = [
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'tsdb'}",
            f"--web.listen-address={wire.LOOPBACK}:{port}",
            "--rules.alert.resend-delay=2s",
            "--log.level=warn",
        ]
        self._start("prometheus", flags, port)

    def start_alertmanager(self, webhook: str) -> int:
        """It posts to `webhook`; returns the port that it listens on."""
        port = wire.free_ports(1)[0]
        config = self._write("alertmanager.yml", _alertmanager(webhook))
        flags = [
            f"--config.file={config}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address={wire.LOOPBACK}:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        self._start("alertmanager", flags, port)
        return port

    def _start(self, name: str, flags: list[str], port: int) -> None:
        self._children.start(name, [program(name), *flags])
        deadline = time.monotonic() + READY_SECONDS
        while True:
            self._children.check()
            try:
                wire.get(port, "/-/ready")
            except wire.CallFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def _write(self, name: str, config: dict[str, Any]) -> Path:
        path = self._folder / name
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return path


def _prometheus(rules: Path, kettle: int, alertmanagers: tuple[int, ...]) -> dict[str, Any]:
    labels = {"service": "kettle", "instance": "kettle-0"}
    return {
        "global": {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"cluster": "home", "environment": "production", "replica": "prometheus-0"},
        },
        "rule_files": [str(rules)],
        "alerting": {
            "alertmanagers": [
                {"api_version": "v2", "static_configs": [{"targets": [f"{wire.LOOPBACK}:{port}"]}]}
                for port in alertmanagers
            ]
        },
        "scrape_configs": [
            {
                "job_name": "kitchen",
                "static_configs": [{"targets": [f"{wire.LOOPBACK}:{kettle}"], "labels": labels}],
            }
        ],
    }


def _alertmanager(webhook: str) -> dict[str, Any]:
    return {
        "route": {
            "receiver": "watchkeeper",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "watchkeeper", "webhook_configs": [{"url": webhook, "send_resolved": True}]}],
    }
