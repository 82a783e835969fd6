"""The alerts of an incident as rows, those that still matter first; and one alert as it was sent."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from core.explain_words import FLAGS
from core.model.document import Document
from core.narrative.why import links_of
from watchkeeper.console.brief import saying_of
from watchkeeper.console.clocks import Stamp, milliseconds, stamp
from watchkeeper.console.evidence import alert_anchor
from watchkeeper.console.silences_view import prefill, silence_link, suppressed_by
from watchkeeper.console.text import place, shorten, words

MAX_ROWS = 200
_MAX_LABELS, _MAX_JSON, _MAX_LINKS = 60, 200_000, 8
_ORDER = {"firing": 0, "unknown": 1, "resolved": 2}


class Row(NamedTuple):
    anchor: str
    name: str
    service: str
    where: str
    status: str
    starts: Stamp | None
    ends: Stamp | None
    unknown: Stamp | None
    labels: list[tuple[str, str]]
    more_labels: int
    flags: list[str]
    line: int
    part: int
    suppressed: list[Document]
    silence: str


def alert_rows(document: Document, now: int) -> tuple[list[Row], int]:
    """At most MAX_ROWS: firing first, then unknown, then resolved, each by start; and how many more."""
    alerts = sorted(
        document["alerts"],
        key=lambda alert: (_ORDER.get(alert["status"], 1), milliseconds(alert["starts_at"]) or 0),
    )
    return [_row(alert, now) for alert in alerts[:MAX_ROWS]], max(0, len(alerts) - MAX_ROWS)


def _row(alert: Document, now: int) -> Row:
    labels = [(shorten(name, 120), shorten(value, 500)) for name, value in alert["labels"].items()]
    return Row(
        alert_anchor(alert),
        shorten(alert["name"], 160) or "unnamed alert",
        shorten(alert["service"], 100) or "(not known)",
        place(alert),
        shorten(alert["status"], 20),
        stamp(alert["starts_at"], now),
        stamp(alert["ends_at"], now),
        stamp(alert["unknown_since"], now),
        labels[:_MAX_LABELS],
        max(0, len(labels) - _MAX_LABELS),
        [FLAGS.get(flag) or words(flag) for flag in alert["flags"]],
        alert["line"],
        alert["index"],
        suppressed_by(alert, now),
        "" if alert["status"] == "resolved" else silence_link(prefill([alert])),
    )


def raw_view(raw: Document, row: Document, now: int) -> Document:
    """The variables of the page that shows one alert as it was sent, whatever form that has. `row` is what
    the incident's document has of it: its labels stand in where none were sent as such."""
    alert = raw["alert"]
    url = alert.get("generatorURL") if isinstance(alert, dict) else ""
    labels = _texts(alert, "labels") or _texts(row, "labels")
    standing = _row(row, now)
    summary, description, links = saying_of(alert, raw.get("said"))
    return {
        "summary": summary,
        "description": description,
        "links": links,
        "name": dict(labels).get("alertname") or "unnamed alert",
        "alert": standing,
        "fingerprint": shorten(row["fingerprint"], 80),
        "source": shorten(raw["source"], 60),
        "received": stamp(raw["received_at"], now),
        "labels": labels,
        "annotations": _texts(alert, "annotations"),
        "generator": str(url)[:2_000] if url else "",
        "raw": _pretty(alert),
    }


def joined_words(document: Document, row: Document) -> list[str]:
    """What joins one alert of an incident to the others, as its why-tree says; of very many alerts, the first
    alone are in it."""
    if len(document["alerts"]) == 1:
        return ["It is the only alert of the incident."]
    links = links_of(document)
    nodes = [node for node in links["children"] if row["episode"] in node["evidence"]] if links else []
    return [
        shorten(f"{node['summary']}: {node['hint']}" if node["hint"] else node["summary"], 400)
        for node in nodes[:_MAX_LINKS]
    ]


def _texts(alert: Any, key: str) -> list[tuple[str, str]]:
    found = alert.get(key) if isinstance(alert, dict) else None
    if not isinstance(found, dict):
        return []
    return [(shorten(name, 120), str(value)[:2_000]) for name, value in list(found.items())[:_MAX_LABELS]]


def _pretty(alert: Any) -> str:
    """Its JSON, indented, in its own order of keys; cut when it is enormous."""
    text = json.dumps(alert, indent=2, ensure_ascii=False)
    more = len(text) - _MAX_JSON
    return text if more <= 0 else f"{text[:_MAX_JSON]}\n… cut here: {more:,} characters more"
