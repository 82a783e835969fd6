"""What was said of an incident: by agents, each line with its evidence and how it came to be; and by people.

Everything said is foreign text here, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from core.model.document import Document
from core.model.note import Reach, reach_of
from watchkeeper.console.clocks import Stamp, milliseconds, stamp
from watchkeeper.console.evidence import Ref, refs
from watchkeeper.console.text import harmless, plural, score, shorten, words

NARRATIVE, PAST, RISK, PLAN = "narrative", "past-incidents", "deploy-risk", "plan"
# An agent's note is known by its author and kind together, and by having lines.
_AGENTS = {NARRATIVE: "narrator", PAST: "retriever", RISK: "risk-analyst", PLAN: "planner"}
_MAX_LINES, _MAX_TEXT, _MAX_EVIDENCE, _MAX_PAST, _MAX_SHARED, _MAX_REMARK = 20, 600, 8, 10, 8, 10_000
_TEMPLATE = "Written from the facts by a template"
_CHECKED = "each sentence was checked against the facts"


class Said(NamedTuple):
    text: str
    evidence: list[Ref]


class Note(NamedTuple):
    """`made` says how it came to be, in one sentence."""

    lines: list[Said]
    made: str
    at: Stamp | None
    by_model: bool


class Past(NamedTuple):
    """A past incident like this one. `match` is empty for one that a rule calls a recurrence."""

    id: str
    title: str
    at: Stamp | None
    match: str
    shared: str
    ending: str


def agent_notes(document: Document) -> dict[str, Document]:
    """The notes of the agents, by kind; the last of each."""
    return {note["kind"]: note for note in document.get("annotations", []) if _is_note(note)}


def _is_note(remark: Document) -> bool:
    return _AGENTS.get(remark["kind"]) == remark["author"] and "lines" in remark


def note_view(note: Document | None, names: Mapping[str, Ref], now: int) -> Note | None:
    """None when there is none, or it says nothing."""
    if note is None:
        return None
    lines = [
        Said(shorten(line["text"], _MAX_TEXT), refs(line["evidence"][:_MAX_EVIDENCE], names))
        for line in note["lines"][:_MAX_LINES]
    ]
    by_model = note.get("made_by") == "model"
    return Note(lines, how_made(note), stamp(note["at"], now), by_model) if lines else None


class AsOf(NamedTuple):
    """When a note was made that does not know what is another since: the severity, where it stands, its
    alerts (in words)."""

    at: Stamp | None
    severity: bool
    status: bool
    alerts: str = ""


def as_of(note: Document | None, document: Document, now: int) -> AsOf | None:
    """None where a note knows all three as they are."""
    told = milliseconds(note["at"]) if note else None
    if note is None or told is None:
        return None
    rows = [row["at"] for row in document["history"] if row["what"] == "severity"]
    turns = [document.get(key) for key in ("acknowledged_at", "mitigated_at", "resolved_at")]
    severity, status = (any((milliseconds(at) or 0) > told for at in times) for times in (rows, turns))
    alerts = _since(note.get("reach"), reach_of(document))
    return AsOf(stamp(note["at"], now), severity, status, alerts) if severity or status or alerts else None


def _since(told: Document | None, now: Reach) -> str:
    """`2 alerts have ended since then; of 5 alerts 2 fire now`; empty where the counts are as they were."""
    before = Reach(**told) if told else now
    ended = [one.alerts - one.firing - one.unknown for one in (before, now)]
    news = (
        ("joined", now.alerts - before.alerts),
        ("ended", ended[1] - ended[0]),
        ("begun to fire again", ended[0] - ended[1]),
        ("fallen silent", now.unknown - before.unknown),
    )
    parts = [
        f"{plural(count, 'alert')} {'has' if count == 1 else 'have'} {what}"
        for what, count in news
        if count > 0
    ]
    if before == now:
        return ""
    fire = f"{now.firing:,} {'fires' if now.firing == 1 else 'fire'}" if now.firing else "none fires"
    return (
        f"{', '.join(parts) or 'alerts are others'} since then; of {plural(now.alerts, 'alert')} {fire} now"
    )


def how_made(note: Document) -> str:
    """`Written by gpt-x with prompt narrator@1; each sentence was checked against the facts; 1 dropped.`"""
    model, prompt = shorten(note.get("model", ""), 80), shorten(note.get("prompt", ""), 60)
    asked = f"{model} with prompt {prompt}" if prompt else model
    dropped = note.get("dropped", 0)
    if note.get("made_by") == "model":
        return f"Written by {asked}; {_CHECKED}{f'; {dropped} dropped' if dropped else ''}."
    reason = shorten(note.get("reason", ""), 200).rstrip(".")
    tried = f" ({asked} was asked)" if model else ""
    return f"{_TEMPLATE}{f': {reason}' if reason else ''}{tried}."


def past_view(note: Document | None, recurrence_of: str | None, now: int) -> list[Past]:
    """What the retriever found, best first; before it what a rule calls the same again."""
    rows = [_past(one, now) for one in (note or {}).get("past", [])[:_MAX_PAST]]
    if recurrence_of and all(row.id != recurrence_of for row in rows):
        rows.insert(0, Past(recurrence_of, "", None, "", "the same alerts fired again, says a rule", ""))
    return rows


def _past(one: Document, now: int) -> Past:
    shared = ", ".join(shorten(term, 120) for term in one["shared"][:_MAX_SHARED])
    more = len(one["shared"]) - _MAX_SHARED
    return Past(
        one["id"],
        shorten(one["title"], 200),
        stamp(one["at"], now),
        score(one["match"]),
        f"{shared} and {more} more" if more > 0 else shared,
        shorten(one["ending"], 300),
    )


def remarks(document: Document, now: int, limit: int) -> list[Document]:
    """What people said, the last `limit`; and what an agent said that is not known here."""
    said = [remark for remark in document.get("annotations", []) if not _is_note(remark)]
    return [
        {
            "at": stamp(remark["at"], now),
            "author": shorten(remark["author"], 100),
            "kind": words(remark["kind"]),
            "text": harmless(remark["text"][:_MAX_REMARK]),
        }
        for remark in said[-limit:]
    ]
