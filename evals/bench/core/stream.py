"""What the engine is told: open alerts first, then the four workloads; and its configuration."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import orjson

from core.config import Config, apply_config, config_draft
from core.errors import InputError
from core.journal import Record
from core.times import HOUR, MINUTE
from evals.bench.alerts import Told, api_v2_body, catalogue
from evals.bench.fold import START
from evals.bench.plan import ALERTS_A_RECORD, Workload
from watchkeeper import files

_SEED = 20261121
# A workload tells of a fifth of what is open, and never more than this.
_PART, _MOST = 5, 20_000
# Nothing ends by silence while the bench runs.
_LEASE = 6 * HOUR
# However many they are, all open alerts are told within this time, and a workload too.
_SPAN = MINUTE
_RULE = "inhibition"


def told_at_first(opened: int) -> Iterator[Told]:
    return (Told(number, START, START) for number in range(opened))


def workload(name: Workload, opened: int, services: int, at: int) -> list[Told]:
    """The same each time. Workloads take different alerts, spread over all services.

    What the mix and the ends take away is brought back by the new ones, so that about as much stays open.
    """
    part = min(opened // _PART, _MOST)
    numbers = random.Random(_SEED).sample(range(opened), 3 * part)
    refreshed, mixed, ended = numbers[:part], numbers[part : 2 * part], numbers[2 * part :]
    match name:
        case "new":
            return [_new(number, opened, services, at) for number in ended]
        case "refresh":
            return [Told(number, START, at) for number in refreshed]
        case "resolve":
            return [Told(number, START, at, firing=False) for number in ended]
        case "mix":
            return [_mixed(turn, number, opened, services, at) for turn, number in enumerate(mixed)]


def _mixed(turn: int, number: int, opened: int, services: int, at: int) -> Told:
    match turn % 10:
        case 0:
            return _new(number, opened, services, at)
        case 1:
            return Told(number, START, at, firing=False)
    return Told(number, START, at)


def _new(number: int, opened: int, services: int, at: int) -> Told:
    """An alert not seen before on the service of alert `number`."""
    beyond = -(-opened // services) * services
    return Told(number + beyond, at, at)


def records(told: Iterable[Told], services: int, seq: int, at: int, total: int) -> Iterator[Record]:
    """Of 64 alerts each, evenly over a minute of event time."""
    step = max(1, _SPAN * ALERTS_A_RECORD // max(1, total))
    for position, batch in enumerate(_batches(told)):
        payload = api_v2_body(batch, services, _LEASE)
        yield Record(seq + position, at + min(position * step, _SPAN), "ingest", "prometheus", payload)


def _batches(told: Iterable[Told]) -> Iterator[list[Told]]:
    batch: list[Told] = []
    for one in told:
        batch.append(one)
        if len(batch) == ALERTS_A_RECORD:
            yield batch
            batch = []
    if batch:
        yield batch


@cache
def configured(services: int, inhibitions: int) -> Config:
    """What a server's journal begins with, the catalogue, and so many inhibitions.

    Raises InputError where the bundle has no such rule.
    """
    config = Config()
    drafts = [*files.configuration(None, None), config_draft("catalogue", catalogue(services))]
    if inhibitions:
        drafts.append(config_draft("rules", with_inhibitions(files.rules_content(None), inhibitions)))
    for draft in drafts:
        apply_config(config, Record(0, START, draft.kind, draft.source, draft.payload))
    return config


def with_inhibitions(content: dict[str, Any], count: int) -> dict[str, Any]:
    """The rules document with `count` rules of inhibition in place of the shipped ones."""
    names = [name for name in content["files"] if name.endswith(f"-{_RULE}.yaml")]
    if not names:
        raise InputError("the rules in force have no inhibition", where="bench", mend="Give --inhibitions 0")
    rule = {"rule": _RULE, "summary": "Made for the bench.", "inhibitions": inhibitions_of(count)}
    # JSON is YAML.
    return {**content, "files": {**content["files"], names[0]: orjson.dumps(rule).decode()}}


def inhibitions_of(count: int) -> Sequence[dict[str, Any]]:
    """A critical alert over all warnings of its cluster: the first six about names that fire, the others
    about names that do not."""
    names = ["HighErrorRate", "HighLatency", "PodCrashLooping", "QueueBacklog", "DiskFillingUp", "TargetDown"]
    names += [f"Unheard{number:03d}" for number in range(len(names), count)]
    return [
        {
            "name": f"bench-{name.lower()}",
            "source": [f'alertname="{name}"', 'severity="critical"'],
            "target": ['severity="warning"'],
            "equal": ["cluster", "environment"],
        }
        for name in names[:count]
    ]
