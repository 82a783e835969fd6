"""From an alert that is posted to an incident that is read: without a model, and with each kind of bad one.

`python -m evals.bench.visible`. Every probe is an alert of a service of its own, so each opens an incident,
and the agents are asked about it at once while the next probes come. The modes are taken in turn, round after
round, against servers of their own, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import socketserver
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import yaml

from evals.bench.table import render
from evals.bench.targets import PATH, ready
from evals.shop import wire
from evals.shop.processes import Children
from watchkeeper.files import builtin_rules
from watchkeeper.version import VERSION

NO_MODEL = "no model"
_PATIENCE = 20.0
_Talk = Callable[["_Handler"], None]


class Row(NamedTuple):
    """Milliseconds from the post until the incident, with its findings and plans, was read."""

    mode: str
    probe: int
    ms: float


class _Handler(socketserver.StreamRequestHandler):
    server: _Model

    def handle(self) -> None:
        self.request.recv(65_536)
        self.server.talk(self)


class _Model(socketserver.ThreadingTCPServer):
    """What stands at a model's address."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, talk: _Talk) -> None:
        super().__init__((wire.LOOPBACK, 0), _Handler)
        self.talk = talk
        self.over = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """The other side gave up, as it should."""


def _hang(handler: _Handler) -> None:
    handler.server.over.wait(120)


def _drip(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while not handler.server.over.wait(1):
        handler.wfile.write(b"{")


def _babble(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\x00\xff what?")


BAD: dict[str, _Talk | None] = {"refuses": None, "hangs": _hang, "drips": _drip, "garbage": _babble}


@contextmanager
def model_url(talk: _Talk | None) -> Iterator[str]:
    """The address of a bad model; of nobody for None."""
    if talk is None:
        yield f"http://{wire.LOOPBACK}:{wire.free_ports(1)[0]}/v1"
        return
    server = _Model(talk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{wire.LOOPBACK}:{server.server_address[1]}/v1"
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()


def measure(probes: int) -> list[Row]:
    """All rows; the servers are gone when this returns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wk-visible-")))
        children = Children(folder)
        stack.callback(children.stop)
        ports = {NO_MODEL: _start(children, folder, NO_MODEL, ())}
        for mode, talk in BAD.items():
            url = stack.enter_context(model_url(talk))
            ports[mode] = _start(children, folder, mode, ("--model", "openai:bad", "--model-url", url))
        for port in ports.values():
            probe(port, "warm-up")
        rows = []
        for number in range(probes):
            if number % 10 == 0:
                print(f"round {number + 1} of {probes}", file=sys.stderr, flush=True)
            rows += [Row(mode, number, probe(port, f"s{number}")) for mode, port in ports.items()]
            time.sleep(0.1)
        return rows


def probe(port: int, service: str) -> float:
    """Post an alert of `service` and read its incident; the time that took, in ms."""
    alert = {"labels": {"alertname": "HighErrorRatio", "service": service, "severity": "critical"}}
    began = time.perf_counter()
    wire.post(port, PATH, [alert])
    while time.perf_counter() - began < _PATIENCE:
        [row] = json.loads(wire.get(port, "/v1/incidents?limit=1"))["incidents"] or [None]
        if row and row["title"].startswith(f"{service}:"):
            document = json.loads(wire.get(port, f"/v1/incidents/{row['id']}"))
            if document["findings"] and document["plans"]:
                return 1_000 * (time.perf_counter() - began)
    raise wire.CallFailed(f"no incident of {service} within {_PATIENCE} s")


def _start(children: Children, folder: Path, mode: str, options: Sequence[str]) -> int:
    """A server that asks its agents at once about every incident."""
    [port] = wire.free_ports(1)
    home = folder / mode.replace(" ", "-")
    rules = home / "rules"
    rules.mkdir(parents=True)
    for text in builtin_rules().values():
        rule = yaml.safe_load(text)
        if rule["rule"] == "explain":
            (rules / "explain.yaml").write_text(yaml.safe_dump({**rule, "wait": "0s"}))
    where = ["--data", str(home / "data"), "--host", wire.LOOPBACK, "--port", str(port)]
    command = [sys.executable, "-m", "watchkeeper", "serve", "--no-demo", *where, "--rules", str(rules)]
    children.start(mode, [*command, *options])
    return ready(children, port, "/readyz")


def figures(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """By mode: median and 99th percentile in ms, and the median beside that without a model."""
    found = {}
    for mode in dict.fromkeys(row.mode for row in rows):
        times = sorted(row.ms for row in rows if row.mode == mode)
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
        found[mode] = {"median_ms": round(median(times), 2), "p99_ms": round(p99, 2)}
    base = found[NO_MODEL]["median_ms"]
    return {mode: {**row, "ratio": round(row["median_ms"] / base, 3)} for mode, row in found.items()}


def document(rows: Sequence[Row]) -> dict[str, object]:
    """The evaluation document: every mode's figures, that without a model as the baseline."""
    by_mode = figures(rows)
    metrics = {
        f"{mode}_{name}": value
        for mode, row in by_mode.items()
        if mode != NO_MODEL
        for name, value in row.items()
    }
    return {
        "eval": "visible", "version": VERSION, "data": "synthetic", "n": len(rows),
        "metrics": metrics, "baselines": {NO_MODEL: by_mode[NO_MODEL]}, "intervals": {},
    }  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    head = ("the model", "median ms", "p99 ms", "median beside no model")
    lines = [
        [mode, f"{row['median_ms']:.1f}", f"{row['p99_ms']:.1f}", f"{row['ratio']:.2f}"]
        for mode, row in figures(rows).items()
    ]
    return render(head, lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.bench.visible", description=__doc__)
    parser.add_argument("--probes", type=int, default=60, help="alerts a mode [60]")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every single time as JSON lines")
    chosen = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("WATCHKEEPER_")]:
        del os.environ[name]
    rows = measure(max(2, chosen.probes))
    if chosen.out:
        lines = [{"case_id": f"{row.mode}/{row.probe}", "ms": row.ms} for row in rows]
        chosen.out.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(json.dumps(document(rows)) if chosen.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
