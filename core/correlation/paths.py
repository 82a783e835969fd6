"""How two services of one place hang together: how many calls one is above or below the other, over how
many both reach a service that they share, and how far they are when direction does not count.

A service with more dependants than the cap conducts nothing, but to its callers when it is itself in
trouble. Nor are calls followed further once they would reach too many services. All of it reads the
catalogue, never the alerts, and holds for both ends, so that a link stays symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from core.model.catalogue import Neighbours
from core.rules.linking import DependencyEdge


class Path(NamedTuple):
    """From one service to `peer`, in calls; 0 where there is no such way. `below`: `peer` is called, `above`:
    it calls, `shared`: both call something, and neither the other, `around`: over calls in any direction."""

    peer: str
    below: int
    above: int
    shared: int
    around: int


# The direction of a walk over calls, and the one that leads back.
Way = Literal["down", "up", "around"]
_BACK: dict[Way, Way] = {"down": "up", "up": "down", "around": "around"}


class Paths:
    """Of one environment and cluster; remembers its answers."""

    def __init__(self, graph: Neighbours, rule: DependencyEdge) -> None:
        self._graph, self._rule = graph, rule
        self._walks: dict[tuple[str, Way], dict[str, int]] = {}
        self._ways: dict[tuple[str, Way], dict[str, int]] = {}
        self._alike: dict[str, list[list[str]]] = {}
        self._small: dict[str, bool] = {}
        self._near: dict[str, list[Path]] = {}

    def near(self, service: str) -> list[Path]:
        """The nearest first."""
        found = self._near.get(service)
        if found is None:
            found = self._near[service] = self._found(service)
        return found

    def _found(self, service: str) -> list[Path]:
        below, above = self._way(service, "down"), self._way(service, "up")
        around, alike = self._way(service, "around"), self._shares(service)
        return [
            Path(peer, below.get(peer, 0), above.get(peer, 0), alike.get(peer, 0), around.get(peer, 0))
            for peer in {**around, **below, **above, **alike}
        ]

    def between(self, service: str, peer: str) -> Path | None:
        return next((path for path in self.near(service) if path.peer == peer), None)

    def shared(self, service: str, peer: str) -> str:
        """What both call, directly or through others: the nearest, then the first by name."""
        ours, theirs = self._way(service, "down"), self._way(peer, "down")
        return min((ours[name] + theirs[name], name) for name in ours if name in theirs)[1]

    def hubs(self, service: str) -> list[str]:
        """What it calls directly and too many others do as well."""
        return [name for name in self._graph.calls.get(service, ()) if self.is_hub(name)]

    def is_hub(self, service: str) -> bool:
        return len(self._graph.callers.get(service, ())) > self._rule.max_dependants

    def callers(self, service: str) -> tuple[str, ...]:
        return self._graph.callers.get(service, ())

    def _way(self, service: str, way: Way) -> dict[str, int]:
        """Services that are reached so, from either end."""
        found = self._ways.get((service, way))
        if found is None:
            found = self._walk(service, way)
            if not self._is_small(service):
                back = _BACK[way]
                found = {peer: calls for peer, calls in found.items() if service in self._walk(peer, back)}
            self._ways[service, way] = found
        return found

    def _is_small(self, service: str) -> bool:
        """Whether all that hangs together with it is so little that no walk is cut short, from either end."""
        found = self._small.get(service)
        if found is None:
            seen, edge = {service}, [service]
            while edge and len(seen) - 1 <= self._rule.max_reach:
                edge = list({peer for one in edge for peer in self._beside(one)} - seen)
                seen.update(edge)
            found = len(seen) - 1 <= self._rule.max_reach
            self._small.update(dict.fromkeys(seen, True) if found else {service: False})
        return found

    def _walk(self, service: str, way: Way) -> dict[str, int]:
        found = self._walks.get((service, way))
        if found is None:
            beside = {"down": self._calls, "up": self._callers, "around": self._beside}[way]
            spheres = _spheres(service, beside, len(self._rule.windows), self._rule.max_reach)
            found = {peer: calls for calls, peers in enumerate(spheres, 1) for peer in peers}
            self._walks[service, way] = found
        return found

    def _shares(self, service: str) -> dict[str, int]:
        """Services that share something with it, as far as from either end they are not too many."""
        spheres, small = enumerate(self._spheres(service), 2), self._is_small(service)
        return {
            peer: calls
            for calls, peers in spheres
            for peer in peers
            if small or len(self._spheres(peer)) >= calls - 1
        }

    def _spheres(self, service: str) -> list[list[str]]:
        """By the calls from 2."""
        found = self._alike.get(service)
        if found is None:
            found = self._alike[service] = _bounded(self._sharing(service), self._rule)
        return found

    def _sharing(self, service: str) -> dict[str, int]:
        below, above = self._way(service, "down"), self._way(service, "up")
        found: dict[str, int] = {}
        for name, calls in below.items():
            for peer, more in self._way(name, "up").items():
                far = calls + more
                if (
                    peer != service
                    and peer not in below
                    and peer not in above
                    and far < found.get(peer, far + 1)
                ):
                    found[peer] = far
        return found

    def _calls(self, service: str) -> Iterable[str]:
        return (name for name in self._graph.calls.get(service, ()) if not self.is_hub(name))

    def _callers(self, service: str) -> Iterable[str]:
        return () if self.is_hub(service) else self.callers(service)

    def _beside(self, service: str) -> Iterable[str]:
        return (*self._calls(service), *self._callers(service))


def _spheres(service: str, beside: Callable[[str], Iterable[str]], depth: int, most: int) -> list[list[str]]:
    """By distance from 1. Direct neighbours always count."""
    seen, edge, spheres = {service}, [service], []
    for calls in range(depth):
        found = {peer for one in edge for peer in beside(one)} - seen
        if not found or (calls and len(seen) - 1 + len(found) > most):
            break
        edge = sorted(found)
        spheres.append(edge)
        seen |= found
    return spheres


def _bounded(found: dict[str, int], rule: DependencyEdge) -> list[list[str]]:
    spheres: list[list[str]] = []
    count = 0
    for calls in range(2, 2 + len(rule.shared)):
        sphere = sorted(peer for peer, far in found.items() if far == calls)
        count += len(sphere)
        if count > rule.max_reach:
            break
        spheres.append(sphere)
    return spheres
