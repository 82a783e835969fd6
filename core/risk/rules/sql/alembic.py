"""Migrations of Alembic: the operations of `upgrade()`, each as the SQL that it stands for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.migration import Found, Hit
from core.risk.rules.sql.python import (
    argument,
    called,
    constant,
    made,
    name,
    name_constants,
    statements,
    texts,
    tree_of,
    words,
)
from core.risk.rules.sql.statements import Statement

_TYPES = {"STRING": "VARCHAR", "UNICODE": "VARCHAR", "UNICODETEXT": "TEXT", "BIGINTEGER": "BIGINT"}
_WRITES = frozenset({"update", "insert", "delete", "bulk_insert", "add_all", "commit"})
_TABLE_NAMES = ("table_name", "source_table", "source", "old_table_name")


class _Op(NamedTuple):
    """A call, and the table of the batch that it is made in. `at`: where the table stands outside of one."""

    call: ast.Call
    table: str
    at: int = 0

    @property
    def of(self) -> str:
        return name(self.table or words(argument(self.call, self.at, *_TABLE_NAMES)) or "unknown_table")

    def arg(self, at: int, *names: str) -> ast.expr | None:
        """Places count without the table."""
        place = at if self.table or at < self.at else at + 1
        return argument(self.call, place, *names)

    def is_(self, value: object, *names: str) -> bool:
        return any(one.arg in names and constant(one.value) is value for one in self.call.keywords)


class _Call(NamedTuple):
    call: ast.Call
    table: str
    alone: bool


def read_alembic(text: str, dialect: Dialect) -> Found:
    tree = tree_of(text)
    if tree is None:
        return Found(cut=True)
    name_constants(tree)
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    up, down = functions.get("upgrade"), functions.get("downgrade")
    if up is None:
        return Found()
    found: list[Statement] = []
    moves = []
    calls = list(_all_calls(up, functions))
    hits: tuple[Hit, ...] = tuple(_elsewhere(one.call) for one in calls if _is_elsewhere(one.call))
    for one in calls:
        read = tuple(_read(one, dialect))
        found += read
        if not read and _moves_data(one.call):
            moves.append(one.call.lineno)
    hits += (_one_way(up, down),) if calls and (down is None or _does_nothing(down)) else ()
    return Found(tuple(found), "yes", hits, tuple(moves))


def _all_calls(up: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> Iterator[_Call]:
    """Calls of `upgrade`, and of functions of the module that it calls, each looked into once."""
    waiting, seen = [up], {"upgrade", "downgrade"}
    while waiting:
        for one in _calls(waiting.pop(0).body, {}, False):
            yield one
            helper = one.call.func.id if isinstance(one.call.func, ast.Name) else ""
            if helper in functions and helper not in seen:
                seen.add(helper)
                waiting.append(functions[helper])


def _is_elsewhere(call: ast.Call) -> bool:
    """Whether it runs what a file holds."""
    return called(call) in ("execute", "exec_driver_sql") and any(
        called(one) in ("open", "read_text") for arg in call.args for one in ast.walk(arg)
    )


def _elsewhere(call: ast.Call) -> Hit:
    return Hit("sql-unread", call.lineno, "Runs what another file holds: nothing is said of it.")


def _one_way(up: ast.FunctionDef, down: ast.FunctionDef | None) -> Hit:
    return Hit("sql-irreversible", (down or up).lineno, "Has no way back: downgrade() does nothing.")


def _does_nothing(function: ast.FunctionDef) -> bool:
    return all(
        isinstance(one, (ast.Pass, ast.Raise))
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in function.body
    )


def _calls(body: list[ast.stmt], batches: dict[str, str], alone: bool) -> Iterator[_Call]:
    """All calls, with the batch and the block around them. Python nests blocks 100 deep at most."""
    for node in body:
        if isinstance(node, (ast.With, ast.AsyncWith)):
            inner, apart = dict(batches), alone
            for item in node.items:
                if called(item.context_expr) == "autocommit_block":
                    apart = True
                elif (
                    isinstance(item.context_expr, ast.Call)
                    and called(item.context_expr) == "batch_alter_table"
                ):
                    batch = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else ""
                    inner[batch] = words(argument(item.context_expr, 0, "table_name")) or "unknown_table"
            yield from _calls(node.body, inner, apart)
        elif isinstance(node, (ast.If, ast.For, ast.While, ast.Try)):
            handlers = [one for each in getattr(node, "handlers", ()) for one in each.body]
            yield from _calls(
                [*node.body, *handlers, *node.orelse, *getattr(node, "finalbody", ())], batches, alone
            )
        elif not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from (
                _Call(one, _batch(one, batches), alone) for one in ast.walk(node) if isinstance(one, ast.Call)
            )


def _batch(call: ast.Call, batches: dict[str, str]) -> str:
    func = call.func
    holder = func.value.id if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else ""
    return batches.get(holder, "")


def _read(one: _Call, dialect: Dialect) -> Iterator[Statement]:
    which = called(one.call)
    if which in ("execute", "exec_driver_sql"):
        for text, node in texts(argument(one.call, 0, "sqltext", "statement")):
            yield from statements(text, node, dialect, one.alone)
    elif which in _READERS:
        at, reader = _READERS[which]
        # A project's own helper names the table first, as its `create_table` does.
        at = 0 if isinstance(one.call.func, ast.Name) and which in ("create_index", "drop_index") else at
        for sql in reader(_Op(one.call, one.table, at)):
            yield from made(sql, one.call, one.alone)


def _moves_data(call: ast.Call) -> bool:
    if called(call) in ("bulk_insert", "execute"):
        return any(called(one) in _WRITES for one in ast.walk(call) if isinstance(one, ast.Call))
    return False


def _type(node: ast.AST | None) -> str:
    while (
        isinstance(node, ast.Call) and called(node) == "with_variant" and isinstance(node.func, ast.Attribute)
    ):
        node = node.func.value
    node = node.orelse if isinstance(node, ast.IfExp) else node
    kind = called(node).upper() if node is not None else ""
    sizes = [str(constant(one)) for one in getattr(node, "args", ()) if isinstance(constant(one), int)]
    length = argument(node, -1, "length") if isinstance(node, ast.Call) else None
    sizes += [str(constant(length))] if isinstance(constant(length), int) else []
    kind = _TYPES.get(kind, kind) or "unknown_type"
    return f"{kind}({', '.join(sizes)})" if sizes else kind


def _add_column(op: _Op) -> Iterator[str]:
    column = op.arg(0, "column")
    if not isinstance(column, ast.Call):
        return
    of = _Op(column, "-")
    parts = [
        f"ALTER TABLE {op.of} ADD COLUMN",
        name(words(argument(column, 0, "name"))),
        _type(argument(column, 1, "type_")),
    ]
    parts += ["NOT NULL"] * (of.is_(False, "nullable") or of.is_(True, "primary_key"))
    parts += [_default(argument(column, -1, "server_default"))]
    parts += ["UNIQUE"] * of.is_(True, "unique")
    inside = {called(one) for one in column.args}
    parts += ["GENERATED ALWAYS AS IDENTITY"] * ("Identity" in inside)
    parts += ["GENERATED ALWAYS AS (x) STORED"] * ("Computed" in inside)
    yield " ".join(parts)
    if of.is_(True, "index"):
        yield f"CREATE INDEX ON {op.of} (x)"


def _default(node: ast.expr | None) -> str:
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return ""
    if isinstance(node, ast.Call):
        inner = words(node.args[0]) if node.args else ""
        plain = inner if called(node) == "text" else f"{called(node)}()"
        return f"DEFAULT {plain.splitlines()[0][:200] if plain else 'x'}"
    return "DEFAULT 'x'"


def _alter_column(op: _Op) -> Iterator[str]:
    column = name(words(op.arg(0, "column_name")))
    alter = f"ALTER TABLE {op.of} ALTER COLUMN {column}"
    kind, before = argument(op.call, -1, "type_"), argument(op.call, -1, "existing_type")
    if kind is not None and not _wider(_type(before), _type(kind)):
        using = argument(op.call, -1, "postgresql_using") is not None
        yield f"{alter} TYPE {_type(kind)}" + (" USING x" if using else "")
    if op.is_(False, "nullable"):
        yield f"{alter} SET NOT NULL"
    if new := words(argument(op.call, -1, "new_column_name")):
        yield f"ALTER TABLE {op.of} RENAME COLUMN {column} TO {name(new)}"


def _wider(before: str, after: str) -> bool:
    """Whether PostgreSQL keeps the rows as they are: the same type, or a text that may be longer."""
    if before == after:
        return True
    if not before.startswith("VARCHAR"):
        return False
    if after in ("TEXT", "VARCHAR"):
        return True
    sizes = [one.partition("(")[2].rstrip(")") for one in (before, after)]
    return (
        after.startswith("VARCHAR")
        and all(one.isdigit() and len(one) < 9 for one in sizes)
        and int(sizes[0]) <= int(sizes[1])
    )


def _create_index(op: _Op) -> Iterator[str]:
    how = "CONCURRENTLY " * op.is_(True, "postgresql_concurrently")
    index = words(op.arg(0, "index_name"))
    yield f"CREATE INDEX {how}{name(index or 'unknown_index')} ON {op.of} (x)"


def _drop_index(op: _Op) -> Iterator[str]:
    how = "CONCURRENTLY " * op.is_(True, "postgresql_concurrently")
    yield f"DROP INDEX {how}{name(words(op.arg(0, 'index_name')) or 'unknown_index')}"


def _constraint(sql: str) -> Callable[[_Op], Iterator[str]]:
    def reader(op: _Op) -> Iterator[str]:
        later = " NOT VALID" * op.is_(True, "postgresql_not_valid")
        yield f"ALTER TABLE {op.of} ADD CONSTRAINT {name(words(op.arg(0, 'constraint_name')))} {sql}{later}"

    return reader


def _plain(sql: str, *names: str) -> Callable[[_Op], Iterator[str]]:
    """`{table}`, and `{other}`: the first argument that is not the table."""

    def reader(op: _Op) -> Iterator[str]:
        yield sql.format(table=op.of, other=name(words(op.arg(0, *names)) or "unknown_name"))

    return reader


_READERS: dict[str, tuple[int, Callable[[_Op], Iterator[str]]]] = {
    "create_table": (0, _plain("CREATE TABLE {table} (x int)")),
    "drop_table": (0, _plain("DROP TABLE {table}")),
    "rename_table": (0, _plain("ALTER TABLE {table} RENAME TO {other}", "new_table_name")),
    "add_column": (0, _add_column),
    "drop_column": (0, _plain("ALTER TABLE {table} DROP COLUMN {other}", "column_name")),
    "alter_column": (0, _alter_column),
    "create_index": (1, _create_index),
    "drop_index": (1, _drop_index),
    "create_foreign_key": (1, _constraint("FOREIGN KEY (x) REFERENCES y (x)")),
    "create_check_constraint": (1, _constraint("CHECK (x > 0)")),
    "create_unique_constraint": (1, _constraint("UNIQUE (x)")),
    "create_primary_key": (1, _constraint("PRIMARY KEY (x)")),
    "create_exclude_constraint": (1, _constraint("EXCLUDE (x WITH =)")),
}
