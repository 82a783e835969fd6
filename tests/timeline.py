"""A timeline to write engine tests on: what arrives when, in seconds, and what is there then.

t = Timeline(SHOP)
t.push(0, alert("payments"))
t.push(20, alert("checkout", starts=15))
[incident] = t.incidents()
"""

from __future__ import annotations

from typing import Any

import orjson

from connectors.inbound.registry import parse
from core.config import config_draft
from core.engine import Engine
from core.journal import Draft, Record, json_draft
from core.lifecycle import Transition, transition_draft
from core.model.document import Document
from core.replay import Fold, result
from core.times import SECOND, format_rfc3339, parse_rfc3339
from watchkeeper.files import rules_content

START = parse_rfc3339("2026-03-02T08:00:00Z")

SHOP = """
services:
  - {name: frontend, depends_on: [checkout, search], tier: 1, team: web}
  - {name: checkout, depends_on: [payments, cart], tier: 1, team: shop}
  - {name: payments, depends_on: [ledger], tier: 1, team: payments}
  - {name: ledger, team: payments}
  - {name: cart, team: shop}
  - {name: search, depends_on: [search-index], team: search}
  - {name: search-index, team: search}
  - {name: mailer, team: growth}
"""


def time(seconds: float) -> str:
    return format_rfc3339(START + int(seconds * SECOND))


def alert(
    service: str,
    name: str = "HighErrorRatio",
    *,
    starts: float = 0,
    ends: float | None = None,
    severity: str = "critical",
    **labels: str,
) -> dict[str, Any]:
    """One alert of a webhook; resolved when `ends` is given. `service=""` leaves the label out."""
    named = {"service": service} if service else {}
    return {
        "status": "firing" if ends is None else "resolved",
        "labels": {"alertname": name, "severity": severity, **named, **labels},
        "annotations": {"summary": f"{name} on {service}"},
        "startsAt": time(starts),
        "endsAt": "0001-01-01T00:00:00Z" if ends is None else time(ends),
        "generatorURL": "http://prometheus.example/graph",
    }


def change(service: str, at: float, kind: str = "deploy", **more: str) -> dict[str, Any]:
    return {"kind": kind, "service": service, "at": time(at), **more}


class Timeline:
    def __init__(
        self, catalogue: str | None = None, *, rules: dict[str, str] | None = None, routes: str = ""
    ) -> None:
        content = rules_content(None)
        content["files"] |= rules or {}
        self.fold = Fold(parse, "test")
        self.seq = 0
        self.now = START
        self.records: list[Record] = []
        for draft in (
            config_draft("rules", content),
            *([config_draft("catalogue", catalogue)] if catalogue else []),
            *([config_draft("routes", routes)] if routes else []),
        ):
            self._append(0, draft)

    @property
    def engine(self) -> Engine:
        return self.fold.engine

    def push(self, at: float, *alerts: dict[str, Any], domain: str = "default") -> None:
        """One webhook of Alertmanager that arrives at `at` seconds."""
        body = {"version": "4", "status": "firing", "alerts": list(alerts)}
        self._append(at, Draft("ingest", "alertmanager", orjson.dumps(body), domain))

    def post(self, at: float, *alerts: dict[str, Any]) -> None:
        """One API v2 post of Prometheus; `endsAt` is as given in the alert."""
        self._append(at, Draft("ingest", "prometheus", orjson.dumps(list(alerts))))

    def changed(self, arrives: float, body: dict[str, Any]) -> None:
        self._append(arrives, Draft("ingest", "change", orjson.dumps(body)))

    def move(
        self,
        at: float,
        incident: str,
        to: str,
        actor: str = "ana",
        *,
        into: str = "",
        alerts: tuple[str, ...] = (),
    ) -> None:
        wanted = Transition(incident, to, actor, "because", into, alerts)  # type: ignore[arg-type]
        self._append(at, transition_draft(wanted, "api"))

    def say(self, at: float, incident: str, text: str, author: str = "ana", kind: str = "comment") -> None:
        content = {"incident": incident, "author": author, "kind": kind, "text": text}
        self._append(at, json_draft("annotation", "api", content))

    def configure(self, at: float, name: str, content: Any) -> None:
        self._append(at, config_draft(name, content))

    def wait(self, until: float) -> None:
        """Let time pass to `until` seconds."""
        self.fold.advance(START + int(until * SECOND))

    def incidents(self) -> list[Document]:
        return self.fold.incidents()

    def decisions(self, kind: str) -> list[Document]:
        return [decision for decision in self.fold.decisions if decision["kind"] == kind]

    def pages(self) -> list[tuple[float, str]]:
        """(seconds, reason) of each notify decision."""
        return [
            ((parse_rfc3339(d["at"]) - START) / SECOND, d["reason"].partition(":")[0])
            for d in self.decisions("notify")
        ]

    def digest(self) -> str:
        return str(result(self.fold)["digest"])

    def _append(self, at: float, draft: Draft) -> None:
        self.seq += 1
        self.now = max(self.now, START + int(at * SECOND))
        record = Record(
            self.seq, self.now, draft.kind, draft.source, draft.payload, draft.domain, dict(draft.headers)
        )
        self.records.append(record)
        self.fold.apply(record)


def groups(incidents: list[Document]) -> set[frozenset[str]]:
    """The partition: episodes by incident."""
    return {frozenset(row["episode"] for row in incident["alerts"]) for incident in incidents}
