"""What the section "Why was I paged?" shows: a few sentences, and below them what they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from core.model.document import Document
from core.narrative.why import links_of
from watchkeeper.console.clocks import Stamp, stamp
from watchkeeper.console.evidence import Ref
from watchkeeper.console.text import shorten
from watchkeeper.console.why import Node, node

_SENTENCES, _ORIGIN, _TOLD, _MAX = 3, 3, 50, 600


class Telling(NamedTuple):
    at: Stamp | None
    words: str


class Miss(NamedTuple):
    incident: str
    what: str
    words: str


class WhyPaged(NamedTuple):
    """`tree` is what joined each alert, `severity_tree` the conditions up to the one that decided; both None
    where they are not known. `unlooked` says that nobody can look for misses any more."""

    heading: str
    sentences: list[str]
    told: list[Telling]
    more_told: int
    severity: list[str]
    severity_tree: Node | None
    joined: list[str]
    tree: Node | None
    misses: list[Miss]
    unlooked: str


def why_paged(document: Document, why: Document, names: Mapping[str, Ref], now: int) -> WhyPaged:
    """`why`: what the service's `why` says of the document."""
    said = {key: [shorten(text, _MAX) for text in texts] for key, texts in why["said"].items()}
    told, links, severity = why["told"], links_of(document), why["severity_why"]
    paged = any(row["what"] == "paged" and row["detail"] for row in told)
    return WhyPaged(
        "Why was I paged?" if paged else "Why was nobody paged?",
        [
            *said["told"][:_SENTENCES],
            *said["routed"][:_SENTENCES],
            " ".join([*said["severity"][:1], *said["means"]]),
            *said["origin"][:_ORIGIN],
        ],
        [Telling(stamp(row["at"], now), shorten(row["words"], _MAX)) for row in told[-_TOLD:]],
        max(0, len(told) - _TOLD),
        said["severity"],
        node(severity, names) if severity else None,
        said["joined"],
        node(links, names) if links and len(document["alerts"]) > 1 else None,
        [_miss(miss) for miss in why["nearly_joined"] or ()],
        "" if why["nearly_joined"] is not None else said["nearly"][0],
    )


def _miss(miss: Document) -> Miss:
    return Miss(miss["incident"], shorten(miss["why"]["summary"], 400), shorten(miss["words"], 400))
