"""Statements that change columns, constraints and indexes of a table that is in use, and hold others up."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.rules.rule import Level
from core.risk.rules.sql.ddl import (
    Tokens,
    actions_of,
    added_columns,
    created_index,
    in_row,
    keys,
    name_at,
    outer,
)
from core.risk.rules.sql.migration import Hit, Made, Migration
from core.risk.rules.sql.statements import Statement
from core.words import word_set

_SERIAL = word_set("SERIAL BIGSERIAL SMALLSERIAL SERIAL2 SERIAL4 SERIAL8")
_VOLATILE = word_set(
    "RANDOM GEN_RANDOM_UUID GEN_RANDOM_BYTES UUID_GENERATE_V1 UUID_GENERATE_V1MC UUID_GENERATE_V4 UUIDV4 "
    "UUIDV7 CLOCK_TIMESTAMP TIMEOFDAY NEXTVAL"
)
# Types to which a shorter text of the same kind becomes without a rewrite.
_WIDER = frozenset({"TEXT", "VARCHAR"})


def check(migration: Migration, made: Made) -> Iterator[Hit]:
    """What holds others up, of tables that the change does not make itself."""
    statements = migration.statements
    if migration.dialect == "other":
        yield from _of_program(migration, made) if migration.kind == "efcore" else ()
        return
    checked = _checked(migration)
    for _, alter, action in actions_of(statements):
        if alter.table not in made.tables:
            yield from _action(migration, alter.table, action, checked)
    if migration.dialect == "postgres":
        for one in statements:
            yield from _index(one, made)


def _of_program(migration: Migration, made: Made) -> Iterator[Hit]:
    """SQL Server and SQLite refuse it as the others do; what else they wait for is not known here."""
    for _, alter, action in actions_of(migration.statements):
        if alter.table not in made.tables:
            for column in added_columns(action):
                yield from _column(migration, alter.table, column)


def _action(migration: Migration, table: str, action: Tokens, checked: frozenset[str]) -> Iterator[Hit]:
    for column in added_columns(action):
        yield from _column(migration, table, column)
    if migration.dialect == "postgres":
        yield from _constraint(table, action, action[0].line)
        yield from _alter_column(table, action, checked)


def _column(migration: Migration, table: str, column: Tokens) -> Iterator[Hit]:
    name, line = column[0].text, column[0].line
    plain = outer(column)
    found = keys(plain)
    if migration.dialect == "postgres" and (volatile := _volatile(column, found)):
        yield Hit("sql-volatile-default", line, f"Writes every row of {table} anew: {name} {volatile}.")
    elif in_row(plain, "NOT", "NULL") and not _has_default(plain):
        level: Level | None = None if migration.dialect == "postgres" else "medium"
        yield Hit(
            "sql-not-null", line, f"Adds the required column {name} to {table} without a default.", level
        )
    if migration.dialect == "postgres" and ("UNIQUE" in found[1:] or in_row(plain[1:], "PRIMARY", "KEY")):
        yield Hit(
            "sql-unique-constraint", line, f"Builds the unique index of {name} while {table} is locked."
        )


def _volatile(column: Tokens, plain: tuple[str, ...]) -> str:
    if any(key in _SERIAL for key in plain[1:3]):
        return "is a serial"
    if "GENERATED" in plain and ("STORED" in plain or "IDENTITY" in plain):
        return "is generated"
    after = keys(column)[plain.index("DEFAULT") + 1 :] if "DEFAULT" in plain else ()
    called = next((key for key in after if key in _VOLATILE), "")
    return f"defaults to {called.lower()}()" if called else ""


def _has_default(plain: Tokens) -> bool:
    found = keys(plain)
    if "DEFAULT" not in found:
        return bool(set(found) & ({"GENERATED", "AUTO_INCREMENT", "AS"} | _SERIAL))
    return not in_row(plain, "DEFAULT", "NULL")


def _constraint(table: str, action: Tokens, line: int) -> Iterator[Hit]:
    plain = keys(outer(action))
    if plain[:1] != ("ADD",) or added_columns(action):
        return
    if "USING" in plain and "INDEX" in plain:
        return
    kind = next((key for key in plain if key in ("UNIQUE", "PRIMARY", "EXCLUDE", "FOREIGN", "CHECK")), "")
    if kind in ("UNIQUE", "PRIMARY", "EXCLUDE"):
        yield Hit("sql-unique-constraint", line, f"Builds the index of a constraint while {table} is locked.")
    elif kind and not in_row(outer(action), "NOT", "VALID"):
        what = "foreign key" if kind == "FOREIGN" else "check"
        yield Hit(
            "sql-constraint-scan", line, f"Adds a {what} to {table} and reads all rows while writes wait."
        )


def _alter_column(table: str, action: Tokens, checked: frozenset[str]) -> Iterator[Hit]:
    if action[0].key != "ALTER":
        return
    name, at = name_at(action, 2 if len(action) > 1 and action[1].key == "COLUMN" else 1)
    rest, line = keys(action[at:]), action[0].line
    if rest[:3] == ("SET", "NOT", "NULL") and table not in checked:
        yield Hit("sql-set-not-null", line, f"Reads all rows of {table} under a lock to require {name}.")
    of = 1 if rest[:1] == ("TYPE",) else 3 if rest[:3] == ("SET", "DATA", "TYPE") else 0
    if of and not _only_wider(rest[of:]):
        yield Hit(
            "sql-column-type", line, f"Changes the type of {table}.{name}, which may write the table anew."
        )


def _only_wider(kind: tuple[str, ...]) -> bool:
    return bool(kind) and kind[0] in _WIDER and "USING" not in kind and "(" not in kind


def _checked(migration: Migration) -> frozenset[str]:
    """Tables of which the migration validates a check, or drops the one that stood for NOT NULL."""
    found = set()
    for _, alter, action in actions_of(migration.found.statements):
        verb = keys(action[:2])
        dropped = verb == ("DROP", "CONSTRAINT") and "null" in name_at(action, 2)[0]
        if dropped or verb == ("VALIDATE", "CONSTRAINT"):
            found.add(alter.table)
    return frozenset(found)


def _index(one: Statement, made: Made) -> Iterator[Hit]:
    index = created_index(one)
    if index and not index.concurrently and not index.only and index.table not in made.tables:
        yield Hit("sql-index-blocks", one.line, f"Builds an index on {index.table} while writes wait.")
    if one.starts("DROP", "INDEX") and "CONCURRENTLY" not in keys(one.tokens[:3]):
        name = name_at(one.tokens, 2)[0]
        if name not in made.indexes:
            yield Hit(
                "sql-drop-index", one.line, f"Drops the index {name} while every query of its table waits."
            )
