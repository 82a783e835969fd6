"""Schemas of Avro: what readers of the old form can no longer read, and the new form of old data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Match, RiskRule, quoted
from core.risk.rules.touched import ending, fresh, gone, judged, once, place_of, shown

wanted = ending(".avsc")
_MAX_TEXT = 1_000_000
_DEEPEST = 40
# What a reader of the second reads of the first.
_PROMOTED = frozenset(
    (
        ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"),
        ("float", "double"), ("string", "bytes"), ("bytes", "string"),
    )
)  # fmt: skip


def _find(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        before, after = _read(file.before), _read(file.after)
        for name, old in before.items():
            new = after.get(name)
            if new is not None:
                yield from _compared(file, name, old, new)


def _read(text: str | None) -> dict[str, dict[str, Any]]:
    """Records and enums by their names."""
    try:
        schema = json.loads(text) if text and len(text) <= _MAX_TEXT else None
    except (ValueError, RecursionError):
        return {}
    found: dict[str, dict[str, Any]] = {}
    left: list[tuple[Any, int]] = [(schema, 0)]
    while left:
        one, depth = left.pop()
        if isinstance(one, dict) and depth < _DEEPEST:
            if one.get("type") in ("record", "enum") and isinstance(one.get("name"), str):
                found.setdefault(one["name"].rpartition(".")[2], one)
            left += [(one[key], depth + 1) for key in ("type", "items", "values", "fields") if key in one]
        elif isinstance(one, list):
            left += [(row, depth + 1) for row in one]
    return found


def _compared(file: TouchedFile, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Match]:
    if "enum" in (old.get("type"), new.get("type")):
        lost = [one for one in _texts(old.get("symbols")) if one not in _texts(new.get("symbols"))]
        if lost and "default" not in new:
            what = f"{quoted(name)} loses {quoted(lost[0])}: data that holds it can no longer be read."
            yield _match(file, what, "Keep it, or give the enum a default that takes its place", lost[0])
        return
    was, now = _fields(old), _fields(new)
    aliases = {alias for field in now.values() for alias in _texts(field.get("aliases"))}
    for key, field in was.items():
        if key not in now and key not in aliases and "default" not in field:
            what = f"{quoted(f'{name}.{key}')} is removed and had no default: readers of the old form fail."
            yield _match(file, what, "Give it a default first, and remove it when every reader has that", key)
    for key, field in now.items():
        kept = was.get(key) or next((was[one] for one in _texts(field.get("aliases")) if one in was), None)
        if kept is None and "default" not in field:
            what = f"{quoted(f'{name}.{key}')} is new and has no default: data of the old form can't be read."
            yield _match(file, what, "Give it a default", key)
        elif kept is not None and not _reads(kept.get("type"), field.get("type")):
            what = f"{quoted(f'{name}.{key}')} has another type: data of the old form can't be read."
            yield _match(file, what, "Add a field with another name for the new form", key)


def _fields(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows = record.get("fields")
    named = (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return {row["name"]: row for row in named if isinstance(row.get("name"), str)}


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _reads(old: Any, new: Any) -> bool:
    """Whether every kind of the old type is one of the new; what is defined below is compared by its name."""
    kinds = [_kind(one) for one in (new if isinstance(new, list) else [new])]
    return all(
        (was := _kind(one)) in kinds or any((was, now) in _PROMOTED for now in kinds)
        for one in (old if isinstance(old, list) else [old])
    )


def _kind(one: Any, depth: int = 0) -> str:
    if isinstance(one, dict) and depth < _DEEPEST:
        if one.get("type") in ("array", "map"):
            inner = one.get("items", one.get("values"))
            return (
                f"{one['type']} of {_kind(inner, depth + 1)}"
                if not isinstance(inner, list)
                else str(one["type"])
            )
        return str(one.get("name") or one.get("type")).rpartition(".")[2]
    return one.rpartition(".")[2] if isinstance(one, str) else ""


def _match(file: TouchedFile, what: str, clears: str, word: str) -> Match:
    """Where the word stands among the lines that are new, else where it stood."""
    for line in fresh(file):
        if f'"{word}"' in line.text:
            return Match("avro-incompatible", "high", what, clears, file.path, line.number, shown(line.text))
    lost = next((line for line in gone(file) if f'"{word}"' in line.text), None)
    place, evidence = (place_of(file, lost.number), shown(lost.text)) if lost else (0, shown(word))
    return Match("avro-incompatible", "high", what, clears, file.path, place, evidence)


rules: tuple[RiskRule, ...] = (
    RiskRule(
        "avro-incompatible",
        "Data of another form of an Avro schema can no longer be read",
        "What was written before stays in the topic, and readers are never changed all at once.",
        "Apache Avro, Schema resolution: https://avro.apache.org/docs/1.12.0/specification/#schema-resolution",
        once(_find)("avro-incompatible"),
        wanted,
    ),
)
