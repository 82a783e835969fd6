"""What knex builds: the columns of a table in a callback, and queries that begin with a table's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.javascript import Link, Script
from core.risk.rules.sql.python import name
from core.words import word_set

_TABLES = frozenset({"table", "alterTable"})
_MADE = word_set("createTable createTableIfNotExists")
_COLUMNS = {
    **dict.fromkeys(("increments", "bigincrements", "tinyincrements"), "bigserial"),
    **{"text": "text", "string": "varchar(255)"},
    **dict.fromkeys(
        word_set(
            "integer tinyint smallint mediumint bigint biginteger float double decimal boolean date datetime "
            "time timestamp binary enum enu json jsonb uuid geometry geography point specifictype"
        ),
        "unknown_type",
    ),
}
_CONSTRAINTS = {
    "unique": "UNIQUE (x)", "primary": "PRIMARY KEY (x)", "foreign": "FOREIGN KEY (x) REFERENCES y (x)",
}  # fmt: skip
_DROPPED = word_set("dropUnique dropPrimary dropForeign")
_ASKED = word_set("knex trx tx db")
_SOME = word_set("limit join innerJoin")
_WRITES = {
    "truncate": "TRUNCATE {}", "del": "DELETE FROM {}", "delete": "DELETE FROM {}",
    "update": "UPDATE {} SET x = y",
}  # fmt: skip
_FOREIGN = "ALTER TABLE {} ADD CONSTRAINT x FOREIGN KEY (x) REFERENCES y (x)"


class Block(NamedTuple):
    """A callback that is given a table. `table` is "" for one that is made there; `end` is its last token."""

    table: str
    param: str
    end: int


def block_of(script: Script, link: Link) -> Block | None:
    """The callback of `table("orders", t => …)`."""
    if link.args is None or len(link.args) != 2 or link.name not in _TABLES | _MADE:
        return None
    start, end = link.args[1]
    words = [script.key(at) for at in range(start, min(end, start + 9))]
    if "=>" not in words and "function" not in words:
        return None
    names = [word for word in words[:4] if word.isidentifier() and word not in ("async", "function")]
    found = script.text(link.args[0])
    table = name(found[0] if found else "unknown_table")
    return Block("" if link.name in _MADE else table, next(iter(names), "this"), end)


def built(script: Script, chain: tuple[Link, ...], block: Block, dialect: Dialect) -> Iterator[str]:
    """What one line of the callback stands for."""
    verbs = [link for link in chain[1:] if link.args is not None]
    if not verbs or not block.table:
        return
    first, later = verbs[0], {link.name: link for link in verbs[1:]}
    of = f"ALTER TABLE {block.table}"
    columns = _names(script, first)
    column = name(columns[0] if columns else "unknown_name")
    if first.name in ("dropColumn", "dropColumns"):
        yield from (f"{of} DROP COLUMN {name(one)}" for one in columns or ["unknown_name"])
    elif first.name == "dropTimestamps":
        yield from (f"{of} DROP COLUMN {one}" for one in ("created_at", "updated_at"))
    elif first.name == "renameColumn":
        yield f"{of} RENAME COLUMN {column} TO x"
    elif first.name == "dropNullable":
        yield _required(of, column, dialect)
    elif first.name == "index":
        yield f"CREATE INDEX ON {block.table} (x)"
    elif first.name == "dropIndex":
        yield f"DROP INDEX {name('index of ' + block.table)}"
    elif first.name in _CONSTRAINTS:
        yield f"{of} ADD CONSTRAINT x {_CONSTRAINTS[first.name]}"
    elif first.name in _DROPPED:
        yield f"{of} DROP CONSTRAINT x"
    elif kind := _COLUMNS.get(first.name.lower()):
        yield from _column(script, block.table, column, kind, later, dialect)


def _column(
    script: Script, table: str, column: str, kind: str, later: dict[str, Link], dialect: Dialect
) -> Iterator[str]:
    required = "notNullable" in later
    if "alter" in later:
        if dialect == "mysql":
            yield f"ALTER TABLE {table} MODIFY COLUMN {column} {kind}"
            return
        options = later["alter"].args or ()
        if not any(_says_false(script, one, "alterType") for one in options):
            yield f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}"
        if required and not any(_says_false(script, one, "alterNullable") for one in options):
            yield _required(f"ALTER TABLE {table}", column, dialect)
        return
    parts = [f"ALTER TABLE {table} ADD COLUMN {column} {kind}", "NOT NULL" * required]
    parts += [_default(script, later["defaultTo"])] if "defaultTo" in later else []
    parts += ["UNIQUE"] * ("unique" in later) + ["PRIMARY KEY"] * ("primary" in later)
    yield " ".join(parts)
    if "index" in later:
        yield f"CREATE INDEX ON {table} (x)"
    if {"references", "inTable"} & later.keys():
        yield _FOREIGN.format(table)


def _required(of: str, column: str, dialect: Dialect) -> str:
    how = f"MODIFY COLUMN {column} unknown_type NOT NULL"
    return f"{of} {how}" if dialect == "mysql" else f"{of} ALTER COLUMN {column} SET NOT NULL"


def _default(script: Script, link: Link) -> str:
    """A text is a value; what is called may differ by row."""
    args = link.args or ()
    if not args or script.key(args[0][0]) == "null":
        return ""
    start, end = args[0]
    if end - start == 1:
        return "DEFAULT 'x'"
    words = [one.key for one in script.tokens[start : min(end, start + 20)]]
    if words[1:4] == [".", "fn", "."] and "uuid" in words:
        return "DEFAULT gen_random_uuid()"
    return f"DEFAULT {' '.join(' '.join(words).split())[:200]}"


def _says_false(script: Script, span: tuple[int, int], key: str) -> bool:
    held = script.fields(span).get(key)
    return held is not None and script.key(held[0]) == "false"


def _names(script: Script, link: Link) -> list[str]:
    found = [script.text(item) for one in link.args or () for item in script.items(one)]
    return [one[0] for one in found if one is not None]


def chosen(script: Script, span: tuple[int, int]) -> str:
    """The column by which rows are chosen, of an object or a text; x where nothing plain says it."""
    text = script.text(span)
    named = next(iter(script.fields(span)), "") or (text[0] if text else "")
    return named if named.isidentifier() and named.isascii() else "x"


def queried(script: Script, chain: tuple[Link, ...]) -> str:
    """`knex("orders").del()`: every row, or those of a condition; "" of anything else."""
    first = chain[0]
    if first.name not in _ASKED or not first.args:
        return ""
    table, verbs = script.text(first.args[0]), [link.name for link in chain[1:]]
    if table is None:
        return ""
    some = (link for link in chain[1:] if "where" in link.name.lower() or link.name in _SOME)
    condition = next((f" WHERE {chosen(script, (link.args or ((0, 0),))[0])} = 1" for link in some), "")
    verb = next((one for one in _WRITES if one in verbs), "")
    return _WRITES[verb].format(name(table[0])) + condition if verb else ""
