"""What a running Watchkeeper knows of services and files, for who judges a change of them.

Incidents that are open, error budgets, who depends on them, freezes, and what confirmed causes taught.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from core.journal import DEFAULT_DOMAIN
from core.model.entity import Entity
from core.model.incident import OPEN, Incident
from core.model.risk import Taught
from core.narrative.title import title
from core.risk.causes import KEPT
from core.risk.commits import same_repository
from core.risk.known import Budget, Freeze, HotFile, Known, OpenIncident, ServiceKnown
from core.slo import standing
from core.world import World

MOST_SERVICES, MOST_FILES = 200, 3_000
_MOST_INCIDENTS, _MOST_BUDGETS, _MOST_PAST = 20, 50, 200
_MAIN = ("", "production", "prod", "live")


def known_of(
    world: World,
    services: Sequence[str],
    files: Collection[str],
    now: int,
    *,
    repository: str = "",
    domain: str = DEFAULT_DOMAIN,
) -> Known:
    """As of `now` (ms UTC). Services by name or alias, and told of by the names that were asked. Without
    `files` every hot file is told of. What was taught is of the `repository`; where none is named, of changes
    of these services."""
    names = list(dict.fromkeys(services))[:MOST_SERVICES]
    asked = {name: world.config.catalogue.canonical_name(name) or name for name in names}
    taught = list(_taught(world, domain, repository, set(asked.values()), now))
    open_ones, budgets = _incidents(world, domain), _budgets(world, domain, set(asked.values()))
    return Known(
        now=now,
        services=tuple(
            _service(world, name, own, open_ones.get(own, []), budgets.get(own, []))
            for name, own in asked.items()
        ),
        freezes=tuple(_freezes(world, set(asked.values()), budgets, now)),
        hot_files=tuple(_hot_files(world, taught, domain, repository, files)),
        past_changes=tuple(one.past for one in taught[:_MOST_PAST] if one.past.files or one.past.rules),
    )


def _service(
    world: World, name: str, own: str, incidents: list[Incident], budgets: list[Budget]
) -> ServiceKnown:
    catalogue = world.config.catalogue
    tiers = [one.tier for one in catalogue.entries(own) if one.tier is not None]
    incidents.sort(key=lambda one: (one.severity, one.opened_at, one.id))
    shown = tuple(
        OpenIncident(one.id, one.severity, title(one, world.members(one)), one.opened_at)
        for one in incidents[:_MOST_INCIDENTS]
    )
    dependants = len(catalogue.callers_anywhere(own))
    return ServiceKnown(name, min(tiers, default=None), dependants, shown, tuple(budgets[:_MOST_BUDGETS]))


def _incidents(world: World, domain: str) -> dict[str, list[Incident]]:
    """Open ones by service."""
    found: dict[str, list[Incident]] = {}
    for incident in world.state.incidents.values():
        if incident.domain == domain and incident.status in OPEN:
            for service in {entity.service for entity in incident.entities}:
                found.setdefault(service, []).append(incident)
    return found


def _budgets(world: World, domain: str, services: set[str]) -> dict[str, list[Budget]]:
    """By service, the least first; of objectives in every place, named with it where it is not production,
    but not of those that are stale."""
    found: dict[str, list[Budget]] = {}
    for slo in world.state.slos.values() if world.config.has_rules else ():
        if slo.entity.domain == domain and slo.entity.service in services:
            stands = standing(world, slo)
            if stands.left is not None and not stands.stale:
                budget = Budget(f"{slo.latest.slo}{_place(slo.entity)}", stands.left)
                found.setdefault(slo.entity.service, []).append(budget)
    return {name: sorted(rows, key=lambda one: (one.left, one.slo)) for name, rows in found.items()}


def _place(entity: Entity) -> str:
    parts = ["" if entity.environment in _MAIN else entity.environment, entity.cluster]
    return f" in {', '.join(filter(None, parts))}" if any(parts) else ""


def _freezes(
    world: World, services: set[str], budgets: dict[str, list[Budget]], now: int
) -> Iterator[Freeze]:
    """Those that hold now for one of the services, or for all; and, if the operator says so, those of
    services that have failed their users."""
    if not world.config.has_rules:
        return
    rule = world.rules.freeze
    for window in rule.windows:
        of = {world.config.catalogue.canonical_name(name) or name for name in window.services}
        if (not of or of & services) and (freeze := window.at(now)) is not None:
            yield freeze
    low = world.rules.slo_burn.low
    if not rule.low_budget or low is None:
        return
    for name in sorted(budgets):
        least = budgets[name][0]
        if least.left < low.left:
            said = f"{least.slo} of {name} has {least.left / 10:.1f} % of its error budget left"
            yield Freeze(f"low budget: {name}", said)


def _taught(world: World, domain: str, repository: str, services: set[str], now: int) -> Iterator[Taught]:
    """The newest first."""
    found = [
        one
        for one in world.state.taught.values()
        if one.domain == domain and one.cause.caused and one.cause.at > now - KEPT
    ]
    found.sort(key=lambda one: (-one.past.at, one.past.id, one.incident))
    for one in found:
        own = same_repository(one.repository, repository) if repository else one.cause.service in services
        if own:
            yield one


def _hot_files(
    world: World, taught: list[Taught], domain: str, repository: str, files: Collection[str]
) -> Iterator[HotFile]:
    """The hottest first. Counted among the changes to a file are those that went out, and those taught."""
    incidents: dict[str, dict[str, None]] = {}
    counted: dict[str, set[str]] = {}
    for one in taught:
        for path in one.past.files:
            if not files or path in files:
                incidents.setdefault(path, {})[one.past.incident] = None
                counted.setdefault(path, set()).add(one.commits[0] if one.commits else one.past.id)
    owners = {one.repository for one in taught} | ({repository} if repository else set())
    for assessed in world.state.assessments.values() if incidents else ():
        event = assessed.event
        if assessed.domain == domain and assessed.changes and event.repository in owners:
            for path in event.files:
                if path in counted:
                    counted[path].add(event.head)
    paths = sorted((-len(found), path) for path, found in incidents.items())
    for _, path in paths[:MOST_FILES]:
        yield HotFile(path, tuple(incidents[path]), len(counted[path]))
