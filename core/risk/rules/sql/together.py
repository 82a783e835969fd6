"""What goes wrong between statements of one migration: transactions, locks held while rows are written."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.rules.sql.data import writing
from core.risk.rules.sql.ddl import alter_table, created_index, keys, name_at
from core.risk.rules.sql.migration import Hit, Made, Migration
from core.risk.rules.sql.statements import Statement, Token
from core.words import word_set

_OPENS = (("BEGIN",), ("START", "TRANSACTION"))
_ENDS = (("COMMIT",), ("ROLLBACK",), ("END",))
# A condition on one of these that is equal to a value is about few rows.
_ONE_ROW = word_set("ID UUID KEY NAME CODE SLUG")
# What takes the lock of a table that others use, beside ALTER TABLE.
_STRONG = (("DROP", "TABLE"), ("DROP", "INDEX"), ("TRUNCATE",), ("CLUSTER",))
# Of these the timeout may be set where the connection is made, which nobody sees here.
_OWN_CONNECTION = frozenset({"django", "rails"})
_Placed = tuple[tuple[Statement, int | None], ...]


def check(migration: Migration, made: Made) -> Iterator[Hit]:
    if migration.dialect == "other":
        return
    placed = _placed(migration)
    if migration.dialect == "postgres":
        yield from _concurrently(placed)
        yield from _validated(placed, made)
        yield from _timeout(migration, made)
    yield from _backfill(migration, placed, made)


def _placed(migration: Migration) -> _Placed:
    """Each statement with the number of its transaction; None: of its own."""
    number, inside, found = 0, migration.wrapped, []
    for one in migration.found.statements:
        first = keys(one.tokens[:2])
        if any(first[: len(start)] == start for start in _OPENS) and len(one.tokens) < 5:
            inside, number = True, number + 1
        elif first[:1] in _ENDS and len(one.tokens) < 4:
            inside = False
        elif migration.touches(one):
            found.append((one, number if inside and not one.alone else None))
    return tuple(found)


def _concurrently(placed: _Placed) -> Iterator[Hit]:
    for one, transaction in placed:
        if transaction is None:
            continue
        index = created_index(one)
        first = keys(one.tokens[:6])
        apart = first[:1] in (("DROP",), ("REINDEX",)) and "CONCURRENTLY" in first
        if (index and index.concurrently) or apart:
            yield Hit("sql-concurrently-in-transaction", one.line, "Runs CONCURRENTLY inside a transaction.")


def _validated(placed: _Placed, made: Made) -> Iterator[Hit]:
    added: set[tuple[int, str, str]] = set()
    for one, transaction in placed:
        alter = alter_table(one)
        if alter is None or transaction is None or alter.table in made.tables:
            continue
        for action in alter.actions:
            verb, name = keys(action[:2]), name_at(action, 2)[0]
            if verb == ("ADD", "CONSTRAINT"):
                added.add((transaction, alter.table, name))
            elif verb == ("VALIDATE", "CONSTRAINT") and (transaction, alter.table, name) in added:
                what = f"Validates {name} of {alter.table} in the transaction that adds it."
                yield Hit("sql-validate-together", action[0].line, what)


def _backfill(migration: Migration, placed: _Placed, made: Made) -> Iterator[Hit]:
    held: dict[int | None, str] = {}
    unknown = migration.found.wrapped == "unknown"
    for one, transaction in placed:
        if (alter := alter_table(one)) and alter.table not in made.tables:
            held.setdefault(transaction, alter.table)
        elif (transaction in held and (transaction is not None or unknown)) and _writes_many(one, made):
            table = held[transaction]
            yield Hit("sql-backfill-with-ddl", one.line, f"Writes rows in the migration that alters {table}.")
    if held and migration.wrapped:
        for line in migration.found.moves_data:
            table = next(iter(held.values()))
            yield Hit("sql-backfill-with-ddl", line, f"Changes data in the migration that alters {table}.")


def _writes_many(one: Statement, made: Made) -> bool:
    tokens = writing(one)
    plain = keys(tokens)
    if plain[:2] == ("INSERT", "INTO"):
        return "SELECT" in keys(one.tokens) and "FROM" in keys(one.tokens)
    if plain[:1] not in (("UPDATE",), ("DELETE",)):
        return False
    table = name_at(tokens, 2 if plain[0] == "DELETE" else 1)[0]
    return table not in made.tables and "LIMIT" not in plain and not _of_one_row(tokens)


def _of_one_row(tokens: tuple[Token, ...]) -> bool:
    found = keys(tokens)
    start = found.index("WHERE") if "WHERE" in found else len(found)
    for at in range(start, len(found) - 2):
        if found[at] in _ONE_ROW and (
            (found[at + 1] == "=" and tokens[at + 2].kind in ("text", "number")) or found[at + 1] == "IN"
        ):
            return True
    return False


def _timeout(migration: Migration, made: Made) -> Iterator[Hit]:
    if migration.kind in _OWN_CONNECTION:
        return
    for one in migration.found.statements:
        if any(token.key == "LOCK_TIMEOUT" or token.text == "lock_timeout" for token in one.tokens):
            return
    for one in migration.statements:
        if table := _locked(one, made):
            what = f"Waits for the lock of {table} without a limit, and all that comes after it waits too."
            yield Hit("sql-lock-timeout", one.line, what)
            return


def _locked(one: Statement, made: Made) -> str:
    if alter := alter_table(one):
        calm = all(keys(action[:2]) == ("VALIDATE", "CONSTRAINT") for action in alter.actions)
        return "" if calm or alter.table in made.tables else alter.table
    first = keys(one.tokens[:2])
    if any(first[: len(start)] == start for start in _STRONG) and "CONCURRENTLY" not in keys(one.tokens[:3]):
        table = name_at(one.tokens, 2 if first[0] == "DROP" else 1)[0]
        held = f"the table of {table}" if first == ("DROP", "INDEX") else table
        return "" if table in made.tables or table in made.indexes else held
    return ""
