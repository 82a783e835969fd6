"""Migrations of knex, Sequelize and TypeORM: each call of `up` as the SQL that it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.javascript import Link, Script
from core.risk.rules.sql.knex import Block, block_of, built, chosen, queried
from core.risk.rules.sql.migration import Found, Hit, Wrapped
from core.risk.rules.sql.python import name, within
from core.risk.rules.sql.statements import Statement, read_sql

Span = tuple[int, int]
_APART = re.compile(r"\btransaction[\"']?\s{0,9}[:=]\s{0,9}false\b")
_KIND = re.compile(r"[A-Za-z]\w{0,40}(?: \w{1,40}){0,4}(?: ?\([\d ,]{1,20}\))?")
_KINDS = {"STRING": "varchar(255)", "TEXT": "text", "BIGINT": "bigint", "INTEGER": "integer"}
_CONSTRAINTS = {
    "foreign key": "FOREIGN KEY (x) REFERENCES y (x)",
    "check": "CHECK (x > 0)",
    "unique": "UNIQUE (x)",
    "primary key": "PRIMARY KEY (x)",
}
# Of callbacks inside one another, those that are looked at.
_MOST_BLOCKS = 20
# Kysely names the table once for a chain.
_CHAINED = frozenset({"addColumn", "dropColumn", "renameColumn", "alterColumn"})


class Call(NamedTuple):
    """A call whose table is its first argument, as all three have it."""

    script: Script
    link: Link
    dialect: Dialect

    def arg(self, at: int) -> Span | None:
        args = self.link.args or ()
        return args[at] if at < len(args) else None

    def text(self, at: int) -> str:
        found = self.script.text(self.arg(at))
        return found[0] if found else ""

    def named(self, at: int) -> str:
        """A text, or the `name` of an object."""
        return self.text(at) or self.word(self.script.fields(self.arg(at)).get("name"))

    def word(self, span: Span | None) -> str:
        """The text of a value, or the word that stands there."""
        if span is None:
            return ""
        found = self.script.text(span)
        return found[0] if found else self.script.key(span[0])

    @property
    def table(self) -> str:
        fields = self.script.fields(self.arg(0))
        held = self.word(fields.get("tableName") or fields.get("name"))
        return name(self.text(0) or held or "unknown_table")

    def says(self, key: str, value: str = "true") -> bool:
        """Whether one of its objects has that word under that key."""
        held = (self.script.fields(one).get(key) for one in self.link.args or ())
        return any(self.word(one) == value for one in held)


Reader = Callable[[Call], Iterator[str]]


def read_javascript(text: str, dialect: Dialect) -> Found:
    script = Script(text)
    if script.cut:
        return Found(cut=True)
    down = script.bodies_of("down")
    found: list[Statement] = []
    blocks: list[Block] = []
    for at, chain in script.chains():
        if any(start <= at < end for start, end in down):
            continue
        blocks = [one for one in blocks[-_MOST_BLOCKS:] if at < one.end]
        found += _chain(script, chain, blocks, dialect)
        blocks += [one for link in chain if (one := block_of(script, link)) is not None]
    hits = tuple(_one_way(script, down)) if found else ()
    return Found(tuple(found), _wrapped(text, dialect), hits)


def _wrapped(text: str, dialect: Dialect) -> Wrapped:
    """knex and TypeORM put each migration into a transaction, Sequelize leaves that to it."""
    own = "ueryInterface" in text and ".transaction(" not in text
    return "no" if own or dialect == "mysql" or _APART.search(text) else "yes"


def same(before: str, after: str) -> bool:
    """Whether both do the same: blanks, comments, quotes and the ends of statements count for nothing."""
    return _does(before) == _does(after)


def _does(text: str) -> list[str]:
    script = Script(text)
    return [text] if script.cut else [one.key for one in script.tokens if one.key not in (",", ";")]


def _one_way(script: Script, down: list[Span]) -> Iterator[Hit]:
    """No `down`, or one that calls nothing."""
    up = script.bodies_of("up")
    if not up:
        return
    if not down:
        yield Hit("sql-irreversible", script.tokens[up[0][0]].line, "Has no way back: there is no down.")
    for start, end in down:
        body = script.tokens[start + 1 : end]
        signs = (at for at, one in enumerate(body) if one.kind == "sign" and one.key in ("=>", "{"))
        keys = {one.key for one in body[next(signs, 0) :] if one.kind != "text"}
        if "throw" in keys or not keys - {"{", "}", "=>", ";", "return", "Promise", "void"}:
            yield Hit("sql-irreversible", script.tokens[start].line, "Has no way back: down does nothing.")


def _chain(
    script: Script, chain: tuple[Link, ...], blocks: list[Block], dialect: Dialect
) -> Iterator[Statement]:
    block = next((one for one in reversed(blocks) if one.param == chain[0].name), None)
    if block is not None:
        for sql in built(script, chain, block, dialect):
            yield from _made(sql, chain[1 if len(chain) > 1 else 0].line, chain[-1].end, dialect)
        return
    if sql := queried(script, chain):
        yield from _made(sql, chain[0].line, chain[-1].end, dialect)
    held = ""
    for link in chain:
        if link.args is None:
            continue
        call = Call(script, link, dialect)
        if link.name in ("alterTable", "createTable") and len(link.args) == 1:
            held = call.table if link.name == "alterTable" else "-"
        if link.name in _SPOKEN:
            yield from _spoken(call)
        elif held and link.name in _CHAINED:
            for sql in _kysely(call, held):
                yield from _made(sql, link.line, link.end, dialect)
        elif reader := _READERS.get(link.name):
            for sql in reader(call):
                yield from _made(sql, link.line, link.end, dialect)


def _made(sql: str, line: int, end: int, dialect: Dialect) -> Iterator[Statement]:
    yield from (one._replace(end=end) for one in read_sql(sql, dialect, line).statements)


_SPOKEN = frozenset({"query", "raw", "sql", "runSql"})


def _spoken(call: Call) -> Iterator[Statement]:
    for at in range(1 if call.link.args else 0):
        if found := call.script.text(call.arg(at)):
            text = found[0].replace("??", "unknown_table") if call.link.name == "raw" else found[0]
            for one in read_sql(text, call.dialect, found[1]).statements:
                yield within(one, call.link.end)


def _kysely(call: Call, table: str) -> Iterator[str]:
    column = name(call.text(0) or "unknown_name")
    if table == "-":
        return
    if call.link.name == "dropColumn":
        yield f"ALTER TABLE {table} DROP COLUMN {column}"
    elif call.link.name == "renameColumn":
        yield f"ALTER TABLE {table} RENAME COLUMN {column} TO x"


def _kind(call: Call, span: Span | None) -> str:
    """The type: a text, or the last name of `Sequelize.STRING`, whose size nobody knows."""
    if span is None:
        return "unknown_type"
    if found := call.script.text(span):
        return found[0].strip() if _KIND.fullmatch(found[0].strip()) else "unknown_type"
    words = [call.script.key(at) for at in range(span[0], min(span[1], span[0] + 4))]
    return next((_KINDS[word] for word in words if word in _KINDS), "unknown_type")


def _default(call: Call, span: Span | None, plain: bool) -> str:
    """`plain`: a text is a value; otherwise it is SQL."""
    if span is None or call.script.key(span[0]) in ("null", "undefined"):
        return ""
    if plain and span[1] - span[0] == 1:
        return "DEFAULT 'x'"
    words = " ".join(one.key for one in call.script.tokens[span[0] : min(span[1], span[0] + 20)])
    return f"DEFAULT {' '.join(words.split())[:200]}"


def _column(call: Call, fields: dict[str, Span], of: str, typeorm: bool) -> str:
    def says(key: str, value: str = "true") -> bool:
        return call.word(fields.get(key)) == value

    serial = says("autoIncrement") or says("isGenerated")
    required = not says("isNullable") if typeorm else says("allowNull", "false")
    unique = says("unique") or says("isUnique")
    primary = says("primaryKey") or says("isPrimary")
    parts = [f"ALTER TABLE {call.table} ADD COLUMN {name(of)} {_kind(call, fields.get('type'))}"]
    parts += ["AUTO_INCREMENT" if call.dialect == "mysql" else "GENERATED ALWAYS AS IDENTITY"] * serial
    parts += ["NOT NULL"] * (required or primary)
    parts += [_default(call, fields.get("default" if typeorm else "defaultValue"), not typeorm)]
    parts += ["UNIQUE"] * (unique or primary)
    return " ".join(parts)


def _add_column(call: Call) -> Iterator[str]:
    if of := call.text(1):
        yield _column(call, call.script.fields(call.arg(2)), of, typeorm=False)
        return
    for item in call.script.items(call.arg(1)):
        fields = call.script.fields(item)
        if fields:
            yield _column(call, fields, call.word(fields.get("name")) or "unknown_name", typeorm=True)


def _change_column(call: Call) -> Iterator[str]:
    column, new = name(call.named(1) or "unknown_name"), call.script.fields(call.arg(2))
    old, kind = call.script.fields(call.arg(1)), _kind(call, new.get("type") or call.arg(2))
    required = call.word(new.get("allowNull")) == "false" or call.word(new.get("isNullable")) == "false"
    of = f"ALTER TABLE {call.table}"
    same_type = "type" in old and _kind(call, old["type"]) == kind != "unknown_type"
    if call.dialect == "mysql":
        yield f"{of} MODIFY COLUMN {column} {kind}"
        return
    if ("type" in new or not new) and not same_type:
        yield f"{of} ALTER COLUMN {column} TYPE {kind}"
    if required and call.word(old.get("isNullable")) in ("", "true"):
        yield f"{of} ALTER COLUMN {column} SET NOT NULL"


def _drop_columns(call: Call) -> Iterator[str]:
    for item in call.script.items(call.arg(1)) or ((0, 0),):
        named = call.word(item) if item[1] > item[0] else ""
        yield f"ALTER TABLE {call.table} DROP COLUMN {name(named or 'unknown_name')}"


def _index(call: Call) -> Iterator[str]:
    how = "CONCURRENTLY " * (call.says("concurrently") or call.says("isConcurrent"))
    made = call.script.fields(call.arg(2)) or call.script.fields(call.arg(1))
    named = call.word(made.get("name"))
    yield f"CREATE INDEX {how}{name(named) if named else ''} ON {call.table} (x)"


def _drop_index(call: Call) -> Iterator[str]:
    how = "CONCURRENTLY " * call.says("concurrently")
    yield f"DROP INDEX {how}{name(call.named(1) or 'unknown_index')}"


def _add_constraint(call: Call) -> Iterator[str]:
    held = call.script.fields(call.arg(2)) or call.script.fields(call.arg(1))
    if body := _CONSTRAINTS.get(call.word(held.get("type")).lower()):
        yield f"ALTER TABLE {call.table} ADD CONSTRAINT x {body}"


def _written(sql: str, at: int) -> Reader:
    """`at`: which argument says which rows."""

    def reader(call: Call) -> Iterator[str]:
        some = call.arg(at)
        all_rows = not call.script.fields(some) and call.word(some) in ("", "null", "{")
        where = "" if some is None or all_rows else f" WHERE {chosen(call.script, some)} = 1"
        yield sql.format(table=call.table) + where

    return reader


def _plain(sql: str) -> Reader:
    return lambda call: iter([sql.format(table=call.table, other=name(call.named(1) or "unknown_name"))])


def _constraint(kind: str) -> Reader:
    return _plain("ALTER TABLE {table} ADD CONSTRAINT x " + _CONSTRAINTS[kind])


_READERS: dict[str, Reader] = {
    "createTable": _plain("CREATE TABLE {table} (x int)"),
    **dict.fromkeys(("dropTable", "dropTableIfExists"), _plain("DROP TABLE {table}")),
    **dict.fromkeys(("dropSchema", "dropSchemaIfExists"), _plain("DROP SCHEMA {table}")),
    "dropDatabase": _plain("DROP DATABASE {table}"),
    "dropAllTables": lambda call: iter(["DROP TABLE all_tables"]),
    "clearTable": _plain("TRUNCATE {table}"),
    "renameTable": _plain("ALTER TABLE {table} RENAME TO {other}"),
    **dict.fromkeys(("addColumn", "addColumns"), _add_column),
    **dict.fromkeys(("removeColumn", "dropColumn", "dropColumns"), _drop_columns),
    "renameColumn": _plain("ALTER TABLE {table} RENAME COLUMN {other} TO x"),
    "changeColumn": _change_column,
    **dict.fromkeys(("addIndex", "createIndex", "createIndices"), _index),
    **dict.fromkeys(("removeIndex", "dropIndex"), _drop_index),
    "addConstraint": _add_constraint,
    **dict.fromkeys(("createForeignKey", "createForeignKeys"), _constraint("foreign key")),
    **dict.fromkeys(("createUniqueConstraint", "createUniqueConstraints"), _constraint("unique")),
    **dict.fromkeys(("createCheckConstraint", "createCheckConstraints"), _constraint("check")),
    "createPrimaryKey": _constraint("primary key"),
    "bulkDelete": _written("DELETE FROM {table}", 1),
    "bulkUpdate": _written("UPDATE {table} SET x = y", 2),
}
