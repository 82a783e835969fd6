"""Checkpoints: the whole state in a record. The truth is the newest of them and what comes after it.

An `upgrade` writes one, so that what another version decided is never decided anew. `retention` writes one
before old segments of the journal are dropped: it says what had come of the records up to `seq`, and those
between `seq` and its own number are still to be applied. `redaction` writes one whose state no longer holds
what was erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from core.config import typed_payload
from core.errors import InputError
from core.journal import Draft, Record
from core.model.incident import Episode, Incident
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


class _Reached(msgspec.Struct, frozen=True):
    seq: int


class Head(msgspec.Struct, frozen=True):
    """The small part of a checkpoint; `state.seq` is the last record that is in it."""

    from_version: str
    to_version: str
    state: _Reached
    reason: Literal["upgrade", "retention", "redaction"] = "upgrade"

    @property
    def seq(self) -> int:
        return self.state.seq


class _Parts(State):
    """A state whose many parts have not been read yet."""

    episodes: dict[str, msgspec.Raw] = {}  # type: ignore[assignment]
    incidents: dict[str, msgspec.Raw] = {}  # type: ignore[assignment]


class _InParts(msgspec.Struct, frozen=True):
    from_version: str
    to_version: str
    state: _Parts
    history: list[msgspec.Raw] = []
    decisions: list[msgspec.Raw] = []
    reason: Literal["upgrade", "retention", "redaction"] = "upgrade"


_EPISODE, _INCIDENT = msgspec.json.Decoder(Episode), msgspec.json.Decoder(Incident)
_DOCUMENT = msgspec.json.Decoder(dict[str, Any])


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
    return Draft("checkpoint", "program", msgspec.json.encode(checkpoint, order="deterministic"))


def read_checkpoint(record: Record) -> Checkpoint:
    """Raises InputError when the payload is no checkpoint of this form.

    A large one takes seconds, and whoever decodes holds up every other thread: it is read part by part, so
    that they get their turn between.
    """
    read: _InParts = typed_payload(record, _InParts)
    try:
        return Checkpoint(
            read.from_version,
            read.to_version,
            _whole(read.state),
            [_DOCUMENT.decode(one) for one in read.history],
            [_DOCUMENT.decode(one) for one in read.decisions],
            read.reason,
        )
    except msgspec.DecodeError as error:
        raise InputError(str(error), where=f"checkpoint record {record.seq}", mend="Correct it") from None


def _whole(parts: _Parts) -> State:
    given = {name: getattr(parts, name) for name in State.__struct_fields__}
    given["episodes"] = {name: _EPISODE.decode(one) for name, one in parts.episodes.items()}
    given["incidents"] = {name: _INCIDENT.decode(one) for name, one in parts.incidents.items()}
    return State(**given)


def read_head(record: Record) -> Head:
    """Whose checkpoint it is, without its state. Raises InputError."""
    head: Head = typed_payload(record, Head)
    return head


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
