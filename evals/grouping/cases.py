"""Reading cases: a folder with `events.jsonl`, `catalog.yaml` and `truth.json`, or a folder of such folders.

An *alert* here is a set of labels: told again, it is the same one, and it counts once, with the line that
told it first. Everything wrong in a file is an InputError that names the file and the line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from core.canonical import canonical_json
from core.errors import InputError
from core.model.catalogue import parse_catalogue
from core.times import parse_rfc3339
from watchkeeper.files import read_text

EVENTS, CATALOGUE, TRUTH = "events.jsonl", "catalog.yaml", "truth.json"
# Of an alert, the label that names its service: the first that is there.
SERVICE_LABELS = ("service", "app", "app_kubernetes_io_name", "job")
Place = tuple[int, int]


class Fault(msgspec.Struct, frozen=True):
    """Where a true incident comes from: its cluster and the services that were broken."""

    cluster: str = ""
    services: tuple[str, ...] = ()


class Truth(msgspec.Struct, frozen=True):
    """`lines`: the true incident of each line's alerts. `origins`: of the incidents that have one."""

    lines: dict[int, str]
    origins: dict[str, Fault] = {}


class Alert(NamedTuple):
    """As it was told first: `line` is 1-based, times in ms UTC."""

    line: int
    labels: Mapping[str, str]
    delivered_at: int
    starts_at: int

    @property
    def service(self) -> str:
        return next((self.labels[name] for name in SERVICE_LABELS if self.labels.get(name)), "")

    @property
    def cluster(self) -> str:
        return self.labels.get("cluster", "")


class Case(NamedTuple):
    """`alerts` and `incidents` (the truth) have the same keys; `keys` says which alert is told where (line,
    index); `delivered` when each line came; `calls` who depends on whom."""

    name: str
    folder: Path
    alerts: dict[str, Alert]
    incidents: dict[str, str]
    keys: dict[Place, str]
    delivered: dict[int, int]
    faults: dict[str, Fault]
    calls: dict[str, tuple[str, ...]]


def find_cases(folder: Path) -> list[Path]:
    """Folders of cases, by name. Raises InputError when there are none."""
    if folder.is_file():
        mend = f"Give the directory that holds {_NEEDED}"
        raise InputError("a file, not a directory", where=str(folder), mend=mend)
    if not folder.is_dir():
        raise InputError("no such directory", where=str(folder), mend=f"Give one that holds {_NEEDED}")
    if (folder / EVENTS).exists() or (folder / TRUTH).exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{EVENTS}"))
    if not found:
        raise InputError("no cases in it", where=str(folder), mend=f"A case is a folder with {_NEEDED}")
    return found


_NEEDED = f"{EVENTS}, {CATALOGUE} and {TRUTH}"


def read_case(folder: Path) -> Case:
    """Raises InputError, CatalogueError."""
    truth = _truth(folder / TRUTH)
    catalogue = parse_catalogue(read_text(folder / CATALOGUE, "catalogue"), str(folder / CATALOGUE))
    alerts: dict[str, Alert] = {}
    incidents: dict[str, str] = {}
    keys: dict[Place, str] = {}
    delivered: dict[int, int] = {}
    for line, at, told in _lines(folder / EVENTS):
        delivered[line] = at
        for index, (labels, starts_at) in enumerate(told):
            key = keys[line, index] = canonical_json(labels).decode()
            if line in truth.lines and key not in alerts:
                alerts[key] = Alert(line, labels, at, at if starts_at is None else starts_at)
                incidents[key] = truth.lines[line]
    _refuse_strays(folder / TRUTH, truth, keys)
    calls: dict[str, tuple[str, ...]] = {}
    for service in catalogue.services:
        calls[service.name] = (*calls.get(service.name, ()), *service.depends_on)
    return Case(folder.name, folder, alerts, incidents, keys, delivered, dict(truth.origins), calls)


def _truth(path: Path) -> Truth:
    try:
        truth = msgspec.json.decode(read_text(path, "truth"), type=Truth)
    except msgspec.DecodeError as error:
        mend = 'Write {"lines": {"1": "incident"}, "origins": {"incident": {"cluster": "", "services": []}}}'
        raise InputError(str(error), where=str(path), mend=mend) from None
    if not truth.lines:
        raise InputError("`lines` is empty", where=str(path), mend="Say the incident of at least one line")
    return truth


def _refuse_strays(path: Path, truth: Truth, keys: Mapping[Place, str]) -> None:
    strays = sorted(truth.lines.keys() - {line for line, _ in keys})
    if strays:
        shown = ", ".join(map(str, strays[:5])) + (" and more" if len(strays) > 5 else "")
        what = f"`lines` names {shown}: no such line in {EVENTS} tells an alert"
        raise InputError(what, where=str(path), mend="Lines count from 1")


def _lines(path: Path) -> Iterator[tuple[int, int, list[tuple[dict[str, str], int | None]]]]:
    """Each line's number, time, and what it tells of alerts: labels and start."""
    for number, text in enumerate(read_text(path, "events").split("\n"), 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            yield number, parse_rfc3339(line["at"]), [_alert(one) for one in _told(line.get("body"))]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            what = f"not an event with `at` and alerts that have `labels` ({type(error).__name__}: {error})"
            mend = "Alertmanager's webhook and API v2 are read"
            raise InputError(what, where=f"{path}: line {number}", mend=mend) from None


def _told(body: Any) -> list[Any]:
    """The alerts of a webhook or of API v2; none of what is neither, such as a change."""
    if isinstance(body, list):
        return [one for one in body if "labels" in one]
    return list(body.get("alerts", ())) if isinstance(body, dict) else []


def _alert(one: Any) -> tuple[dict[str, str], int | None]:
    labels = {str(name): str(value) for name, value in one["labels"].items()}
    starts = one.get("startsAt")
    return labels, parse_rfc3339(starts) if starts else None
