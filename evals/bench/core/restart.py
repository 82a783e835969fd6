"""Starts: how soon a server that has a long journal acknowledges, and when its engine has caught up.

Twice on the same journal: with nothing but its records, and with a checkpoint as the server makes them, with
as many records after it as there can be before it makes the next.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from connectors.storage.sqlite_journal import SqliteJournal
from core.config import config_draft
from core.journal import Draft
from core.times import HOUR, MINUTE
from evals.bench import disk
from evals.bench.alerts import Told, api_v2_body
from evals.bench.core.beside import running
from evals.bench.stats import ratio
from evals.bench.table import render, whole
from evals.bench.targets import PATH, cpu_seconds
from evals.shop import wire
from evals.shop.processes import Children
from watchkeeper import files, housekeeping
from watchkeeper.receivers import no_receivers
from watchkeeper.version import VERSION

RECORDS = 100_000
_SERVICES, _COMMIT = 1_000, 4_096
# The journal's records are as many as this ago, at the start.
_AGO = 20 * MINUTE
_PATIENCE = 900.0
WHOLE, CHECKPOINT = "whole journal", "checkpoint"
Say = Callable[[str], None]


class Start(NamedTuple):
    """Seconds from the start of the process to its first 2xx, and until no record waited for the engine; and
    the CPU seconds that it had used by then, which a busy machine changes least. `longest`: seconds of the
    slowest of the posts that were made one after the other from the first 2xx on."""

    read: str
    records: int
    open: int
    first_ack: float
    caught_up: float
    ack_cpu: float
    caught_up_cpu: float
    longest: float


def report(records: int, opened: int, directory: Path | None, as_json: bool, say: Say) -> int:
    held = min(opened or records // 20, records)
    with tempfile.TemporaryDirectory(prefix="wk-bench-", dir=disk.real_directory(directory)) as folder:
        data = Path(folder) / "data"
        checkpoint = write(data, records, held)
        say(f"{records:,} records of {held:,} alerts written")
        rows = [measure(Path(folder), data, WHOLE, records, held)]
        say(f"{WHOLE}: first answer {rows[0].first_ack:.2f} s, caught up {rows[0].caught_up:.1f} s")
        append(data, checkpoint)
        rows.append(measure(Path(folder), data, CHECKPOINT, records, held))
    print(json.dumps(document(rows)) if as_json else table(rows))
    return 0


def write(data: Path, records: int, opened: int) -> Draft:
    """A journal in which so many alerts fire and are told again in turn, one a record. Returns a checkpoint
    that is as old as the server lets one become."""
    data.mkdir()
    begin = time.time_ns() // 1_000_000 - _AGO
    made, journal = drafts(records, opened, begin), SqliteJournal(data)
    before = records - min(housekeeping.RECORDS, records // 10)
    routes = config_draft("routes", no_receivers().routes_text)
    try:
        journal.append([*files.configuration(None, None), routes], begin)
        for number in range(0, before, _COMMIT):
            batch = list(islice(made, min(_COMMIT, before - number)))
            journal.append(batch, begin + _AGO * number // records)
        payload = housekeeping.fold_apart(data, 0)
        while batch := list(islice(made, _COMMIT)):
            journal.append(batch, begin + _AGO)
    finally:
        journal.close()
    return Draft("checkpoint", "program", payload)


def drafts(records: int, opened: int, begin: int) -> Iterator[Draft]:
    bodies = [api_v2_body([Told(n, begin, begin)], _SERVICES, 6 * HOUR) for n in range(opened)]
    return (Draft("ingest", "prometheus", bodies[number % opened]) for number in range(records))


def append(data: Path, draft: Draft) -> None:
    journal = SqliteJournal(data)
    try:
        journal.append([draft], time.time_ns() // 1_000_000)
    finally:
        journal.close()


def measure(folder: Path, data: Path, read: str, records: int, opened: int) -> Start:
    with running(folder) as children:
        [port] = wire.free_ports(1)
        where = ["--data", str(data), "--host", wire.LOOPBACK, "--port", str(port), "--no-demo"]
        began = time.monotonic()
        children.start("watchkeeper", [sys.executable, "-m", "watchkeeper", "serve", *where])
        first_ack = _until(lambda: _acknowledged(port), began, children)
        ack_cpu = cpu_seconds(children)
        took: list[float] = []
        caught_up = _until(lambda: _caught_up(port, took), began, children)
        cpu, longest = cpu_seconds(children), max(took)
        return Start(read, records, opened, first_ack, caught_up, ack_cpu, cpu, longest)


def _acknowledged(port: int) -> bool:
    alert = {"labels": {"alertname": "Started", "service": "service-0000", "severity": "warning"}}
    wire.post(port, PATH, [alert])
    return True


def _caught_up(port: int, took: list[float]) -> bool:
    """Whether it has; one more post is made before."""
    began = time.monotonic()
    try:
        _acknowledged(port)
    finally:
        took.append(time.monotonic() - began)
    health = json.loads(wire.get(port, "/readyz", timeout=10.0))
    return bool(health["engine_caught_up"]) and health["engine_lag_records"] <= 1


def _until(done: Callable[[], bool], began: float, children: Children) -> float:
    """Seconds from `began` until `done` first says so; refused calls are tried again."""
    while time.monotonic() < began + _PATIENCE:
        children.check()
        try:
            if done():
                return time.monotonic() - began
        except wire.CallFailed:
            pass
        time.sleep(0.01)
    raise wire.CallFailed(f"not within {_PATIENCE:.0f} s of the start")


def document(rows: list[Start]) -> dict[str, object]:
    by_name = {
        row.read: {
            "first_ack_s": round(row.first_ack, 3),
            "caught_up_s": round(row.caught_up, 3),
            "records_per_s": round(ratio(row.records, row.caught_up), 1),
            "first_ack_cpu_s": round(row.ack_cpu, 3),
            "caught_up_cpu_s": round(row.caught_up_cpu, 3),
            "longest_s": round(row.longest, 3),
        }
        for row in rows
    }
    metrics = {f"{CHECKPOINT}_{name}": value for name, value in by_name[CHECKPOINT].items()}
    return {
        "eval": "bench-core-restart", "version": VERSION, "data": "synthetic", "n": rows[0].records,
        "metrics": {**metrics, "open": rows[0].open}, "baselines": {WHOLE: by_name[WHOLE]}, "intervals": {},
    }  # fmt: skip


def table(rows: list[Start]) -> str:
    lines = [
        [
            row.read,
            whole(row.records),
            whole(row.open),
            f"{row.first_ack:.2f}",
            f"{row.ack_cpu:.2f}",
            f"{row.caught_up:.2f}",
            f"{row.caught_up_cpu:.2f}",
            f"{row.longest:.2f}",
        ]
        for row in rows
    ]
    head = (
        "read",
        "records",
        "open",
        "first 2xx after s",
        "CPU s",
        "caught up after s",
        "CPU s",
        "longest s",
    )
    return render(head, lines)
