"""What to do: the candidate plans of an incident, best first. A page shows them, nothing executes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from core.model.document import Document
from watchkeeper.console import why
from watchkeeper.console.evidence import Ref
from watchkeeper.console.text import place, plural, shorten

_MAX_PLANS, _MAX_LINES, _MAX_TEXT = 10, 40, 600
LEVELS = {
    1: "Level 1: questions to ask and evidence to look at",
    2: "Level 2: with a checklist",
}
ACTIONS = {
    "read": "only looks",
    "notify": "tells people",
    "reversible": "changes something, can be undone",
    "reversible-production-wide": "changes all of production, can be undone",
    "irreversible": "cannot be undone",
}


class Step(NamedTuple):
    """`action` in words; `grave` when it cannot be undone, or is of no class known here."""

    number: int
    text: str
    action: str
    grave: bool
    done_when: str


class Plan(NamedTuple):
    """`chosen`: the planner puts it first, and it is not `done` already."""

    id: str
    title: str
    where: str
    runbook: str
    level: str
    reason: why.Node
    questions: list[str]
    evidence: list[str]
    steps: list[Step]
    withheld: str
    chosen: bool
    done: bool


def plan_views(document: Document, choice: str, names: Mapping[str, Ref]) -> list[Plan]:
    return [_plan(plan, choice, names) for plan in document.get("plans", [])[:_MAX_PLANS]]


def _plan(plan: Document, choice: str, names: Mapping[str, Ref]) -> Plan:
    withheld, verb = plan["withheld"], "is" if plan["withheld"] == 1 else "are"
    return Plan(
        plan["id"],
        shorten(plan["title"], 300),
        ", ".join(part for part in (shorten(plan["service"], 80), place(plan)) if part),
        shorten(plan["runbook"], 100),
        LEVELS.get(plan["level"], f"Level {plan['level']}"),
        why.node(plan["reason"], names),
        _texts(plan["questions"]),
        _texts(plan["evidence"]),
        [_step(step) for step in plan["checklist"][:_MAX_LINES]],
        f"{plural(withheld, 'step')} {verb} not shown at this level (the operator sets it: serve --levels)"
        if withheld
        else "",
        bool(choice) and plan["id"] == choice and not plan.get("done"),
        bool(plan.get("done")),
    )


def _texts(texts: list[str]) -> list[str]:
    return [shorten(text, _MAX_TEXT) for text in texts[:_MAX_LINES]]


def _step(step: Document) -> Step:
    action = step["action"]
    return Step(
        step["number"],
        shorten(step["text"], _MAX_TEXT),
        ACTIONS.get(action) or shorten(action, 60),
        action == "irreversible" or action not in ACTIONS,
        shorten(step["done_when"], _MAX_TEXT),
    )
