"""Parts of the report that agents and people wrote, each with how it was written; and the plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.narrative.report.markdown import bullets, literal, paragraph
from core.narrative.report.parts import clock

Document = Mapping[str, Any]
COMMENTS, ITEMS = 20, 12


def note_of(document: Document, kind: str) -> Document | None:
    """The latest note of an agent; comments of people have no lines."""
    notes = [row for row in document.get("annotations") or () if row.get("kind") == kind and "lines" in row]
    return notes[-1] if notes else None


def how_written(note: Document) -> str:
    """`Written by the model x with the prompt narrator, version 1 ...; 1 sentence dropped ...`"""
    dropped = int(note.get("dropped") or 0)
    model = f"the model {literal(note.get('model') or 'without a name', 80)}"
    prompt = f" with {_prompt(str(note['prompt']))}" if note.get("prompt") else ""
    lost = f"; {dropped} sentence{'s' * (dropped != 1)} dropped by the claim check" if dropped else ""
    if note.get("made_by") == "model":
        return f"*Written by {model}{prompt} and checked against the facts{lost}.*"
    reason = f": {literal(note['reason'], 200)}" if note.get("reason") else ""
    return f"*Written from the facts by a template{reason}{lost}.*"


def _prompt(name: str) -> str:
    """`narrator@1` without the sign that mentions people."""
    return f"the prompt {literal(name.replace('@', ', version '), 80)}"


def past(document: Document) -> list[str]:
    """Past incidents that were like this one, with what ended them."""
    note = note_of(document, "past-incidents")
    if note is None:
        return []
    items = []
    for old in (note.get("past") or ())[:ITEMS]:
        shared = ", ".join(literal(term, 80) for term in (old.get("shared") or ())[:ITEMS])
        day = f" of {literal(str(old['at'])[:10])}" if old.get("at") else ""
        ending = f". It ended: {literal(old['ending'], 300)}" if old.get("ending") else ""
        items.append(
            f"{literal(old.get('id', ''))}{day}, {literal(old.get('title', ''), 200)}: match"
            f" {old.get('match')}/1000"
            f"{f', in common: {shared}' if shared else ''}{ending}"
        )
    return [*_said(note), *bullets(items)]


def plans(document: Document) -> list[str]:
    """What the planner said, then each plan with its questions and, where its level shows them, its steps."""
    note = note_of(document, "plan")
    lines = _said(note) if note is not None and not overtaken(document, note) else []
    for plan in (document.get("plans") or ())[:3]:
        lines += list(_plan(plan))
    return lines


def overtaken(document: Document, note: Document) -> bool:
    """Whether the planner spoke for a plan that was done since: what it said holds no more."""
    done = {plan.get("id") for plan in document.get("plans") or () if plan.get("done")}
    return note.get("choice") in done


def _plan(plan: Document) -> Iterator[str]:
    yield f"### {literal(plan.get('title', ''), 300)}"
    yield ""
    reason = (plan.get("reason") or {}).get("summary", "")
    runbook = literal(plan.get("runbook", ""), 80)
    yield f"Runbook {runbook}, level {plan.get('level')}. {literal(reason, 300)}".rstrip()
    yield ""
    yield from _listed("Questions:", [literal(text, 300) for text in plan.get("questions") or ()])
    yield from _listed("To look at:", [literal(text, 300) for text in plan.get("evidence") or ()])
    yield from _listed("Checklist:", [_step(step) for step in plan.get("checklist") or ()])
    if plan.get("withheld"):
        yield f"{plan['withheld']} more steps of the runbook are not shown at this level."
        yield ""


def _step(step: Document) -> str:
    done = f" Done when: {literal(step['done_when'], 300)}" if step.get("done_when") else ""
    number = f"Step {step['number']}: " if step.get("number") else ""
    return f"[ ] {number}{literal(step.get('text', ''), 300)} ({literal(step.get('action', ''))}){done}"


def _listed(title: str, items: list[str]) -> list[str]:
    more = [f"and {len(items) - ITEMS} more"] if len(items) > ITEMS else []
    return [title, "", *bullets([*items[:ITEMS], *more])] if items else []


def _said(note: Document) -> list[str]:
    text = " ".join(str(line.get("text", "")) for line in note.get("lines") or ())
    return [paragraph(literal(text, 4_000)), "", how_written(note), ""] if text else []


def risk(document: Document) -> list[str]:
    """How the deploy-risk analyst sees the changes."""
    note = note_of(document, "deploy-risk")
    return _said(note) if note is not None else []


def comments(document: Document) -> list[str]:
    """What people said, oldest first."""
    rows = [row for row in document.get("annotations") or () if "lines" not in row]
    items = [
        f"{clock(row.get('at'))} {literal(row.get('author', ''), 80)}: {literal(row.get('text', ''), 500)}"
        for row in rows[-COMMENTS:]
    ]
    more = [f"({len(rows) - COMMENTS} earlier ones left out)"] if len(rows) > COMMENTS else []
    return bullets([*more, *items])
