"""The service catalogue: which services there are, and who depends on whom.

An entry without environment or cluster stands for that service in each of them; an edge joins services
of the same environment and cluster. Cycles are legal. Without a catalogue every service is known by its
label alone and nothing depends on anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache

from pydantic import Field, field_validator

from core.errors import CatalogueError
from core.model.entity import Entity
from core.yamlmarks import placed
from core.yamltext import Strict, checked, read_yaml

# What ends of names say nothing.
_ENDS = ("service", "svc")
# So many are remembered.
_ENTITIES = 50_000
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class Service(Strict):
    """One entry. `tier` 1 is the most important; `links` are for people."""

    name: str
    depends_on: tuple[str, ...] = ()
    owner: str = ""
    team: str = ""
    tier: int | None = Field(default=None, ge=0, le=9)
    environment: str = ""
    cluster: str = ""
    namespace: str = ""
    repository: str = ""
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] | dict[str, str] = ()

    @field_validator("name")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("a service name has 1 to 200 characters and no control characters")
        return value


class CatalogueFile(Strict):
    services: tuple[Service, ...]


class Neighbours:
    """The graph of one environment and cluster: names to sorted names, in both directions."""

    def __init__(self, services: list[Service]) -> None:
        calls: dict[str, set[str]] = {}
        callers: dict[str, set[str]] = {}
        for service in services:
            for callee in service.depends_on:
                if callee != service.name:
                    calls.setdefault(service.name, set()).add(callee)
                    callers.setdefault(callee, set()).add(service.name)
        self.calls = {name: tuple(sorted(found)) for name, found in calls.items()}
        self.callers = {name: tuple(sorted(found)) for name, found in callers.items()}


class Catalogue:
    """Answers questions about services; never changes. Build it with `parse_catalogue` or `Catalogue()`."""

    def __init__(self, services: tuple[Service, ...] = ()) -> None:
        self.services = services
        self._by_name: dict[str, list[Service]] = {}
        self._alias: dict[str, str] = {}
        for service in services:
            self._by_name.setdefault(service.name, []).append(service)
            self._alias.update(dict.fromkeys(service.aliases, service.name))
        self._named = ({s.environment for s in services}, {s.cluster for s in services})
        self._entities: dict[tuple[str, str, str, str], Entity] = {}
        self._graphs: dict[tuple[str, str], Neighbours] = {}

    @cached_property
    def _alike(self) -> dict[str, str]:
        found: dict[str, set[str]] = {}
        for name, canonical in (*((name, name) for name in self._by_name), *self._alias.items()):
            found.setdefault(_squashed(name), set()).add(canonical)
        return {key: names.pop() for key, names in found.items() if key and len(names) == 1}

    @cached_property
    def known(self) -> bool:
        return bool(self.services)

    @property
    def environments(self) -> frozenset[str]:
        """Those that entries name."""
        return frozenset(self._named[0]) - {""}

    def lists(self, name: str) -> bool:
        """Whether it is, letter by letter, a name or an alias."""
        return name in self._by_name or name in self._alias

    def canonical_name(self, name: str) -> str | None:
        """The catalogue's name for a name or alias, or None when it lists neither.

        Labels write names in their own way: what differs only in capitals, signs and a `service` or `svc` at
        its end is the same, as long as no other name of the catalogue is so like it.
        """
        if name in self._by_name:
            return name
        return self._alias.get(name) or self._alike.get(_squashed(name))

    def short_name(self, service: str) -> str:
        """What people and deploys call `shop/payments`, where no entry tells them apart; else empty."""
        _, slash, name = service.rpartition("/")
        return name if slash and not self.lists(name) else ""

    def entity(self, domain: str, service: str, environment: str, cluster: str) -> Entity:
        """Where an alert said less than the catalogue knows for certain, the catalogue fills it in. Alerts of
        one service share one."""
        told = (domain, service, environment, cluster)
        found = self._entities.get(told)
        if found is None:
            if len(self._entities) > _ENTITIES:
                self._entities.clear()
            found = self._entities[told] = self._entity(*told)
        return found

    def _entity(self, domain: str, service: str, environment: str, cluster: str) -> Entity:
        name = self.canonical_name(service) or service
        entries = self._by_name.get(name, ())
        if not environment:
            environment = _only({entry.environment for entry in entries})
        if not cluster:
            cluster = _only({entry.cluster for entry in entries})
        return Entity(domain, environment, cluster, name)

    def entries(self, name: str) -> tuple[Service, ...]:
        """All entries of a service, by its own name."""
        return tuple(self._by_name.get(name, ()))

    def entry(self, entity: Entity) -> Service | None:
        """The entry for an entity; the most specific one where several match."""
        entries = self._by_name.get(entity.service)
        if not entries:
            return None
        if len(entries) == 1:
            return entries[0] if _stands_for(entries[0], entity) else None
        found = [e for e in entries if _stands_for(e, entity)]
        return max(found, key=lambda e: (bool(e.environment), bool(e.cluster)), default=None)

    def calls(self, entity: Entity) -> tuple[str, ...]:
        """The services that `entity` depends on directly."""
        return self.graph(entity).calls.get(entity.service, ())

    def callers(self, entity: Entity) -> tuple[str, ...]:
        """The services that depend on `entity` directly."""
        return self.graph(entity).callers.get(entity.service, ())

    def callers_anywhere(self, service: str) -> tuple[str, ...]:
        """The services that depend on `service` directly in some environment and cluster."""
        return self._all.callers.get(service, ())

    @cached_property
    def _all(self) -> Neighbours:
        return Neighbours(list(self.services))

    def graph(self, entity: Entity) -> Neighbours:
        """The services of its environment and cluster."""
        # A place that no entry names looks like any other such place: labels cannot grow this cache.
        environments, clusters = self._named
        place = (
            entity.environment if entity.environment in environments else "",
            entity.cluster if entity.cluster in clusters else "",
        )
        graph = self._graphs.get(place)
        if graph is None:
            graph = Neighbours([service for service in self.services if _stands_for(service, entity)])
            self._graphs[place] = graph
        return graph


def _squashed(name: str) -> str:
    """`Product_Catalog-service` as `productcatalog`."""
    kept = "".join(letter for letter in name.lower() if letter.isalnum())
    for end in _ENDS:
        if kept.endswith(end) and len(kept) > len(end):
            return kept[: -len(end)]
    return kept


def _stands_for(service: Service, entity: Entity) -> bool:
    return service.environment in ("", entity.environment) and service.cluster in ("", entity.cluster)


def _only(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else ""


def parse_catalogue(text: str, where: str = "catalogue") -> Catalogue:
    """The catalogue in YAML `text`. Raises CatalogueError naming file, line, path and mend."""
    try:
        return _parsed(text)
    except CatalogueError as error:
        raise CatalogueError(error.what, where=f"{where}{error.where}", mend=error.mend) from None


@lru_cache(maxsize=4)
def _parsed(text: str) -> Catalogue:
    """Large ones take seconds: they are read once, whoever asks. Faults have their line, and no file."""
    document = checked(CatalogueFile, read_yaml(text, CatalogueError, ""), CatalogueError, "")
    _refuse_ambiguity(document.services, text, "")
    return Catalogue(tuple(_with_canonical_edges(document.services)))


def _refuse_ambiguity(services: tuple[Service, ...], text: str, where: str) -> None:
    seen: dict[tuple[str, str, str], int] = {}
    names = {service.name for service in services}
    aliases: dict[str, str] = {}
    for number, service in enumerate(services):
        key = (service.name, service.environment, service.cluster)
        path = f"services.{number + 1}"
        if key in seen:
            raise CatalogueError(
                f"{path}: {service.name!r} is listed twice for the same environment and cluster",
                where=placed(text, where, "services", number),
                mend=f"Join it with services.{seen[key] + 1}",
            )
        seen[key] = number
        for alias in service.aliases:
            if alias in names or aliases.get(alias, service.name) != service.name:
                raise CatalogueError(
                    f"{path}.aliases: {alias!r} already names another service",
                    where=placed(text, where, "services", number, "aliases"),
                    mend="Let each name or alias stand for one service",
                )
            aliases[alias] = service.name


def _with_canonical_edges(services: tuple[Service, ...]) -> list[Service]:
    alias = {other: service.name for service in services for other in service.aliases}
    return [
        service.model_copy(update={"depends_on": tuple(alias.get(n, n) for n in service.depends_on)})
        if any(name in alias for name in service.depends_on)
        else service
        for service in services
    ]


def unlisted_dependencies(catalogue: Catalogue) -> Mapping[str, tuple[str, ...]]:
    """Dependencies that have no entry of their own (legal, worth a warning), by the service naming them."""
    gaps = {
        service.name: tuple(n for n in service.depends_on if catalogue.canonical_name(n) is None)
        for service in catalogue.services
    }
    return {name: missing for name, missing in gaps.items() if missing}
