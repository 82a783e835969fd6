"""Changelogs of Liquibase in YAML: each change as the SQL that it stands for. No alias is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.migration import Found
from core.risk.rules.sql.python import name
from core.risk.rules.sql.statements import Statement, read_sql

MAX_CHANGELOG = 200_000


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def read_liquibase(text: str, dialect: Dialect) -> Found:
    """Statements of `databaseChangeLog`; `cut` for what is no YAML, or too large or deep."""
    if len(text) > MAX_CHANGELOG:
        return Found(cut=True)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return Found(cut=True)
    found: list[Statement] = []
    for entry in _items(_get(root, "databaseChangeLog")):
        change_set = _get(entry, "changeSet")
        apart = _word(_get(change_set, "runInTransaction")) == "false"
        found += () if apart else read_sql("BEGIN").statements
        for change in _items(_get(change_set, "changes")):
            found += _change(change, dialect)
        found += () if apart else read_sql("COMMIT").statements
    return Found(tuple(found), "no")


def read_formatted(text: str, dialect: Dialect) -> Found:
    """Of a changelog in SQL, whose comments say where a change set begins; each has its own transaction."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        plain = line[:500].strip().lower().replace(" ", "")
        if plain.startswith("--changeset"):
            lines[at] = "COMMIT;" if "runintransaction:false" in plain else "COMMIT; BEGIN;"
    script = read_sql("\n".join(lines), dialect)
    return Found(script.statements, "no", cut=script.cut)


def _change(change: yaml.Node, dialect: Dialect) -> Iterator[Statement]:
    for key, value in _pairs(change):
        line = key.start_mark.line + 1
        if _word(key) == "sql":
            node = _get(value, "sql") or value
            start = node.start_mark.line + (2 if getattr(node, "style", None) in ("|", ">") else 1)
            yield from read_sql(_word(node), dialect, start).statements
        elif reader := _READERS.get(_word(key)):
            for sql in reader(value):
                yield from read_sql(sql, dialect, line).statements


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _get(node: yaml.Node | None, *path: str) -> yaml.Node | None:
    for part in path:
        node = next((value for key, value in _pairs(node) if _word(key) == part), None)
    return node


def _word(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _table(node: yaml.Node, key: str = "tableName") -> str:
    return name(_word(_get(node, key)) or "unknown_table")


def _columns(node: yaml.Node) -> Iterator[yaml.Node]:
    for item in _items(_get(node, "columns")):
        if column := _get(item, "column"):
            yield column


def _add_column(node: yaml.Node) -> Iterator[str]:
    for column in _columns(node):
        sql = f"ALTER TABLE {_table(node)} ADD COLUMN {name(_word(_get(column, 'name')))} text"
        sql += " NOT NULL" * (_word(_get(column, "constraints", "nullable")) == "false")
        given = [(_word(key), _word(value)) for key, value in _pairs(column)]
        computed = next((value for key, value in given if key == "defaultValueComputed"), "")
        if computed:
            sql += f" DEFAULT {' '.join(computed.split())[:200]}"
        elif any(key.startswith("defaultValue") for key, _ in given):
            sql += " DEFAULT 'x'"
        yield sql + " UNIQUE" * (_word(_get(column, "constraints", "unique")) == "true")


def _foreign_key(node: yaml.Node) -> Iterator[str]:
    later = " NOT VALID" * (_word(_get(node, "validate")) == "false")
    table = _table(node, "baseTableName")
    yield f"ALTER TABLE {table} ADD CONSTRAINT x FOREIGN KEY (x) REFERENCES y (x){later}"


def _where(node: yaml.Node, sql: str) -> Iterator[str]:
    condition = " WHERE x = y" if _get(node, "where") is not None else ""
    yield sql.format(table=_table(node)) + condition


def _drop_columns(node: yaml.Node) -> Iterator[str]:
    single = _word(_get(node, "columnName"))
    many = [_word(_get(column, "name")) for column in _columns(node)]
    yield from (f"ALTER TABLE {_table(node)} DROP COLUMN {name(one)}" for one in (many or [single]))


def _plain(
    sql: str, key: str = "tableName", other: str = "columnName"
) -> Callable[[yaml.Node], Iterator[str]]:
    def reader(node: yaml.Node) -> Iterator[str]:
        yield sql.format(table=_table(node, key), other=name(_word(_get(node, other)) or "unknown_name"))

    return reader


_READERS: dict[str, Callable[[yaml.Node], Iterator[str]]] = {
    "createTable": _plain("CREATE TABLE {table} (x int)"),
    "dropTable": _plain("DROP TABLE {table}"),
    "renameTable": _plain("ALTER TABLE {table} RENAME TO {other}", "oldTableName", "newTableName"),
    "addColumn": _add_column,
    "dropColumn": _drop_columns,
    "renameColumn": _plain("ALTER TABLE {table} RENAME COLUMN {other} TO x", other="oldColumnName"),
    "modifyDataType": _plain("ALTER TABLE {table} ALTER COLUMN {other} TYPE unknown_type"),
    "addNotNullConstraint": _plain("ALTER TABLE {table} ALTER COLUMN {other} SET NOT NULL"),
    "addForeignKeyConstraint": _foreign_key,
    "addUniqueConstraint": _plain("ALTER TABLE {table} ADD CONSTRAINT x UNIQUE (x)"),
    "addPrimaryKey": _plain("ALTER TABLE {table} ADD CONSTRAINT x PRIMARY KEY (x)"),
    "createIndex": _plain("CREATE INDEX ON {table} (x)"),
    "dropIndex": _plain("DROP INDEX {other}", other="indexName"),
    "delete": lambda node: _where(node, "DELETE FROM {table}"),
    "update": lambda node: _where(node, "UPDATE {table} SET x = y"),
}
