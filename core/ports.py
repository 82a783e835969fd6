"""Ports: what the domain needs of the outside, as small protocols owned by whoever needs them.

Each has an in-memory implementation that ships, and one conformance suite that every implementation passes
(`tests/conformance`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from core.journal import Draft, Record, RecordKind
from core.model.document import Document


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""


class Span(Protocol):
    """Records `first` to `last`."""

    @property
    def first(self) -> int: ...

    @property
    def last(self) -> int: ...


class Journal(Protocol):
    """Append-only records, numbered from 1 without gaps, in time that never goes back.

    The oldest can be dropped and payloads be erased; nothing else ever changes.
    """

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        """Commit all or nothing; on return the records survive a power cut. Raises JournalUnavailable."""

    def read(self, after: int, limit: int) -> list[Record]:
        """Up to `limit` records with `seq` above `after`, in order, from `first` on.

        No transaction outlives the call. Raises JournalCorrupt where the next record is damaged.
        """

    def head(self) -> int:
        """The last `seq`, or 0."""

    def first(self) -> int:
        """The lowest `seq` that is still there; `head` + 1 where none is."""

    def latest(self, kind: RecordKind, source: str, before: int | None = None) -> Record | None:
        """The last record of a kind other than `ingest` from a source; with a number in `before`, of those
        below it."""

    def drop(self, through: int) -> Sequence[Span]:
        """Delete the oldest records, in whole segments and never the last one; none above `through`."""

    def erase(self, seqs: Sequence[int]) -> None:
        """Leave no byte of these payloads; their hash stays as `erased`, so the chain can be checked.

        Again is no fault. Raises NotFound, before anything is done, for numbers that are not there.
        """


class Projection(Protocol):
    """History that can be rebuilt: the last document of every incident."""

    def put(self, documents: Sequence[Document], forgotten: Sequence[str]) -> None:
        """Insert or replace by `id`; ids in `forgotten` have left the engine's memory, or were merged."""

    def get(self, incident_id: str) -> Document | None:
        """By its id, or by one that was merged into what has left memory."""

    def page(self, status: str | None, before: tuple[str, str] | None, limit: int) -> list[Document]:
        """Forgotten incidents, newest first by (opened_at, id), strictly before the given place."""

    def count(self, status: str | None, without: Sequence[str]) -> int:
        """Forgotten incidents of a status, None for any, but for these ids."""


class Delivered(NamedTuple):
    """`ok`, or why not; `final` failures are not worth another try."""

    ok: bool
    detail: str
    final: bool = False


class Message(NamedTuple):
    """A page: the decision's id (the receiver may dedupe by it), the facts, and a text made from them; and
    the receiver's name, "" where nobody knows it."""

    decision: str
    reason: str
    at: int
    incident: Document
    text: str
    receiver: str = ""


class Notifier(Protocol):
    async def send(self, message: Message) -> Delivered:
        """Try once. Never raises for what the other side does."""


class Remembered(NamedTuple):
    """What memory keeps of an incident that is over, or of a runbook.

    `terms` are made by code from identity fields and findings (`symptom:errors`, `change:deploy`,
    `service:payments`); `text` is what people wrote; `ending` says what ended the incident, in words.
    `at` (RFC 3339) is when it began; empty for a runbook.
    """

    id: str
    kind: Literal["incident", "runbook"]
    title: str
    at: str = ""
    terms: tuple[str, ...] = ()
    text: str = ""
    ending: str = ""


class Recalled(NamedTuple):
    """`match` is in thousandths of what a perfect likeness would have; `shared` are the terms in common."""

    remembered: Remembered
    match: int
    shared: tuple[str, ...]


class Memory(Protocol):
    """What is over, found again by likeness. Rebuildable: the journal is the truth."""

    def put(self, remembered: Sequence[Remembered]) -> None:
        """Insert or replace by `id`."""

    def forget(self, ids: Sequence[str]) -> None:
        """Ids that are not there are no fault."""

    def recall(self, like: Remembered, kind: Literal["incident", "runbook"], limit: int) -> list[Recalled]:
        """The most alike first, ties by id; never the one with the id of `like`."""


def read_all(journal: Journal, after: int = 0, batch: int = 1_000) -> Iterator[Record]:
    """Every record above `after`, in batches."""
    while records := journal.read(after, batch):
        yield from records
        after = records[-1].seq
