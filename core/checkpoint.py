"""Checkpoints: the whole state in a record. The truth is the newest of them and what comes after it.

An `upgrade` writes one, so that what another version decided is never decided anew. `retention` writes one
before old segments of the journal are dropped: it says what had come of the records up to `seq`, and those
between `seq` and its own number are still to be applied. `redaction` writes one whose state no longer holds
what was erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from core.config import typed_payload
from core.journal import Draft, Record
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
    """Raises InputError when the payload is no checkpoint of this form."""
    checkpoint: Checkpoint = typed_payload(record, Checkpoint)
    return checkpoint


def read_head(record: Record) -> Head:
    """Whose checkpoint it is, without its state. Raises InputError."""
    head: Head = typed_payload(record, Head)
    return head


def copy_state(state: State) -> State:
    """A deep copy by way of the encoding: what a restart would load."""
    return msgspec.json.decode(msgspec.json.encode(state, order="deterministic"), type=State)
