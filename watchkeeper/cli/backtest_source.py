"""Where a backtest's records come from: a server's journal, read only, or an event file. Both sides read the
same records, although a server may go on writing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from connectors.storage.sqlite_journal import SqliteJournal
from core.checkpoint import is_checkpoint, read_head
from core.checkpoint_parts import whole_in
from core.errors import EventLineError, InputError
from core.journal import Record, line_to_record
from core.ports import read_all
from core.replay import read_lines


class Source(NamedTuple):
    """`records` counts them, ticks and checkpoints too; `last_at` is the time of the last (ms UTC).

    `exported`: it has its own configuration. `checkpoint` is the number of the record that says what was in
    force where `first` is above 1; 0 for none.
    """

    path: Path
    journal: bool
    exported: bool
    first: int
    last: int
    records: int
    last_at: int
    checkpoint: int = 0


def journal_source(directory: Path) -> Source:
    """Raises InputError for a journal with nothing in it."""
    journal = SqliteJournal(directory, read_only=True)
    try:
        first, last = journal.first(), journal.head()
        newest = journal.read(last - 1, 1) if last >= first else []
        if not newest:
            raise InputError("nothing in it", where=str(directory), mend="Give --data of a server that ran")
        checkpoint = _first_checkpoint(journal, first) if first > 1 else 0
        return Source(directory, True, True, first, last, last - first + 1, newest[0].received_at, checkpoint)
    finally:
        journal.close()


def _first_checkpoint(journal: SqliteJournal, first: int) -> int:
    """The first one that knows what came before record `first`."""
    if journal.latest("checkpoint", "program") is None:
        return 0
    for record in read_all(journal, first - 1):
        if is_checkpoint(record) and read_head(record).seq >= first - 1:
            return record.seq
    return 0


def file_source(path: Path) -> Source:
    """Looks at every line's length, and reads the first and the last. Raises InputError."""
    count, first, last = _ends(path)
    if not count:
        raise EventLineError("no events in it", where=str(path), mend="Write at least one line")
    try:
        begin, own = line_to_record(_text(first.text, first.number), first.number, 1)
        end, _ = line_to_record(_text(last.text, last.number), last.number, count)
    except EventLineError as error:
        raise error.at(str(path)) from None
    return Source(path, False, own, begin.seq if own else 1, 0, count, end.received_at)


class _Line(NamedTuple):
    number: int
    text: bytes


def _ends(path: Path) -> tuple[int, _Line, _Line]:
    """How many lines hold something, the first of them and the last."""
    count, first, last = 0, _Line(0, b""), _Line(0, b"")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(
                "no regular file, and it is read twice", where=str(path), mend="Save it to a file first"
            )
        with path.open("rb") as stream:
            for number, text in enumerate(stream, 1):
                if text.strip():
                    count += 1
                    last = _Line(number, text)
                    first = first if first.number else last
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", where=str(path), mend="Give an event file"
        ) from None
    return count, first, last


def records(source: Source) -> Iterator[Record]:
    """In order; where the oldest are gone, the checkpoint that knows of them first. Raises InputError."""
    if source.journal:
        yield from _of_journal(source)
        return
    try:
        with source.path.open("rb") as stream:
            texts = (_text(line, number) for number, line in enumerate(stream, 1))
            yield from (line.record for line in read_lines(texts))
    except EventLineError as error:
        raise error.at(str(source.path)) from None


def _text(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise EventLineError("not UTF-8", where=f"line {number}", mend="Use body_base64 for bytes") from None


def _of_journal(source: Source) -> Iterator[Record]:
    journal = SqliteJournal(source.path, read_only=True)
    try:
        if source.checkpoint:
            yield from (whole_in(journal, one) for one in journal.read(source.checkpoint - 1, 1))
        wanted = source.first
        for record in read_all(journal, source.first - 1):
            if record.seq > source.last:
                return
            if record.seq != wanted:
                raise InputError(
                    f"records {wanted} to {record.seq - 1} were dropped while it was read",
                    where=str(source.path),
                    mend="Try again, or export the journal first",
                )
            wanted += 1
            yield record
    finally:
        journal.close()
