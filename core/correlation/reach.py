"""Which services are how many calls away, in either direction, over edges that conduct.

A service with more dependants than the cap conducts nothing: an alert on a shared database says little
about any one of a hundred callers. Nor are calls followed further once they would reach too many services.
Both read the catalogue, never the alerts, and hold for both ends, so that a link stays symmetric.
"""

from __future__ import annotations

from functools import lru_cache

from core.model.catalogue import Catalogue, Neighbours
from core.model.entity import Entity
from core.model.events import ChangeEvent
from core.rules.linking import DependencyEdge

# Where the alerts of a service are found, the window in ms, and how many calls away it is.
Near = tuple[tuple[str, int, int], ...]


@lru_cache(maxsize=65_536)
def service_key(entity: Entity) -> str:
    """Where the alerts of a service are found whose trouble travels. A text, whose hash is made but once;
    lengths keep the parts apart."""
    return "service:" + "".join(f"{len(part)}:{part}" for part in entity)


def capped(catalogue: Catalogue, entity: Entity, rule: DependencyEdge) -> bool:
    return len(catalogue.callers(entity)) > rule.max_dependants


def direct(catalogue: Catalogue, entity: Entity, rule: DependencyEdge) -> list[Entity]:
    """Entities that `entity` calls or is called by, over edges that conduct."""
    if not entity.service:
        return []
    names = _beside(catalogue.graph(entity), entity.service, rule)
    return [entity.peer(name) for name in names]


def calls_to(catalogue: Catalogue, entity: Entity, change: ChangeEvent, hops: int) -> int | None:
    """0 when the change is on the entity itself, 1 when on what it calls, None when on neither."""
    if change.environment not in ("", entity.environment) or change.cluster not in ("", entity.cluster):
        return None
    if change.service == entity.service:
        return 0
    return 1 if hops and change.service in catalogue.calls(entity) else None


class Reach:
    """Answers for one catalogue and rule, and remembers its answers."""

    def __init__(self, catalogue: Catalogue, rule: DependencyEdge) -> None:
        self._catalogue, self._rule = catalogue, rule
        self._places: dict[Neighbours, _Place] = {}
        self._known: dict[Entity, Near] = {}

    def near(self, entity: Entity) -> Near:
        """Other services, nearest first; both ends reach so far."""
        found = self._known.get(entity)
        if found is None:
            found = self._look_up(entity)
            if len(self._known) > 20_000:
                self._known.clear()
            self._known[entity] = found
        return found

    def calls_between(self, a: Entity, b: Entity) -> int | None:
        """None when neither is within the reach of the other."""
        wanted = service_key(b)
        return next((calls for key, _, calls in self.near(a) if key == wanted), None)

    def _look_up(self, entity: Entity) -> Near:
        graph = self._catalogue.graph(entity)
        place = self._places.setdefault(graph, _Place(graph, self._rule))
        domain, environment, cluster, service = entity
        windows = self._rule.windows
        return tuple(
            (service_key(Entity(domain, environment, cluster, peer)), windows[calls - 1], calls)
            for peer, calls in place.near(service)
        )


class _Place:
    """The services of one environment and cluster."""

    def __init__(self, graph: Neighbours, rule: DependencyEdge) -> None:
        self._graph, self._rule = graph, rule
        self._adjacent: dict[str, tuple[str, ...]] = {}
        self._spheres: dict[str, list[list[str]]] = {}

    def near(self, service: str) -> list[tuple[str, int]]:
        return [
            (peer, calls)
            for calls, sphere in enumerate(self._spheres_of(service), 1)
            for peer in sphere
            if len(self._spheres_of(peer)) >= calls
        ]

    def _spheres_of(self, service: str) -> list[list[str]]:
        """By distance from 1: the services at it, as far as they are not too many."""
        spheres = self._spheres.get(service)
        if spheres is None:
            spheres = self._spheres[service] = self._walk(service)
        return spheres

    def _walk(self, service: str) -> list[list[str]]:
        seen, edge, spheres = {service}, [service], []
        for calls in range(len(self._rule.windows)):
            found = {peer for one in edge for peer in self._beside(one)} - seen
            # Direct neighbours always count: their number is capped already.
            if not found or (calls and len(seen) - 1 + len(found) > self._rule.max_reach):
                break
            edge = sorted(found)
            spheres.append(edge)
            seen |= found
        return spheres

    def _beside(self, service: str) -> tuple[str, ...]:
        found = self._adjacent.get(service)
        if found is None:
            found = self._adjacent[service] = tuple(_beside(self._graph, service, self._rule))
        return found


def _beside(graph: Neighbours, service: str, rule: DependencyEdge) -> list[str]:
    """Services that it calls or is called by, but over edges to a service with too many dependants."""
    callers = graph.callers.get(service, ())
    found = [
        name
        for name in graph.calls.get(service, ())
        if len(graph.callers.get(name, ())) <= rule.max_dependants
    ]
    return [*found, *callers] if len(callers) <= rule.max_dependants else found
