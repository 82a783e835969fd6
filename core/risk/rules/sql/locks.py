"""The migrations of a change, read and judged.

A change is read once, whatever the number of rules. Tables and indexes that the change makes itself are free:
nobody uses them yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet
from core.risk.rules.rule import Match, quoted
from core.risk.rules.sql import access as sql_access
from core.risk.rules.sql import columns as sql_columns
from core.risk.rules.sql import data as sql_data
from core.risk.rules.sql import together as sql_together
from core.risk.rules.sql.catalogue import BY_ID
from core.risk.rules.sql.django_models import settled
from core.risk.rules.sql.edited import edited
from core.risk.rules.sql.frameworks import migrations_of
from core.risk.rules.sql.migration import Hit, Made, Migration, made_by

# The change that was read last, and what was found: every rule asks for the same one.
_LAST: list[tuple[ChangeSet, tuple[Match, ...]]] = []


def sql_matches(change: ChangeSet) -> tuple[Match, ...]:
    """All matches of the rules of migrations but those of other programs, by file and line."""
    last = _LAST[:1]
    if last and last[0][0] is change:
        return last[0][1]
    found = tuple(_matches(change))
    _LAST[:] = [(change, found)]
    return found


def _matches(change: ChangeSet) -> Iterator[Match]:
    migrations = migrations_of(change)
    made = made_by(migrations)
    for number, migration in enumerate(migrations):
        found = settled(change, migration, list(set(_hits(migration, made, number))))
        hits = sorted(found, key=lambda hit: (hit.line, hit.rule, hit.what))
        yield from (_match(hit, migration.path, migration.text_at(hit.line)) for hit in hits)
    for file, hit, text in edited(change):
        yield _match(hit, file.path, text)


def _hits(migration: Migration, made: Made, number: int) -> Iterator[Hit]:
    yield from sql_columns.check(migration, made)
    yield from sql_data.check(migration, made, number)
    yield from sql_together.check(migration, made)
    yield from sql_access.check(migration, made)
    touched = migration.touched
    for hit in migration.found.hits:
        if (touched is None or hit.line in touched) and hit.table not in made.tables:
            yield hit
    if migration.found.cut:
        yield Hit("sql-unread", 0, "This migration was not read as a whole.")
    opened = migration.found.opened
    if opened and (touched is None or any(line >= opened for line in touched)):
        yield Hit(
            "sql-unread", opened, "A quote or comment begins here and never ends: nothing after it is read."
        )


# What readers write where a name is only known when the migration runs.
_UNNAMED = re.compile(r"(?:\bthe table )?\bunknown_(table|value|index|name|model)\b")
_SPOKEN = {"index": "that is named at run time", "name": "that is named at run time"}


def _match(hit: Hit, path: str, text: str) -> Match:
    danger = BY_ID[hit.rule]
    what = _UNNAMED.sub(lambda found: _SPOKEN.get(found[1], "a table named at run time"), hit.what)
    return Match(
        hit.rule,
        hit.level or danger.level,
        quoted(what),
        hit.clears or danger.clears,
        path,
        hit.line,
        quoted(text[:2_000]),
    )
