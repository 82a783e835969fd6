"""Migrations of Laravel and Doctrine: each call of `up` as the SQL that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.javascript import Link
from core.risk.rules.sql.migration import Found
from core.risk.rules.sql.program import Program
from core.risk.rules.sql.python import name, within
from core.risk.rules.sql.statements import Statement, read_sql
from core.words import word_set

Span = tuple[int, int]
Chain = tuple[Link, ...]
_TEXTS = word_set("statement unprepared delete update addSql insert execute")
_RUNNERS = word_set("DB Schema $this")
_TYPES = word_set(
    "string text integer bigInteger smallInteger tinyInteger mediumInteger unsignedInteger "
    "unsignedBigInteger unsignedSmallInteger unsignedTinyInteger boolean date dateTime dateTimeTz time "
    "timestamp timestampTz decimal double float json jsonb uuid ulid char enum set binary foreignId "
    "foreignUuid foreignUlid year mediumText longText tinyText ipAddress macAddress"
)
_FILLED = word_set("nullable default useCurrent storedAs virtualAs generatedAs autoIncrement")
_KEYS = {"foreign": "FOREIGN KEY (x) REFERENCES y (x)", "unique": "UNIQUE (x)", "primary": "PRIMARY KEY (x)"}
_GONE = {
    "dropTimestamps": ("created_at", "updated_at"), "dropTimestampsTz": ("created_at", "updated_at"),
    "dropSoftDeletes": ("deleted_at",), "dropSoftDeletesTz": ("deleted_at",),
    "dropRememberToken": ("remember_token",),
}  # fmt: skip
_DROPS = word_set("dropColumn removeColumn dropConstrainedForeignId dropMorphs")
# Closures inside one another.
_DEEPEST = 20
_CHOOSES = word_set(
    "where whereIn whereNull whereNotNull whereNot whereRaw whereBetween limit take join find"
)
_WRITES = {
    "truncate": "TRUNCATE {}", "delete": "DELETE FROM {}", "forceDelete": "DELETE FROM {}",
    "update": "UPDATE {} SET x = y",
}  # fmt: skip


def read_laravel(text: str, dialect: Dialect) -> Found:
    program = Program(text, "php")
    if program.cut:
        return Found(cut=True)
    down = program.bodies_of("down")
    found: list[Statement] = []
    tables: list[tuple[Span, str]] = []
    for at, chain in program.chains():
        if any(start <= at < end for start, end in down):
            continue
        tables = [one for one in tables[-_DEEPEST:] if at < one[0][1]]
        if chain[0].name == "Schema":
            found += _schema(program, chain, tables, dialect)
        elif tables and chain[0].name[0] == "$" and chain[0].name != "$this":
            found += _sql(_column(program, chain, tables[-1][1]), chain, dialect)
        else:
            found += _other(program, chain, dialect)
    return Found(tuple(found), "no" if dialect == "mysql" else "yes")


def _sql(texts: Iterator[str], chain: Chain, dialect: Dialect) -> Iterator[Statement]:
    for text in texts:
        yield from (
            one._replace(end=max(one.line, chain[-1].end))
            for one in read_sql(text, dialect, chain[0].line).statements
        )


def _schema(
    program: Program, chain: Chain, tables: list[tuple[Span, str]], dialect: Dialect
) -> Iterator[Statement]:
    """`Schema::table("orders", function (Blueprint $table) {…})`, also on a connection of its own."""
    for link in chain[1:]:
        args = link.args or ()
        if link.name in ("table", "create") and len(args) > 1:
            # Columns of a table that is made here are nobody's yet.
            tables.append((args[1], _texts(program, args)[0] if link.name == "table" else ""))
        if reader := _READERS.get(link.name):
            yield from _sql(reader([name(one) for one in _texts(program, args)]), chain, dialect)


def _texts(program: Program, args: tuple[Span, ...]) -> list[str]:
    """The texts of all arguments, those of lists too; a name nobody knows for what is none."""
    items = [item for one in args[:50] for item in program.items(one)]
    return [found[0] if (found := program.text(one)) else "unknown_name" for one in items] or ["unknown_name"]


def _column(program: Program, chain: Chain, table: str) -> Iterator[str]:
    """What `$table->…` does to a table that is there."""
    first = chain[1] if len(chain) > 1 else None
    if first is None or not table:
        return
    of, rest = f"ALTER TABLE {name(table)}", {link.name for link in chain[2:]}
    named = [name(one) for one in _texts(program, first.args or ())]
    if first.name in _DROPS:
        yield from (f"{of} DROP COLUMN {one}" for one in named)
    elif first.name in _GONE:
        yield from (f"{of} DROP COLUMN {one}" for one in _GONE[first.name])
    elif first.name == "renameColumn":
        yield f"{of} RENAME COLUMN {named[0]} TO x"
    elif first.name == "rename":
        yield f"{of} RENAME TO {named[0]}"
    elif first.name in ("drop", "dropIfExists"):
        yield f"DROP TABLE {name(table)}"
    elif first.name in _KEYS:
        yield f"{of} ADD CONSTRAINT x {_KEYS[first.name]}"
    elif first.name == "index":
        yield f"CREATE INDEX ON {name(table)} (x)"
    elif first.name in _TYPES:
        yield from _typed(of, table, named[0], rest)


def _typed(of: str, table: str, column: str, rest: set[str]) -> Iterator[str]:
    if "change" in rest:
        yield f"{of} ALTER COLUMN {column} TYPE unknown_type"
        yield f"{of} MODIFY COLUMN {column} unknown_type"
        return
    yield f"{of} ADD COLUMN {column} text" + " NOT NULL" * (not rest & _FILLED)
    if "constrained" in rest or "references" in rest:
        yield f"{of} ADD CONSTRAINT x {_KEYS['foreign']}"
    if "unique" in rest:
        yield f"{of} ADD CONSTRAINT x {_KEYS['unique']}"
    elif "index" in rest:
        yield f"CREATE INDEX ON {name(table)} (x)"


def _other(program: Program, chain: Chain, dialect: Dialect) -> Iterator[Statement]:
    """`DB::statement("…")`, `$this->addSql("…")`, and what is written to all rows of a table or model."""
    chosen = {link.name for link in chain} & _CHOOSES
    table = "" if chosen else _written(program, chain)
    for link in chain[1:]:
        args = link.args
        if args and link.name in _TEXTS and chain[0].name in _RUNNERS and (text := program.text(args[0])):
            for one in read_sql(text[0], dialect, text[1]).statements:
                yield within(one, link.end)
        elif args is not None and link.name in _WRITES and table:
            yield from _sql(iter([_WRITES[link.name].format(name(table))]), chain, dialect)


def _written(program: Program, chain: Chain) -> str:
    """The table of `DB::table("orders")->…`, or the model of `Order::query()->…` and `Order::truncate()`."""
    if chain[0].name == "DB":
        at = next((link for link in chain if link.name == "table" and link.args), None)
        return _texts(program, at.args or ())[0] if at else ""
    direct = len(chain) == 2 and chain[1].name == "truncate"
    through = len(chain) == 3 and chain[1].name in ("query", "all", "withTrashed")
    return chain[0].name.lower() if chain[0].name[:1].isupper() and (direct or through) else ""


def _columns(names: list[str]) -> Iterator[str]:
    for one in names[1:] or ['"unknown_name"']:
        yield f"ALTER TABLE {names[0]} DROP COLUMN {one}"


_READERS: dict[str, Callable[[list[str]], Iterator[str]]] = {
    "create": lambda names: iter([f"CREATE TABLE {names[0]} (x int)"]),
    **dict.fromkeys(("drop", "dropIfExists"), lambda names: iter([f"DROP TABLE {names[0]}"])),
    "dropDatabaseIfExists": lambda names: iter([f"DROP DATABASE {names[0]}"]),
    "dropAllTables": lambda names: iter(["DROP TABLE all_tables"]),
    "dropColumns": _columns,
    "rename": lambda names: iter([f"ALTER TABLE {names[0]} RENAME TO {names[-1]}"]),
}
