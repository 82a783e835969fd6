"""Changelogs of Liquibase: each change as the SQL that it stands for, and whether old change sets stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from core.risk.rules.sql.changelog import Element, elements
from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.migration import Found, found_in
from core.risk.rules.sql.python import name, within
from core.risk.rules.sql.statements import Statement, read_sql
from core.words import word_set

# A change set for these alone runs in tests.
_TEST_DATABASES = word_set("h2 hsqldb derby sqlite")
_KIND = re.compile(r"[A-Za-z]\w{0,40}(?: \w{1,40}){0,6}(?: ?\([\d ,]{1,20}\))?")
_TEXTS = re.compile(r"(?:clob|longvarchar|longtext)(?:\(.*)?|text", re.IGNORECASE)
# What stands in a delimiter as a pattern of Liquibase's: `\nGO`, `\s*;`.
_ESCAPED = re.compile(r"\\[nrs][*?+]?|\$|\^")
_DEFAULTS = "defaultValue"
# Parts of a change set that change nothing that is run; edits of them are none.
_SPOKEN = word_set("comment preConditions rollback validCheckSum")
Reader = Callable[[Element, Dialect], Iterator[tuple[str, Element]]]


def read_liquibase(text: str, dialect: Dialect) -> Found:
    """Statements of `databaseChangeLog` in XML, YAML or JSON; `cut` for what is not read."""
    entries = elements(text)
    if entries is None:
        return Found(cut=True)
    found: list[Statement] = []
    for entry in entries:
        if entry.name != "changeSet" or _is_for_tests(entry):
            continue
        apart = entry.says("runInTransaction", "false")
        found += () if apart else read_sql("BEGIN").statements
        for change in entry.inside:
            found += () if _is_for_tests(change) else _change(change, dialect)
        found += () if apart else read_sql("COMMIT").statements
    return Found(tuple(found), "no")


def read_formatted(text: str, dialect: Dialect) -> Found:
    """Of a changelog in SQL, whose comments say where a change set begins; each has its own transaction."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        plain = line[:500].strip().lower().replace(" ", "")
        if plain.startswith("--changeset"):
            lines[at] = "COMMIT;" if "runintransaction:false" in plain else "COMMIT; BEGIN;"
    return found_in(read_sql("\n".join(lines), dialect), "no")


def keeps(before: str, after: str) -> bool | None:
    """Whether every change set, and every file that is included, of `before` is in `after` as it was; those
    that run anew whenever they change may differ. None where one of them is not read."""
    old, new = elements(before), elements(after)
    if old is None or new is None:
        return None
    there: dict[tuple[str, ...], list[Element]] = {}
    for one in reversed(new):
        there.setdefault(_identity(one), []).append(one)
    return all(_same(one, held.pop() if (held := there.get(_identity(one))) else None) for one in old)


def _identity(entry: Element) -> tuple[str, ...]:
    return entry.name, *(entry.given.get(key, "") for key in ("id", "author", "file", "path", "name", "dbms"))


def _same(old: Element, new: Element | None) -> bool:
    if old.name not in ("changeSet", "include", "includeAll"):
        return True
    if new is None:
        return False
    free = any(new.says(key, "true") for key in ("runOnChange", "runAlways"))
    return free or _runs(old) == _runs(new)


def _runs(entry: Element) -> list[object]:
    """What is run. In YAML the attributes stand among the changes: they have neither of their own."""
    return [
        _plain(one)
        for one in entry.inside
        if one.name not in _SPOKEN and (one.given or one.inside or one.name == "sql")
    ]


def _plain(entry: Element) -> object:
    """Without lines, and without blanks around the text."""
    inside = [_plain(one) for one in entry.inside]
    return entry.name, sorted(entry.given.items()), " ".join(entry.text.split()), inside


def _is_for_tests(entry: Element) -> bool:
    named = {one.strip().lower() for one in entry.given.get("dbms", "").split(",")} - {""}
    return bool(named) and named <= _TEST_DATABASES


def _change(change: Element, dialect: Dialect) -> Iterator[Statement]:
    if change.name == "sql":
        yield from _sql(change, dialect)
    elif reader := _READERS.get(change.name):
        for sql, at in reader(change, dialect):
            for one in read_sql(sql, dialect, at.line).statements:
                yield one._replace(end=max(one.end, at.end))


def _sql(change: Element, dialect: Dialect) -> Iterator[Statement]:
    held = change.child("sql") or change
    text, line = held.text, held.text_line
    end = _ESCAPED.sub("", change.given.get("endDelimiter", "")).strip()
    if end.isalpha() or end == "/":
        text = "\n".join(";" if one.strip().lower() == end.lower() else one for one in text.split("\n"))
    elif end and len(end) < 20:
        text, line = f"DELIMITER {end}\n{text}", line - 1
    for one in read_sql(text, dialect, line).statements:
        yield within(one, max(change.end, held.end))


def _table(change: Element, key: str = "tableName") -> str:
    return name(change.given.get(key) or "unknown_table")


def _kind(text: str) -> str:
    """A type as databases write it; what is filled in later is not known."""
    if _TEXTS.fullmatch(text.strip()):
        return "text"
    return text.strip() if _KIND.fullmatch(text.strip()) else "unknown_type"


def _add_column(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
    for column in change.all("column"):
        rules = column.child("constraints") or Element("", 0)
        kind = _kind(column.given.get("type", ""))
        serial = "AUTO_INCREMENT" if dialect == "mysql" else "GENERATED BY DEFAULT AS IDENTITY"
        computed = " ".join(column.given.get("defaultValueComputed", "").split())[:200]
        plain = any(key.startswith(_DEFAULTS) for key in column.given)
        parts = [f"ALTER TABLE {_table(change)} ADD COLUMN {name(column.given.get('name', ''))} {kind}"]
        parts += [serial] * column.says("autoIncrement", "true")
        parts += ["NOT NULL"] * (rules.says("nullable", "false") or rules.says("primaryKey", "true"))
        parts += [f"DEFAULT {computed}" if computed else "DEFAULT 'x'"] * plain
        parts += ["UNIQUE"] * (rules.says("unique", "true") or rules.says("primaryKey", "true"))
        yield " ".join(parts), column


def _drop_columns(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
    columns = [(one.given.get("name", ""), one) for one in change.all("column")]
    for column, at in columns or [(change.given.get("columnName", ""), change)]:
        yield f"ALTER TABLE {_table(change)} DROP COLUMN {name(column)}", at


def _merge_columns(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
    final = change.given.get("finalColumnName", "")
    for key in ("column1Name", "column2Name"):
        if (column := change.given.get(key, "")) and column != final:
            yield f"ALTER TABLE {_table(change)} DROP COLUMN {name(column)}", change


def _altered(change: Element, dialect: Dialect, to: str, kind: str) -> Iterator[tuple[str, Element]]:
    column = name(change.given.get("columnName") or "unknown_name")
    if dialect == "mysql":
        yield f"ALTER TABLE {_table(change)} MODIFY COLUMN {column} {kind}", change
    else:
        yield f"ALTER TABLE {_table(change)} ALTER COLUMN {column} {to}", change


def _retype(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
    kind = _kind(change.given.get("newDataType", ""))
    yield from _altered(change, dialect, f"TYPE {kind}", kind)


def _require(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
    kind = f"{_kind(change.given.get('columnDataType', ''))} NOT NULL"
    yield from _altered(change, dialect, "SET NOT NULL", kind)


def _foreign_key(key: str) -> Reader:
    def reader(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
        later = " NOT VALID" * change.says("validate", "false")
        constraint = f"ADD CONSTRAINT x FOREIGN KEY (x) REFERENCES y (x){later}"
        yield f"ALTER TABLE {_table(change, key)} {constraint}", change

    return reader


def _key(kind: str) -> Reader:
    def reader(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
        of = " USING INDEX x" if change.given.get("forIndexName") else " (x)"
        yield f"ALTER TABLE {_table(change)} ADD CONSTRAINT x {kind}{of}", change

    return reader


def _index(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
    named = name(change.given["indexName"]) if change.given.get("indexName") else ""
    yield f"CREATE INDEX {named} ON {_table(change)} (x)", change


def _where(sql: str) -> Reader:
    def reader(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
        where = change.child("where")
        condition = " WHERE x = y" if where is not None and where.text.strip() else ""
        yield sql.format(table=_table(change)) + condition, change

    return reader


def _plain_sql(sql: str, key: str = "tableName", other: str = "columnName") -> Reader:
    def reader(change: Element, dialect: Dialect) -> Iterator[tuple[str, Element]]:
        named = change.given.get(other) or "unknown_name"
        yield sql.format(table=_table(change, key), other=name(named)), change

    return reader


_READERS: dict[str, Reader] = {
    "createTable": _plain_sql("CREATE TABLE {table} (x int)"),
    "dropTable": _plain_sql("DROP TABLE {table}"),
    "renameTable": _plain_sql("ALTER TABLE {table} RENAME TO {other}", "oldTableName", "newTableName"),
    "addColumn": _add_column,
    "dropColumn": _drop_columns,
    "mergeColumns": _merge_columns,
    "renameColumn": _plain_sql("ALTER TABLE {table} RENAME COLUMN {other} TO x", other="oldColumnName"),
    "modifyDataType": _retype,
    "addNotNullConstraint": _require,
    "addForeignKeyConstraint": _foreign_key("baseTableName"),
    "addLookupTable": _foreign_key("existingTableName"),
    "addUniqueConstraint": _key("UNIQUE"),
    "addPrimaryKey": _key("PRIMARY KEY"),
    "createIndex": _index,
    "dropIndex": _plain_sql("DROP INDEX {other}", other="indexName"),
    "delete": _where("DELETE FROM {table}"),
    "update": _where("UPDATE {table} SET x = y"),
}
