"""A large checkpoint in the journal: its lines in parts, a record each, then the record of its head.

Parts go in between other records, so that no commit waits for all of it. A head comes last and names its
parts: parts without a head have no effect, and a head whose parts are gone is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from core.checkpoint import PART, Head, read_head
from core.errors import InputError, JournalCorrupt
from core.journal import Draft, Record
from core.ports import Journal

# A commit with one takes some milliseconds longer.
PART_BYTES = 1 << 20


def part_drafts(payload: bytes) -> Iterator[Draft]:
    """The lines of a checkpoint after its head, whole ones, in parts of PART_BYTES or somewhat more."""
    start = payload.index(b"\n") + 1
    while start:
        end = payload.find(b"\n", start + PART_BYTES)
        yield Draft("checkpoint", PART, payload[start : end if end > 0 else len(payload)])
        start = end + 1


def head_draft(payload: bytes, parts: Sequence[int]) -> Draft:
    """The same checkpoint's head, to come after the records `parts`."""
    head = msgspec.json.decode(payload[: payload.index(b"\n")], type=Head)
    encoded = msgspec.json.encode(msgspec.structs.replace(head, parts=tuple(parts)))
    return Draft("checkpoint", "program", encoded + b"\n")


def parts_in(journal: Journal, record: Record, head: Head) -> Iterator[bytes]:
    """The payloads of a checkpoint's parts. Raises InputError at one that is not there."""
    for seq in head.parts:
        try:
            found = journal.read(seq - 1, 1)
        except JournalCorrupt as error:
            raise _gone(record, seq) from error
        if not found or found[0].seq != seq or found[0].source != PART or found[0].erased:
            raise _gone(record, seq)
        yield found[0].payload


def whole(record: Record, parts: Mapping[int, bytes]) -> Record:
    """A checkpoint's record with its lines in it, where all of `parts` that it names are there. Raises
    InputError where it has no head."""
    named = read_head(record).parts
    if not named or not all(seq in parts for seq in named):
        return record
    return msgspec.structs.replace(record, payload=record.payload + b"\n".join(parts[seq] for seq in named))


def whole_in(journal: Journal, record: Record) -> Record:
    """The same, from a journal."""
    head = read_head(record)
    return whole(record, dict(zip(head.parts, parts_in(journal, record, head), strict=True)))


def _gone(record: Record, seq: int) -> InputError:
    where = f"checkpoint record {record.seq}"
    return InputError(f"its part, record {seq}, is gone or damaged", where=where, mend="Use an older one")
