"""Commands that keep the journal: checkpoints, erasing, backup and restore."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import typer

from connectors.storage.lock import DirectoryLock
from connectors.storage.sqlite_journal import SqliteJournal
from core.checkpoint import Checkpoint, checkpoint_draft, newer_than, reached
from core.errors import InputError, NotFound
from core.forgetting import deciding_labels, forget, forget_document, forget_draft
from core.journal import Draft, Record
from core.replay import Fold
from core.times import DAY, format_rfc3339
from core.world import Turn
from watchkeeper.cli.offline import data_directory, fold_journal
from watchkeeper.clock import SystemClock
from watchkeeper.erasing import ERASABLE, erase, events_of, forgotten, quoting, said_by
from watchkeeper.upgrade import unanswered_upgrade
from watchkeeper.version import VERSION

_NICE = 10
# Made from the journal, and may hold what was erased; the next start makes anew what it needs. The last one
# is what a kill leaves of a checkpoint in the making.
_DERIVED = ("history.duckdb", "history.duckdb.wal", "checkpoint.new")


def checkpoint(file: Path, data: Path | None, retain_days: int) -> None:
    os.nice(_NICE)
    journal = SqliteJournal(data_directory(data), read_only=True)
    upgrade = unanswered_upgrade(journal, reached(journal))
    fold = fold_journal(journal, None if upgrade is None else upgrade.seq)
    before = VERSION if upgrade is None else upgrade.before
    file.write_bytes(_checkpoint(fold, "retention", retain_days, before).payload)
    typer.echo(f"the state of record {fold.engine.state.seq} written to {file}")


def redact(seq: int, actor: str, reason: str, data: Path | None) -> None:
    directory = data_directory(data)
    SqliteJournal(directory, read_only=True).close()
    lock = DirectoryLock(directory)
    try:
        journal = SqliteJournal(directory)
        try:
            quoting = _redact(journal, _erasable(journal, seq), actor, reason)
        finally:
            journal.close()
        _forget_derived(directory)
    finally:
        lock.release()
    typer.echo(f"record {seq} is erased; its hash, and why, stay in the journal")
    if quoting:
        typer.echo(f"These records hold text of it too: {', '.join(map(str, quoting))}. Redact them as well.")


def backup(target: Path, data: Path | None) -> None:
    journal = SqliteJournal(data_directory(data), read_only=True)
    made = journal.backup(target)
    typer.echo(f"records {made.first} to {made.last} copied to {target} and verified ({made.bytes:,} bytes)")


def restore(source: Path, data: Path | None) -> None:
    directory = data_directory(data)
    if directory.exists() and any(directory.iterdir()):
        raise InputError("not empty", where=str(directory), mend="Give --data a new or empty directory")
    journal = SqliteJournal(source, read_only=True)
    made = journal.backup(directory)
    typer.echo(f"records {made.first} to {made.last} restored to {directory} and verified")
    typer.echo(f"Start with: watchkeeper serve --data {directory}")


def _redact(journal: SqliteJournal, record: Record, actor: str, reason: str) -> list[int]:
    fold = fold_journal(journal)
    world = fold.engine.world
    events = events_of(journal, world, record)
    said = said_by(world, record, events)
    also = quoting(journal, world, record, said)
    draft = forget_draft(record, actor, reason)
    now = max(SystemClock().now(), fold.engine.state.clock)
    decided = Record(journal.head() + 1, now, draft.kind, draft.source, draft.payload)
    fold.apply(decided)
    what, deciding = forgotten(decided), deciding_labels(world)
    forget(Turn(world, now, decided.seq, []), what, said)
    fold.forgotten[:] = [forget_document(one, what, deciding, said) for one in fold.forgotten]
    journal.append([draft, _checkpoint(fold, "redaction", 0)], now)
    erase(journal, record.seq)
    return also


def _erasable(journal: SqliteJournal, seq: int) -> Record:
    rows = journal.read(seq - 1, 1)
    if not rows or rows[0].seq != seq:
        raise NotFound(f"there is no record {seq}", where="journal", mend="See `watchkeeper journal export`")
    if rows[0].kind not in ERASABLE:
        mend = f"Only these can be erased: {', '.join(ERASABLE)}"
        raise InputError(f"record {seq} is a {rows[0].kind} record", where="journal", mend=mend)
    if rows[0].erased:
        raise InputError(f"record {seq} is erased already", where="journal", mend="Nothing is left to do")
    return rows[0]


def _checkpoint(fold: Fold, reason: str, retain_days: int, before: str = VERSION) -> Draft:
    state = fold.engine.state
    oldest = format_rfc3339(max(0, state.clock - retain_days * DAY)) if retain_days else ""
    made = Checkpoint(
        before,
        VERSION,
        state,
        newer_than(fold.forgotten, "closed_at", oldest),
        newer_than(fold.decisions, "at", oldest),
        "redaction" if reason == "redaction" else "retention",
    )
    return checkpoint_draft(made)


def _forget_derived(directory: Path) -> None:
    for name in _DERIVED:
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / "memory", ignore_errors=True)
    if sys.stderr.isatty():
        sys.stderr.write("history and memory are made anew at the next start\n")
