"""Opening a directory to write: what a crash left is completed, an old journal taken over, damage put aside.

Whatever it meets, it leaves segments whose records were all acknowledged, or says why it cannot.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from connectors.storage.journal import faults
from connectors.storage.journal.layout import (
    FOLDER,
    OLD_NAME,
    Part,
    delete,
    listed,
    make_folder,
    path_of,
    put_in_place,
    sync_directory,
    tidy,
)
from connectors.storage.journal.salvage import SetAside, mend, salvage, settle_log
from connectors.storage.journal.segment import START, UnknownFormat, create, fold_log, open_writer
from core.errors import JournalUnavailable

_MAGIC = b"SQLite format 3\0"


def open_directory(directory: Path) -> tuple[tuple[Part, ...], list[SetAside]]:
    """The segments, at least one, the last of them sound; and what was put aside.

    Raises JournalUnavailable where files cannot be written, UnknownFormat for those of a newer version.
    """
    try:
        make_folder(directory)
        tidy(directory)
        found = _take_over(directory)
        if not listed(directory):
            first = path_of(directory, 1)
            create(first.with_suffix(".new"), START)
            put_in_place(first.with_suffix(".new"), first)
        found += mend(directory, listed(directory))
        return listed(directory), found
    except (sqlite3.Error, OSError) as error:
        raise faults.unwritable(directory, error) from error


def _take_over(directory: Path) -> list[SetAside]:
    """Move a journal of one file to where the first segment lies. Each step can be done again."""
    old, new = directory / OLD_NAME, path_of(directory, 1)
    if not old.exists():
        return []
    if any(new.parent.glob("*.sqlite3")):
        raise JournalUnavailable(
            f"there is another journal in {FOLDER}/", where=str(old), mend="Move one of the two away"
        )
    if old.stat().st_size == 0:
        delete(old)
        return []
    _refuse_foreign(old)
    found = _bring_up(directory, old)
    os.replace(old, new)
    sync_directory(new.parent)
    sync_directory(directory)
    delete(old)
    return found


def _bring_up(directory: Path, old: Path) -> list[SetAside]:
    """Format 2, everything in the one file, nothing left in its log."""
    try:
        found = settle_log(directory, old)
        with closing(open_writer(old)) as connection:
            folded = fold_log(connection)
    except UnknownFormat:
        raise
    except sqlite3.Error as error:
        if not faults.is_damage(error):
            raise
        return [salvage(directory, (Part(1, old, 0),), str(error))]
    if not folded:
        raise JournalUnavailable(
            "it is being read, so it cannot be taken over", where=str(old), mend="End what reads it"
        )
    return found


def _refuse_foreign(old: Path) -> None:
    with old.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise JournalUnavailable(
                "the journal cannot be written (file is not a database)",
                where=str(old),
                mend="Move it away, or give another --data DIR",
            )
