"""Pipelines of YAML as the jobs, stages and steps that they name, each by the names that it stands under."""

from __future__ import annotations

from typing import Any, NamedTuple

from core.risk.rules.yamldocs import Map, Row, documents, line_of, map_at

# How deep jobs stand in a pipeline, and how many of them are looked at.
_DEEPEST, _MOST = 14, 5_000
_LONGEST = 20_000


class Job(NamedTuple):
    """A map of a pipeline that has a name: a job, a stage, a step. `within`: names of the maps around it."""

    name: str
    row: Map
    line: int
    within: tuple[str, ...]


Jobs = dict[tuple[str, ...], Job]


def pipeline_of(text: str) -> Map:
    """All documents of a text as one, those of Drone under their numbers."""
    whole = Map()
    for number, document in enumerate(documents(text) or ()):
        whole.update(map_at(document) if not number else {str(number): map_at(document)})
        whole.lines.update(document.lines if not number and isinstance(document, Map) else {})
    return whole


def jobs_of(pipeline: Map) -> dict[tuple[str, ...], Job]:
    """Every map of it by the names that it stands under; of several alike the first."""
    found: dict[tuple[str, ...], Job] = {}
    waiting: list[tuple[tuple[str, ...], Any, int]] = [((), pipeline, 1)]
    while waiting and len(found) < _MOST:
        path, value, line = waiting.pop()
        if len(path) > _DEEPEST:
            continue
        if isinstance(value, Map):
            if path:
                found.setdefault(path, Job(path[-1], value, line, path[:-1]))
            waiting += [((*path, key), one, line_of(value, key)) for key, one in value.items()]
        elif isinstance(value, Row):
            rows = zip(value, value.lines, strict=False)
            waiting += [((*path, _named(row, at)), row, start) for at, (row, start) in enumerate(rows)]
    return found


def _named(row: Any, number: int) -> str:
    """What a row of a list is called: by its name, else what it runs, else its place."""
    if isinstance(row, Map):
        for key in (
            "job",
            "stage",
            "deployment",
            "name",
            "label",
            "key",
            "script",
            "command",
            "bash",
            "task",
        ):
            if isinstance(row.get(key), str):
                return f"{key} {row[key][:200]}"
        if len(row) == 1:
            return f"only {next(iter(row))}"
    return f"row {number}" if isinstance(row, Map) else ""


def text_of(value: Any) -> str:
    """The words of a value, cut."""
    parts: list[str] = []
    waiting = [value]
    while waiting and len(parts) < 500:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += list(one.values())
        elif isinstance(one, list):
            waiting += one
        elif one is not None:
            parts.append(str(one)[:2_000])
    return "\n".join(reversed(parts))[:_LONGEST]
