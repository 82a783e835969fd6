"""A migration of a database as it is judged, whatever wrote it; and the tables that a change makes itself."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from core.risk.rules.rule import Level
from core.risk.rules.sql.ddl import alter_table, created, created_index, renamed_to
from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.statements import Script, Statement

# Whether its tool runs all of it in one transaction: "many" when it holds more than one statement.
Wrapped = Literal["yes", "no", "many", "unknown"]


# Of one file: the first tell what the others would.
_MOST_UNREAD = 50
# What clears a migration that no reader knows.
NO_READER = "Have somebody who knows its framework read it: no reader here does"


class Hit(NamedTuple):
    """Where a danger was found: its rule, the line, one sentence for a reviewer; its level, and what clears
    it, where they differ from the rule's. `table`: of which it holds, if the change did not make it."""

    rule: str
    line: int
    what: str
    level: Level | None = None
    clears: str = ""
    table: str = ""


class Found(NamedTuple):
    """What a reader of one framework found in a file. `moves_data`: lines of code that changes rows."""

    statements: tuple[Statement, ...] = ()
    wrapped: Wrapped = "unknown"
    hits: tuple[Hit, ...] = ()
    moves_data: tuple[int, ...] = ()
    cut: bool = False
    # The line of a quote or comment that never ends: all after it is unread.
    opened: int = 0


def found_in(script: Script, wrapped: Wrapped) -> Found:
    """What a script holds, and what of it was not followed."""
    hits = tuple(
        Hit("sql-unread", one.line, f"{one.what}: nothing is said of it.")
        for one in script.unread[:_MOST_UNREAD]
    )
    return Found(script.statements, wrapped, hits, (), script.cut, script.opened)


class Migration(msgspec.Struct, frozen=True):
    """`touched`: the lines that the change adds, None when the file is new: all of them."""

    path: str
    kind: str
    dialect: Dialect
    found: Found
    lines: tuple[str, ...]
    touched: frozenset[int] | None = None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Those that the change adds or touches."""
        return tuple(one for one in self.found.statements if self.touches(one))

    def touches(self, one: Statement) -> bool:
        touched = self.touched
        return touched is None or any(at in touched for at in range(one.line, one.end + 1))

    @property
    def wrapped(self) -> bool:
        """Whether a transaction is around all of it."""
        many = len(self.found.statements) > 1
        return self.found.wrapped == "yes" or (self.found.wrapped == "many" and many)

    def text_at(self, line: int) -> str:
        return self.lines[line - 1][:2_000] if 0 < line <= len(self.lines) else ""


class Made(NamedTuple):
    """What a change makes itself, so that nobody uses it yet. `at`: of a table, the number of the
    migration that makes it first, and the line."""

    tables: frozenset[str]
    indexes: frozenset[str]
    at: dict[str, tuple[int, int]]
    # Tables in whose place one that the change makes is put, with their rows as a rule.
    replaced: frozenset[str] = frozenset()

    def before(self, table: str, place: tuple[int, int]) -> bool:
        """Whether the change makes the table before that place."""
        return table in self.at and self.at[table] < place


def made_by(migrations: tuple[Migration, ...]) -> Made:
    at: dict[str, tuple[int, int]] = {}
    indexes: set[str] = set()
    replaced: set[str] = set()
    for number, migration in enumerate(migrations):
        # What an edited migration makes is there already: it is in use, however it is written now.
        for one in migration.found.statements if migration.touched is None else ():
            if name := _made(one, at):
                at.setdefault(name, (number, one.line))
                replaced.update(() if created(one) else (name,))
            if index := created_index(one):
                indexes.add(index.name)
    return Made(frozenset(at), frozenset(indexes - {""}), at, frozenset(replaced))


def _made(one: Statement, known: dict[str, tuple[int, int]]) -> str:
    if name := created(one):
        return name
    alter = alter_table(one)
    return renamed_to(alter) if alter and alter.table in known else ""
