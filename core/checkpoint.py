"""Checkpoints: the whole state in a record. The truth is the newest of them and what comes after it.

An `upgrade` writes one, so that what another version decided is never decided anew. `retention` writes one
before old segments of the journal are dropped: it says what had come of the records up to `seq`, and those
between `seq` and its own number are still to be applied. `redaction` writes one whose state no longer holds
what was erased.

Its payload is lines of JSON: a head, the small parts of the state, then pieces of the large ones. Whoever
decodes holds up every other thread, so a state of gigabytes is read in pieces that take milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from core.config import typed_payload
from core.errors import InputError
from core.journal import Draft, Record
from core.ports import Journal
from core.state import State


class Checkpoint(msgspec.Struct, frozen=True):
    """`from_version` decided what is in `state`; `history` and `decisions` are what had left memory."""

    from_version: str
    to_version: str
    state: State
    history: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    reason: Literal["upgrade", "retention", "redaction"] = "upgrade"

    @property
    def seq(self) -> int:
        """The last record that is in the state."""
        return self.state.seq


class Head(msgspec.Struct, frozen=True):
    """The first line of a checkpoint. `seq` is the last record that is in its state; `lines` follow."""

    from_version: str
    to_version: str
    seq: int
    lines: int
    reason: Literal["upgrade", "retention", "redaction"] = "upgrade"


class _Piece(State):
    """Any other line: some keys of the state or, beside it, some documents."""

    history: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []


class _Reached(msgspec.Struct, frozen=True):
    seq: int


class _OldHead(msgspec.Struct, frozen=True):
    """Up to version 0.2 a checkpoint was one object."""

    from_version: str
    to_version: str
    state: _Reached
    reason: Literal["upgrade", "retention", "redaction"] = "upgrade"


_A_PIECE = 1_000
_DICTS = [name for name in State.__struct_fields__ if isinstance(getattr(State(), name), dict)]


def replaces(checkpoint: Checkpoint | Head, version: str, applied: int) -> bool:
    """Whether a fold of `version` that has applied records up to `applied` goes on from this one instead."""
    match checkpoint.reason:
        case "upgrade":
            # Gone back to the version before: what is missing is taken from the checkpoint all the same.
            return checkpoint.from_version != version or applied < checkpoint.seq
        case "redaction":
            return True
        case "retention":
            return applied < checkpoint.seq


def newer_than(documents: Iterable[dict[str, Any]], key: str, oldest: str) -> list[dict[str, Any]]:
    """Those whose time under `key` (RFC 3339, UTC) is `oldest` or later, or not known."""
    return [document for document in documents if (document.get(key) or oldest) >= oldest]


def checkpoint_draft(checkpoint: Checkpoint) -> Draft:
    pieces = [msgspec.json.encode(one, order="deterministic") for one in _pieces(checkpoint)]
    head = Head(
        checkpoint.from_version, checkpoint.to_version, checkpoint.seq, len(pieces), checkpoint.reason
    )
    return Draft("checkpoint", "program", b"\n".join([msgspec.json.encode(head), *pieces]))


def _pieces(checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    parts = {name: getattr(checkpoint.state, name) for name in State.__struct_fields__}
    large = {name: part for name, part in parts.items() if isinstance(part, dict) and len(part) > _A_PIECE}
    yield {name: part for name, part in parts.items() if name not in large}
    for name, part in large.items():
        # Sorted, as a deterministic encoding of the whole would be.
        keys = sorted(part)
        yield from ({name: {key: part[key] for key in few}} for few in _few(keys))
    for name in ("history", "decisions"):
        yield from ({name: few} for few in _few(getattr(checkpoint, name)))


def _few(rows: list[Any]) -> Iterator[list[Any]]:
    return (rows[start : start + _A_PIECE] for start in range(0, len(rows), _A_PIECE))


def read_checkpoint(record: Record) -> Checkpoint:
    """Raises InputError when the payload is no checkpoint of this form."""
    if b"\n" not in record.payload:
        old: Checkpoint = typed_payload(record, Checkpoint)
        return old
    head, count, whole = read_head(record), 0, _Piece()
    for count, line in enumerate(_lines(record.payload), start=1):
        piece: _Piece = typed_payload(_with(record, line), _Piece)
        whole = _joined(whole, piece) if count > 1 else piece
    if not 0 < count == head.lines:
        said = f"the checkpoint says {head.lines} lines and has {count}"
        raise InputError(said, where=f"checkpoint record {record.seq}", mend="It was cut short")
    state = State(**{name: getattr(whole, name) for name in State.__struct_fields__})
    return Checkpoint(head.from_version, head.to_version, state, whole.history, whole.decisions, head.reason)


def _lines(payload: bytes) -> Iterator[bytes]:
    """Those after the head."""
    start = payload.index(b"\n") + 1
    while start:
        end = payload.find(b"\n", start)
        yield payload[start : end if end > 0 else len(payload)]
        start = end + 1


def _joined(whole: _Piece, piece: _Piece) -> _Piece:
    for name in _DICTS:
        if part := getattr(piece, name):
            getattr(whole, name).update(part)
    whole.history += piece.history
    whole.decisions += piece.decisions
    return whole


def _with(record: Record, line: bytes) -> Record:
    return msgspec.structs.replace(record, payload=line)


def read_head(record: Record) -> Head:
    """Whose checkpoint it is, without its state. Raises InputError."""
    end = record.payload.find(b"\n")
    if end >= 0:
        head: Head = typed_payload(_with(record, record.payload[:end]), Head)
        return head
    old: _OldHead = typed_payload(record, _OldHead)
    return Head(old.from_version, old.to_version, old.state.seq, 0, old.reason)


def checkpoints(journal: Journal) -> Iterator[Record]:
    """Of this program, those that were not erased, newest first."""
    record = journal.latest("checkpoint", "program")
    while record is not None:
        if not record.erased:
            yield record
        record = journal.latest("checkpoint", "program", record.seq)


def newest_head(journal: Journal) -> Head | None:
    """Of the newest checkpoint whose head can be read."""
    for record in checkpoints(journal):
        try:
            return read_head(record)
        except InputError:
            continue
    return None


def reached(journal: Journal) -> int:
    """The last record that is in that checkpoint; 0 without one."""
    head = newest_head(journal)
    return 0 if head is None else max(0, head.seq)


def copy_state(state: State) -> State:
    """A deep copy by way of the encoding: what a restart would load."""
    return msgspec.json.decode(msgspec.json.encode(state, order="deterministic"), type=State)
