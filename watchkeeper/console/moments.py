"""An incident's history in sentences, and the timeline's picture as a table: the same facts, to be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from core.model.document import Document
from core.narrative.history import how_words, reason_words, what_words
from core.narrative.plain import short_version
from core.times import format_rfc3339
from watchkeeper.console.clocks import Stamp, milliseconds, stamp
from watchkeeper.console.text import shorten


class Moment(NamedTuple):
    """What a rule did, and `how`; or who did it, and in what words."""

    at: Stamp | None
    what: str
    how: str
    who: str
    words: str


class Row(NamedTuple):
    at: Stamp | None
    what: str
    subject: str


def moment(entry: Document, now: int) -> Moment:
    at, what = stamp(entry["at"], now), what_words(entry["what"])
    if entry["actor"] == "rule":
        return Moment(at, what, how_words(entry), "", "")
    said, detail = reason_words(entry["reason"]), shorten(entry["detail"], 500)
    return Moment(at, what, said, shorten(entry["actor"], 80), detail)


def table(document: Document, now: int, limit: int) -> tuple[list[Row], int]:
    """The first `limit` instants that the picture shows, in order of time, and how many more there are."""
    found = [
        (at, what, subject)
        for text, what, subject in _instants(document)
        if (at := milliseconds(text)) is not None
    ]
    found.sort(key=lambda item: item[0])
    rows = [Row(stamp(format_rfc3339(at), now), what, subject) for at, what, subject in found[:limit]]
    return rows, max(0, len(found) - limit)


def _instants(document: Document) -> Iterator[tuple[Any, str, str]]:
    for change in document["changes"]:
        yield change["at"], f"Change: {shorten(change['kind'], 40)}", change_name(change)
    for entry in document["history"]:
        said = moment(entry, 0)
        yield entry["at"], said.what, said.who or said.how
    for alert in document["alerts"]:
        name = alert_name(alert)
        yield alert["starts_at"], "Alert began", name
        yield alert["ends_at"], "Alert ended", name
        yield alert["unknown_since"], "Alert unknown from here", name


def change_name(change: Document) -> str:
    return shorten(f"{change['service']} {short_version(change['version'])}".strip(), 120)


def alert_name(alert: Document) -> str:
    name = shorten(alert["name"], 100) or "unnamed alert"
    return f"{name} of {shorten(alert['service'], 80)}" if alert["service"] else name
