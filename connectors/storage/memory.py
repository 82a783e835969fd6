"""In-memory journal and projection: the ports' first implementations, for tests and for trying things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from core.errors import NotFound
from core.journal import Draft, Record, RecordKind
from core.model.document import Document


class Dropped(NamedTuple):
    """Records `first` to `last`."""

    first: int
    last: int


class MemoryJournal:
    """Its segments are imagined: `segment_records` numbers each."""

    def __init__(self, segment_records: int = 1_000) -> None:
        self._records: list[Record] = []
        self._first = 1
        self._segment_records = segment_records

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        at = max(now, self._records[-1].received_at if self._records else 0)
        first = self.head() + 1
        new = [
            Record(first + n, at, d.kind, d.source, d.payload, d.domain, dict(d.headers))
            for n, d in enumerate(drafts)
        ]
        self._records += new
        return new

    def read(self, after: int, limit: int) -> list[Record]:
        start = max(0, after + 1 - self._first)
        return self._records[start : start + limit]

    def head(self) -> int:
        return self._first + len(self._records) - 1

    def first(self) -> int:
        return self._first

    def latest(self, kind: RecordKind, source: str, before: int | None = None) -> Record | None:
        end = self.head() + 1 if before is None else before
        found = (r for r in reversed(self._records) if r.kind == kind and r.source == source and r.seq < end)
        return next(found, None)

    def drop(self, through: int) -> list[Dropped]:
        gone = []
        while (last := self._first + self._segment_records - 1) <= min(through, self.head() - 1):
            gone.append(Dropped(self._first, last))
            del self._records[: self._segment_records]
            self._first = last + 1
        return gone

    def erase(self, seqs: Sequence[int]) -> None:
        absent = [seq for seq in seqs if not self._first <= seq <= self.head()]
        if absent:
            raise NotFound(f"there is no record {absent[0]}")
        for seq in seqs:
            record = self._records[seq - self._first]
            emptied = msgspec.structs.replace(record, payload=b"", erased=record.payload_hash)
            self._records[seq - self._first] = emptied


class MemoryProjection:
    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._forgotten: set[str] = set()
        self._merged: dict[str, str] = {}

    def put(self, documents: Sequence[Document], forgotten: Sequence[str]) -> None:
        self._documents.update({document["id"]: document for document in documents})
        self._forgotten.update(forgotten)
        for document in documents:
            if document["id"] in self._forgotten:
                self._merged |= dict.fromkeys(document.get("merged_from", ()), document["id"])

    def get(self, incident_id: str) -> Document | None:
        return self._documents.get(self._merged.get(incident_id, incident_id))

    def page(self, status: str | None, before: tuple[str, str] | None, limit: int) -> list[Document]:
        found = [
            document
            for name, document in self._documents.items()
            if name in self._forgotten
            and status in (None, document["status"])
            and (before is None or (document["opened_at"], name) < before)
        ]
        found.sort(key=lambda document: (document["opened_at"], document["id"]), reverse=True)
        return found[:limit]

    def count(self, status: str | None, without: Sequence[str]) -> int:
        names = self._forgotten.intersection(self._documents).difference(without)
        return sum(status in (None, self._documents[name]["status"]) for name in names)
