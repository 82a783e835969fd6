"""Recorded cases told in other orders: `python -m tests.replay.shuffles`, or `make shuffles`.

A shuffle draws half of the bodies a second time and tells all in another order, once at one moment and once
each up to L late, while the clocks run. What people did and configuration are barriers: no body crosses one.
The grouping has to stay the same; the first that differs is shown with its seed, and the command ends with 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from connectors.inbound.registry import parse
from core.journal import Record
from core.model.document import Document
from core.replay import Fold, read_lines
from evals.bench.table import render
from tests.replay.golden import CASES
from watchkeeper.files import configuration
from watchkeeper.version import VERSION

L = 10 * 60 * 1000
Told = list[Record]
Grouping = list[tuple[Any, ...]]


class Differs(NamedTuple):
    seed: int
    way: str
    expected: Grouping
    found: Grouping


class Case(NamedTuple):
    """`stretches`: bodies between barriers, from first to last at most L apart; a barrier stands alone."""

    name: str
    catalogue: Path
    stretches: list[Told]


def cases() -> list[Case]:
    """The golden cases, and those that grouping is measured with."""
    found = [*CASES.glob("*/events.jsonl"), *CASES.glob("grouping/*/events.jsonl")]
    return [read_case(path.parent) for path in sorted(found)]


def read_case(folder: Path) -> Case:
    with (folder / "events.jsonl").open(encoding="utf-8") as lines:
        records = [line.record for line in read_lines(lines) if line.record.kind != "tick"]
    return Case(folder.name, folder / "catalog.yaml", stretches_of(records))


def stretches_of(records: Told) -> list[Told]:
    found: list[Told] = []
    for record in records:
        last = found[-1] if found else []
        joins = last and record.kind == last[0].kind == "ingest"
        if joins and record.received_at - last[0].received_at <= L:
            last.append(record)
        else:
            found.append([record])
    return found


def at_once(case: Case, dice: random.Random | None) -> Told:
    """Each stretch at the moment at which it ended; in the recorded order without `dice`."""
    told: Told = []
    for stretch in case.stretches:
        rows = [*stretch, *_again(stretch, dice)] if dice else stretch[:]
        if dice:
            dice.shuffle(rows)
        told += [_at(record, stretch[-1].received_at) for record in rows]
    return told


def late(case: Case, dice: random.Random) -> Told:
    """Each body up to L later than it came, and before the next barrier."""
    told: Told = []
    barriers = [one[0].received_at for one in case.stretches if one[0].kind != "ingest"]
    for record in (one for stretch in case.stretches for one in (*stretch, *_again(stretch, dice))):
        at = record.received_at
        if record.kind == "ingest":
            until = min((one for one in barriers if one >= at), default=at + L)
            at += dice.randint(0, min(L, until - at))
        told.append(_at(record, at))
    # What was at one moment with a barrier stays on its side of it.
    return sorted(told, key=lambda record: (record.received_at, record.seq))


def _again(stretch: Told, dice: random.Random) -> Told:
    return dice.choices(stretch, k=len(stretch) // 2) if stretch[0].kind == "ingest" else []


def _at(record: Record, at: int) -> Record:
    return msgspec.structs.replace(record, received_at=at)


def replay(case: Case, told: Told, acted_on: dict[int, str] | None = None) -> list[Document]:
    """The incidents that come of it, L after the last body. `acted_on`: by record, an alert of the incident
    that a person moved; the ids of incidents are of the record that opened them, and so of the order."""
    fold = Fold(parse, VERSION)
    for draft in configuration(case.catalogue, None):
        fold.engine.state.seq = -1
        fold.apply(Record(0, told[0].received_at, draft.kind, draft.source, draft.payload))
    for number, record in enumerate(told, 1):
        if record.kind == "transition" and acted_on is not None:
            record = _as_named_here(fold, record, acted_on)
        fold.apply(msgspec.structs.replace(record, seq=number))
    fold.advance(told[-1].received_at + L)
    return fold.incidents()


def _as_named_here(fold: Fold, record: Record, acted_on: dict[int, str]) -> Record:
    """The same transition with the id that its incident has here. The first replay says by which alert."""
    content, state = json.loads(record.payload), fold.engine.state
    if record.seq not in acted_on:
        acted_on[record.seq] = min(state.incidents[content["incident"]].members)
    content["incident"] = state.episodes[acted_on[record.seq]].incident
    return msgspec.structs.replace(record, payload=json.dumps(content).encode())


def grouping(incidents: list[Document]) -> Grouping:
    """Of each incident: alerts with their states, its state, origin and severity. Not ids, and no time that
    depends on when something was told."""
    rows = []
    for incident in incidents:
        alerts = sorted((row["episode"], row["status"]) for row in incident["alerts"])
        origin = (incident["origin"] or {"service": None})["service"]
        rows.append((alerts, incident["status"], origin, incident["severity"]))
    return sorted(rows, key=lambda row: row[0])


def whole(incidents: list[Document]) -> Grouping:
    """With the ends of alerts, terms of the origin and findings: what one moment leaves no choice in."""
    rows = []
    for incident in incidents:
        alerts = sorted((row["episode"], row["status"], row["ends_at"] or "") for row in incident["alerts"])
        findings = sorted(json.dumps({**one, "id": ""}, sort_keys=True) for one in incident["findings"])
        rows.append((alerts, incident["status"], incident["origin"], incident["severity"], findings))
    return sorted(rows, key=lambda row: row[0])


def shuffled(case: Case, seeds: range, say: Callable[[int], None]) -> Differs | None:
    """The first that differs. `say` is called after each, with how many there were."""
    acted_on: dict[int, str] = {}
    recorded = [one for stretch in case.stretches for one in stretch]
    as_recorded = grouping(replay(case, recorded, acted_on))
    in_order = replay(case, at_once(case, None), acted_on)
    if grouping(in_order) != as_recorded:
        return Differs(seeds.start, "in order, at one moment", as_recorded, grouping(in_order))
    expected = whole(in_order)
    for done, seed in enumerate(seeds, 1):
        found = whole(replay(case, at_once(case, random.Random(seed)), acted_on))
        if found != expected:
            return Differs(seed, "at one moment", expected, found)
        slow = grouping(replay(case, late(case, random.Random(seed)), acted_on))
        if slow != as_recorded:
            return Differs(seed, "late", as_recorded, slow)
        say(done)
    return None


def shown(found: Grouping) -> Iterator[str]:
    for number, (alerts, status, origin, severity, *findings) in enumerate(found, 1):
        yield f"  {number}. {severity} {status}, origin {origin}"
        yield from (f"       {' '.join(map(str, alert))}" for alert in alerts)
        yield from (f"       finding {one}" for one in (findings[0] if findings else ()))


def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="python -m tests.replay.shuffles", description=__doc__)
    options.add_argument("--count", type=int, default=1_000, help="shuffles of each case (1000)")
    options.add_argument("--seed", type=int, default=1, help="of the first one; each has the next (1)")
    options.add_argument("--case", help="one case alone, by its folder's name")
    chosen = options.parse_args(arguments)
    rows = []
    for case in cases():
        if chosen.case not in (None, case.name):
            continue
        differs = shuffled(
            case, range(chosen.seed, chosen.seed + chosen.count), _progress(case, chosen.count)
        )
        if differs is not None:
            print(_complaint(case, differs))
            return 1
        rows.append([case.name, str(sum(map(len, case.stretches))), str(chosen.count), str(chosen.count)])
    if not rows:
        options.error(f"no case {chosen.case!r}; there are {', '.join(one.name for one in cases())}")
    print(render(("case", "records", "shuffles", "same"), rows))
    return 0


def _progress(case: Case, count: int) -> Callable[[int], None]:
    """A line that counts, in a terminal; else one at the end of each case."""
    alive = sys.stderr.isatty()

    def say(done: int) -> None:
        if alive or done == count:
            start, end = "\r" if alive else "", "\n" if done == count else ""
            sys.stderr.write(f"{start}{case.name}: {done:,} of {count:,}{end}")
            sys.stderr.flush()

    return say


def _complaint(case: Case, differs: Differs) -> str:
    again = f"python -m tests.replay.shuffles --case {case.name} --seed {differs.seed} --count 1"
    lines = [f"{case.name}: seed {differs.seed}, told {differs.way}, is grouped otherwise. Again: {again}"]
    lines += ["As recorded:", *shown(differs.expected), "Shuffled:", *shown(differs.found)]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
