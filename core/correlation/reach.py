"""Where alerts of other services are looked for, and how long before and after: by how the two services hang
together, and by the part that each alert plays.

Callers suffer from what they call, so trouble below comes first; lost traffic goes the other way. A service
with more dependants than the cap conducts nothing: an alert on a shared database says little about any one
of a hundred callers, unless the database itself is down.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from core.correlation.paths import Path, Paths
from core.model.catalogue import Catalogue, Neighbours
from core.model.entity import Entity
from core.model.events import ChangeEvent
from core.model.parts import Part
from core.rules.linking import DependencyEdge

PARTS: tuple[Part, ...] = ("cause", "effect", "traffic")
_ROWS = 200_000

Kind = Part | Literal["hub"]
_KINDS: tuple[Kind, ...] = (*PARTS, "hub")
# What alerts are looked for, and how long before and after in ms.
Span = tuple[Kind, int, int]


class Near(NamedTuple):
    """`anything` is the key of all alerts of one service: where it has none, nor have the `keys` of its
    kinds. `spans` by the part of who looks; services that are as near share them."""

    anything: str
    keys: dict[Kind, str]
    spans: dict[Part, tuple[Span, ...]]


@lru_cache(maxsize=65_536)
def service_key(entity: Entity) -> str:
    """Where the alerts of a service are found whose trouble travels. A text, whose hash is made but once;
    lengths keep the parts apart."""
    return "service:" + "".join(f"{len(part)}:{part}" for part in entity)


def kind_key(entity: Entity, kind: Kind) -> str:
    """Where those of them are found that play one part, or are causes on a service with too many
    dependants."""
    return f"{kind}:{service_key(entity)}"


def capped(catalogue: Catalogue, entity: Entity, rule: DependencyEdge) -> bool:
    return len(catalogue.callers(entity)) > rule.max_dependants


def direct(catalogue: Catalogue, entity: Entity, rule: DependencyEdge) -> list[Entity]:
    """Entities that `entity` calls or is called by, over edges that conduct."""
    if not entity.service:
        return []
    below = [entity.peer(name) for name in catalogue.calls(entity)]
    above = (
        [] if capped(catalogue, entity, rule) else [entity.peer(name) for name in catalogue.callers(entity)]
    )
    return [peer for peer in below if not capped(catalogue, peer, rule)] + above


def meets(change: ChangeEvent, entity: Entity) -> bool:
    """Whether a change may have been where the entity is: what is not told of a place may be any."""
    return all(
        not told or not known or told == known
        for told, known in ((change.environment, entity.environment), (change.cluster, entity.cluster))
    )


def calls_to(catalogue: Catalogue, entity: Entity, change: ChangeEvent, hops: int) -> int | None:
    """0 when the change is on the entity itself, 1 when on what it calls, None when on neither."""
    if not meets(change, entity):
        return None
    if change.service == entity.service or change.service == catalogue.short_name(entity.service) != "":
        return 0
    return 1 if hops and change.service in catalogue.calls(entity) else None


class Reach:
    """Answers for one catalogue and rule, and remembers its answers."""

    def __init__(self, catalogue: Catalogue, rule: DependencyEdge) -> None:
        self._catalogue, self._rule = catalogue, rule
        self._places: dict[Neighbours, Paths] = {}
        self._known: dict[Entity, tuple[Near, ...]] = {}
        self._gathering: dict[Entity, tuple[Near, ...]] = {}
        self._keys: dict[Entity, dict[Kind, str]] = {}
        self._spans: dict[tuple[int, ...], dict[Part, tuple[Span, ...]]] = {}
        self._rows = 0
        # Nobody looks further back.
        self.widest = max(rule.widest, rule.gather_window or 0)

    def near(self, entity: Entity, part: Part) -> tuple[Near, ...]:
        """Where an alert that plays `part` looks."""
        found = self._known.get(entity)
        if found is None:
            found = self._known[entity] = self._remembered(self._look_up(entity))
        if not self.gathers(entity, part):
            return found
        callers = self._gathering.get(entity)
        if callers is None:
            callers = self._gathering[entity] = self._remembered(self._callers(entity))
        return found + callers

    def keys(self, entity: Entity) -> dict[Kind, str]:
        """Where its alerts are found, by kind. Texts that are made once, as their hashes are."""
        found = self._keys.get(entity)
        if found is None:
            found = self._keys[entity] = {kind: kind_key(entity, kind) for kind in _KINDS}
        return found

    def _remembered(self, found: tuple[Near, ...]) -> tuple[Near, ...]:
        self._rows += len(found) + 1
        if self._rows > _ROWS:
            self._known.clear()
            self._gathering.clear()
            self._keys.clear()
            self._rows = len(found) + 1
        return found

    def paths(self, entity: Entity) -> Paths:
        graph = self._catalogue.graph(entity)
        found = self._places.get(graph)
        if found is None:
            found = self._places[graph] = Paths(graph, self._rule)
        return found

    def gathers(self, entity: Entity, part: Part) -> bool:
        """Whether it is a cause on a service with too many dependants, which gathers them."""
        return (
            part == "cause"
            and self._rule.gather_window is not None
            and self.paths(entity).is_hub(entity.service)
        )

    def _look_up(self, entity: Entity) -> tuple[Near, ...]:
        paths = self.paths(entity)
        found = [self._near(entity, path.peer, self._by_path(path)) for path in paths.near(entity.service)]
        if (gather := self._rule.gather_window) is not None:
            spans: tuple[Span, ...] = (("hub", gather, self._rule.windows[0]),)
            hubs = paths.hubs(entity.service)
            found += [self._near(entity, hub, dict.fromkeys(PARTS, spans)) for hub in hubs]
        return tuple(found)

    def _callers(self, entity: Entity) -> tuple[Near, ...]:
        """Of a service that gathers them."""
        late, gather = self._rule.windows[0], self._rule.gather_window or 0
        spans: dict[Part, tuple[Span, ...]] = {"cause": _gathered(late, gather)}
        return tuple(self._near(entity, name, spans) for name in self.paths(entity).callers(entity.service))

    def _near(self, place: Entity, peer: str, spans: dict[Part, tuple[Span, ...]]) -> Near:
        entity = Entity(place.domain, place.environment, place.cluster, peer)
        return Near(service_key(entity), self.keys(entity), spans)

    def _by_path(self, path: Path) -> dict[Part, tuple[Span, ...]]:
        """It goes by the shape of the path, and there are few."""
        shape = path[1:]
        known = self._spans.get(shape)
        if known is None:
            known = self._spans[shape] = {part: _spans(self._rule, path, part) for part in PARTS}
        return known


@lru_cache(maxsize=4)
def reach_of(catalogue: Catalogue, rule: DependencyEdge) -> Reach:
    """What was found once lasts while both are in force, also when other configuration changes."""
    return Reach(catalogue, rule)


def _spans(rule: DependencyEdge, path: Path, part: Part) -> tuple[Span, ...]:
    found: list[Span] = []
    back = path._replace(below=path.above, above=path.below)
    for other in PARTS:
        before, after = _window(rule, back, other, part), _window(rule, path, part, other)
        if before is not None and after is not None:
            found.append((other, before, after))
    return tuple(found)


def _window(rule: DependencyEdge, path: Path, first: Part, later: Part) -> int | None:
    """Within what time the later alert, of the peer, belongs to the first one; None for never."""
    found: list[int] = []
    if path.above:
        suffers = later != "traffic" or first == "cause"
        found.append((rule.windows if suffers else rule.early)[path.above - 1])
    if path.below:
        windows = {"cause": rule.windows, "traffic": rule.traffic, "effect": rule.early}
        found.append(windows[later][path.below - 1])
    if path.shared and (first == "cause") == (later == "cause"):
        found.append(rule.shared[path.shared - 2])
    if path.around and "traffic" in (first, later) and "cause" not in (first, later):
        found.append(rule.traffic[path.around - 1])
    return max(found, default=None)


def _gathered(before: int, after: int) -> tuple[Span, ...]:
    """In pieces, in which the alerts of one service are linked among themselves."""
    spans: list[Span] = []
    for part in PARTS:
        spans.append((part, before, min(before, after)))
        spans += [(part, -start, min(start + before, after)) for start in range(before, after, before)]
    return tuple(spans)
