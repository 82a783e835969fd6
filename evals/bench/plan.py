"""How much is measured: every count of the bench in one place, and the cells they span."""

from __future__ import annotations

from itertools import product
from typing import Literal, NamedTuple

Source = Literal["prometheus", "alertmanager"]
Workload = Literal["new", "refresh", "resolve", "mix"]
SOURCES: tuple[Source, ...] = ("prometheus", "alertmanager")
WORKLOADS: tuple[Workload, ...] = ("new", "refresh", "resolve", "mix")
ALERTS_A_RECORD = 64


class IntakeCell(NamedTuple):
    """`alerts_a_post` alerts in each body, over `connections` that each wait for their answer; `pool`
    distinct alerts are posted in turn."""

    alerts_a_post: int
    connections: int
    pool: int

    @property
    def name(self) -> str:
        return f"intake_{self.alerts_a_post}_a_post_{self.connections}_connections_{self.pool}_alerts"


class LiveCell(NamedTuple):
    """`posts_a_second` of `alerts_a_post` for `seconds`, beside clients that never finish their bodies."""

    name: str
    posts_a_second: int
    alerts_a_post: int
    seconds: float
    slow_clients: int = 0


class EngineCell(NamedTuple):
    """`workload` told by `source` to an engine that holds `firing` alerts on `services` services."""

    workload: Workload
    source: Source
    firing: int
    services: int

    @property
    def name(self) -> str:
        return f"engine_{self.workload}_{self.source}_{self.firing}_open_{self.services}_services"


class Plan(NamedTuple):
    """Each intake run posts for `seconds`; an engine cell measures `alerts` alerts."""

    repeats: int
    seconds: float
    pools: tuple[int, ...]
    drain_seconds: float
    alerts: int
    alerts_a_post: tuple[int, ...]
    connections: tuple[int, ...]
    firing: tuple[int, ...]
    services: tuple[int, ...]
    live: tuple[LiveCell, ...]

    def intake_cells(self) -> list[IntakeCell]:
        return [IntakeCell(*cell) for cell in product(self.alerts_a_post, self.connections, self.pools)]

    def engine_cells(self) -> list[EngineCell]:
        return [EngineCell(*cell) for cell in product(WORKLOADS, SOURCES, self.firing, self.services)]


FULL = Plan(
    repeats=3,
    seconds=5.0,
    pools=(10_000, 50_000),
    drain_seconds=180.0,
    alerts=20_000,
    alerts_a_post=(1, 64, 500),
    connections=(64, 2),
    firing=(1_000, 10_000),
    services=(10, 1_000),
    live=(
        LiveCell("open_loop", 1_000, 5, 20.0),
        LiveCell("sustained", 1_000, 5, 60.0),
        LiveCell("steady_alone", 200, 5, 15.0),
        LiveCell("steady_beside_slow", 200, 5, 15.0, slow_clients=200),
    ),
)
QUICK = FULL._replace(
    repeats=1,
    seconds=2.0,
    pools=(10_000,),
    drain_seconds=60.0,
    alerts=5_000,
    connections=(64,),
    firing=(1_000,),
    live=tuple(cell._replace(seconds=4.0) for cell in FULL.live if cell.name != "sustained"),
)
