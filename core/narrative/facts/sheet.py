"""The sheet on which facts are gathered: numbered as they come, and open for what they may have caused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.narrative.page import inert

Document = Mapping[str, Any]
EVIDENCE = 12
# What is said of a plan.
FITS, DONE = "fits", "fitted, and is done already"
_SHORT = 80


@dataclass
class Gathered:
    """A fact that may still learn what it caused."""

    id: str
    kind: str
    subject: str
    predicate: str
    object: str = ""
    value: int | str | None = None
    unit: str = ""
    at: str = ""
    causes: list[str] = field(default_factory=list)
    evidence: tuple[str, ...] = ()


class Sheet:
    """Facts in order, numbered as they come."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.id = text(document.get("id", ""))
        self.rows: list[Gathered] = []
        self.troubles: dict[str, Gathered] = {}
        self.ends: dict[str, Gathered] = {}

    def add(self, kind: str, subject: str, predicate: str, **more: Any) -> Gathered:
        evidence = tuple(more.pop("evidence", ()))[:EVIDENCE]
        row = Gathered(f"F{len(self.rows) + 1}", kind, subject, predicate, **more, evidence=evidence)
        self.rows.append(row)
        return row

    def findings(self, kind: str) -> list[Document]:
        return [finding for finding in self.document.get("findings") or () if finding.get("kind") == kind]

    @property
    def origin(self) -> str:
        return text((self.document.get("origin") or {}).get("service", ""))


def text(value: object, limit: int = _SHORT) -> str:
    """Foreign text: one short line in which nothing can act."""
    return inert(value, limit)
