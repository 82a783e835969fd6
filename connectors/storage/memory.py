"""In-memory journal and projection: the ports' first implementations, for tests and for trying things."""

from __future__ import annotations

from collections.abc import Sequence

from core.journal import Draft, Record, RecordKind
from core.ports import Document


class MemoryJournal:
    def __init__(self) -> None:
        self._records: list[Record] = []

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        at = max(now, self._records[-1].received_at if self._records else 0)
        first = len(self._records) + 1
        new = [
            Record(first + n, at, d.kind, d.source, d.payload, d.domain, dict(d.headers))
            for n, d in enumerate(drafts)
        ]
        self._records += new
        return new

    def read(self, after: int, limit: int) -> list[Record]:
        return self._records[after : after + limit]

    def head(self) -> int:
        return len(self._records)

    def latest(self, kind: RecordKind, source: str) -> Record | None:
        found = (r for r in reversed(self._records) if r.kind == kind and r.source == source)
        return next(found, None)


class MemoryProjection:
    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._forgotten: set[str] = set()

    def put(self, documents: Sequence[Document], forgotten: Sequence[str]) -> None:
        self._documents.update({document["id"]: document for document in documents})
        self._forgotten.update(forgotten)

    def get(self, incident_id: str) -> Document | None:
        return self._documents.get(incident_id)

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
