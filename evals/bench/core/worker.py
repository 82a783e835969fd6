"""One group of cells in a process of its own: `python -m evals.bench.core.worker`, a Group (JSON) on standard
input, a GroupResult on standard output.

The engine is given alerts that are parsed already, and a plain loop that only remembers the last of each is
given the same ones. Beside the engine the projector makes batches of documents of incidents that changed: one
is made, and timed, after each workload.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from connectors.inbound.registry import parse
from core.config import Config
from core.journal import Record
from core.model.events import AlertEvent, Parsed
from core.replay import Fold
from core.times import MINUTE
from evals.bench.alerts import labels
from evals.bench.core import stream
from evals.bench.core.pauses import Sizes, collecting_as_the_server_does, watched
from evals.bench.core.plan import WORKLOADS, Group, GroupResult, Round
from evals.bench.fold import START
from evals.bench.plan import Workload
from watchkeeper.pace import _LONGEST, share
from watchkeeper.projector import (
    _BATCH,
    _BATCH_SECONDS,
    _PIECE,
    _PIECE_SECONDS,
    INTERVAL,
    Changes,
    period,
)
from watchkeeper.version import VERSION

Table = dict[str, tuple[str, int | None, int | None]]


class Batch(NamedTuple):
    """A workload, parsed: what its records say, by their numbers."""

    workload: Workload
    records: list[Record]
    parsed: dict[int, Parsed]
    parsed_seconds: float

    def read(self, record: Record, mappings: Mapping[str, str]) -> Parsed:
        """In place of parsing."""
        return self.parsed[record.seq]

    @property
    def events(self) -> list[AlertEvent]:
        return [e for one in self.records for e in self.parsed[one.seq].events if isinstance(e, AlertEvent)]


def measure(group: Group) -> GroupResult:
    """Rounds of the four workloads; large engines have one."""
    config = stream.configured(group.services, group.inhibitions)
    with collecting_as_the_server_does():
        began, sizes = time.process_time(), Sizes(group.open)
        fold = build(config, group, sizes.look)
        built = time.process_time() - began
        batches = prepare(group, fold.engine.state.seq, fold.engine.state.clock)
        table = {key_of(labels(number, group.services)): ("", None, None) for number in range(group.open)}
        rounds: list[Round] = []
        deadline, used = time.monotonic() + 3 * group.seconds, 0.0
        while True:
            some = one_round(fold, batches, dict(table))
            rounds += some
            used += sum(one.engine_seconds for one in some)
            if used >= group.seconds or time.monotonic() >= deadline:
                break
            fold = build(config, group)
    return GroupResult(group, rounds, sizes.bytes_an_alert, built)


def build(config: Config, group: Group, look: Callable[[int], None] = lambda held: None) -> Fold:
    """An engine that holds the open alerts, a minute after the last of them, when they were paged. `look` is
    told how many it holds."""
    fold = Fold(parse, VERSION, keep=False)
    fold.engine.world.config = config
    fold.engine.world.configured()
    for record in stream.records(stream.told_at_first(group.open), group.services, 1, START, group.open):
        fold.apply(record)
        look(len(fold.engine.state.episodes))
    fold.advance(fold.engine.state.clock + MINUTE)
    return fold


def prepare(group: Group, seq: int, at: int) -> list[Batch]:
    """The workloads in turn, three minutes apart, so that what waits for a timer has its time."""
    batches = []
    for name in WORKLOADS:
        at += 3 * MINUTE
        told = stream.workload(name, group.open, group.services, at)
        made = list(stream.records(told, group.services, seq + 1, at, len(told)))
        began = time.process_time()
        parsed = {record.seq: parse(record, {}) for record in made}
        batches.append(Batch(name, made, parsed, time.process_time() - began))
        seq, at = made[-1].seq, made[-1].received_at
    return batches


def one_round(fold: Fold, batches: list[Batch], table: Table) -> list[Round]:
    rounds = []
    for batch in batches:
        fold.engine.parse = batch.read
        fold.advance(batch.records[0].received_at - 1)
        seen = Changes(versions(fold))
        gc.collect()
        with watched() as pauses:
            applied = timed(fold.apply, batch.records)
            looked = look(fold, seen)
        events = batch.events
        plain = timed(lambda event: remember(table, event), events)
        rounds.append(
            Round(
                batch.workload, len(events), applied, *looked, batch.parsed_seconds, plain, pauses.count,
                pauses.longest, pauses.total,
            )
        )  # fmt: skip
    return rounds


def timed(step: Callable[[Any], object], these: Iterable[Any]) -> float:
    began = time.process_time()
    for one in these:
        step(one)
    return time.process_time() - began


def versions(fold: Fold) -> dict[str, int]:
    return {one.id: one.version for one in fold.engine.state.incidents.values()}


class Looked(NamedTuple):
    """CPU seconds of making a batch, seconds that the projector rests meanwhile, how many documents, and what
    it comes to in CPU seconds for each second that the engine is at work."""

    why_seconds: float
    rest_seconds: float
    documents: int
    why_share: float


def look(fold: Fold, changes: Changes) -> Looked:
    """Make a batch of documents as the projector does while the engine is busy: a few at a time with a rest
    after them, until its time is up; each incident again only when the projector would."""
    began = time.process_time()
    names = deque(changes.due(fold, rested=False)[:_BATCH])
    found = time.process_time() - began
    costs: list[float] = []
    rest = piece = 0.0
    while names:
        took = timed(lambda name: changes.make(fold, deque([name]), 1), [names.popleft()])
        costs.append(took)
        piece += took
        if piece >= _PIECE_SECONDS or len(costs) % _PIECE == 0 or not names:
            rest, piece = rest + min(_LONGEST, piece * (1 / share(0) - 1)), 0.0
            if sum(costs) >= _BATCH_SECONDS:
                break
    every = INTERVAL + rest
    part = found / every + sum(took / max(every, period(took)) for took in costs)
    return Looked(found + sum(costs), rest, len(costs), part)


def key_of(found: dict[str, str]) -> str:
    return "\0".join([part for item in sorted(found.items()) for part in item])


def remember(table: Table, event: AlertEvent) -> None:
    """What a plain loop does: the last that was said of each set of labels."""
    key, said = key_of(event.labels), (event.status, event.starts_at, event.ends_at)
    if table.get(key) != said:
        table[key] = said


def main() -> None:
    group = msgspec.json.decode(sys.stdin.buffer.read(), type=Group)
    sys.stdout.buffer.write(msgspec.json.encode(measure(group)))


if __name__ == "__main__":
    main()
