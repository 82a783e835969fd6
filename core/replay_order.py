"""Lines of an event file in the order in which they are folded: checkpoints whole, and in time.

An exported journal has a large checkpoint's parts before its head, and the one that an upgrade makes after
the records that came while it was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from core.checkpoint import PART, is_checkpoint, read_head
from core.checkpoint_parts import whole
from core.errors import InputError
from core.journal import Record


class Line(NamedTuple):
    """`early`: a checkpoint before its turn, in which it comes once more."""

    record: Record
    number: int
    own_seq: bool
    early: bool = False


def whole_lines(lines: Iterator[Line]) -> Iterator[Line]:
    """Large checkpoints with what the parts before them say."""
    parts: dict[int, bytes] = {}
    for line in lines:
        record = line.record
        if record.kind == "checkpoint" and record.source == PART:
            parts[record.seq] = record.payload
        elif is_checkpoint(record) and parts:
            with suppress(InputError):
                line = line._replace(record=whole(record, parts))
            parts = {}
        yield line


def upgrades_first(lines: Iterator[Line]) -> Iterator[Line]:
    """Where the version changes, the checkpoint that says what the older one decided, before the records
    that came while it was made."""
    before: Line | None = None
    for line in lines:
        if before is None or not _is_upgrade(line.record, before.record):
            before = line
            yield line
            continue
        held = [line]
        for later in lines:
            held.append(later)
            if is_checkpoint(later.record):
                break
        yield from _in_turn(held)
        before = held[-1]


def _is_upgrade(record: Record, before: Record) -> bool:
    """Up to version 0.2 the checkpoint came before it."""
    changed = record.kind == "config" and record.source == "program" and record.seq > 1
    return changed and before.kind != "checkpoint"


def _in_turn(held: list[Line]) -> Iterator[Line]:
    last = held[-1]
    reaches = 0
    if is_checkpoint(last.record):
        with suppress(InputError):
            reaches = read_head(last.record).seq
    for line in held:
        if line.record.seq == reaches + 1 and line is not last:
            yield last._replace(early=True)
        yield line
