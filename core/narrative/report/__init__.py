"""The report of an incident as Markdown, for people to keep, send and go on writing.

It is made from the document alone: the same document gives the same bytes. Whatever came from outside is
text in it; the one link is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.narrative.check import check
from core.narrative.facts import fact_bundle
from core.narrative.page import incident_url
from core.narrative.report.markdown import bullets, literal, own_link, paragraph, section, table
from core.narrative.report.notes import comments, how_written, note_of, past, plans, risk
from core.narrative.report.parts import changes, happened, reasons, said, undelivered, unknown
from core.narrative.story import story
from core.times import parse_rfc3339, spoken

Document = Mapping[str, Any]
_FOLLOW_UPS = (
    "What would have shown this earlier?",
    "What would have made it smaller, or kept it from spreading?",
    "What made finding the cause harder than it had to be?",
    "Was the probable origin the real one, and the suspect change the real cause?",
    "What was done that a runbook should say?",
    "What will be changed, by whom and until when?",
)


def report(document: Document, *, base_url: str = "") -> str:
    """Markdown that ends with a line break. Keys that the document lacks are left out."""
    lines = [f"# {literal(document.get('id', ''))}: {literal(document.get('title', ''), 240)}", ""]
    lines += _summary(document)
    lines += section("Key facts", table(("", ""), _key_facts(document, base_url)))
    lines += section("What the alerts said", said(document))
    lines += section("Timeline", happened(document))
    lines += section("What changed", [*changes(document), *risk(document)])
    lines += section("Why these alerts are one incident", reasons(document))
    lines += section("Happened before", past(document))
    lines += section("Plans", plans(document))
    lines += section("What is not known", bullets(unknown(document)))
    lines += section("Pages that were not delivered", undelivered(document))
    lines += section("Comments", comments(document))
    lines += section("Follow-ups", bullets(f"[ ] {question}" for question in _FOLLOW_UPS))
    return "\n".join(lines).rstrip("\n") + "\n"


def _summary(document: Document) -> list[str]:
    """The narrator's sentences when there are any, else the template's; and who wrote them."""
    note = note_of(document, "narrative")
    if note is not None and note.get("lines"):
        text = " ".join(str(line.get("text", "")) for line in note["lines"])
        return [paragraph(literal(text, 4_000)), "", how_written(note), ""]
    bundle = fact_bundle(document)
    told = [sentence.text for sentence in check(bundle, story(bundle)).sentences if sentence.kept]
    return (
        [paragraph(literal(" ".join(told), 4_000)), "", "*Written from the facts by a template.*", ""]
        if told
        else []
    )


def _key_facts(document: Document, base_url: str) -> list[list[str]]:
    identity = str(document.get("id", ""))
    link = own_link(identity, incident_url(base_url, identity)) if base_url else literal(identity)
    rows = [
        ["Incident", link],
        [
            "Severity",
            _with(document.get("severity"), str(document.get("severity_reason") or "").replace("-", " ")),
        ],
        ["Status", literal(document.get("status", ""))],
        ["Started", when(document.get("started_at"))],
        ["Detected", when(document.get("opened_at"))],
        ["Acknowledged", _by(document.get("acknowledged_at"), document.get("acknowledged_by"))],
        ["Response", _response(document.get("clocks") or {})],
        ["Mitigated", _by(document.get("mitigated_at"), document.get("mitigated_by"))],
        ["Resolved", _by(document.get("resolved_at"), _resolver(document))],
        ["Duration", _lasted(document)],
        ["Services", _services(document)],
        ["Alerts", str(len(document.get("alerts") or ()))],
        ["Probable origin", _origin(document)],
        ["Return of", literal(document.get("recurrence_of") or "")],
        ["Merged into it", literal(", ".join(map(str, document.get("merged_from") or ())))],
        ["Split off from", literal(document.get("split_from") or "")],
        ["Split off", literal(", ".join(map(str, document.get("split_into") or ())))],
    ]
    return [row for row in rows if row[1]]


def _response(clocks: Mapping[str, Any]) -> str:
    """Whether somebody responded in time; empty without that clock, or while it runs."""
    met = clocks.get("met")
    return "" if met is None else f"{'in time' if met else 'not in time'} (by {when(clocks['respond_by'])})"


def when(at: object) -> str:
    """`2026-11-21 04:25:16 UTC`, or empty."""
    text = str(at or "")
    return literal(f"{text[:10]} {text[11:19]} UTC") if text else ""


def _with(text: object, more: str) -> str:
    return literal(text or "") + (f" ({literal(more)})" if more else "")


def _by(at: object, who: object) -> str:
    return f"{when(at)}{f' by {literal(who, 100)}' if who else ''}" if at else ""


def _resolver(document: Document) -> str:
    moments = [moment for moment in document.get("history") or () if moment.get("what") == "resolved"]
    actor = str(moments[-1].get("actor", "")) if moments else ""
    return "rule: all its alerts were quiet" if actor == "rule" else actor


def _lasted(document: Document) -> str:
    start, end = document.get("started_at"), document.get("resolved_at")
    return spoken(parse_rfc3339(end) - parse_rfc3339(start)) if start and end else ""


def _services(document: Document, most: int = 20) -> str:
    names = list(dict.fromkeys(literal(row.get("service", ""), 80) for row in document.get("services") or ()))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _origin(document: Document) -> str:
    origin = document.get("origin")
    return f"{literal(origin.get('service', ''), 80)}, score {origin.get('score')}/1000" if origin else ""
