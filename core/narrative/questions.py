"""The three questions an on-call asks, answered from the facts alone; what is not known is said to be so.

What changed? Is somebody on it already? What is the likely fix?
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from core.correlation.reach import direct
from core.findings.recent_change import describe, elsewhere, order
from core.model.finding import Finding
from core.model.incident import OPEN, Change, Incident
from core.narrative.plain import one_line
from core.remediation.done import followed_by, undone
from core.risk.assessments import risk_of
from core.risk.telling import lasting, telling
from core.times import format_rfc3339, spoken
from core.world import World

_NEARBY, _SERVICES = 3, 3
_STANDINGS = {
    "triggered": "which nobody has acknowledged",
    "acknowledged": "which somebody has acknowledged",
    "mitigated": "which is mitigated",
}


class Answer(TypedDict):
    """`status`: `known` (with evidence), `none` (looked, found nothing) or `unknown` (cannot be told)."""

    answer: str
    status: Literal["known", "none", "unknown"]
    evidence: list[str]


def questions(world: World, incident: Incident, runbook: str) -> dict[str, Answer]:
    """`runbook`: the title of the best candidate plan, or nothing."""
    changes = changes_in_order(world, incident)
    return {
        "what_changed": _what_changed(world, incident, changes),
        "already_known": _already_known(world, incident),
        "likely_fix": _likely_fix(world, incident, changes, runbook),
    }


def changes_in_order(world: World, incident: Incident) -> list[Finding]:
    """The recent-change findings: on the origin first, then on what it calls, then by confidence."""
    origin = incident.origin.entity.service if incident.origin else ""
    found = [finding for finding in incident.findings if finding.kind == "recent-change"]

    def key(finding: Finding) -> tuple[Any, ...]:
        change = world.state.changes[finding.subject]
        elsewhere = change.event.service != origin
        apart = not _at_origin(world, incident, finding)
        return (elsewhere, apart, -finding.confidence, order(change))

    return sorted(found, key=key)


def _what_changed(world: World, incident: Incident, changes: list[Finding]) -> Answer:
    if changes:
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        text = one_line(changes[0].summary, 300)
        text = f"{text[:1].upper()}{text[1:]}{more}."
        if not _at_origin(world, incident, changes[0]) and incident.origin is not None:
            text = f"Nothing on {one_line(incident.origin.entity.service, 80)} itself. Nearby: {text}"
        return _answer(text, "known", [f.subject for f in changes])
    if not world.state.changes_seen.get(incident.domain):
        return _answer("Unknown: nobody has told Watchkeeper about any change yet.", "unknown")
    lookback = spoken(world.rules.recent_change.lookback)
    others = elsewhere(world, incident)
    if others:
        more = f" and {len(others) - 1} more elsewhere" if len(others) > 1 else ""
        only = f"No change here in the {lookback} before was reported, only {_other(others[0])}{more}."
        return _answer(only, "none", [one.id for one in others])
    return _answer(
        "Nothing that was reported: no change on these services, or on what they call,"
        f" in the {lookback} before.",
        "none",
    )


def _other(change: Change) -> str:
    """`a deploy of payments in staging`. Without its version: who erases that looks where the change
    counts."""
    event = change.event
    place = [one_line(event.environment, 40)] * bool(event.environment)
    place += [f"cluster {one_line(event.cluster, 40)}"] * bool(event.cluster)
    what = "a deploy" if event.kind == "deploy" else f"a change ({event.kind})"
    return f"{what} of {one_line(event.service, 80)} in {', '.join(place)}"


def _already_known(world: World, incident: Incident) -> Answer:
    """`known` when somebody has this very incident, or it is over. What is open nearby is a note beside it:
    whoever has that need not have this."""
    taken, others = _taken(incident), _related(world, incident)[:_NEARBY]
    notes = [_beside(other) for other in others]
    evidence = [incident.id] * bool(taken) + [other.id for other in others]
    if incident.recurrence_of:
        before = world.resolve_id(incident.recurrence_of)
        notes.append(f"It looks like {before} again, which was resolved before.")
        evidence.append(before)
    if taken:
        return _answer(" ".join([taken, *notes]), "known", evidence)
    if notes:
        return _answer(" ".join(["No: nobody has acknowledged it.", *notes]), "none", evidence)
    return _answer("No: nobody has acknowledged it, and no open incident touches these services.", "none")


def _taken(incident: Incident) -> str:
    if incident.resolved_at is not None:
        return f"It is over: resolved at {_moment(incident.resolved_at)}."
    if incident.status == "acknowledged":
        who = one_line(incident.acknowledged_by, 80)
        return f"Yes: {who} acknowledged it at {_moment(incident.acknowledged_at or 0)}."
    if incident.status == "mitigated":
        who = one_line(incident.mitigated_by, 80)
        return f"Yes: {who} mitigated it at {_moment(incident.mitigated_at or 0)}; work goes on."
    return ""


def _beside(other: Incident) -> str:
    """`INC-… is open nearby: P1 on paydb, which nobody has acknowledged.` Names of people and alerts of
    another incident stay there: who erases them looks for them there."""
    names = sorted({one_line(entity.service, 60) for entity in other.entities if entity.service})
    more = f" and {len(names) - _SERVICES} more" if len(names) > _SERVICES else ""
    where = f" on {', '.join(names[:_SERVICES])}{more}" if names else ""
    return f"{other.id} is open nearby: {other.severity}{where}, {_STANDINGS[other.status]}."


def _moment(at: int) -> str:
    day, _, clock = format_rfc3339(at).partition("T")
    return f"{clock[:5]} UTC on {day}"


def _related(world: World, incident: Incident) -> list[Incident]:
    """Other open incidents on the same services or on their direct neighbours, oldest first."""
    rule, catalogue = world.rules.dependency_edge, world.config.catalogue
    near = {entity for entity in incident.entities if entity.service}
    for entity in sorted(near):
        near.update(direct(catalogue, entity, rule))
    found = {
        other.id: other
        for entity in sorted(near)
        for _, name in world.index.by_entity.get(entity, ())
        if (other := world.incident_of(world.state.episodes[name])) is not incident and other.status in OPEN
    }
    return sorted(found.values(), key=lambda other: (other.opened_at, other.opened_seq, other.id))


def _at_origin(world: World, incident: Incident, finding: Finding) -> bool:
    """Whether a change is on the probable origin or on what it calls: others explain less."""
    origin = incident.origin
    if origin is None:
        return False
    service = world.state.changes[finding.subject].event.service
    return service == origin.entity.service or service in world.config.catalogue.calls(origin.entity)


def _likely_fix(world: World, incident: Incident, changes: list[Finding], runbook: str) -> Answer:
    repair = next((finding for finding in incident.findings if finding.kind == "probable-repair"), None)
    if repair is not None:
        done = one_line(repair.summary, 300)
        return _answer(f"Probably mended already: {done}. See that it holds.", "known", [repair.subject])
    path = next((finding for finding in incident.findings if finding.kind == "watchdog"), None)
    if path is not None and any(world.state.episodes[one].status != "resolved" for one in path.evidence):
        text = f"{one_line(path.summary, 200)}. Look at what sends it and at the way here."
        return _answer(text, "known", list(path.evidence))
    fits = f" A runbook that fits: {runbook}." if runbook else ""
    if not changes:
        return _answer(f"Unknown: no recent change points to one.{fits}", "unknown")
    if not _at_origin(world, incident, changes[0]):
        return _answer(
            f"Unknown: the changes nearby are not where the trouble seems to begin.{fits}", "unknown"
        )
    change = world.state.changes[changes[0].subject]
    verb = {
        "deploy": "Roll back the",
        "configuration": "Revert the",
        "flag": "Switch back the",
        "infrastructure": "Undo the",
    }[change.event.kind]
    what = one_line(describe(change.event), 200)
    done = undone(world, incident, change)
    if done:
        text = f"The suspected {what} is {done}: see whether its alerts end.{fits}"
        return _answer(text, "known", [change.id])
    later = followed_by(world, incident, change)
    after = ""
    if later is not None:
        then = one_line(describe(later.event), 200)
        after = f" After it came the {then}: look first at which of them runs."
    return _answer(f"{verb} {what}{_what_stays(world, change)}.{after}", "known", [change.id])


def _what_stays(world: World, change: Change) -> str:
    """What its check found that no rollback brings back; words alone: the fix itself stays."""
    assessed = risk_of(world, change)
    matches = telling(assessed.event.matches, change.event.service) if assessed is not None else []
    stays = [match for match in matches if lasting(match.rule)]
    if not stays:
        return ", if it can be undone safely"
    more = f" (and {len(stays) - 1} more)" if len(stays) > 1 else ""
    return f"; that does not undo this: {one_line(stays[0].what or stays[0].rule, 120).rstrip('.')}{more}"


def _answer(
    text: str, status: Literal["known", "none", "unknown"], evidence: list[str] | None = None
) -> Answer:
    return {"answer": text, "status": status, "evidence": evidence or []}
