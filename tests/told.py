"""A fold that is told events straight, without any source's format: a body is a list of our own events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from core.config import config_draft
from core.journal import Record
from core.model.document import Document
from core.model.events import AlertEvent, ChangeEvent, Event, Parsed, SignalEvent
from core.replay import Fold
from core.times import SECOND
from tests.timeline import START
from watchkeeper.files import rules_content


class Body(msgspec.Struct):
    alerts: list[AlertEvent] = []
    changes: list[ChangeEvent] = []
    signals: list[SignalEvent] = []
    delivery: str = ""


def parse_told(record: Record, mappings: Mapping[str, str]) -> Parsed:
    body = msgspec.json.decode(record.payload, type=Body)
    return Parsed((*body.alerts, *body.changes, *body.signals), delivery=body.delivery)


class Told:
    """Seconds count from START; `rules` replaces rule files by their name."""

    def __init__(self, catalogue: str = "", rules: Mapping[str, str] | None = None) -> None:
        self.fold = Fold(parse_told, "test")
        self.seq = 0
        content = rules_content(None)
        content["files"] |= rules or {}
        self._apply(0, "config", "rules", config_draft("rules", content).payload)
        if catalogue:
            self._apply(0, "config", "catalogue", config_draft("catalogue", catalogue).payload)

    def tell(
        self,
        at: float,
        *events: Event,
        source: str = "told",
        delivery: str = "",
        domain: str = "default",
    ) -> None:
        alerts = [event for event in events if isinstance(event, AlertEvent)]
        changes = [event for event in events if isinstance(event, ChangeEvent)]
        signals = [event for event in events if isinstance(event, SignalEvent)]
        body = msgspec.json.encode(Body(alerts, changes, signals, delivery))
        self._apply(at, "ingest", source, body, domain)

    def wait(self, until: float) -> None:
        self.fold.advance(moment(until))

    def incidents(self) -> list[Document]:
        return self.fold.incidents()

    def _apply(self, at: float, kind: Any, source: str, payload: bytes, domain: str = "default") -> None:
        self.seq += 1
        self.fold.apply(Record(self.seq, moment(at), kind, source, payload, domain))


def moment(seconds: float) -> int:
    return START + int(seconds * SECOND)


def picture(incidents: Iterable[Document]) -> list[Any]:
    """What must not depend on the order of arrival: members with their state, severity, origin, changes."""
    return sorted(
        [
            sorted(
                [a["fingerprint"], a["starts_at"], a["status"], a["ends_at"] or ""] for a in one["alerts"]
            ),
            one["severity"],
            one["origin"] and one["origin"]["service"],
            sorted([c["service"], c["at"], c["state"], c["version"]] for c in one["changes"]),
        ]
        for one in incidents
        if one["alerts"]
    )
