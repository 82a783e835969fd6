"""What is measured: cells, and the groups of them that share an engine and a process."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import msgspec

from evals.bench.plan import WORKLOADS, Workload

# Rules of inhibition are measured on a service graph of this size.
GRAPH = 1_000
OPEN, SERVICES, INHIBITIONS = (1_000, 10_000, 100_000), (10, 1_000, 10_000), 100
MOST_OPEN = 1_000_000


class Cell(NamedTuple):
    """`workload` told to an engine that holds `open` alerts on `services` services."""

    workload: Workload
    open: int
    services: int
    inhibitions: int

    @property
    def name(self) -> str:
        rules = f"_{self.inhibitions}_inhibitions" if self.inhibitions else ""
        return f"core_{self.workload}_{self.open}_open_{self.services}_services{rules}"


class Group(msgspec.Struct, frozen=True):
    """One process: the four workloads in turn, for about `seconds` of CPU and at least once."""

    open: int
    services: int
    inhibitions: int
    seconds: float

    def cell(self, workload: Workload) -> Cell:
        return Cell(workload, self.open, self.services, self.inhibitions)

    @property
    def name(self) -> str:
        rules = f"_{self.inhibitions}_inhibitions" if self.inhibitions else ""
        return f"core_{self.open}_open_{self.services}_services{rules}"


class Round(msgspec.Struct, frozen=True):
    """One turn of a workload: `alerts` told. All seconds are CPU seconds.

    `documents` of changed incidents took `why_seconds` to make: one batch of the projector's, which leaves
    the engine a second before it and `rest_seconds` in between. It makes a document that takes long more
    seldom: for each second of the engine's all take `why_share`. Pauses are the garbage collector's.
    """

    workload: Workload
    alerts: int
    applied_seconds: float
    why_seconds: float
    rest_seconds: float
    documents: int
    why_share: float
    parsed_seconds: float
    plain_seconds: float
    collections: int
    longest_pause_ms: float
    paused_ms: float

    @property
    def engine_seconds(self) -> float:
        """With why-trees on: what the projector makes while the engine applies these."""
        return self.applied_seconds * (1 + self.why_share)


class GroupResult(msgspec.Struct, frozen=True):
    """`bytes_an_alert` is what the process grew by for each open alert; 0 where that cannot be said."""

    group: Group
    rounds: list[Round]
    bytes_an_alert: float
    build_seconds: float


def groups(
    opened: tuple[int, ...], services: tuple[int, ...], inhibitions: int, seconds: float
) -> list[Group]:
    """All of `opened` by `services`; and with inhibitions on one graph."""
    plain = [Group(held, size, 0, seconds) for size, held in product(services, opened)]
    if not inhibitions:
        return plain
    size = GRAPH if GRAPH in services else services[0]
    return [*plain, *(Group(held, size, inhibitions, seconds) for held in opened)]


__all__ = ["WORKLOADS", "Cell", "Group", "GroupResult", "Round", "groups"]
