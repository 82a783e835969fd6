"""The part of an incident's document that a comparison reads: a year of them fits in memory."""

from __future__ import annotations

from core.backtest.links import JOINED, link_nodes
from core.backtest.words import NOT_PAGED
from core.model.document import Document

_KEPT = (
    "id", "title", "severity", "severity_reason", "opened_at", "resolved_at", "services", "origin",
    "merged_from",
)  # fmt: skip
_OF_MOMENT, _GROWN = ("at", "what", "reason", "detail"), 8
_OF_ALERT = ("line", "index", "episode", "name", "service", "starts_at", "ends_at")


def slim(incident: Document) -> Document:
    """Of why-trees the nodes of link rules, of the history how it grew and why nobody was paged, of findings
    their names."""
    grown = [row for row in incident["history"] if row["what"] in JOINED]
    silences = [row for row in incident["history"] if row["what"] == NOT_PAGED]
    return {
        **{key: incident[key] for key in _KEPT},
        "alerts": [{key: row[key] for key in _OF_ALERT} for row in incident["alerts"]],
        "findings": [_finding(finding) for finding in incident["findings"]],
        "why": _links(incident["why"]),
        "history": [{key: row[key] for key in _OF_MOMENT} for row in (*grown[:_GROWN], *silences[-1:])],
    }


def _finding(finding: Document) -> Document:
    kept = {key: finding[key] for key in ("kind", "subject", "summary")}
    return {**kept, "why": {"hint": finding["why"]["hint"]}}


def _links(why: Document | None) -> Document | None:
    return {**why, "children": link_nodes(why)} if why else None
