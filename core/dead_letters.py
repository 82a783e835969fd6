"""Dead letters: bodies that were acknowledged and that no parser could read, with the reason.

The newest thousand are listed; all of them stay in the journal. One that was sent in again after a fix and
could be read then says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from core.errors import InputError
from core.journal import Record
from core.times import format_rfc3339

LISTED = 1_000
# On a record that brings a dead letter again: the number of the first one.
REPLAYS = "watchkeeper-replays"
# And when that one came, in ms: what says no time of its own counts as of then.
FIRST_CAME = "watchkeeper-first-came"


class DeadLetter(msgspec.Struct):
    """`read_as` is the record that brought it again and could be read; 0 while there is none."""

    seq: int
    at: int
    domain: str
    source: str
    what: str
    where: str
    mend: str
    read_as: int = 0


def set_aside(letters: dict[str, DeadLetter], record: Record, error: InputError) -> None:
    """Add a record; the oldest leaves the list when it is full."""
    letters[str(record.seq)] = DeadLetter(
        record.seq, record.received_at, record.domain, record.source, error.what, error.where, error.mend
    )
    if len(letters) > LISTED:
        del letters[min(letters, key=int)]


def came_at(record: Record) -> int:
    """When the body of a record came first."""
    given = record.headers.get(FIRST_CAME, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 16 else record.received_at


def note_replay(letters: dict[str, DeadLetter], record: Record) -> None:
    """A record that was read brought an older one again."""
    first = letters.get(record.headers.get(REPLAYS, ""))
    if first is not None:
        first.read_as = record.seq


def documents(letters: dict[str, DeadLetter]) -> Iterator[dict[str, Any]]:
    """Newest first."""
    for letter in sorted(letters.values(), key=lambda one: one.seq, reverse=True):
        yield {
            "record": letter.seq,
            "at": format_rfc3339(letter.at),
            "domain": letter.domain,
            "source": letter.source,
            "what": letter.what,
            "where": letter.where,
            "mend": letter.mend,
            "read_as": letter.read_as or None,
        }
