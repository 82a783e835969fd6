"""What rules conclude about an incident: one file per kind, run in the order of RULES.

Findings are a function of the members, their changes and the configuration in force. `refresh` computes them
when somebody looks or before the configuration changes, which gives the same as computing them at every
record would.
"""

from __future__ import annotations

from collections.abc import Callable

from core.findings import (
    dependency_edge,
    links,
    probable_origin,
    probable_repair,
    recent_change,
    same_entity,
    silent_source,
    slo_burn,
    watchdog,
)
from core.findings.case import Case, group_by_entity
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Incident
from core.world import World

Find = Callable[[Case], tuple[list[Finding], Why]]
RULES: tuple[tuple[str, Find], ...] = (
    (same_entity.kind, same_entity.find),
    (dependency_edge.kind, dependency_edge.find),
    (recent_change.kind, recent_change.find),
    (probable_origin.kind, probable_origin.find),
    (probable_repair.kind, probable_repair.find),
    (silent_source.kind, silent_source.find),
    (slo_burn.kind, slo_burn.find),
    (watchdog.kind, watchdog.find),
)


def refresh(world: World, incident: Incident) -> None:
    """Bring findings, why-tree and origin up to date. Does nothing when no event touched the incident."""
    if not incident.dirty or incident.status == "closed":
        return
    case = make_case(world, incident)
    findings: list[Finding] = []
    nodes = [links.why_joined(world, case.members)]
    for _, find in RULES:
        found, why = find(case)
        findings += found
        nodes.append(why)
    incident.findings = findings
    incident.why = Why("grouping", _summary(case), children=tuple(nodes))
    origins = probable_origin.rank(case)
    incident.origin = origins[0] if origins else None
    incident.dirty = False


def probable_place(world: World, incident: Incident) -> Entity:
    """Where it probably began, without the rest of the findings; else the place of the first alert."""
    if not incident.dirty:
        origin = incident.origin
    else:
        origins = probable_origin.rank(make_case(world, incident))
        origin = origins[0] if origins else None
    if origin is not None:
        return origin.entity
    members = [world.state.episodes[name] for name in incident.members]
    return min(members, key=lambda episode: (episode.starts_at, episode.id)).entity


def make_case(world: World, incident: Incident) -> Case:
    members = world.members(incident)
    changes = [world.state.changes[name] for name in incident.changes]
    catalogue, groups = world.config.catalogue, group_by_entity(members)
    return Case(incident.id, members, groups, changes, catalogue, world.rules, world.state.slos, [])


def _summary(case: Case) -> str:
    alerts, services = len(case.members), len(case.groups)
    some = f"{services} service{'s' * (services != 1)}" if services else "no known service"
    return f"{alerts} alert{'s' * (alerts != 1)} on {some}"
