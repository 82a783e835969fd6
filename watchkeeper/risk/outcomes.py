"""What a journal tells of judged changes: all that went out, though a state forgets them after some weeks."""

from __future__ import annotations

import sys
from pathlib import Path

from connectors.inbound.registry import parse
from connectors.storage.sqlite_journal import SqliteJournal
from core.errors import InputError
from core.model.risk import Assessed, Taught
from core.ports import read_all
from core.replay import Fold
from core.risk.outcomes import Outcome, confirmed, outcomes
from core.times import DAY
from watchkeeper.version import VERSION


class Seen:
    """Of the states of a fold: every assessment and every word on a cause, the latest of each."""

    def __init__(self) -> None:
        self.assessments: dict[str, Assessed] = {}
        self.taught: dict[str, Taught] = {}

    def look(self, fold: Fold) -> None:
        """Call at least once in the time that the state keeps them."""
        self.assessments |= fold.engine.state.assessments
        self.taught |= fold.engine.state.taught


def seen_in(data: Path) -> Seen:
    """Raises InputError where there is no journal."""
    journal = SqliteJournal(data, read_only=True)
    fold, seen, looked = Fold(parse, VERSION, keep=False), Seen(), 0
    for record in read_all(journal, fold.begin(journal)):
        if record.received_at >= looked + DAY:
            # Before the record: its time may be that at which much is forgotten.
            seen.look(fold)
            looked = record.received_at
        try:
            fold.apply(record)
        except InputError as error:
            fold.set_aside(record, error)
            sys.stderr.write(f"watchkeeper: record {record.seq} stays without effect: {error}\n")
        fold.forgotten.clear()
    seen.look(fold)
    return seen


def judged_and_out(data: Path) -> list[Outcome]:
    seen = seen_in(data)
    return outcomes(seen.assessments.values(), seen.taught.values())


def confirmed_in(data: Path, repository: str = "") -> frozenset[str]:
    """Commits whose changes people say caused incidents, for what a model learns from."""
    return confirmed(seen_in(data).taught.values(), repository)
