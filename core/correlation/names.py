"""One workload by two names: `shop/payments`, as pods tell it, and `payments`, as deploys and services do.
Without a catalogue that lists it they are one; two namespaces are two, though `payments` may be either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.entity import Entity

if TYPE_CHECKING:
    from core.world import World


def namespaced(world: World, domain: str, service: str) -> list[Entity]:
    """Those with alerts that `service` alone may mean."""
    found = world.index.namespaced.get((domain, service))
    return sorted(found) if found and not world.config.catalogue.lists(service) else []


def namespaced_here(world: World, entity: Entity) -> list[Entity]:
    """Those in its environment and cluster."""
    found = namespaced(world, entity.domain, entity.service)
    return [one for one in found if one == entity.peer(one.service)]


def also_called(world: World, entity: Entity) -> list[Entity]:
    """The same workload in its place, by its other names."""
    name = world.config.catalogue.short_name(entity.service)
    return [entity.peer(name)] if name else namespaced_here(world, entity)


def called(world: World, entity: Entity) -> list[str]:
    """Its service, and what a deploy may call it."""
    name = world.config.catalogue.short_name(entity.service)
    return [entity.service, name] if name else [entity.service]
