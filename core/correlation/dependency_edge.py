"""Rule dependency-edge: alerts of two services, one of which calls the other, that start close together.

A service with more dependants than the cap conducts nothing: an alert on a shared database says little
about any one of a hundred callers. The cap reads the catalogue, never the alerts.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.correlation.link import Conducts
from core.model.catalogue import Catalogue
from core.model.entity import Entity
from core.model.incident import Episode
from core.rules.schema import DependencyEdge
from core.state import outward
from core.world import World

name = "dependency-edge"


def capped(catalogue: Catalogue, entity: Entity, rule: DependencyEdge) -> bool:
    return len(catalogue.callers(entity)) > rule.max_dependants


def neighbours(catalogue: Catalogue, entity: Entity, rule: DependencyEdge) -> Iterator[Entity]:
    """Entities that `entity` calls or is called by, over edges that conduct."""
    if not entity.service:
        return
    for callee in catalogue.calls(entity):
        peer = entity.peer(callee)
        if not capped(catalogue, peer, rule):
            yield peer
    if not capped(catalogue, entity, rule):
        for caller in catalogue.callers(entity):
            yield entity.peer(caller)


def linked(a: Episode, b: Episode, rule: DependencyEdge, catalogue: Catalogue) -> bool:
    """By the entities' names, their starts and the catalogue alone."""
    if abs(a.starts_at - b.starts_at) > rule.window:
        return False
    return b.entity in set(neighbours(catalogue, a.entity, rule))


def partners(world: World, episode: Episode, conducts: Conducts) -> Iterator[tuple[str, bool]]:
    rule, by_entity = world.rules.dependency_edge, world.index.by_entity
    for peer in neighbours(world.config.catalogue, episode.entity, rule):
        timeline = by_entity.get(peer)
        if timeline:
            yield from outward(timeline, episode.starts_at, rule.window, conducts)
