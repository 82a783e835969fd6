"""The first screen of an incident: what its alert says, the suspect, where it began, who was paged and why.

One line each, for somebody who was just woken; what each line stands on is further down the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from core.model.document import Document
from core.model.events import AlertEvent
from core.narrative.said import said_json
from core.narrative.why_origin import origin_short
from watchkeeper.console.clocks import Stamp
from watchkeeper.console.suspects import Change
from watchkeeper.console.text import safe_url, shorten

_LINKS = {
    "graph": "Graph",
    "runbook": "Runbook",
    "dashboard": "Dashboard",
    "panel": "Panel",
    "image": "Picture",
}
_MAX, _JUDGED, _BESIDE = 400, 200, 2


class Link(NamedTuple):
    label: str
    url: str
    host: str


class Saying(NamedTuple):
    """What an alert says, and where it stands: `line` and `part` of its page."""

    name: str
    service: str
    line: int
    part: int
    summary: str
    description: str
    links: list[Link]


class Suspect(NamedTuple):
    """`what` with its age before the trouble; `anchor` of the change on this page."""

    what: str
    at: Stamp | None
    author: str
    judged: str
    anchor: str


class Brief(NamedTuple):
    """`changed` stands in where there is no suspect. `beside`: services that the origin calls, each with an
    open incident of its own."""

    suspect: Suspect | None
    changed: str
    began: str
    beside: list[tuple[str, str]]
    told: list[str]
    severity: list[str]


def brief_view(document: Document, changes: list[Change], why: Mapping[str, Any]) -> Brief:
    """`why`: what the service's `why` says of the document."""
    said = why["said"]
    answer = document["questions"].get("what_changed", {}).get("answer", "")
    first = next((one for one in changes[:1] if one.meaning and one.role == "Suspect"), None)
    return Brief(
        _suspect(first) if first else None,
        shorten(answer, _MAX),
        shorten(origin_short(document), _MAX),
        [(shorten(one["service"], 80), one["incident"]) for one in why["beside"][:_BESIDE]],
        [shorten(text, _MAX) for text in said["told"][:1]],
        [shorten(text, _MAX) for text in said["severity"][:1]],
    )


def _suspect(change: Change) -> Suspect:
    what = change.why or f"{change.kind} of {change.service} {change.version}".strip()
    what = f"{what[:1].upper()}{what[1:]}"
    return Suspect(what, change.at, change.author, shorten(change.judged, _JUDGED), change.anchor)


def sayings(document: Document) -> list[Saying]:
    """Of the leading alerts, the probable origin's first."""
    return [
        Saying(
            shorten(one["name"], 160) or "(no name)",
            shorten(one["service"], 100) or "(not known)",
            one["line"],
            one["index"],
            *_words(one),
        )
        for one in document.get("said") or ()
    ]


def saying_of(alert: Any, said: Mapping[str, Any] | None = None) -> tuple[str, str, list[Link]]:
    """Summary, description and links of one alert: what its source `said`; where that is nothing, what
    stands in it as Alertmanager would send it."""
    if said and any(said.values()):
        return _words(said)
    sent = alert if isinstance(alert, dict) else {}
    found, url = sent.get("annotations"), sent.get("generatorURL")
    pairs = found.items() if isinstance(found, dict) else ()
    texts = {str(name): text for name, text in pairs if isinstance(text, str)}
    return _words(said_json(AlertEvent({}, "firing", 0, annotations=texts, generator_url=str(url or ""))))


def _words(said: Mapping[str, Any]) -> tuple[str, str, list[Link]]:
    """What is shown of it: linked only where a page may link to."""
    links = [
        Link(_LINKS.get(one["kind"], "Link"), one["url"], shorten(one["host"], 80))
        for one in said["links"]
        if safe_url(one["url"])
    ]
    return shorten(said["summary"], 300), str(said["description"])[:2_000], links
