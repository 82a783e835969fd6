"""Migrations of Django: the operations of the class, each as the SQL that it stands for.

Models stand for their tables; the texts of RunSQL are read as they are, and know the tables as `app_model`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.django_code import Functions
from core.risk.rules.sql.migration import Found, Hit, Wrapped
from core.risk.rules.sql.python import (
    argument,
    branches,
    called,
    constant,
    made,
    name,
    statements,
    texts,
    tree_of,
    words,
)
from core.risk.rules.sql.statements import Statement

_NEW_TABLE = frozenset({"ManyToManyField"})
_LINKS = frozenset({"ForeignKey", "OneToOneField"})
_CALLABLE_VOLATILE = frozenset({"RandomUUID", "Random", "ClockTimestamp"})
_HINTS = frozenset({"help_text", "verbose_name", "choices", "validators", "related_name", "editable"})


def read_django(text: str, dialect: Dialect, path: str = "") -> Found:
    tree = tree_of(text)
    if tree is None:
        return Found(cut=True)
    found: list[Statement] = []
    hits: list[Hit] = []
    moves: list[int] = []
    app = path.split("/")[-3] if path.count("/") >= 2 else ""
    for migration in (one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == "Migration"):
        wrapped: Wrapped = "yes" if _is_atomic(migration) else "no"
        fresh: set[str] = set()
        known, ran = _named(tree), Functions(tree, dialect)
        operations = list(_operations(migration, known, hits))
        for call in operations:
            found += _statements(call, dialect, app)
            hits += _hits(call, fresh)
            if called(call) == "RunPython" and not _is_noop(argument(call, 0, "code")):
                moves.append(call.lineno)
                hits += _rows(ran.walks(argument(call, 0, "code")), wrapped, fresh)
                found += ran.by(argument(call, 0, "code"))
        return Found(tuple(found), wrapped, tuple(hits), tuple(moves))
    return Found()


def _assigned(migration: ast.ClassDef, wanted: str) -> Iterator[ast.expr]:
    for one in branches(migration.body):
        targets = (
            one.targets
            if isinstance(one, ast.Assign)
            else [one.target]
            if isinstance(one, ast.AnnAssign)
            else []
        )
        if any(isinstance(target, ast.Name) and target.id == wanted for target in targets):
            yield one.value  # type: ignore[attr-defined]


def _is_atomic(migration: ast.ClassDef) -> bool:
    return all(constant(one) is not False for one in _assigned(migration, "atomic"))


def _named(tree: ast.Module) -> dict[str, ast.expr | None]:
    """What the module names at its top."""
    return {
        target.id: one.value
        for one in tree.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }


def _operations(
    migration: ast.ClassDef, known: dict[str, ast.expr | None], hits: list[Hit]
) -> Iterator[ast.Call]:
    """The operations; lists that the module names are opened once, what else is put together is told."""
    whole = list(_assigned(migration, "operations"))
    waiting: list[ast.expr | None] = [*whole]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Starred) and not isinstance(node.value, ast.Call):
            node = node.value
        if isinstance(node, (ast.List, ast.Tuple)):
            waiting[:0] = node.elts[:2_000]
        elif isinstance(node, ast.BinOp):
            waiting[:0] = [node.left, node.right]
        elif isinstance(node, ast.Name) and known.get(node.id) is not None:
            waiting.insert(0, known[node.id])
            known[node.id] = None
        elif node is not None and (not isinstance(node, ast.Call) or node in whole):
            what = "Its operations are put together when it runs: nothing is said of them."
            hits.append(Hit("sql-unread", node.lineno, what))
        elif isinstance(node, ast.Call) and called(node) == "SeparateDatabaseAndState":
            waiting.insert(0, argument(node, 0, "database_operations"))
        elif isinstance(node, ast.Call):
            yield node


def _statements(call: ast.Call, dialect: Dialect, app: str) -> tuple[Statement, ...]:
    which = called(call)
    if which == "RunSQL":
        return tuple(
            one for text, node in texts(argument(call, 0, "sql")) for one in statements(text, node, dialect)
        )
    reader = _READERS.get(which)
    if reader is None:
        return ()
    lines = reader(call) if which != "CreateModel" else _create_model(call, app)
    return tuple(one for sql in lines for one in made(sql, call))


def _hits(call: ast.Call, fresh: set[str]) -> Iterator[Hit]:
    which, model = called(call), words(argument(call, 0, "model_name", "name")).lower()
    if which == "CreateModel":
        fresh.add(model)
    elif which == "AlterField" and model not in fresh and (_unique(call) or not _only_words(call)):
        yield _altered(call, model)
    elif which == "AddField" and model not in fresh and _default_in_code(argument(call, 2, "field")):
        yield _filled_once(call, model)
    elif (
        which == "RunPython"
        and argument(call, 1, "reverse_code") is None
        and not _is_noop(argument(call, 0, "code"))
    ):
        yield Hit("sql-irreversible", call.lineno, "Has no way back: RunPython without reverse_code.")
    elif (
        which == "RunSQL"
        and argument(call, 1, "reverse_sql") is None
        and words(argument(call, 0, "sql")) != ""
    ):
        yield Hit("sql-irreversible", call.lineno, "Has no way back: RunSQL without reverse_sql.")


def _rows(walked: Iterator[tuple[int, str]], wrapped: Wrapped, fresh: set[str]) -> Iterator[Hit]:
    """A table that the migration makes itself is empty or small."""
    for line, model in walked:
        if wrapped == "yes" and model not in fresh:
            what = f"Writes every row of {model} one by one, in one transaction that holds them all."
            yield Hit("sql-rows-one-by-one", line, what, table=model)


def _altered(call: ast.Call, model: str) -> Hit:
    field = words(argument(call, 1, "name"))
    if not _unique(call):
        what = f"Alters {model}.{field}; what that does depends on the field before."
        return Hit("sql-alter-field", call.lineno, what)
    what = f"{model}.{field} is unique from now on: fails where a value is there twice, if it was not before."
    return Hit("sql-alter-field", call.lineno, what, "low" if _only_words(call) else "medium")


def _filled_once(call: ast.Call, model: str) -> Hit:
    """A default that not even the model keeps fills the old rows alone."""
    field = words(argument(call, 1, "name"))
    if constant(argument(call, 3, "preserve_default")) is False:
        what = f"Adds the required field {field} to {model}, with a default for the old rows alone."
        return Hit("sql-default-in-code", call.lineno, what, "medium")
    what = f"Adds the required field {field} to {model}, whose default the database does not keep."
    return Hit("sql-default-in-code", call.lineno, what)


def _unique(call: ast.Call) -> bool:
    """Whether the field says that no value comes twice. A primary key is no news."""
    field = argument(call, 2, "field")
    if not isinstance(field, ast.Call):
        return False
    return constant(_given(field).get("unique")) is True or called(field) == "OneToOneField"


def _is_noop(node: ast.AST | None) -> bool:
    return node is not None and called(node) == "noop"


def _only_words(call: ast.Call) -> bool:
    """Whether the field has what never reaches the database, so that most likely this is what was changed."""
    field = argument(call, 2, "field")
    return isinstance(field, ast.Call) and any(one.arg in _HINTS for one in field.keywords)


def _given(field: ast.Call) -> dict[str, ast.expr]:
    return {one.arg: one.value for one in field.keywords if one.arg}


def _required(field: ast.AST | None) -> bool:
    return (
        isinstance(field, ast.Call)
        and called(field) not in _NEW_TABLE
        and constant(_given(field).get("null")) is not True
    )


def _default_in_code(field: ast.AST | None) -> bool:
    if not isinstance(field, ast.Call) or not _required(field):
        return False
    given = _given(field)
    return bool({"default", "auto_now", "auto_now_add"} & set(given)) and "db_default" not in given


def _table(call: ast.Call) -> str:
    return name(words(argument(call, 0, "model_name", "name")).lower() or "unknown_model")


def _create_model(call: ast.Call, app: str) -> Iterator[str]:
    model = words(argument(call, 0, "name")).lower()
    yield f"CREATE TABLE {name(model)} (x int)"
    yield f"CREATE TABLE {name(f'{app}_{model}')} (x int)"
    options = argument(call, 2, "options")
    if isinstance(options, ast.Dict):
        for key, value in zip(options.keys, options.values, strict=True):
            if words(key) == "db_table":
                yield f"CREATE TABLE {name(words(value))} (x int)"


def _add_field(call: ast.Call) -> Iterator[str]:
    field = argument(call, 2, "field")
    if not isinstance(field, ast.Call) or called(field) in _NEW_TABLE:
        return
    given, kind = _given(field), called(field)
    sql = f"ALTER TABLE {_table(call)} ADD COLUMN {name(words(argument(call, 1, 'name')))} text"
    if "Generated" in kind:
        sql += " GENERATED ALWAYS AS (x) STORED"
    elif _required(field):
        sql += " NOT NULL"
    if "db_default" in given:
        volatile = called(given["db_default"]) in _CALLABLE_VOLATILE
        sql += " DEFAULT random()" if volatile else " DEFAULT 'x'"
    elif _default_in_code(field):
        sql += " DEFAULT 'x'"
    unique = constant(given.get("unique")) is True or kind == "OneToOneField"
    yield sql + " UNIQUE" * unique
    indexed = constant(given.get("db_index"))
    if not unique and (indexed is True or (kind in _LINKS and indexed is not False)):
        yield f"CREATE INDEX ON {_table(call)} (x)"


def _add_constraint(call: ast.Call) -> Iterator[str]:
    constraint = argument(call, 1, "constraint")
    kind = called(constraint) if constraint is not None else ""
    later = " NOT VALID" * (called(call) == "AddConstraintNotValid")
    # A unique constraint with a condition is an index, which is built the same way.
    sql = "CHECK (x > 0)" if kind == "CheckConstraint" else "UNIQUE (x)"
    label = words(argument(constraint, -1, "name")) if isinstance(constraint, ast.Call) else ""
    yield f"ALTER TABLE {_table(call)} ADD CONSTRAINT {name(label or 'unknown_name')} {sql}{later}"


def _together(call: ast.Call) -> Iterator[str]:
    wanted = argument(call, 1, "unique_together")
    if isinstance(wanted, (ast.Set, ast.List, ast.Tuple)) and wanted.elts:
        yield f"ALTER TABLE {_table(call)} ADD CONSTRAINT unknown_name UNIQUE (x)"


def _plain(sql: str, *names: str) -> Callable[[ast.Call], Iterator[str]]:
    """`{table}`, and `{other}`: the argument after it."""

    def reader(call: ast.Call) -> Iterator[str]:
        yield sql.format(table=_table(call), other=name(words(argument(call, 1, *names)) or "unknown_name"))

    return reader


_READERS: dict[str, Callable[[ast.Call], Iterator[str]]] = {
    "CreateModel": lambda call: _create_model(call, ""),
    "DeleteModel": _plain("DROP TABLE {table}"),
    "RenameModel": lambda call: iter(
        [
            f"ALTER TABLE {name(words(argument(call, 0, 'old_name')).lower())} "
            f"RENAME TO {name(words(argument(call, 1, 'new_name')).lower())}"
        ]
    ),
    "AlterModelTable": _plain("ALTER TABLE {table} RENAME TO {other}", "table"),
    "AddField": _add_field,
    "RemoveField": _plain("ALTER TABLE {table} DROP COLUMN {other}", "name"),
    "RenameField": _plain("ALTER TABLE {table} RENAME COLUMN {other} TO unknown_name", "old_name"),
    "AddIndex": _plain("CREATE INDEX ON {table} (x)"),
    "AddIndexConcurrently": _plain("CREATE INDEX CONCURRENTLY ON {table} (x)"),
    "RemoveIndex": _plain("DROP INDEX {other}", "name"),
    "RemoveIndexConcurrently": _plain("DROP INDEX CONCURRENTLY {other}", "name"),
    "AddConstraint": _add_constraint,
    "AddConstraintNotValid": _add_constraint,
    "ValidateConstraint": _plain("ALTER TABLE {table} VALIDATE CONSTRAINT {other}", "name"),
    "AlterUniqueTogether": _together,
}
