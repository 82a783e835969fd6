"""kill -9 at random points under load: nothing acknowledged is lost, and pages repeat once a crash at most.

`WATCHKEEPER_LONG=1` kills fifty times instead of three. The points are drawn from a seed; what the system
does at them is not, so the long run is the one to believe.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.calls import SYNCS, WRITES
from tests.faults.kills import killed_at
from tests.faults.ledger import Clients, lacking, records
from tests.faults.ledger import Ledger as Bodies
from tests.faults.running import Traced
from tests.integration import export
from tests.integration.load import PROBE, Ledger, Load
from tests.integration.pages import ENVIRONMENT, PageReceiver
from tests.integration.rules import quick_rules
from tests.integration.server import Server, watchkeeper, within

LONG = bool(os.environ.get("WATCHKEEPER_LONG"))
KILLS = 50 if LONG else 3
SEED = 20_261_121
READY_AGAIN_SECONDS = 10.0

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3_600 if LONG else 180)]


def make_server(folder: Path, receiver: PageReceiver) -> Server:
    """Pages go to `receiver`; warnings wait a second for theirs, so that timers and ticks take part."""
    wait = {"P0": "0s", "P1": "0s", "P2": "1s", "P3": "1s"}
    rules = quick_rules(folder / "rules", wait=wait)
    routes = receiver.write_routes(folder / "routes.yaml")
    return Server(folder / "data", "--rules", rules, "--routes", routes, extra=ENVIRONMENT)


def crash_and_come_back(server: Server, dice: random.Random) -> float:
    """Kill while it works, or one time in five while it starts. Returns the seconds to ready again."""
    time.sleep(dice.uniform(0.1, 1.5))
    server.kill9()
    if dice.random() < 0.2:
        server.launch()
        time.sleep(dice.uniform(0.0, 1.0))
        server.kill9()
    began = time.monotonic()
    server.start()
    return time.monotonic() - began


def acknowledge_one(server: Server, ledger: Ledger) -> None:
    """What a person was told is done must last as well."""
    for row in server.get("/v1/incidents", status="triggered", limit="1")["incidents"]:
        move = {"to": "acknowledged", "actor": "ana"}
        answer = httpx.post(f"{server.url}/v1/incidents/{row['id']}/transitions", json=move, timeout=15.0)
        if answer.is_success:
            ledger.add([row["id"]])


def exported(server: Server, name: str = "export.jsonl") -> Path:
    path = server.data.parent / name
    done = watchkeeper("journal", "export", path, "--data", server.data, cwd=server.data.parent)
    assert done.returncode == 0, done.stderr
    return path


def replayed(path: Path, hash_seed: str = "0") -> dict[str, Any]:
    done = watchkeeper(
        "replay", path, "--json", cwd=path.parent, extra={"PYTHONHASHSEED": hash_seed}, timeout=600
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def decided_pages(document: dict[str, Any]) -> set[str]:
    return {one["id"] for one in document["decisions"] if one["kind"] == "notify"}


def settled(server: Server, receiver: PageReceiver, seconds: float = 120.0) -> None:
    """Wait until everything is folded and no page has come for two seconds."""

    def still() -> bool:
        before = len(receiver.pages())
        time.sleep(2.0)
        state = server.get("/readyz")
        return state["engine_lag_records"] == 0 and len(receiver.pages()) == before

    assert within(seconds, still), "the server does not come to rest"


def test_what_was_acknowledged_survives_kill_9_and_pages_repeat_once_a_crash_at_most(tmp_path: Path) -> None:
    dice, ledger, acks = random.Random(SEED), Ledger(tmp_path / "ledger"), Ledger(tmp_path / "acks")
    with PageReceiver(delay=0.02) as receiver, make_server(tmp_path, receiver) as server:
        with Load(server.port, ledger) as load:
            waits = []
            for _ in range(KILLS):
                acknowledge_one(server, acks)
                waits.append(crash_and_come_back(server, dice))
            time.sleep(0.5)
        settled(server, receiver)
        path = exported(server)
        document = replayed(path)
        say(server, receiver, ledger, load, waits)

        lost_nothing(server, path, ledger, acks)
        told_once_a_crash(document, receiver, server.crashes)
        assert document["digest"] == replayed(path, hash_seed="1")["digest"]
        assert max(waits) < READY_AGAIN_SECONDS


def lost_nothing(server: Server, path: Path, ledger: Ledger, acks: Ledger) -> None:
    """The journal is whole; the export and the API hold what the ledgers hold, and nothing twice."""
    verified = watchkeeper("journal", "verify", "--data", server.data, cwd=server.data.parent)
    assert verified.returncode == 0, verified.stderr
    acknowledged, stored = ledger.read(), export.labels_stored(path)
    assert len(acknowledged) > 50 * KILLS, "too little was sent for this to show anything"
    assert not [label for label in acknowledged if label not in stored]
    assert not [label for label, times in stored.items() if times > 1]

    incidents = server.incidents()
    shown = {alert["labels"][PROBE] for one in incidents for alert in one["alerts"]}
    assert not [label for label in acknowledged if label not in shown and not label.startswith("c")]
    by_person = {one["id"] for one in incidents if one["acknowledged_by"] == "ana"}
    assert acks.read()
    assert set(acks.read()) <= by_person


def told_once_a_crash(document: dict[str, Any], receiver: PageReceiver, crashes: int) -> None:
    decided, counts = decided_pages(document), receiver.counts()
    assert not receiver.faults()
    assert decided
    assert decided - set(counts) == set(), "decided and never delivered"
    assert set(counts) - decided == set(), "delivered, and the journal knows nothing of it"
    assert counts.total() - len(counts) <= crashes, counts.most_common(3)


def say(server: Server, receiver: PageReceiver, ledger: Ledger, load: Load, waits: list[float]) -> None:
    """Figures for `pytest -s` and for the report of a failure."""
    counts = receiver.counts()
    print(
        f"\n{server.crashes} kills, {len(ledger.read())} acknowledged, {load.unanswered} without an answer,"
        f" {load.refused} refused; {len(counts)} pages, {counts.total() - len(counts)} of them repeated,"
        f" one at most {max(counts.values())} times; ready again in {max(waits):.1f} s at most"
    )


def test_without_a_crash_every_page_is_sent_exactly_once_over_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with PageReceiver() as receiver, make_server(tmp_path, receiver) as server:
        with Load(server.port, ledger):
            time.sleep(1.5)
            assert server.terminate() == 0
            server.start()
            time.sleep(1.5)
        settled(server, receiver)
        path = exported(server)

        assert not receiver.faults()
        assert set(receiver.counts()) == decided_pages(replayed(path))
        assert set(receiver.counts().values()) == {1}
        assert set(ledger.read()) <= set(export.labels_stored(path))


def rounds_of_kills(folder: Path, points: list[tuple[str, int]]) -> None:
    """On one directory: die at each point in turn; what was acknowledged so far is there, byte for byte."""
    traced, ledger = Traced(folder, calls=(*SYNCS, *WRITES)), Bodies()
    while_starting = 0
    for what, number in points:
        while_starting += not killed_at(traced, ledger, what, number)
        if ledger.notes:
            assert lacking(ledger.notes, records(traced.data)) == [], f"killed at {what} {number}"
    with Server(traced.data) as server:
        before = len(ledger.notes)
        with Clients(server.port, ledger, limit=3) as clients:
            clients.wait()
        assert len(ledger.notes) == before + 9
        assert server.terminate() == 0
    print(f"\n{len(points)} kills, {while_starting} while it started, {before} acknowledged before the last")
    assert before > 2 * len(points), "too little was sent for this to show anything"
    assert lacking(ledger.notes, records(traced.data)) == []
    verified = watchkeeper("journal", "verify", "--data", traced.data, cwd=folder)
    assert verified.returncode == 0, verified.stderr


def test_a_kill_at_any_sync_or_write_loses_nothing(tmp_path: Path) -> None:
    """Ten points: in the first start, in the start of a directory that is in use, and under load."""
    dice = random.Random(SEED)
    early = [("sync", 1), ("write", dice.randint(2, 12)), ("sync", 2), ("sync", 3), ("sync", 4)]
    late = [("sync", dice.randint(8, 60)) for _ in range(3)] + [("write", dice.randint(60, 300))] * 2
    rounds_of_kills(tmp_path, early + late)


@pytest.mark.faults_full
@pytest.mark.timeout(3_600)
def test_a_kill_at_every_sync_and_many_writes_loses_nothing(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    syncs = [("sync", number) for number in range(1, 61)]
    writes = [("write", dice.randint(1, 600)) for _ in range(60)]
    rounds_of_kills(tmp_path, syncs + writes)
