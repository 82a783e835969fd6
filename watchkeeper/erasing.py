"""Erasing bytes from the journal once a `forget` record has decided it, whole or not at all."""

from __future__ import annotations

from connectors.storage.sqlite_journal import SqliteJournal
from core.config import typed_payload
from core.forgetting import Forget
from core.journal import Record
from core.ports import read_all


def erase(journal: SqliteJournal, seq: int) -> None:
    """The payload of `seq`, and of all checkpoints but the newest: they hold states that knew it."""
    found = [one.seq for one in read_all(journal) if one.kind == "checkpoint" and not one.erased]
    journal.erase([seq, *found[:-1]])


def finish_erasing(journal: SqliteJournal) -> None:
    """Complete an erasure that was decided and then interrupted. Call at a start."""
    decided = journal.latest("forget", "operator")
    if decided is None:
        return
    what = forgotten(decided)
    rows = journal.read(what.seq - 1, 1)
    if rows and rows[0].seq == what.seq and not rows[0].erased:
        erase(journal, what.seq)


def forgotten(record: Record) -> Forget:
    """What a `forget` record says. Raises InputError."""
    what: Forget = typed_payload(record, Forget)
    return what
