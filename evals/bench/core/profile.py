"""Where the engine's time goes: the functions that cost most while a mix is told, by their own time."""

from __future__ import annotations

import cProfile
import pstats
from typing import NamedTuple

from evals.bench.core import stream
from evals.bench.core.plan import Group
from evals.bench.core.worker import build, prepare
from evals.bench.plan import Workload
from evals.bench.table import render, whole

_ROUNDS = 20


class Cost(NamedTuple):
    """Of one function: calls, and microseconds an alert, its own and with all that it calls."""

    function: str
    calls: int
    own_us: float
    with_callees_us: float


def profile(group: Group, workload: Workload, top: int, rounds: int = _ROUNDS) -> list[Cost]:
    """Profiling makes all of it slower, small functions more than others."""
    config = stream.configured(group.services, group.inhibitions)
    profiler, alerts = cProfile.Profile(), 0
    for _ in range(rounds):
        fold = build(config, group)
        batches = prepare(group, fold.engine.state.seq, fold.engine.state.clock)
        [batch] = [one for one in batches if one.workload == workload]
        fold.engine.parse = batch.read
        fold.advance(batch.records[0].received_at - 1)
        profiler.enable()
        for record in batch.records:
            fold.apply(record)
        profiler.disable()
        alerts += len(batch.events)
    rows = pstats.Stats(profiler).stats.items()  # type: ignore[attr-defined]
    costs = [
        Cost(_name(place), calls, 1e6 * own / alerts, 1e6 * total / alerts)
        for place, (_, calls, own, total, _) in rows
    ]
    return sorted(costs, key=lambda cost: -cost.own_us)[:top]


def _name(place: tuple[str, int, str]) -> str:
    file, line, function = place
    return f"{'/'.join(file.split('/')[-2:])}:{line} {function}" if line else function


def table(costs: list[Cost]) -> str:
    rows = [
        [cost.function, whole(cost.calls), f"{cost.own_us:.2f}", f"{cost.with_callees_us:.2f}"]
        for cost in costs
    ]
    return render(("function", "calls", "own µs/alert", "with callees"), rows)
