"""`watchkeeper runbooks`: which runbooks are in force, whose they are, and what one says. Reads files only.

A fault in the operator's directory is the same error that would stop the server: file, key, how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import typer

from core.errors import NotFound
from core.remediation.runbook import Runbook, parse_runbook
from watchkeeper.cli.output import print_json
from watchkeeper.files import builtin_runbooks, runbooks_content
from watchkeeper.settings import load_settings

Origin = Literal["built-in", "own", "replaces the built-in"]


class Row(NamedTuple):
    """A runbook in force, the file that it is in, and whose it is."""

    runbook: Runbook
    file: str
    origin: Origin


def listing(directory: Path | None, as_json: bool) -> None:
    """All runbooks in force, by id. Raises InputError when the directory or a file in it is broken."""
    bundle, rows = in_force(directory)
    if as_json:
        print_json({"bundle": bundle, "runbooks": [_summary(row) for row in rows]})
        return
    for row in rows:
        typer.echo(f"{row.runbook.runbook:<24}  {row.origin}  ({row.file})")
        typer.echo(f"    {row.runbook.summary}")
    typer.echo(f"{len(rows)} runbooks in force, all well formed: {bundle}")


def show(name: str, directory: Path | None, as_json: bool) -> None:
    """One runbook as people read it. Raises NotFound (exit 1) for an id that is not in force."""
    _, rows = in_force(directory)
    found = next((row for row in rows if row.runbook.runbook == name), None)
    if found is None:
        known = ", ".join(row.runbook.runbook for row in rows)
        raise NotFound(f"no runbook {name!r}", mend=f"In force are {known}")
    if as_json:
        body = found.runbook.model_dump(mode="json", exclude_none=True)
        print_json({"file": found.file, "origin": found.origin, **body})
        return
    for line in lines(found):
        typer.echo(line)


def in_force(directory: Path | None) -> tuple[str, list[Row]]:
    """The bundle's name and its runbooks by id; without a directory the one of the settings, if any."""
    content = runbooks_content(load_settings(runbooks=directory).runbooks)
    builtin = builtin_runbooks()
    ids = {parse_runbook(text, file).runbook for file, text in builtin.items()}
    rows = []
    for file, text in content["files"].items():
        runbook = parse_runbook(text, file)
        rows.append(Row(runbook, file, _origin(builtin.get(file) == text, runbook.runbook in ids)))
    return content["bundle"], sorted(rows, key=lambda row: row.runbook.runbook)


def _origin(shipped: bool, known: bool) -> Origin:
    if shipped:
        return "built-in"
    return "replaces the built-in" if known else "own"


def lines(row: Row) -> Iterator[str]:
    """The runbook as plain text, its slots unfilled."""
    runbook = row.runbook
    yield runbook.title
    yield f"{runbook.runbook}, {row.origin} ({row.file})"
    yield runbook.summary
    yield f"Fits when  {'; '.join(_conditions(runbook)) or 'always'}"
    for heading, texts in (("Ask", runbook.questions), ("Look at", runbook.evidence)):
        yield heading
        yield from (f"  - {text}" for text in texts)
    yield "Steps"
    for number, step in enumerate(runbook.steps, 1):
        yield f"  {number}. [{step.action}] {step.text}"
        yield f"     done when: {step.done_when}"


def _conditions(runbook: Runbook) -> Iterator[str]:
    for key, value in runbook.when.model_dump(mode="json", exclude_none=True).items():
        yield f"{key}: {', '.join(value) if isinstance(value, list) else str(value).lower()}"


def _summary(row: Row) -> dict[str, Any]:
    runbook = row.runbook
    return {
        "id": runbook.runbook,
        "title": runbook.title,
        "summary": runbook.summary,
        "file": row.file,
        "origin": row.origin,
        "when": runbook.when.model_dump(mode="json", exclude_none=True),
        "steps": len(runbook.steps),
    }
