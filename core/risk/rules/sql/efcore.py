"""Migrations of Entity Framework Core: each call of `Up` as the SQL that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.javascript import Link
from core.risk.rules.sql.migration import Found
from core.risk.rules.sql.program import Program
from core.risk.rules.sql.python import name, within
from core.risk.rules.sql.statements import Statement, read_sql

# Names of arguments in the order that a call without names has.
_PLACES = {
    "DropTable": ("name", "schema"), "DropSchema": ("name",), "RenameTable": ("name", "schema", "newName"),
    "Sql": ("sql",), "CreateTable": ("name",), "CreateIndex": ("name", "table"),
    "RenameColumn": ("name", "table", "newName"),
}  # fmt: skip


class _Call(NamedTuple):
    given: dict[str, str]

    def of(self, key: str) -> str:
        return name(self.given.get(key) or "unknown_name")

    def says(self, key: str, value: str) -> bool:
        return self.given.get(key) == value


def read_efcore(text: str, dialect: Dialect) -> Found:
    program = Program(text, "cs")
    if program.cut:
        return Found(cut=True)
    down = program.bodies_of("Down")
    found: list[Statement] = []
    for at, chain in program.chains():
        if len(chain) < 2 or any(start <= at < end for start, end in down):
            continue
        for link in chain[1:]:
            if link.args is not None and (link.name == "Sql" or link.name in _READERS):
                found += _read(program, link, dialect)
    return Found(tuple(found), "yes")


def _read(program: Program, link: Link, dialect: Dialect) -> Iterator[Statement]:
    values = dict(_given(program, link))
    if link.name == "Sql":
        text = program.text(values["sql"]) if "sql" in values else None
        for one in read_sql(text[0], dialect, text[1]).statements if text else ():
            yield within(one, link.end)
        return
    call = _Call({key: _word(program, span) for key, span in values.items()})
    for sql in _READERS[link.name](call):
        for one in read_sql(sql, dialect, link.line).statements:
            yield one._replace(end=max(one.line, link.end))


def _given(program: Program, link: Link) -> Iterator[tuple[str, tuple[int, int]]]:
    places = _PLACES.get(link.name, ("name", "table"))
    for at, span in enumerate((link.args or ())[:30]):
        key, value = program.named(span)
        if key or at < len(places):
            yield key or places[at], value


def _word(program: Program, span: tuple[int, int]) -> str:
    found = program.text(span)
    return found[0] if found else program.key(span[0])


def _add_column(call: _Call) -> Iterator[str]:
    required = call.says("nullable", "false")
    filled = any(key in call.given for key in ("defaultValue", "defaultValueSql", "computedColumnSql"))
    yield f"ALTER TABLE {call.of('table')} ADD COLUMN {call.of('name')} text" + (
        " DEFAULT 'x'" * filled + " NOT NULL" * required
    )


def _alter_column(call: _Call) -> Iterator[str]:
    of = f"ALTER TABLE {call.of('table')} ALTER COLUMN {call.of('name')}"
    if "oldType" in call.given and call.given.get("type") != call.given["oldType"]:
        yield f"{of} TYPE unknown_type"
    if call.says("nullable", "false") and call.says("oldNullable", "true"):
        yield f"{of} SET NOT NULL"


def _plain(sql: str) -> Callable[[_Call], Iterator[str]]:
    return lambda call: iter(
        [sql.format(name=call.of("name"), table=call.of("table"), new=call.of("newName"))]
    )


def _index(call: _Call) -> Iterator[str]:
    unique = "UNIQUE " * call.says("unique", "true")
    yield f"CREATE {unique}INDEX {call.of('name')} ON {call.of('table')} (x)"


_READERS: dict[str, Callable[[_Call], Iterator[str]]] = {
    "CreateTable": _plain("CREATE TABLE {name} (x int)"),
    "DropTable": _plain("DROP TABLE {name}"),
    "DropSchema": _plain("DROP SCHEMA {name}"),
    "DropColumn": _plain("ALTER TABLE {table} DROP COLUMN {name}"),
    "RenameColumn": _plain("ALTER TABLE {table} RENAME COLUMN {name} TO {new}"),
    "RenameTable": _plain("ALTER TABLE {name} RENAME TO {new}"),
    "AddColumn": _add_column,
    "AlterColumn": _alter_column,
    "CreateIndex": _index,
    "AddForeignKey": _plain("ALTER TABLE {table} ADD CONSTRAINT x FOREIGN KEY (x) REFERENCES y (x)"),
    "AddUniqueConstraint": _plain("ALTER TABLE {table} ADD CONSTRAINT x UNIQUE (x)"),
    "AddPrimaryKey": _plain("ALTER TABLE {table} ADD CONSTRAINT x PRIMARY KEY (x)"),
}
