"""What a changed field of Django becomes, told by its model before and after: an index, a unique value.

`AlterField` says the new field alone. Where the change holds the lines of the model, what is new is known.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.sql.migration import Hit, Migration
from core.risk.rules.sql.python import argument, called, constant, tree_of, words
from core.risk.rules.touched import fresh, gone, is_comment

_SETTLED = "sql-alter-field"
_UNIQUE = re.compile(r"\bunique\s*=\s*True\b|\bOneToOneField\s*\(")
_INDEXED = re.compile(r"\bdb_index\s*=\s*True\b")
# A field on one line, and what one on several says on a line of its own.
_FIELD = re.compile(r"\s*(\w{1,100})\s*(?::[^=]{1,100})?=\s*\w")
_ALONE = re.compile(r"\s*(?:unique|db_index)\s*=\s*\w+\s*,?\s*\)?\s*$")
_CLEARS = "Put the index into the model's Meta, and build it with AddIndexConcurrently and atomic = False"


def settled(change: ChangeSet, migration: Migration, hits: list[Hit]) -> list[Hit]:
    """The hits, with what a changed field is now in the place of what it may be."""
    lines = {hit.line for hit in hits if hit.rule == _SETTLED}
    if migration.kind != "django" or not lines or migration.dialect == "mysql":
        return hits
    found = {line: hit for line, hit in _new(change, migration) if line in lines}
    kept = [hit for hit in hits if hit.rule != _SETTLED or hit.line not in found]
    return [*kept, *(hit for hit in found.values() if hit is not None)]


def _new(change: ChangeSet, migration: Migration) -> Iterator[tuple[int, Hit | None]]:
    """The lines of fields that are known, each with its danger; None for one that was unique before, of
    which only words change."""
    tree = tree_of("\n".join(migration.lines))
    models = [file for file in change.files if _holds_models(file, migration.path)]
    if tree is None or not models:
        return
    now, now_alone = _said([line.text for file in models for line in fresh(file)])
    was, was_alone = _said([line.text for file in models for line in gone(file)])
    altered = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and called(one) == "AlterField"]
    for call in altered:
        field, asked = words(argument(call, 1, "name")), argument(call, 2, "field")
        place = f"{words(argument(call, 0, 'model_name')).lower()}.{field}"
        if not isinstance(asked, ast.Call):
            continue
        if field in now and field in was:
            yield from _told(call.lineno, place, asked, was[field], now[field])
        elif field not in now and field not in was and len(altered) == 1:
            # What a line of its own says names no field: it is that of the only one that is altered.
            yield from _told(call.lineno, place, asked, was_alone, now_alone)


def _told(line: int, place: str, asked: ast.Call, old: str, new: str) -> Iterator[tuple[int, Hit | None]]:
    if _says(asked, "unique") and _UNIQUE.search(new):
        what = f"{place} becomes unique: its index is built while writes wait, and fails on doubles."
        yield line, None if _UNIQUE.search(old) else Hit("sql-unique-constraint", line, what)
        return
    indexed = _INDEXED.search(old) or _UNIQUE.search(old)
    if _says(asked, "db_index") and _INDEXED.search(new) and not indexed:
        what = f"Builds an index on {place} while writes wait."
        yield line, Hit("sql-index-blocks", line, what, None, _CLEARS)


def _holds_models(file: TouchedFile, migration: str) -> bool:
    """Models of the same app: `models.py` or a module of `models/` beside `migrations/`."""
    app = migration.rpartition("/")[0].rpartition("/")[0]
    inside = file.path.removeprefix(f"{app}/") if app else file.path
    beside = inside != file.path or not app
    return beside and file.path.endswith(".py") and inside.startswith(("models.", "models/", "models_"))


def _said(lines: list[str]) -> tuple[dict[str, str], str]:
    """Fields that stand on one line, by their names, and what is said on lines of their own."""
    fields, alone = {}, []
    for line in lines:
        if is_comment(line):
            continue
        if _ALONE.match(line):
            alone.append(line)
        elif found := _FIELD.match(line):
            fields[found[1]] = line
    return fields, "\n".join(alone)


def _says(field: ast.Call, option: str) -> bool:
    if option == "unique" and called(field) == "OneToOneField":
        return True
    return any(one.arg == option and constant(one.value) is True for one in field.keywords)
