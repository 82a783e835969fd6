"""One service of the shop as a process: `python -m evals.shop.service NAME --ports JSON`.

It answers POST /call with its behaviour, GET /metrics for Prometheus, GET /healthz, and two admin
pages: POST /admin/deploy {"version"} and POST /admin/set {"name", "value"} (a flag or a setting).
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from evals.shop import wire
from evals.shop.behaviour import BEHAVIOURS, Message
from evals.shop.topology import BY_NAME

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# A behaviour that fails raises one of these; anything else is a mistake of ours and ends the request.
FAULTS = (wire.CallFailed, LookupError, ValueError, ArithmeticError)


class Metrics:
    """The numbers of one service; both outcomes exist from the start, so that a first error is a rise."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "shop_requests_total", "Requests by outcome.", ["outcome"], registry=self.registry
        )
        self.seconds = Histogram(
            "shop_request_duration_seconds",
            "How long a request took.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
            registry=self.registry,
        )
        self.build = Gauge("shop_build_info", "The version that runs.", ["version"], registry=self.registry)
        self.build.labels(version).set(1)
        for outcome in ("ok", "error"):
            self.requests.labels(outcome)

    def observe(self, outcome: str, seconds: float) -> None:
        self.requests.labels(outcome).inc()
        self.seconds.observe(seconds)


class App:
    """A running service: what it is called, which version and settings it has, and where others are."""

    def __init__(self, name: str, ports: dict[str, int]) -> None:
        self.name = name
        self.version = BY_NAME[name].version
        self.settings: dict[str, str] = {}
        self.ports = ports
        self.metrics = Metrics(self.version)

    def setting(self, name: str) -> str:
        return self.settings.get(name, "")

    def call(self, service: str, request: Message) -> Message:
        """Ask another service. The topology table is the only list of whom this one may call."""
        if service not in BY_NAME[self.name].depends_on:
            raise RuntimeError(f"{self.name} calls {service}, which the topology table does not list")
        answer: Message = wire.post(self.ports[service], "/call", request)
        return answer

    def serve_call(self, body: bytes) -> wire.Reply:
        began = time.monotonic()
        try:
            reply = wire.json_reply(BEHAVIOURS[self.name](self, json.loads(body)))
            outcome = "ok"
        except FAULTS as error:
            print(f"{self.name} {self.version}: {error!r}", file=sys.stderr, flush=True)
            reply = wire.json_reply({"error": type(error).__name__}, 500)
            outcome = "error"
        self.metrics.observe(outcome, time.monotonic() - began)
        return reply

    def deploy(self, body: bytes) -> wire.Reply:
        self.metrics.build.remove(self.version)
        self.version = str(json.loads(body)["version"])
        self.metrics.build.labels(self.version).set(1)
        return wire.json_reply({"version": self.version})

    def set(self, body: bytes) -> wire.Reply:
        change = json.loads(body)
        self.settings[str(change["name"])] = str(change["value"])
        return wire.json_reply(self.settings)

    def routes(self) -> wire.Routes:
        return {
            ("POST", "/call"): self.serve_call,
            ("POST", "/admin/deploy"): self.deploy,
            ("POST", "/admin/set"): self.set,
            ("GET", "/healthz"): lambda _: wire.json_reply({"version": self.version}),
            ("GET", "/metrics"): lambda _: wire.Reply(
                200, generate_latest(self.metrics.registry), METRICS_TYPE
            ),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="Run one service of the shop.")
    parser.add_argument("name", choices=sorted(BY_NAME))
    parser.add_argument("--ports", required=True, type=json.loads, help="JSON: service name to port")
    chosen = parser.parse_args()
    app = App(chosen.name, chosen.ports)
    with wire.Server(chosen.ports[chosen.name], app.routes()) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
