"""Ports: what the domain needs of the outside, as small protocols owned by whoever needs them.

Each has an in-memory implementation that ships, and one conformance suite that every implementation passes
(`tests/conformance`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from core.journal import Draft, Record, RecordKind

Document = dict[str, Any]


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""


class Journal(Protocol):
    """Append-only records, numbered from 1 without gaps, in time that never goes back."""

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        """Commit all or nothing; on return the records survive a power cut. Raises JournalUnavailable."""

    def read(self, after: int, limit: int) -> list[Record]:
        """Up to `limit` records with `seq` above `after`, in order. No transaction outlives the call."""

    def head(self) -> int:
        """The last `seq`, or 0."""

    def latest(self, kind: RecordKind, source: str) -> Record | None:
        """The last record of a kind other than `ingest` from a source."""


class Projection(Protocol):
    """History that can be rebuilt: the last document of every incident."""

    def put(self, documents: Sequence[Document], forgotten: Sequence[str]) -> None:
        """Insert or replace by `id`; ids in `forgotten` have left the engine's memory, or were merged."""

    def get(self, incident_id: str) -> Document | None: ...

    def page(self, status: str | None, before: tuple[str, str] | None, limit: int) -> list[Document]:
        """Forgotten incidents, newest first by (opened_at, id), strictly before the given place."""


class Delivered(NamedTuple):
    """`ok`, or why not; `final` failures are not worth another try."""

    ok: bool
    detail: str
    final: bool = False


class Message(NamedTuple):
    """A page: the decision's id (the receiver may dedupe by it), the facts, and a text made from them."""

    decision: str
    reason: str
    at: int
    incident: Document
    text: str


class Notifier(Protocol):
    async def send(self, message: Message) -> Delivered:
        """Try once. Never raises for what the other side does."""


def read_all(journal: Journal, after: int = 0, batch: int = 1_000) -> Iterator[Record]:
    """Every record above `after`, in batches."""
    while records := journal.read(after, batch):
        yield from records
        after = records[-1].seq
