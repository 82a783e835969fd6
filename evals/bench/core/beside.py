"""Processing beside Alertmanager: alerts over HTTP while others are open, under one rule of inhibition.

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

ALERTS, OPEN = 20_000, 50_000
# No multiple of ten, so that severity goes not by service: half of the warnings have a critical alert of
# their name, cluster and service. With a multiple of ten none has.
SERVICES = 999
_A_POST, _PATIENCE = 500, 90.0
# For what is open before.
_LONG_PATIENCE = 900.0
# Longer than posting takes: then nothing is looked at while posts come in.
_GROUP_WAIT = 8
_GAUGE = re.compile(r'^alertmanager_alerts\{state="unprocessed"\} (\S+)', re.MULTILINE)
# The rule of Alertmanager's sample configuration, as Debian installs it.
_INHIBITION = {
    "source": ['severity="critical"'],
    "target": ['severity="warning"'],
    "equal": ["alertname", "cluster", "service"],
}
# What is open before is of another cluster: of other groups, so that these have a first wait of their own.
_BEFORE, _MEASURED = b"east-1", b"west-1"
Say = Callable[[str], None]


class Processed(NamedTuple):
    """`alerts` processed in `seconds`, with `opened` open before; `left` were not when patience ended.
    `cpu_seconds`: the server's meanwhile."""

    target: str
    alerts: int
    posted_seconds: float
    seconds: float
    left: int
    cpu_seconds: float
    opened: int = 0

    @property
    def rate(self) -> float:
        return ratio(self.alerts - self.left, self.seconds)

    @property
    def cpu_us(self) -> float:
        """What a busy machine changes least."""
        return 1e6 * ratio(self.cpu_seconds, self.alerts - self.left)


def report(alerts: int, opened: int, services: int, directory: Path | None, as_json: bool, say: Say) -> int:
    peer = alertmanager()
    with tempfile.TemporaryDirectory(prefix="wk-bench-", dir=disk.real_directory(directory)) as folder:
        rows = [ours(alerts, opened, services, Path(folder))]
        say(f"{rows[0].target}: {rows[0].rate:,.0f} alerts/s")
        if peer is not None:
            rows.append(theirs(alerts, opened, services, Path(folder), peer.name))
            say(f"{rows[1].target}: {rows[1].rate:,.0f} alerts/s")
    print(json.dumps(document(rows)) if as_json else table(rows))
    return 0


def ours(alerts: int, opened: int, services: int, folder: Path) -> Processed:
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
        post_all(port, bodies(opened, services, _BEFORE))
        if applied(children, port, _LONG_PATIENCE):
            raise wire.CallFailed(f"{opened} alerts were not applied within {_LONG_PATIENCE:.0f} s")
        before, made = cpu_seconds(children), bodies(alerts, services, _MEASURED)
        began, posted = post_all(port, made)
        waiting = applied(children, port, _PATIENCE)
        seconds, cpu = time.monotonic() - began, cpu_seconds(children) - before
    return Processed(WATCHKEEPER.name, alerts, posted, seconds, min(alerts, waiting * _A_POST), cpu, opened)


def applied(children: Children, port: int, patience: float) -> int:
    """How many records still waited for the engine when none did, or when time was up."""
    deadline, waiting = time.monotonic() + patience, lag(port)
    while waiting and time.monotonic() < deadline:
        children.check()
        time.sleep(0.02)
        waiting = lag(port)
    return waiting


def theirs(alerts: int, opened: int, services: int, folder: Path, name: str) -> Processed:
    config = {
        "route": {
            "receiver": "nobody",
            "group_by": ["alertname", "cluster", "service"],
            "group_wait": f"{_GROUP_WAIT}s",
            # What is open is not looked at again meanwhile.
            "group_interval": "1h",
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
        began, _ = post_all(port, bodies(opened, services, _BEFORE))
        _, left = fall(lambda: unprocessed(port), time.monotonic, _pause, began + _LONG_PATIENCE)
        if left:
            raise wire.CallFailed(f"{left} of {opened} alerts were not processed in {_LONG_PATIENCE:.0f} s")
        before, made = cpu_seconds(children), bodies(alerts, services, _MEASURED)
        began, posted = post_all(port, made)
        seconds, left = fall(
            lambda: unprocessed(port), time.monotonic, _pause, began + _GROUP_WAIT + _PATIENCE
        )
        cpu = cpu_seconds(children) - before
    return Processed(name, alerts, posted, seconds, left, cpu, opened)


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


def bodies(alerts: int, services: int, cluster: bytes) -> list[bytes]:
    """So many alerts that begin now, as Prometheus posts them."""
    now = time.time_ns() // 1_000_000
    rows = [Told(number, now, now) for number in range(alerts)]
    parts = [rows[start : start + _A_POST] for start in range(0, alerts, _A_POST)]
    return [api_v2_body(part, services, HOUR).replace(_BEFORE, cluster) for part in parts]


def post_all(port: int, made: list[bytes]) -> tuple[float, float]:
    """Post each once, over one connection; the monotonic time of the first, and seconds until the last
    answer. Raises CallFailed for one that is not 2xx."""
    connection = http.client.HTTPConnection(wire.LOOPBACK, port, timeout=60.0)
    began = time.monotonic()
    try:
        for body in made:
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
        "open_before": row.opened,
        "left": row.left,
    }


def table(rows: list[Processed]) -> str:
    lines = [
        [
            row.target,
            whole(row.opened),
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
    times = ("posted in s", "processed in s", "left", "processed/s", "ratio", "CPU µs/alert")
    return (
        f"{render(('', 'open before', 'alerts', *times), lines)}\n"
        "The rule of inhibition of Alertmanager's sample configuration. Ours: from the first post until the\n"
        'engine has applied all. Theirs: from when alertmanager_alerts{state="unprocessed"} begins to fall;\n'
        "posts do not count."
    )
