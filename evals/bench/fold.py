"""The engine bench: alerts a second that the engine applies, in process, on one core, without I/O.

Every round takes a fresh engine, folds `firing` alerts into it, lets a minute pass so that they are paged,
and then times the workload: as many alerts again, 64 a record. The peer is a bare loop that only parses the
same records, so the ratio says what deciding costs on top of reading. Time is CPU time of this process: on a
busy machine a wall clock would measure the neighbours.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from connectors.inbound.registry import parse
from core.config import Config, apply_config, config_draft
from core.engine import Engine
from core.journal import Record
from core.times import MINUTE
from evals.bench.alerts import Told, body, catalogue
from evals.bench.plan import ALERTS_A_RECORD, EngineCell, Plan
from watchkeeper import files

# 2026-11-21T03:00:00Z. Which moment it is changes nothing.
START = 1_795_230_000_000
_STEP = 100
Say = Callable[[str], None]


class EngineRow(NamedTuple):
    """One repeat of a cell: `alerts` told, and the CPU seconds of the engine and of the bare loop."""

    cell: EngineCell
    alerts: int
    applied_seconds: float
    parsed_seconds: float


def measure_all(plan: Plan, say: Say) -> list[EngineRow]:
    rows = []
    for cell in plan.engine_cells():
        for repeat in range(plan.repeats):
            rows.append(measure(cell, plan.alerts))
            rate = rows[-1].alerts / rows[-1].applied_seconds
            say(f"{cell.name} {repeat + 1}/{plan.repeats}: {rate:,.0f} alerts/s applied")
    return rows


def measure(cell: EngineCell, alerts: int) -> EngineRow:
    """Rounds of `cell.firing` alerts until at least `alerts` were measured."""
    config = configured(cell.services)
    before = records(cell, [_fires(number, START) for number in range(cell.firing)], 1, START)
    later = START + MINUTE + len(before) * _STEP
    after = records(cell, workload(cell, later), 1 + len(before), later)
    rounds = -(-alerts // cell.firing)
    applied = parsed = 0.0
    for _ in range(rounds):
        engine = Engine(parse)
        engine.world.config = config
        engine.world.configured()
        for record in before:
            engine.apply(record)
        engine.apply(Record(len(before), later, "tick", "", b""))
        gc.collect()
        applied += _timed(engine.apply, after)
        parsed += _timed(lambda record: parse(record, {}), after)
    return EngineRow(cell, rounds * cell.firing, applied, parsed)


def _timed(step: Callable[[Record], object], these: list[Record]) -> float:
    began = time.process_time()
    for record in these:
        step(record)
    return time.process_time() - began


@cache
def configured(services: int) -> Config:
    """What a server's journal begins with, and the catalogue. Ingest does not change it, so rounds share it:
    reading the YAML of 1,000 services takes longer than a round does."""
    config = Config()
    drafts = [*files.configuration(None, None), config_draft("catalogue", catalogue(services))]
    for draft in drafts:
        apply_config(config, Record(0, START, draft.kind, draft.source, draft.payload))
    return config


def workload(cell: EngineCell, at: int) -> list[Told]:
    """As many alerts as fire already. The mix is 10 % new, 80 % told again and 10 % resolved, in turn."""
    match cell.workload:
        case "new":
            return [_fires(cell.firing + number, at) for number in range(cell.firing)]
        case "refresh":
            return [Told(number, START, at) for number in range(cell.firing)]
        case "resolve":
            return [Told(number, START, at, firing=False) for number in range(cell.firing)]
        case "mix":
            return [_mixed(cell, number, at) for number in range(cell.firing)]


def _mixed(cell: EngineCell, number: int, at: int) -> Told:
    # The tenth is chosen by the quotient too, or one service would get all the new alerts of its group.
    match (number + number // 10) % 10:
        case 0:
            return _fires(cell.firing + number, at)
        case 1:
            return Told(number, START, at, firing=False)
    return Told(number, START, at)


def _fires(number: int, at: int) -> Told:
    return Told(number, at, at)


def records(cell: EngineCell, told: Iterable[Told], seq: int, at: int) -> list[Record]:
    """Ingest records of 64 alerts, a tenth of a second apart."""
    made = []
    for step, batch in enumerate(_batches(list(told))):
        payload = body(cell.source, batch, cell.services)
        made.append(Record(seq + step, at + step * _STEP, "ingest", cell.source, payload))
    return made


def _batches(told: list[Told]) -> Iterator[list[Told]]:
    for start in range(0, len(told), ALERTS_A_RECORD):
        yield told[start : start + ALERTS_A_RECORD]
