"""Candidate plans: the runbooks that fit an incident, their slots filled, cut to what the operator allows.

Rules and identity choose and order them. Nothing here acts, and nothing that a sender wrote freely decides.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from core.canonical import content_id
from core.findings.recent_change import describe
from core.model.entity import Entity
from core.model.finding import Why, why_json
from core.model.incident import Incident
from core.narrative.plain import one_line
from core.remediation.levels import LOWEST, Levels
from core.remediation.matching import Fit, View, fits
from core.remediation.runbook import SLOT, Runbooks
from core.remediation.situation import Situation, situation
from core.times import format_rfc3339
from core.world import World

MOST = 3
_VALUE = 120
# What a text says where nobody gave the name.
_UNNAMED = {
    "service": "the service",
    "environment": "its environment",
    "cluster": "its cluster",
    "version": "the new version",
}


class PlanStep(msgspec.Struct, frozen=True):
    """One line of a checklist: its number in the runbook, what to do, what kind of act that is, and the sign
    that it is done."""

    number: int
    text: str
    action: str
    done_when: str


class Plan(msgspec.Struct, frozen=True):
    """`level` 2 when a checklist is shown, else 1; `withheld` counts the steps that are not shown.

    The id hashes the runbook, the target and every filled text, shown or not: it names exactly this plan.
    `done`: how what it would undo was undone already, as far as rules can tell; the title says so too.
    """

    id: str
    runbook: str
    title: str
    target: Entity
    level: int
    reason: Why
    questions: tuple[str, ...]
    evidence: tuple[str, ...]
    checklist: tuple[PlanStep, ...]
    withheld: int
    done: str = ""


def plans(world: World, incident: Incident) -> list[Plan]:
    """At most MOST candidates, the best first, each cut to its level. The incident's findings must be up to
    date."""
    seen = situation(world, incident)
    if seen is None:
        return []
    fitting = [fit for fit in _ranked(seen, world.config.runbooks) if fit.why.counted]
    return [_plan(fit, world.config.levels) for fit in fitting[:MOST]]


def _ranked(seen: Situation, runbooks: Runbooks) -> list[Fit]:
    """Best first, what is done already behind the others. Ties go by the runbook's id, then the target, then
    the kind of change."""
    found = [fit for runbook in runbooks.runbooks for fit in fits(runbook, seen)]
    return sorted(found, key=_order)


def _order(fit: Fit) -> tuple[bool, bool, int, str, Entity, str]:
    suspect = fit.view.suspect
    change = suspect.change.event.kind if suspect else ""
    done = bool(suspect and suspect.done)
    return (not fit.why.counted, done, -fit.score, fit.runbook.runbook, fit.view.target, change)


def _plan(fit: Fit, levels: Levels) -> Plan:
    runbook, target, values = fit.runbook, fit.view.target, _values(fit.view)
    steps = [
        PlanStep(number, _filled(step.text, values), step.action, _filled(step.done_when, values))
        for number, step in enumerate(runbook.steps, 1)
    ]
    shown = tuple(
        filled
        for filled, step in zip(steps, runbook.steps, strict=True)
        if levels.of(step.action, target) > LOWEST
    )
    texts = [_filled(text, values) for text in runbook.texts()]
    title, done = _filled(runbook.title, values), fit.view.suspect.done if fit.view.suspect else ""
    return Plan(
        content_id("pln", runbook.runbook, runbook.digest(), list(target), texts),
        runbook.runbook,
        f"{title} ({done})" if done else title,
        target,
        LOWEST + bool(shown),
        fit.why,
        tuple(_filled(text, values) for text in runbook.questions),
        tuple(_filled(text, values) for text in runbook.evidence),
        shown,
        len(steps) - len(shown),
        done,
    )


def _values(view: View) -> dict[str, str]:
    """What the slots hold: identity, times, and the change in its sender's words; each one harmless line."""
    event = view.suspect.change.event if view.suspect else None
    words = {
        "service": view.target.service,
        "environment": view.target.environment,
        "cluster": view.target.cluster,
        "version": event.version if event else "",
        "change": describe(event) if event else "",
        "since": format_rfc3339(view.seen.began)[:19].replace("T", " ") + " UTC",
    }
    return {slot: one_line(value, _VALUE) or _UNNAMED.get(slot, "") for slot, value in words.items()}


def _filled(text: str, values: dict[str, str]) -> str:
    """In one pass: a value that looks like a slot stays what it is."""

    def value(slot: re.Match[str]) -> str:
        return values[slot[1]]

    return SLOT.sub(value, text)


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON values."""
    return {
        "id": plan.id,
        "runbook": plan.runbook,
        "title": plan.title,
        "service": plan.target.service,
        "environment": plan.target.environment,
        "cluster": plan.target.cluster,
        "level": plan.level,
        "reason": why_json(plan.reason),
        "questions": list(plan.questions),
        "evidence": list(plan.evidence),
        "checklist": [msgspec.to_builtins(step) for step in plan.checklist],
        "withheld": plan.withheld,
        "done": plan.done,
    }
