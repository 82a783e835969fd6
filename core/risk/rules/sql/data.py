"""Statements that lose rows or columns, break the code that still runs, or lock a whole table."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.rules.rule import Level
from core.risk.rules.sql.conditions import all_rows
from core.risk.rules.sql.ddl import (
    Tokens,
    actions_of,
    added_columns,
    in_row,
    keys,
    name_at,
    names_at,
    outer,
)
from core.risk.rules.sql.migration import Hit, Made, Migration
from core.risk.rules.sql.statements import Statement
from core.words import word_set

_DROPPED = frozenset({"TABLE", "SCHEMA", "DATABASE"})
_NOT_DROPPED_COLUMN = word_set(
    "CONSTRAINT INDEX KEY PRIMARY FOREIGN CHECK PARTITION DEFAULT NOT IDENTITY EXPRESSION PERIOD"
)
_WEAK_LOCKS = (("ACCESS", "SHARE"), ("ROW", "SHARE"), ("ROW", "EXCLUSIVE"))
# `ALTER TABLE … DROP PARTITION p`, and the like, with the rows that it holds.
_PARTS_GONE = (("DROP", "PARTITION"), ("TRUNCATE", "PARTITION"), ("DROP", "SUBPARTITION"), ("DROP", "PART"))


def check(migration: Migration, made: Made, number: int) -> Iterator[Hit]:
    """`number`: in which place of the change the migration stands."""
    statements = migration.statements
    for one in statements:
        yield from _drop(one, made, number)
        yield from _truncate(one, made, number)
        yield from _without_where(one, made)
        if migration.dialect != "other":
            yield from _lock(one, made)
            yield from _rewrite(one, made)
    views = _views(migration)
    for one, alter, action in actions_of(statements):
        if alter.table not in made.tables:
            yield from _lost(alter.table, action, views)
            if migration.dialect == "mysql" and not _online(one):
                yield from _copied(alter.table, action)
    yield from _renamed_tables(statements, made)


def _drop(one: Statement, made: Made, number: int) -> Iterator[Hit]:
    found = keys(one.tokens[:2])
    if one.starts("DROP", "OWNED", "BY") and len(one.tokens) > 3:
        yield Hit("sql-drop-table", one.line, f"Drops all that {one.tokens[3].text} owns.")
    if found[:1] != ("DROP",) or len(found) < 2 or found[1] not in _DROPPED:
        return
    for name in names_at(one.tokens, 2):
        if name not in made.replaced and not made.before(name, (number, one.line)):
            more = ", and all that depends on it" if one.tokens[-1].key == "CASCADE" else ""
            yield Hit("sql-drop-table", one.line, f"Drops the {found[1].lower()} {name}{more}.")


def _truncate(one: Statement, made: Made, number: int) -> Iterator[Hit]:
    if not one.starts("TRUNCATE") or (len(one.tokens) > 1 and one.tokens[1].key == "("):
        return
    at = 2 if one.starts("TRUNCATE", "TABLE") else 1
    for name in names_at(one.tokens, at):
        if not made.before(name, (number, one.line)):
            yield Hit("sql-truncate", one.line, f"Empties the table {name}.")


def _without_where(one: Statement, made: Made) -> Iterator[Hit]:
    tokens = writing(one)
    plain = keys(tokens)
    verb = plain[0] if plain else ""
    if verb not in ("UPDATE", "DELETE") or one.cut:
        return
    at = 2 if plain[:2] == ("DELETE", "FROM") else 1
    table = name_at(tokens, at)[0]
    real = at == 2 or (verb == "UPDATE" and "SET" in plain)
    if not table or not real or table in made.tables or "LIMIT" in plain or "JOIN" in plain:
        return
    if all_rows(_written(one)):
        level: Level | None = "critical" if verb == "DELETE" else None
        done = "Deletes" if verb == "DELETE" else "Changes"
        yield Hit("sql-without-where", one.line, f"{done} every row of {table}.", level)


def writing(one: Statement) -> Tokens:
    """The statement without what stands in parentheses, and without the `WITH` before an UPDATE or DELETE."""
    tokens = outer(one.tokens)
    if tokens[0].key != "WITH":
        return tokens
    verbs = (at for at, token in enumerate(tokens) if token.key in ("UPDATE", "DELETE", "INSERT", "SELECT"))
    return tokens[next(verbs, 0) :]


def _written(one: Statement) -> Tokens:
    """The same with what stands in parentheses."""
    depth, with_first = 0, one.tokens[0].key == "WITH"
    for at, token in enumerate(one.tokens if with_first else ()):
        depth += (token.key == "(") - (token.key == ")")
        if depth == 0 and token.key in ("UPDATE", "DELETE"):
            return one.tokens[at:]
    return one.tokens


def _lock(one: Statement, made: Made) -> Iterator[Hit]:
    if not one.starts("LOCK") or len(one.tokens) < 2:
        return
    at = 2 if one.tokens[1].key in ("TABLE", "TABLES") else 1
    table = name_at(one.tokens, at)[0]
    found = keys(one.tokens)
    mode = found[found.index("IN") + 1 :] if "IN" in found else ()
    weak = any(mode[: len(one)] == one for one in _WEAK_LOCKS)
    read = one.starts("LOCK", "TABLES") and "WRITE" not in found
    if table and not weak and not read and table not in made.tables:
        yield Hit("sql-lock-table", one.line, f"Locks the table {table} until the transaction ends.")


def _rewrite(one: Statement, made: Made) -> Iterator[Hit]:
    found = keys(one.tokens)
    if found[0] == "VACUUM" and "FULL" in found[:8]:
        what, at = "Writes the table {} anew while nobody can use it.", found.index("FULL") + 1
        at += len(found) > at and found[at] == ")"
    elif found[0] == "CLUSTER":
        what, at = "Sorts the table {} while nobody can use it.", 1
    elif found[0] == "REINDEX" and "CONCURRENTLY" not in found:
        what, at = "Builds the indexes of {} anew while writes wait.", 2
    elif one.starts("REFRESH", "MATERIALIZED", "VIEW") and "CONCURRENTLY" not in found:
        what, at = "Fills the view {} anew while nobody can read it.", 3
    else:
        return
    name = name_at(one.tokens, at)[0]
    if name not in made.tables:
        level: Level | None = "medium" if found[0] == "REFRESH" else None
        yield Hit("sql-rewrite", one.line, what.format(name or "the database"), level)


def _lost(table: str, action: Tokens, views: frozenset[str]) -> Iterator[Hit]:
    found, line = keys(action[:3]), action[0].line
    if found[:2] in _PARTS_GONE:
        part = name_at(action, 2)[0]
        yield Hit(
            "sql-truncate",
            line,
            f"Takes a partition of {table} away with its rows{part and ': '}{part}.",
            "high",
        )
    elif names := _in_brackets(action):
        yield from (Hit("sql-drop-column", line, f"Drops the column {table}.{name}.") for name in names)
    elif found[:1] == ("DROP",) and len(action) > 1 and action[1].key not in _NOT_DROPPED_COLUMN:
        name = name_at(action, 2 if found[1] == "COLUMN" else 1)[0]
        yield Hit("sql-drop-column", line, f"Drops the column {table}.{name}.")
    elif found[:1] == ("RENAME",) and len(found) > 1 and found[1] not in ("CONSTRAINT", "INDEX", "KEY"):
        new = name_at(action, 2)[0] if found[1] in ("TO", "AS") else ""
        if new and table not in views:
            yield Hit("sql-rename", line, f"Renames the table {table} to {new}.")
        elif not new:
            old = name_at(action, 2 if found[1] == "COLUMN" else 1)[0]
            yield Hit("sql-rename", line, f"Renames the column {table}.{old}.")
    elif found[:3] in (("SET", "TABLESPACE", "'"), ("SET", "LOGGED"), ("SET", "UNLOGGED")):
        yield Hit("sql-rewrite", line, f"Writes the table {table} anew while nobody can use it.")


def _in_brackets(action: Tokens) -> list[str]:
    """Columns of `DROP (a, b)`, `DROP COLUMN (a)` and `SET UNUSED (a)`, which Oracle has."""
    plain = keys(action[:3])
    at = (
        1
        if plain[:2] == ("DROP", "(")
        else 2
        if plain in (("DROP", "COLUMN", "("), ("SET", "UNUSED", "("))
        else 0
    )
    return names_at(action, at + 1) if at else []


def _views(migration: Migration) -> frozenset[str]:
    """The views that the migration makes: one may stand in for a table that is renamed."""
    found = set()
    for one in migration.found.statements:
        for at, token in enumerate(one.tokens[:6] if one.starts("CREATE") else ()):
            if token.key == "VIEW":
                found.add(name_at(one.tokens, at + 1)[0])
    return frozenset(found)


def _renamed_tables(statements: tuple[Statement, ...], made: Made) -> Iterator[Hit]:
    for one in statements:
        name = name_at(one.tokens, 2)[0] if one.starts("RENAME", "TABLE") else ""
        if name and name not in made.tables:
            yield Hit("sql-rename", one.line, f"Renames the table {name}.")


def _online(one: Statement) -> bool:
    """Whether it says that it must not copy: MySQL refuses it where that cannot be."""
    asked = (("ALGORITHM", "INPLACE"), ("ALGORITHM", "INSTANT"), ("LOCK", "NONE"))
    return any(one.has(word, "=", way) or one.has(word, way) for word, way in asked)


def _copied(table: str, action: Tokens) -> Iterator[Hit]:
    """What InnoDB cannot do in place, or was told not to."""
    found, line = keys(outer(action)), action[0].line
    if in_row(action, "ALGORITHM", "=", "COPY") or in_row(action, "ALGORITHM", "COPY"):
        yield Hit("sql-mysql-copy", line, f"Copies the table {table} while writes wait.")
        return
    if found[:1] in (("MODIFY",), ("CHANGE",)):
        old, at = name_at(action, 2 if found[1:2] == ("COLUMN",) else 1)
        if found[0] == "CHANGE" and old != name_at(action, at)[0]:
            yield Hit("sql-rename", line, f"Renames the column {table}.{old}.")
        yield Hit("sql-mysql-copy", line, f"Changes a column of {table}, which may copy the table.")
    elif found[:2] == ("CONVERT", "TO") or found[:1] == ("ENGINE",):
        yield Hit("sql-mysql-copy", line, f"Copies the table {table} while writes wait.")
    elif found[:3] == ("DROP", "PRIMARY", "KEY"):
        yield Hit("sql-mysql-copy", line, f"Copies the table {table} to take its primary key away.")
    elif found[:1] == ("ADD",) and not added_columns(action) and ("FOREIGN" in found or "FULLTEXT" in found):
        yield Hit("sql-mysql-copy", line, f"Adds a key to {table} while writes wait.", "medium")
