"""Checkpoints: the whole state in a record, so that an upgrade never re-decides what was decided before.

The program writes one when it finds a journal that another version wrote, and goes on from it. A rebuild
starts at the latest one that follows another version's records.
"""

from __future__ import annotations

from typing import Any

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


def checkpoint_draft(checkpoint: Checkpoint) -> Draft:
    return Draft("checkpoint", "program", msgspec.json.encode(checkpoint, order="deterministic"))


def read_checkpoint(record: Record) -> Checkpoint:
    """Raises InputError when the payload is no checkpoint of this form."""
    checkpoint: Checkpoint = typed_payload(record, Checkpoint)
    return checkpoint


def copy_state(state: State) -> State:
    """A deep copy by way of the encoding: what a restart would load."""
    return msgspec.json.decode(msgspec.json.encode(state, order="deterministic"), type=State)
