"""What `rules check` says: every fault of rule files at once, then what works but may not be meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import typer

from core.errors import InputError, RuleError
from core.model.catalogue import parse_catalogue
from core.narrative.plain import one_line
from core.rules.advice import catalogue_advice, rules_advice
from core.rules.loader import overlay, parse_rules, rule_problems
from watchkeeper.cli.output import print_json
from watchkeeper.clock import SystemClock
from watchkeeper.files import builtin_rules, read_text
from watchkeeper.settings import load_settings

_YAML = (".yaml", ".yml")
_LONGEST = 1_000


class Found(NamedTuple):
    """`files` were looked at; `problems` would keep them out of force, `warnings` would not."""

    files: list[str]
    problems: list[InputError]
    warnings: list[str]


def check(paths: list[Path], directory: Path | None, catalogue: Path | None, as_json: bool) -> NoReturn:
    """Ends with 0 or 1. Raises InputError (exit 2) for a path that is not there."""
    settings = load_settings(rules=directory, catalogue=catalogue)
    given = paths or [path for path in (settings.rules,) if path is not None]
    found = examine(given, settings.catalogue)
    if as_json:
        print_json(_document(found))
    else:
        for line in _lines(found):
            typer.echo(line)
    raise typer.Exit(1 if found.problems else 0)


def examine(paths: list[Path], catalogue: Path | None) -> Found:
    """Of rule files and directories of them, and a catalogue. Raises InputError."""
    warnings: list[str] = []
    unread: list[InputError] = []
    own: dict[str, str] = {}
    for path in paths:
        own |= _read(path, warnings, unread)
    base, files = builtin_rules(), [*own, *(error.where for error in unread)]
    problems: list[InputError] = [*unread, *rule_problems(base, own)]
    if not problems:
        in_force, now = parse_rules(overlay(base, own)), SystemClock().now()
        warnings += rules_advice(in_force, parse_rules(base), own, now)
    if catalogue is not None:
        files.append(str(catalogue))
        try:
            graph = parse_catalogue(read_text(catalogue, "catalogue"), str(catalogue))
        except InputError as error:
            problems.append(error)
        else:
            warnings += catalogue_advice(graph, str(catalogue))
    return Found(files, problems, warnings)


def _read(path: Path, warnings: list[str], unread: list[InputError]) -> dict[str, str]:
    """The rule files at `path`, by name; of a directory also what is left out. What is there and cannot be
    read goes to `unread`."""
    if not path.is_dir():
        return _texts([path], unread)
    inside = sorted(path.iterdir())
    mine = [one for one in inside if one.suffix in _YAML]
    others = [one for one in inside if one.suffix not in _YAML and not one.name.startswith(".")]
    warnings += [f"{one}: not read, its name does not end in .yaml" for one in others if one.is_file()]
    if not mine:
        raise RuleError("no rule files in it", where=str(path), mend="Add files ending in .yaml")
    return _texts(mine, unread)


def _texts(files: list[Path], unread: list[InputError]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in files:
        try:
            found[str(one)] = read_text(one, "rule file")
        except InputError as error:
            if not one.exists():
                raise
            unread.append(error)
    return found


def _lines(found: Found) -> Iterator[str]:
    yield from (f"problem  {one_line(str(problem), _LONGEST)}" for problem in found.problems)
    yield from (f"warning  {one_line(warning, _LONGEST)}" for warning in found.warnings)
    files = _counted(len(found.files), "file") if found.files else "the built-in rules"
    yield f"{files}: {_counted(len(found.problems), 'problem')}, {_counted(len(found.warnings), 'warning')}"


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _document(found: Found) -> dict[str, Any]:
    problems = [{"where": one.where, "what": one.what, "mend": one.mend} for one in found.problems]
    return {"files": found.files, "problems": problems, "warnings": found.warnings}
