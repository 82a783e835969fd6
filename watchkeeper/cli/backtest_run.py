"""Runs the sides of a backtest: one after the other, or at once in processes of their own.

The side that is history goes first: of every record of a person it says which incidents were meant. The
others hear it as it comes, so none of them waits for the end of history.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from connectors.inbound.registry import parse
from core.backtest.side import Named, Notes, Side, by_people
from core.errors import InputError, WatchkeeperError
from core.journal import Draft
from core.model.document import Document
from watchkeeper.cli.backtest_source import Source, records
from watchkeeper.version import VERSION

# More records than this are folded by processes of their own.
MANY = 20_000
_SAY_EVERY = 5.0
_LOOK_EVERY = 256


class Spec(NamedTuple):
    """A side: its name, the documents that it puts in the place of others, those that it begins with."""

    name: str
    instead: dict[str, Any]
    opening: tuple[Draft, ...] = ()


class Plan(NamedTuple):
    """`until` (ms UTC) ends the reading; `linger` ms pass after it, or after the last record, so that pages
    that wait are sent. `specs`: the first one is history; where there are three, the others are compared."""

    source: Source
    specs: tuple[Spec, ...]
    until: int | None = None
    linger: int = 0


class Folded(NamedTuple):
    document: Document
    notes: Notes


class _LeftAlone(Exception):
    """History has ended early: this side cannot go on."""


def run(plan: Plan, *, apart: bool | None = None) -> list[Folded]:
    """The two sides that are compared. `apart` is for tests; else the number of records decides."""
    many = plan.source.records > MANY if apart is None else apart
    return (_apart(plan) if many else _in_turn(plan))[-2:]


def _in_turn(plan: Plan) -> list[Folded]:
    heard: list[Named] = []
    found = [fold_side(plan, plan.specs[0], None, heard.append)]
    found += [fold_side(plan, spec, iter(heard), lambda named: None) for spec in plan.specs[1:]]
    return found


def fold_side(
    plan: Plan, spec: Spec, follow: Iterator[Named] | None, tell: Callable[[Named], None]
) -> Folded:
    """Fold all records. `follow` is what history says of each record of a person; None for history itself,
    which says it to `tell`."""
    side = Side(parse, VERSION, spec.instead, spec.opening)
    progress = _Progress(spec.name, plan.source.records)
    ended: int | None = None
    for record in records(plan.source):
        if plan.until is not None and record.received_at >= plan.until and record.kind != "checkpoint":
            ended = plan.until
            break
        named = next(follow) if follow is not None and by_people(record) else None
        said = side.apply(record, named)
        if follow is None and said is not None:
            tell(said)
        progress.count()
    if ended is None:
        ended = side.fold.engine.state.clock
    return Folded(side.finish(ended + plan.linger), side.notes)


class _Progress:
    """Lines on standard error for what takes long: how far a side is, and how fast."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total = name, total
        self._done, self._began = 0, time.monotonic()
        self._said = self._began

    def count(self) -> None:
        self._done += 1
        if self._total <= MANY or self._done % _LOOK_EVERY:
            return
        now = time.monotonic()
        if now - self._said < _SAY_EVERY:
            return
        self._said = now
        speed = self._done / (now - self._began)
        percent = min(100, 100 * self._done // self._total)
        sys.stderr.write(f"{self._name:<7} {percent:3} %  {self._done:,} records, {speed:,.0f} a second\n")
        sys.stderr.flush()


def _apart(plan: Plan) -> list[Folded]:
    """A process a side. History tells the others through pipes; a full one makes it wait for them."""
    context = get_context("spawn")
    tellers, jobs, results = [], [], []
    for place, spec in enumerate(plan.specs):
        hears, says = context.Pipe(duplex=False) if place else (None, None)
        if says is not None:
            tellers.append(says)
        result, give = context.Pipe(duplex=False)
        results.append(result)
        jobs.append((spec, hears, give))
    processes = []
    try:
        for place, (spec, hears, give) in enumerate(jobs):
            told = [] if place else tellers
            process = context.Process(target=_work, args=(plan, spec, hears, told, give), daemon=True)
            process.start()
            processes.append(process)
        # Only while nobody else holds an end of a pipe does the other end notice that a process is gone.
        for one in (*tellers, *(end for _, hears, give in jobs for end in (hears, give) if end)):
            one.close()
        return _collected([(spec.name, result) for spec, result in zip(plan.specs, results, strict=True)])
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _collected(results: list[tuple[str, Connection]]) -> list[Folded]:
    """Raises the first side's error; a side that ended without a word is one too."""
    found: list[Folded] = []
    for name, result in results:
        try:
            answer = result.recv()
        except EOFError:
            raise InputError(
                f"the process that folds `{name}` ended early",
                where="backtest",
                mend="Look for a lack of memory; --until makes it shorter",
            ) from None
        if not isinstance(answer, Folded):
            kind, what, where, mend = answer
            raise kind(what, where=where, mend=mend)
        found.append(answer)
    return found


def _work(plan: Plan, spec: Spec, hears: Connection | None, told: list[Connection], give: Connection) -> None:
    """In its own process."""

    def tell(named: Named) -> None:
        for one in told:
            one.send(named)

    try:
        give.send(fold_side(plan, spec, None if hears is None else _heard(hears), tell))
    except WatchkeeperError as error:
        give.send((type(error), error.what, error.where, error.mend))
    except (_LeftAlone, BrokenPipeError, KeyboardInterrupt):
        return


def _heard(hears: Connection) -> Iterator[Named]:
    while True:
        try:
            yield hears.recv()
        except EOFError:
            raise _LeftAlone from None
