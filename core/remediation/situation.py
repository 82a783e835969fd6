"""The situation that runbooks are held against: what rules found, as identity, numbers and times. No text.

Versions, authors, annotations and reasons are not in it, but for `Suspect.change` and the words of
`Suspect.done`, which are only shown: that it is done follows from kinds, places and times.
"""

from __future__ import annotations

from typing import NamedTuple

from core.correlation.reach import calls_to
from core.model.entity import Entity
from core.model.finding import Finding
from core.model.incident import Change, Incident
from core.remediation.done import undone
from core.remediation.runbook import UNKNOWN
from core.symptoms import symptom_of
from core.world import World

_HOPS = 1


class Suspect(NamedTuple):
    """A change on the origin (`hops` 0) or on what it calls (1). `confidence` is in thousandths; `target` is
    what changed. `done` says how it was undone already, as far as rules can tell; else it is empty."""

    change: Change
    target: Entity
    hops: int
    confidence: int
    summary: str
    done: str = ""


class Situation(NamedTuple):
    """`began` is the start of the first alert, in milliseconds. `callers` are the services that call the
    origin and alert too, None without a catalogue. `suspects` come best first."""

    origin: Entity
    began: int
    symptoms: tuple[str, ...]
    callers: tuple[str, ...] | None
    recurrence_of: str
    changes_told: bool
    suspects: tuple[Suspect, ...]
    evidence: tuple[str, ...]


def situation(world: World, incident: Incident) -> Situation | None:
    """What is known of an incident whose findings are up to date; None when no alert names its service."""
    if incident.origin is None:
        return None
    origin, members = incident.origin.entity, world.members(incident)
    own = [episode for episode in members if episode.entity == origin]
    signs = {symptom_of(episode.name, world.rules.symptom) for episode in own} - {""}
    return Situation(
        origin,
        members[0].starts_at,
        tuple(sorted(signs)) or (UNKNOWN,),
        _callers(world, origin, {episode.entity for episode in members}),
        world.resolve_id(incident.recurrence_of) if incident.recurrence_of else "",
        bool(world.state.changes_seen.get(incident.domain)),
        _suspects(world, incident, origin),
        tuple(episode.id for episode in own),
    )


def _callers(world: World, origin: Entity, alerting: set[Entity]) -> tuple[str, ...] | None:
    if not world.config.catalogue.known:
        return None
    callers = world.config.catalogue.callers(origin)
    return tuple(name for name in callers if origin.peer(name) in alerting)


def _suspects(world: World, incident: Incident, origin: Entity) -> tuple[Suspect, ...]:
    found = [
        suspect
        for finding in incident.findings
        if finding.kind == "recent-change"
        and (suspect := _suspect(world, incident, finding, origin)) is not None
    ]
    return tuple(sorted(found, key=_order))


def _suspect(world: World, incident: Incident, finding: Finding, origin: Entity) -> Suspect | None:
    change = world.state.changes[finding.subject]
    hops = calls_to(world.config.catalogue, origin, change.event, _HOPS)
    if hops is None:
        return None
    target, done = origin.peer(change.event.service), undone(world, incident, change)
    return Suspect(change, target, hops, finding.confidence, finding.summary, done)


def _order(suspect: Suspect) -> tuple[int, int, str, str, str, str]:
    """The id hashes the version too: it comes last, where it only picks between changes of one moment."""
    event = suspect.change.event
    places = (suspect.target.service, event.environment, event.cluster, suspect.change.id)
    return (-suspect.confidence, suspect.hops, *places)
