"""What the incident page shows, made from its document: the facts in the order in which a tired person needs
them.

Long incidents stay small pages: every table is cut and says by how much.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from core.model.document import Document
from core.narrative.asked import QUESTIONS
from core.narrative.history import delivered_words
from core.narrative.page import titled
from core.narrative.place import where_words
from core.narrative.report.notes import overtaken
from watchkeeper.console import alerts, moments, notes_view, why
from watchkeeper.console.brief import brief_view, sayings
from watchkeeper.console.clocks import Stamp, lasted, stamp
from watchkeeper.console.due import answered, due
from watchkeeper.console.evidence import MAX_FINDINGS, Ref, evidence_names
from watchkeeper.console.plans_view import plan_views
from watchkeeper.console.silences_view import quiet_view
from watchkeeper.console.slo_view import incident_budgets
from watchkeeper.console.suspects import change_view, origin_view
from watchkeeper.console.text import plural, shorten
from watchkeeper.console.timeline import timeline_svg
from watchkeeper.console.why_paged import why_paged
from watchkeeper.standing_in import in_short_now

_MAX = 200
_MAX_LOOKED_AT, _MAX_SERVICES = 8, 12
ANSWERED = {"known": "Known", "none": "Looked, found nothing", "unknown": "Not known"}
# Where a question is asked so that its answer is yes or no.
_MARKS = {("already_known", "none"): "No"}


class Page(NamedTuple):
    """What became of a page: `loud` when nobody got it."""

    at: Stamp | None
    status: str
    loud: bool
    receiver: str
    attempts: int
    detail: str


def incident_view(document: Document, now: int, explanation: Document) -> dict[str, Any]:
    """The template's variables; `explanation` is what the service's `why` says of the document."""
    rows, more_alerts = alerts.alert_rows(document, now)
    names = evidence_names(document, (row.anchor for row in rows))
    tree = why.node(document["why"], names) if document["why"] else None
    table, more_moments = moments.table(document, now, _MAX)
    history = document["history"]
    changes = [change_view(document, change, now) for change in document["changes"][:_MAX]]
    return {
        "id": document["id"],
        "title": shorten(titled(document), 300),
        "severity_name": shorten(document["severity"], 10),
        "status_name": shorten(document["status"], 20),
        "standing": _standing(document, now),
        "due": due(document, now),
        "answered_in_time": answered(document),
        "quiet": quiet_view(document, now),
        "reach": _reach(document),
        **_kin(document),
        "questions": _questions(document),
        "origin": origin_view(document),
        "brief": brief_view(document, changes, explanation),
        "sayings": sayings(document),
        "changes": changes,
        "more_changes": max(0, len(document["changes"]) - _MAX),
        "svg": timeline_svg(document, now),
        "table": table,
        "more_moments": more_moments,
        "findings": [why.finding(finding, names) for finding in document["findings"][:MAX_FINDINGS]],
        "more_findings": max(0, len(document["findings"]) - MAX_FINDINGS),
        "tree": tree,
        "why_paged": why_paged(document, explanation, names, now),
        "looked_at": list(why.did_not_count(tree))[:_MAX_LOOKED_AT] if tree else [],
        **_pages(document, now),
        "remarks": notes_view.remarks(document, now, _MAX),
        "history": [moments.moment(entry, now) for entry in history[-_MAX:]],
        "more_history": max(0, len(history) - _MAX),
        "alerts": rows,
        "more_alerts": more_alerts,
        "alerts_total": len(document["alerts"]),
        **incident_budgets(document, now),
        **_explained(document, names, now),
    }


def _kin(document: Document) -> dict[str, Any]:
    """Incidents that it was one with, or came out of, or is like one of before."""
    return {
        "merged_from": [shorten(name, 60) for name in document["merged_from"][:20]],
        "split_from": document.get("split_from"),
        "split_into": [shorten(name, 60) for name in document.get("split_into", [])[:20]],
        "recurrence_of": document["recurrence_of"],
    }


def _pages(document: Document, now: int) -> dict[str, Any]:
    deliveries = document.get("deliveries", [])
    return {
        "pages": [_page(delivery, now) for delivery in deliveries[-_MAX:]],
        "undelivered": [page["status"] for page in deliveries].count("failed"),
        "pages_waiting": _pages_waiting(document),
    }


def _explained(document: Document, names: dict[str, Ref], now: int) -> dict[str, Any]:
    """What the agents say, and the plans that they speak of."""
    notes = notes_view.agent_notes(in_short_now(document))
    choice = notes.get(notes_view.PLAN, {}).get("choice", "")
    done = overtaken(document, notes.get(notes_view.PLAN, {}))
    # Where the plans themselves stand, a link to them says nothing.
    beside_plans = names | {plan["id"]: Ref("") for plan in document.get("plans", [])}
    return {
        "in_short": notes_view.note_view(notes.get(notes_view.NARRATIVE), names, now),
        "in_short_as_of": notes_view.as_of(notes.get(notes_view.NARRATIVE), document, now),
        "being_written": document.get("explained") == "pending",
        "seen_before": notes_view.note_view(notes.get(notes_view.PAST), names, now),
        "past": notes_view.past_view(notes.get(notes_view.PAST), document["recurrence_of"], now),
        "risk": notes_view.note_view(notes.get(notes_view.RISK), names, now),
        "planner": None if done else notes_view.note_view(notes.get(notes_view.PLAN), beside_plans, now),
        "plans": plan_views(document, choice, names),
    }


def said(document: Document) -> str:
    """Where it stands, in the one short sentence that is read out when it changes."""
    statuses = [alert["status"] for alert in document["alerts"]]
    firing = f"{count:,} firing" if (count := statuses.count("firing")) else "none firing"
    status = shorten(document["status"], 20)
    by = f" by {shorten(document['acknowledged_by'], 60)}" if status == "acknowledged" else ""
    parts = [f"{plural(len(statuses), 'alert')}, {firing}", shorten(document["severity"], 10), status + by]
    if document.get("explained") == "done":
        parts.append("explained")
    return "; ".join(parts)


def _standing(document: Document, now: int) -> dict[str, Any]:
    """Since when, in whose hands, for how long."""
    return {
        "started": stamp(document["started_at"], now),
        "opened": stamp(document["opened_at"], now),
        "acknowledged": stamp(document["acknowledged_at"], now),
        "resolves": stamp(document.get("resolves_at"), now),
        "storm": shorten((document.get("storm") or {}).get("text", ""), 300),
        "comes_back": (document.get("comes_back") or {}).get("text", ""),
        "acknowledged_by": shorten(document["acknowledged_by"], 100),
        "mitigated": stamp(document.get("mitigated_at"), now),
        "mitigated_by": shorten(document.get("mitigated_by", ""), 100),
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
    place = shorten(where_words(document.get("where")), 300)
    return f"{plural(len(statuses), 'alert')}{now_there}{where}" + (f"; {place}" if place else "")


def _questions(document: Document) -> list[tuple[str, Document, str]]:
    """Question, answer, and in a word what kind of answer it is."""
    found = [(key, document["questions"][key]) for key in QUESTIONS if key in document["questions"]]
    return [(QUESTIONS[key], answer, _mark(key, shorten(answer["status"], 40))) for key, answer in found]


def _mark(key: str, status: str) -> str:
    return _MARKS.get((key, status)) or ANSWERED.get(status, status)


def _page(delivery: Document, now: int) -> Page:
    status = delivery["status"]
    return Page(
        stamp(delivery["at"], now),
        delivered_words(status),
        status != "delivered",
        shorten(delivery["receiver"], 100),
        delivery["attempts"],
        shorten(delivery["detail"], 300),
    )


def _pages_waiting(document: Document) -> int:
    """Pages that were decided and of which nothing is known yet."""
    decided = [one for one in document["history"] if one["what"] == "paged" or one["reason"] == "no_route"]
    return max(0, len(decided) - len(document.get("deliveries", [])))
