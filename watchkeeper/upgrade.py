"""What a start writes first: a checkpoint after an upgrade, and the configuration that changed."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from core.checkpoint import Checkpoint, checkpoint_draft, newest_head
from core.config import json_payload
from core.engine import Parse
from core.errors import InputError
from core.journal import Draft
from core.ports import Journal, read_all
from core.replay import Fold

log = structlog.get_logger("start")


def start_records(
    journal: Journal, parse: Parse, configuration: Sequence[Draft], version: str
) -> list[Draft]:
    """Drafts to append, in order: none when nothing changed since the last start."""
    drafts = []
    before = _version_in_force(journal)
    if before is not None and before != version:
        log.info("upgrade", before=before, now=version)
        drafts.append(_checkpoint(journal, parse, before, version))
    drafts += [draft for draft in configuration if _is_new(journal, draft)]
    return drafts


def _version_in_force(journal: Journal) -> str | None:
    """As the last configuration record says, or a checkpoint that outlived it: the newest, which may be
    large, is not read for what a small record tells."""
    program = journal.latest("config", "program")
    if program is not None:
        return str(json_payload(program).get("content"))
    head = newest_head(journal)
    return None if head is None else head.to_version


def _is_new(journal: Journal, draft: Draft) -> bool:
    record = journal.latest(draft.kind, draft.source)
    return record is None or record.payload != draft.payload


def _checkpoint(journal: Journal, parse: Parse, before: str, version: str) -> Draft:
    fold = Fold(parse, version)
    for record in read_all(journal, fold.begin(journal)):
        try:
            fold.apply(record)
        except InputError as error:
            fold.set_aside(record, error)
            log.warning("record_without_effect", seq=record.seq, error=str(error))
    return checkpoint_draft(Checkpoint(before, version, fold.engine.state, fold.forgotten, fold.decisions))
