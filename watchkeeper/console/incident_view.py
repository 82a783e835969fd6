"""What the incident page shows, made from its document: the facts in the order in which a tired person needs
them.

Long incidents stay small pages: every table is cut and says by how much.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from watchkeeper.console import alerts, moments, why
from watchkeeper.console.clocks import Stamp, lasted, stamp
from watchkeeper.console.text import TERM_WORDS, harmless, plural, safe_url, score, shorten, url_host, words
from watchkeeper.console.timeline import timeline_svg

Document = dict[str, Any]
_MAX = 200
_MAX_FINDINGS, _MAX_LOOKED_AT, _MAX_SERVICES, _MAX_REMARK = 30, 8, 12, 10_000
QUESTIONS = {
    "what_changed": "What changed?",
    "already_known": "Is somebody on it already?",
    "likely_fix": "What is the likely fix?",
}
ANSWERED = {"known": "Known", "none": "Looked, found nothing", "unknown": "Not known"}
DELIVERED = {
    "delivered": "Delivered",
    "failed": "NOT DELIVERED",
    "no_receiver": "Not paged: no receiver is configured",
}


class Origin(NamedTuple):
    """`terms`: name, worth in thousandths, width of its bar in percent of the largest."""

    service: str
    where: str
    score: str
    summary: str
    terms: list[tuple[str, int, int]]


class Change(NamedTuple):
    anchor: str
    kind: str
    service: str
    version: str
    author: str
    where: str
    url: str
    host: str
    at: Stamp | None
    why: str


class Page(NamedTuple):
    """What became of a page: `loud` when nobody got it."""

    at: Stamp | None
    status: str
    loud: bool
    receiver: str
    attempts: int
    detail: str


def incident_view(document: Document, now: int) -> dict[str, Any]:
    """The template's variables."""
    rows, more_alerts = alerts.alert_rows(document, now)
    names = alerts.evidence_names(document, rows)
    tree = why.node(document["why"], names) if document["why"] else None
    table, more_moments = moments.table(document, now, _MAX)
    history = document["history"]
    remarks = document.get("annotations", [])
    return {
        "id": document["id"],
        "title": shorten(document["title"], 300),
        "severity_name": shorten(document["severity"], 10),
        "severity_reason": words(document["severity_reason"]),
        "status_name": shorten(document["status"], 20),
        "standing": _standing(document, now),
        "reach": _reach(document),
        "merged_from": [shorten(name, 60) for name in document["merged_from"][:20]],
        "recurrence_of": document["recurrence_of"],
        "questions": [(QUESTIONS[key], answer) for key, answer in _questions(document)],
        "answered": ANSWERED,
        "origin": _origin(document),
        "changes": [_change(document, change, now) for change in document["changes"][:_MAX]],
        "more_changes": max(0, len(document["changes"]) - _MAX),
        "svg": timeline_svg(document, now),
        "table": table,
        "more_moments": more_moments,
        "findings": [why.finding(finding, names) for finding in document["findings"][:_MAX_FINDINGS]],
        "more_findings": max(0, len(document["findings"]) - _MAX_FINDINGS),
        "tree": tree,
        "looked_at": list(why.did_not_count(tree))[:_MAX_LOOKED_AT] if tree else [],
        "pages": [_page(delivery, now) for delivery in document.get("deliveries", [])[-_MAX:]],
        "undelivered": [page["status"] for page in document.get("deliveries", [])].count("failed"),
        "pages_waiting": _pages_waiting(document),
        "remarks": [_remark(remark, now) for remark in remarks[-_MAX:]],
        "history": [moments.moment(entry, now) for entry in history[-_MAX:]],
        "more_history": max(0, len(history) - _MAX),
        "alerts": rows,
        "more_alerts": more_alerts,
        "alerts_total": len(document["alerts"]),
    }


def _standing(document: Document, now: int) -> dict[str, Any]:
    """Since when, in whose hands, for how long."""
    return {
        "started": stamp(document["started_at"], now),
        "opened": stamp(document["opened_at"], now),
        "acknowledged": stamp(document["acknowledged_at"], now),
        "acknowledged_by": shorten(document["acknowledged_by"], 100),
        "resolved": stamp(document["resolved_at"], now),
        "closed": stamp(document["closed_at"], now),
        "lasted": lasted(document["started_at"], document["resolved_at"]),
    }


def _reach(document: Document) -> str:
    """`5 alerts (3 firing) on 2 services: checkout, payments`."""
    statuses = [alert["status"] for alert in document["alerts"]]
    parts = [f"{count:,} {name}" for name in ("firing", "unknown") if (count := statuses.count(name))]
    now_there = f" ({', '.join(parts)})" if parts else " (all resolved)"
    names = list(dict.fromkeys(shorten(entity["service"], 80) for entity in document["services"]))
    listed = ", ".join(names[:_MAX_SERVICES])
    if len(names) > _MAX_SERVICES:
        listed += f" and {len(names) - _MAX_SERVICES} more"
    where = f" on {plural(len(names), 'service')}: {listed}" if names else "; no label names their service"
    return f"{plural(len(statuses), 'alert')}{now_there}{where}"


def _questions(document: Document) -> list[tuple[str, Document]]:
    return [(key, document["questions"][key]) for key in QUESTIONS if key in document["questions"]]


def _origin(document: Document) -> Origin | None:
    origin = document["origin"]
    if origin is None:
        return None
    largest = max([1, *origin["terms"].values()])
    summary = next((f["summary"] for f in document["findings"] if f["kind"] == "probable-origin"), "")
    return Origin(
        shorten(origin["service"], 100),
        _where(origin),
        score(origin["score"]),
        shorten(summary, 300),
        [
            (TERM_WORDS.get(name, words(name)).capitalize(), worth, max(0, 100 * worth // largest))
            for name, worth in origin["terms"].items()
        ],
    )


def _change(document: Document, change: Document, now: int) -> Change:
    url = safe_url(change["url"])
    found = (f["summary"] for f in document["findings"] if f["subject"] == change["id"])
    return Change(
        change["id"],
        shorten(change["kind"], 40).capitalize(),
        shorten(change["service"], 100),
        shorten(change["version"], 120),
        shorten(change["author"], 100),
        _where(change),
        url,
        url_host(url),
        stamp(change["at"], now),
        shorten(next(found, ""), 400),
    )


def _where(document: Document) -> str:
    return ", ".join(shorten(document[key], 80) for key in ("environment", "cluster") if document[key])


def _page(delivery: Document, now: int) -> Page:
    status = delivery["status"]
    return Page(
        stamp(delivery["at"], now),
        DELIVERED.get(status) or words(status).capitalize(),
        status != "delivered",
        shorten(delivery["receiver"], 100),
        delivery["attempts"],
        shorten(delivery["detail"], 300),
    )


def _pages_waiting(document: Document) -> int:
    """Pages that were decided and of which nothing is known yet."""
    decided = [entry["what"] for entry in document["history"]].count("paged")
    return max(0, decided - len(document.get("deliveries", [])))


def _remark(remark: Document, now: int) -> Document:
    return {
        "at": stamp(remark["at"], now),
        "author": shorten(remark["author"], 100),
        "kind": words(remark["kind"]),
        "text": harmless(remark["text"][:_MAX_REMARK]),
    }
