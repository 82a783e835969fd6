"""Processing beside Alertmanager: 50,000 alerts posted over HTTP, under one rule of inhibition.

Alertmanager says how many alerts wait in `alertmanager_alerts{state="unprocessed"}`: they are looked at when
their group's first wait is over. Its rate is that of the gauge's fall, from when it begins; the posts before
do not count. Ours counts from the first post until the engine has applied all, with HTTP and the disk.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from core.times import HOUR
from evals.bench import disk
from evals.bench.alerts import Told, api_v2_body
from evals.bench.stats import ratio
from evals.bench.table import render, whole
from evals.bench.targets import PATH, WATCHKEEPER, alertmanager, cpu_seconds, lag, ready
from evals.record.monitoring import program
from evals.shop import wire
from evals.shop.processes import Children
from watchkeeper.files import builtin_rules
from watchkeeper.version import VERSION

ALERTS = 50_000
_A_POST, _SERVICES, _PATIENCE = 500, 1_000, 90.0
# Longer than posting takes: then nothing is looked at while posts come in.
_GROUP_WAIT = 8
_GAUGE = re.compile(r'^alertmanager_alerts\{state="unprocessed"\} (\S+)', re.MULTILINE)
_INHIBITION = {
    "source": ['severity="critical"'],
    "target": ['severity="warning"'],
    "equal": ["cluster", "alertname"],
}
Say = Callable[[str], None]


class Processed(NamedTuple):
    """`alerts` processed in `seconds`; `left` were not when patience ended. `cpu_seconds`: the
    server's, since its start."""

    target: str
    alerts: int
    posted_seconds: float
    seconds: float
    left: int
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return ratio(self.alerts - self.left, self.seconds)

    @property
    def cpu_us(self) -> float:
        """What a busy machine changes least."""
        return 1e6 * ratio(self.cpu_seconds, self.alerts - self.left)


def report(alerts: int, directory: Path | None, as_json: bool, say: Say) -> int:
    peer = alertmanager()
    with tempfile.TemporaryDirectory(prefix="wk-bench-", dir=disk.real_directory(directory)) as folder:
        rows = [ours(alerts, Path(folder))]
        say(f"{rows[0].target}: {rows[0].rate:,.0f} alerts/s")
        if peer is not None:
            rows.append(theirs(alerts, Path(folder), peer.name))
            say(f"{rows[1].target}: {rows[1].rate:,.0f} alerts/s")
    print(json.dumps(document(rows)) if as_json else table(rows))
    return 0


def ours(alerts: int, folder: Path) -> Processed:
    rules = folder / "rules"
    rules.mkdir()
    options: tuple[str, ...] = ()
    if any(name.endswith("-inhibition.yaml") for name in builtin_rules()):
        rows = [{"name": "bench", **_INHIBITION}]
        text = orjson.dumps({"rule": "inhibition", "summary": "Made for the bench.", "inhibitions": rows})
        (rules / "inhibition.yaml").write_bytes(text)
        options = ("--rules", str(rules))
    with running(folder) as children:
        [port] = wire.free_ports(1)
        where = ["--data", str(folder / "data"), "--host", wire.LOOPBACK, "--port", str(port), "--no-demo"]
        children.start("watchkeeper", [sys.executable, "-m", "watchkeeper", "serve", *where, *options])
        ready(children, port, "/readyz")
        began, posted = post_all(port, alerts)
        deadline, waiting = time.monotonic() + _PATIENCE, lag(port)
        while waiting and time.monotonic() < deadline:
            children.check()
            time.sleep(0.02)
            waiting = lag(port)
        seconds, cpu = time.monotonic() - began, cpu_seconds(children)
    return Processed(WATCHKEEPER.name, alerts, posted, seconds, min(alerts, waiting * _A_POST), cpu)


def theirs(alerts: int, folder: Path, name: str) -> Processed:
    config = {
        "route": {
            "receiver": "nobody",
            "group_by": ["alertname", "cluster", "service"],
            "group_wait": f"{_GROUP_WAIT}s",
        },
        "receivers": [{"name": "nobody"}],
        "inhibit_rules": [
            {
                "source_matchers": _INHIBITION["source"],
                "target_matchers": _INHIBITION["target"],
                "equal": _INHIBITION["equal"],
            }
        ],
    }
    path = folder / "alertmanager.yml"
    path.write_text(json.dumps(config))
    with running(folder) as children:
        [port] = wire.free_ports(1)
        flags = [f"--config.file={path}", f"--storage.path={folder / 'am'}", "--cluster.listen-address="]
        flags += [f"--web.listen-address={wire.LOOPBACK}:{port}", "--log.level=warn"]
        children.start("alertmanager", [program("alertmanager"), *flags])
        ready(children, port, "/-/ready")
        began, posted = post_all(port, alerts)
        seconds, left = fall(
            lambda: unprocessed(port), time.monotonic, _pause, began + _GROUP_WAIT + _PATIENCE
        )
        cpu = cpu_seconds(children)
    return Processed(name, alerts, posted, seconds, left, cpu)


def fall(
    gauge: Callable[[], int], clock: Callable[[], float], pause: Callable[[], None], deadline: float
) -> tuple[float, int]:
    """Seconds from the last time that the gauge stood at its highest until it was 0, or what was left when
    time was up."""
    highest, since = gauge(), clock()
    while True:
        left, now = gauge(), clock()
        if left >= highest:
            highest, since = left, now
        if left == 0 or now >= deadline:
            return now - since, left
        pause()


def _pause() -> None:
    # Each look at the metrics costs it as much as hundreds of alerts.
    time.sleep(1.0)


def unprocessed(port: int) -> int:
    found = _GAUGE.search(wire.get(port, "/metrics", timeout=_PATIENCE).decode())
    if found is None:
        raise wire.CallFailed("/metrics has no alertmanager_alerts: another Alertmanager than 0.25?")
    return int(float(found[1]))


@contextmanager
def running(folder: Path) -> Iterator[Children]:
    children = Children(folder)
    try:
        yield children
    finally:
        children.stop()


def post_all(port: int, alerts: int) -> tuple[float, float]:
    """Post each alert once, over one connection; the monotonic time of the first, and seconds until the last
    answer. Raises CallFailed for one that is not 2xx."""
    now = time.time_ns() // 1_000_000
    bodies = [
        api_v2_body([Told(n, now, now) for n in range(start, min(alerts, start + _A_POST))], _SERVICES, HOUR)
        for start in range(0, alerts, _A_POST)
    ]
    connection = http.client.HTTPConnection(wire.LOOPBACK, port, timeout=60.0)
    began = time.monotonic()
    try:
        for body in bodies:
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 300:
                raise wire.CallFailed(f"POST {PATH} on port {port}: status {answer.status}")
    finally:
        connection.close()
    return began, time.monotonic() - began


def document(rows: list[Processed]) -> dict[str, object]:
    ours, *others = rows
    metrics = _figures(ours)
    if others:
        metrics["ratio_to_alertmanager"] = round(ratio(ours.rate, others[0].rate), 3)
    baselines = {row.target: _figures(row) for row in others}
    return {
        "eval": "bench-core-beside", "version": VERSION, "data": "synthetic", "n": ours.alerts,
        "metrics": metrics, "baselines": baselines, "intervals": {},
    }  # fmt: skip


def _figures(row: Processed) -> dict[str, float]:
    return {
        "processed_alerts_per_s": round(row.rate, 1),
        "cpu_us_an_alert": round(row.cpu_us, 1),
        "left": row.left,
    }


def table(rows: list[Processed]) -> str:
    lines = [
        [
            row.target,
            whole(row.alerts),
            f"{row.posted_seconds:.1f}",
            f"{row.seconds:.1f}",
            whole(row.left),
            whole(row.rate),
            f"{ratio(row.rate, rows[-1].rate):.2f}",
            f"{row.cpu_us:.0f}",
        ]
        for row in rows
    ]
    head = ("", "alerts", "posted in s", "processed in s", "left", "processed/s", "ratio", "CPU µs/alert")
    return (
        f"{render(head, lines)}\nOne rule of inhibition. Ours: from the first post until the engine has"
        ' applied all. Theirs: from when alertmanager_alerts{state="unprocessed"} begins to fall; posts do'
        " not count."
    )
