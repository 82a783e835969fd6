"""The current is cut: what was acknowledged is on the disk that is left, at whatever moment and however torn.

A server runs under a tracer that records what it writes and syncs; from the record the disk is rebuilt as it
may be after a cut at each sync and between. `pytest -m faults_full` cuts many more times.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.storage.sqlite_journal import SqliteJournal
from core.errors import JournalError
from core.journal import Draft
from tests.faults import journal_rows, rows
from tests.faults.calls import SYNCS
from tests.faults.cuts import Cut, moments, power_cuts
from tests.faults.disk import Disk
from tests.faults.ledger import Clients, Ledger, Note, lacking, records
from tests.faults.long import FULL, QUICK
from tests.faults.old_journal import write_old_journal
from tests.faults.pieces import LOSSES, NAMES_ONLY, SYNCED_ONLY, TORN
from tests.faults.record import Event, Rule, read_events
from tests.faults.running import Traced
from tests.integration.server import Server, watchkeeper

SEED = 20_261_121

pytestmark = pytest.mark.integration


def faults_of(cut: Cut, ledger: Ledger) -> list[str]:
    """What is wrong with the journal that is left, opened as the server opens it and read as others do."""
    notes = ledger.before(cut.at)
    try:
        if notes:
            assert lacking(notes, records(cut.disk)) == [], f"{cut}: seen by a reader before it is mended"
        first = SqliteJournal(cut.disk)
        first.close()
        assert all(one.what and one.path.exists() for one in first.set_aside), first.set_aside
        journal = SqliteJournal(cut.disk)
        assert journal.set_aside == [], "what was set aside once is not met again"
        journal.append([Draft("ingest", "alertmanager", b"after the cut")], now=0)
        journal.close()
        found = records(cut.disk)
    except JournalError as error:
        return [f"{cut}: {error}"]
    assert found[-1].payload == b"after the cut"
    return [f"{cut}: {fault}" for fault in lacking(notes, found)]


def record_a_server(traced: Traced, each: int, pad: int, *rules: Rule) -> tuple[Ledger, list[Event]]:
    """Started, under load, stopped. `rules` hold from its start to the end of the load."""
    ledger = Ledger()
    with traced.server() as server:
        traced.disturb(*rules)
        with Clients(server.port, ledger, pad=pad, limit=each) as clients:
            clients.wait()
        traced.disturb()
        assert server.terminate() == 0
    return ledger, list(read_events(traced.events))


def serve_from(disk: Path, ledger_notes: Sequence[Note]) -> None:
    """A whole server starts on it, twice, and takes more; all that was acknowledged is still there."""
    ledger = Ledger()
    ledger.notes += ledger_notes
    with Server(disk) as server:
        with Clients(server.port, ledger, limit=3) as clients:
            clients.wait()
        server.kill9()
        server.start()
        assert server.get("/readyz")["ready"]
        assert server.terminate() == 0
    assert len(ledger.notes) == len(ledger_notes) + 9
    assert lacking(ledger.notes, records(disk)) == []
    done = watchkeeper("journal", "verify", "--data", disk, cwd=disk.parent)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("full", [QUICK, FULL])
def test_every_acknowledged_body_outlives_a_power_cut(tmp_path: Path, full: bool) -> None:
    traced, dice = Traced(tmp_path, records=True), random.Random(SEED)
    traced.data.mkdir()
    before = Disk(traced.data)
    ledger, events = record_a_server(traced, each=100 if full else 9, pad=60_000 if full else 4_000)
    places = moments(events, 150 if full else 10, dice)
    wrong, cuts = [], 0
    served = set(dice.sample(range(len(places) * len(LOSSES)), 20 if full else 2))
    for cut in power_cuts(events, before, tmp_path / "disks", places, dice):
        if cuts in served:
            serve_from(cut.disk, ledger.before(cut.at))
        wrong += faults_of(cut, ledger)
        cuts += 1
    print(f"\n{len(events)} events, {len(ledger.notes)} acknowledged, {cuts} cuts, {len(wrong)} wrong")
    assert len(ledger.notes) == (300 if full else 27)
    assert wrong == []


def test_what_follows_a_failed_sync_outlives_a_power_cut(tmp_path: Path) -> None:
    """After a sync has failed the kernel holds pages for written that are not: a later sync that succeeds
    proves nothing about them."""
    traced, dice = Traced(tmp_path, records=True), random.Random(SEED)
    traced.data.mkdir()
    before = Disk(traced.data)
    rules = [Rule(SYNCS, error="EIO", first=number, last=number + 1) for number in (6, 14)]
    ledger, events = record_a_server(traced, 15, 500, *rules)
    assert ledger.statuses()[503], "no sync failed under load"
    assert sum(event.kind == "sync" and not event.ok for event in events) == 4
    places = moments(events, 5, dice)
    losses = (SYNCED_ONLY, NAMES_ONLY, TORN)
    cuts = power_cuts(events, before, tmp_path / "disks", places, dice, losses)
    wrong = [fault for cut in cuts for fault in faults_of(cut, ledger)]
    assert wrong == []


def test_a_directory_that_the_server_made_outlives_a_power_cut(tmp_path: Path) -> None:
    """Its name stands in the directory above, which has to be synced as well."""
    traced, dice = Traced(tmp_path, records=True), random.Random(SEED)
    before = Disk(traced.data)
    ledger, events = record_a_server(traced, each=2, pad=0)
    cuts = power_cuts(events, before, tmp_path / "disks", [len(events)], dice, (SYNCED_ONLY,))
    assert [fault for cut in cuts for fault in faults_of(cut, ledger)] == []


@pytest.mark.parametrize("full", [QUICK, FULL])
@pytest.mark.parametrize("old", [0, 12], ids=["new", "taken-over"])
def test_segments_that_roll_outlive_a_power_cut(tmp_path: Path, old: int, full: bool) -> None:
    """Small segments, so that many are begun, and the log is folded back into its file; and the journal of an
    earlier version, with a hot log, while it is taken over."""
    traced, dice, ledger = Traced(tmp_path, records=True), random.Random(SEED), Ledger()
    traced.data.mkdir()
    if old:
        bodies = [b"of an earlier version " + rows.body(number) for number in range(old)]
        write_old_journal(traced.data, bodies)
        ledger.notes += [Note(0, -1, body) for body in bodies]
    before = Disk(traced.data)
    count, size = ("80", 20_000) if full else ("16", 9_000)
    printed = run_script(traced, "journal_rows.py", "60000", count, str(size))
    ledger.notes += [Note(at, -2, journal_rows.body(number, size)) for at, number in printed]
    events = list(read_events(traced.events))
    places = moments(events, 40 if full else 6, dice)
    cuts = power_cuts(events, before, tmp_path / "disks", places, dice)
    wrong = [fault for cut in cuts for fault in faults_of(cut, ledger)]
    assert len(list((traced.data / "journal").glob("*.sqlite3"))) > 1, "no segment was begun"
    assert wrong == []


@pytest.mark.parametrize(("mode", "lost"), [("FULL", False), ("NORMAL", True), ("OFF", True)])
def test_the_harness_finds_what_a_journal_without_syncs_loses(tmp_path: Path, mode: str, lost: bool) -> None:
    """The same tracer, model and clock, on a journal that is known to be safe and on two that are not."""
    traced, dice = Traced(tmp_path, records=True), random.Random(SEED)
    traced.data.mkdir()
    before = Disk(traced.data)
    acknowledged = run_script(traced, "rows.py", mode, "40")
    events = list(read_events(traced.events))
    assert len(acknowledged) == 40
    places = moments(events, 20, dice)
    missing = 0
    for cut in power_cuts(events, before, tmp_path / "disks", places, dice):
        there = rows_in(cut.disk / rows.NAME)
        missing += sum(at < cut.at and rows.body(number) not in there for at, number in acknowledged)
    assert (missing > 0) is lost, f"{missing} rows are missing with synchronous={mode}"


def run_script(traced: Traced, name: str, *arguments: str) -> list[tuple[int, int]]:
    """The times at which it acknowledged, each with its number, as it printed them."""
    with traced.script(name, *arguments) as script:
        assert script.stdout is not None
        lines = [line.split() for line in script.stdout if line.strip()]
        assert script.wait(30) == 0
    return [
        (int(line[0]), int(line[1])) for line in lines if line[0].isdigit()
    ]  # what it logs stands between


def rows_in(path: Path) -> set[bytes]:
    try:
        connection = sqlite3.connect(path)
        found = {row[0] for row in connection.execute("SELECT body FROM rows")}
    except sqlite3.DatabaseError:
        return set()
    finally:
        connection.close()
    return found
