"""What a start writes first: the configuration that changed, the program's version among it.

Where that is another version than before, what the older one decided stays decided: a checkpoint of the state
at its last record. It is made while the newer one already takes alerts in (`housekeeping.py`), from the
records up to there, and comes after those that arrive meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from core.checkpoint import newest_head
from core.config import json_payload
from core.journal import Draft, Record
from core.ports import Journal

log = structlog.get_logger("start")


class Upgrade(NamedTuple):
    """From one version to another; `seq` is the last record of the older one."""

    before: str
    now: str
    seq: int


def start_records(journal: Journal, configuration: Sequence[Draft], version: str) -> list[Draft]:
    """Drafts to append, in order: none when nothing changed since the last start."""
    program = journal.latest("config", "program")
    if program is not None and _version(program) != version:
        log.info("upgrade", before=_version(program), now=version)
    return [draft for draft in configuration if _is_new(journal, draft)]


def unanswered_upgrade(journal: Journal, reached: int) -> Upgrade | None:
    """The newest one, unless it lies within `reached`, the last record that is in a checkpoint."""
    now = journal.latest("config", "program")
    if now is None or reached >= now.seq - 1:
        return None
    before = journal.latest("config", "program", now.seq)
    if before is not None:
        return Upgrade(_version(before), _version(now), now.seq - 1)
    # It outlives the record that said so.
    head = newest_head(journal)
    return None if head is None else Upgrade(head.to_version, _version(now), now.seq - 1)


def _version(program: Record) -> str:
    return str(json_payload(program).get("content"))


def _is_new(journal: Journal, draft: Draft) -> bool:
    record = journal.latest(draft.kind, draft.source)
    return record is None or record.payload != draft.payload
