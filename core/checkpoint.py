"""Checkpoints: the whole state in a record. The truth is the newest of them and what comes after it.

`retention` writes one before old segments of the journal are dropped: it says what had come of the records up
to `seq`, and those between `seq` and its own number are still to be applied. After an upgrade one of these
ends where the older version did (`from_version` and `to_version` differ), so that what that had decided is
not decided anew; up to version 0.2 `upgrade` wrote it as the first record of the newer one. `redaction`
writes one whose state no longer holds what was erased.

Its payload is lines of JSON: a head, the small parts of the state, then pieces of the large ones. Whoever
decodes holds up every other thread, so a state of gigabytes is read in pieces that take milliseconds. The
lines of a large one are in records of their own before it (`checkpoint_parts.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
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
    """The first line of a checkpoint. `seq` is the last record that is in its state; `lines` follow, here or
    in the records `parts`."""

    from_version: str
    to_version: str
    seq: int
    lines: int
    reason: Literal["upgrade", "retention", "redaction"] = "upgrade"
    parts: tuple[int, ...] = ()


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


# The source of records that hold lines of a checkpoint and no head.
PART = "part"
_A_PIECE = 1_000
_DICTS = [name for name in State.__struct_fields__ if isinstance(getattr(State(), name), dict)]


def is_checkpoint(record: Record) -> bool:
    """Whether it has the head of one, and was not erased."""
    return record.kind == "checkpoint" and record.source != PART and not record.erased


def replaces(checkpoint: Checkpoint | Head, version: str, applied: int) -> bool:
    """Whether a fold of `version` that has applied records up to `applied` goes on from this one instead."""
    match checkpoint.reason:
        case "upgrade":
            # Gone back to the version before: what is missing is taken from the checkpoint all the same.
            return checkpoint.from_version != version or applied < checkpoint.seq
        case "redaction":
            return True
        case "retention":
            # Where another version ended, a fold that came there by itself goes on from what that decided.
            other = checkpoint.from_version not in (checkpoint.to_version, version)
            return applied < checkpoint.seq or (other and applied == checkpoint.seq)


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


def read_checkpoint(record: Record, parts: Iterable[bytes] = ()) -> Checkpoint:
    """`parts` are the lines that are not in the record itself. Raises InputError when it is no checkpoint of
    this form."""
    if b"\n" not in record.payload:
        old: Checkpoint = typed_payload(record, Checkpoint)
        return old
    head, count, whole = read_head(record), 0, _Piece()
    for count, line in enumerate(_lines(record.payload, parts), start=1):
        piece: _Piece = typed_payload(_with(record, line), _Piece)
        whole = _joined(whole, piece) if count > 1 else piece
    if not 0 < count == head.lines:
        said = f"the checkpoint says {head.lines} lines and has {count}"
        raise InputError(said, where=f"checkpoint record {record.seq}", mend="It was cut short")
    state = State(**{name: getattr(whole, name) for name in State.__struct_fields__})
    return Checkpoint(head.from_version, head.to_version, state, whole.history, whole.decisions, head.reason)


def _lines(payload: bytes, parts: Iterable[bytes]) -> Iterator[bytes]:
    """Those after the head, and those of the parts."""
    yield from _lines_from(payload, payload.index(b"\n") + 1)
    yield from chain.from_iterable(_lines_from(part, 0) for part in parts)


def _lines_from(text: bytes, start: int) -> Iterator[bytes]:
    while start < len(text):
        end = text.find(b"\n", start)
        end = end if end >= 0 else len(text)
        yield text[start:end]
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
