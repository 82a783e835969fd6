"""Does a runbook fit a situation, and how well? One check per key of `when`, each with its reason.

Every check answers with a node of the why-tree. One that holds gives points, more the more it tells apart;
their sum orders the runbooks that fit. A suspect change gives the points of its confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from core.model.entity import Entity
from core.model.finding import Why
from core.narrative.plain import one_line
from core.remediation.runbook import Runbook
from core.remediation.situation import Situation, Suspect

kind = "runbook"
POINTS = {"no_change": 50, "spreads": 100, "returns": 100, "services": 300, "environments": 100}
SYMPTOM_POINTS, SYMPTOM_SHARE = 200, 400
_NAME = 80


class View(NamedTuple):
    """The situation, seen from one suspect change or from none; `target` is what would be acted on."""

    seen: Situation
    suspect: Suspect | None
    target: Entity


class Fit(NamedTuple):
    """`why.counted` says whether the runbook fits; its children are the conditions, one per key."""

    runbook: Runbook
    view: View
    score: int
    why: Why


def fits(runbook: Runbook, seen: Situation) -> list[Fit]:
    """One Fit per kind of change and target that the runbook is about; one that failed when there is none."""
    if not runbook.when.change:
        return [_fit(runbook, View(seen, None, seen.origin))]
    best: dict[tuple[str, Entity], Suspect] = {}
    for suspect in seen.suspects:
        if suspect.change.event.kind in runbook.when.change:
            best.setdefault((suspect.change.event.kind, suspect.target), suspect)
    views = [View(seen, suspect, suspect.target) for suspect in best.values()]
    return [_fit(runbook, view) for view in views or [View(seen, None, seen.origin)]]


def _fit(runbook: Runbook, view: View) -> Fit:
    wanted = {key: value for key in CHECKS if (value := getattr(runbook.when, key)) is not None}
    nodes = tuple(CHECKS[key](value, view) for key, value in wanted.items())
    failed = [node.hint for node in nodes if not node.counted]
    score = 0 if failed else sum(int(node.terms["points"]) for node in nodes)
    target = one_line(view.target.service, _NAME)
    evidence = tuple(sorted({name for node in nodes for name in node.evidence}))
    summary = f"{runbook.runbook} does not fit" if failed else f"{runbook.runbook} fits {target}"
    terms: dict[str, int | str] = {"score": score}
    return Fit(
        runbook, view, score, Why(kind, summary, not failed, "; ".join(failed), terms, evidence, nodes)
    )


def _node(key: str, summary: str, points: int, hint: str = "", evidence: tuple[str, ...] = ()) -> Why:
    return Why(key, summary, not hint, hint, {"points": 0 if hint else points}, evidence)


def _change(wanted: Sequence[str], view: View) -> Why:
    if view.suspect is None:
        summary = f"A change of kind {_either(wanted)} on {_near(view)}"
        return _node("change", summary, 0, f"no {_either(wanted)} on {_near(view)} shortly before")
    found = view.suspect
    return _node("change", one_line(found.summary, 300), found.confidence, evidence=(found.change.id,))


def _no_change(_: bool, view: View) -> Why:
    if view.seen.suspects:
        first = view.seen.suspects[0]
        hint = f"there was one: {one_line(first.summary, 300)}"
        return _node("no_change", f"No change on {_near(view)}", 0, hint, (first.change.id,))
    words = "No reported change" if view.seen.changes_told else "Nobody reports changes, so none is known"
    return _node("no_change", f"{words} on {_near(view)}", POINTS["no_change"])


def _symptoms(wanted: Sequence[str], view: View) -> Why:
    shared = [sign for sign in view.seen.symptoms if sign in wanted]
    names = ", ".join(view.seen.symptoms)
    summary = f"Alerts of {one_line(view.seen.origin.service, _NAME)} tell of: {names}"
    points = SYMPTOM_POINTS + SYMPTOM_SHARE // len(set(wanted))
    hint = "" if shared else f"none of them is {_either(wanted)}"
    return _node("symptoms", summary, points, hint, view.seen.evidence)


def _spreads(wanted: bool, view: View) -> Why:
    callers = view.seen.callers
    service = one_line(view.seen.origin.service, _NAME)
    if callers is None:
        return _node("spreads", f"Who calls {service} is unknown", 0, "no catalogue says who calls whom")
    names = ", ".join(one_line(name, _NAME) for name in callers[:5])
    summary = f"{names} call {service} and alert too" if callers else f"Nothing that calls {service} alerts"
    hint = "" if bool(callers) == wanted else f"the runbook asks for {'some' if wanted else 'none'}"
    return _node("spreads", summary, POINTS["spreads"], hint)


def _returns(wanted: bool, view: View) -> Why:
    before = view.seen.recurrence_of
    summary = f"It looks like {before} again" if before else "It is no return of an incident resolved lately"
    hint = "" if bool(before) == wanted else f"the runbook asks for {'a return' if wanted else 'a new one'}"
    return _node("returns", summary, POINTS["returns"], hint, (before,) if before else ())


def _services(wanted: Sequence[str], view: View) -> Why:
    service, short = view.target.service, view.target.service.rpartition("/")[2]
    found = {**dict.fromkeys(wanted), **({service: None} if short in wanted else {})}
    return _named("services", "service", service, tuple(found))


def _environments(wanted: Sequence[str], view: View) -> Why:
    return _named("environments", "environment", view.target.environment, wanted)


def _named(key: str, word: str, value: str, wanted: Sequence[str]) -> Why:
    hint = "" if value in wanted else f"the runbook is for {_either(wanted)}"
    return _node(key, f"The {word} is {one_line(value, _NAME) or 'unknown'}", POINTS[key], hint)


def _near(view: View) -> str:
    return f"{one_line(view.seen.origin.service, _NAME)} or on what it calls"


def _either(names: Sequence[str]) -> str:
    shown = [one_line(name, _NAME) for name in names]
    return " or ".join(shown)


CHECKS: dict[str, Callable[[Any, View], Why]] = {
    "change": _change,
    "no_change": _no_change,
    "symptoms": _symptoms,
    "spreads": _spreads,
    "returns": _returns,
    "services": _services,
    "environments": _environments,
}
