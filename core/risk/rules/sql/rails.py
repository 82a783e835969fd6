"""Migrations of Rails, read line by line: each call of `up` or `change` as the SQL that it stands for.

Ruby is not parsed: a call with its arguments on lines that end with a comma is one, a heredoc is its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.migration import Found, Hit
from core.risk.rules.sql.python import name
from core.risk.rules.sql.rails_rows import row_by_row
from core.risk.rules.sql.statements import Statement, read_sql
from core.words import word_set

_CUT = 2_000
_JOINED = 30
_CALL = re.compile(r"(?:(?:safety_assured|up_only|dir\.up) ?(?:\{|do) ?)?(t\.)?([a-z_]+)[ (] ?(.*)")
# What runs a text, whatever connection it is called on.
_RUN = re.compile(
    r"(?:[\w:.]{0,200}\.)?(?:execute|exec_query|exec_update|exec_delete|execute_batch)[ (] ?(.*)"
)
_ALL_ROWS = re.compile(
    r"([A-Z][\w:]{0,100})(?:\.(?:all|unscoped|with_deleted))?\.(delete_all|destroy_all|update_all)\b"
)
_WRITTEN = {
    "update_all": "UPDATE {} SET x = y", "delete_all": "DELETE FROM {}", "destroy_all": "DELETE FROM {}",
}  # fmt: skip
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BRACED = {"{": "}", "(": ")", "[": "]", "<": ">", "|": "|", "!": "!"}
_DEF = re.compile(r"def (?:self\.)?(\w+)")
_HEREDOC = re.compile(r"<<[~-]?['\"]?([A-Z_]+)")
_SAFE = re.compile(r"^(?:safety_assured|up_only|dir\.up) ?(?:\{|do) ?")
_PERCENT = re.compile(r"%[qQ]?([{(\[<|!])")
_ROCKET = re.compile(r":(\w+) ?=>")
_OPTION = re.compile(r"(\w+): ?([^\s,{]+)")
_VOLATILE = re.compile(r"gen_random_uuid|uuid_generate_v\d|\brandom\b|clock_timestamp")
_NOT_COLUMNS = word_set("index references belongs_to remove rename change foreign_key change_default")


class _Call(NamedTuple):
    """`table`: of the `change_table` around it, "" outside of one."""

    verb: str
    args: tuple[str, ...]
    options: dict[str, str]
    text: str
    table: str
    line: int

    def arg(self, at: int) -> str:
        at -= bool(self.table)
        if at < 0:
            return name(self.table)
        return name(self.args[at] if at < len(self.args) else "unknown_name")

    def says(self, option: str, value: str) -> bool:
        return self.options.get(option) == value


_Reader = Callable[[_Call], Iterator[str]]


def read_rails(text: str, dialect: Dialect) -> Found:
    lines = [line[:_CUT] for line in text.split("\n")]
    found: list[Statement] = []
    hits = []
    for one in _calls(lines):
        if one.verb == "raise" and "IrreversibleMigration" in one.text:
            hits.append(
                Hit("sql-irreversible", one.line, "Has no way back: down raises IrreversibleMigration.")
            )
        elif one.verb == "sql":
            found += read_sql(one.text, dialect, one.line).statements
        else:
            reader = _READERS.get(f"t.{one.verb}" if one.table else one.verb) or _column_of(one)
            found += (made for sql in reader(one) for made in read_sql(sql, dialect, one.line).statements)
    apart = any(line.strip().startswith("disable_ddl_transaction!") for line in lines)
    hits += () if apart else row_by_row(lines, _table_of)
    return Found(tuple(found), "no" if apart or dialect == "mysql" else "yes", tuple(hits))


def _calls(lines: list[str]) -> Iterator[_Call]:
    """Calls that run when the migration goes up, and what `down` raises."""
    at, part, until, table = 0, "", "", ""
    while at < len(lines):
        line, plain = lines[at], lines[at].strip()
        at += 1
        if not plain or plain.startswith("#"):
            continue
        indent = line[: len(line) - len(line.lstrip())]
        if until and line.startswith(f"{until.removeprefix('=')}end"):
            until, table, part = "", "", "" if part == "dir.down" else part
        if defined := _DEF.match(plain):
            part = defined.group(1)
        elif plain.startswith("dir.down"):
            part, until = ("dir.down" if plain.endswith("do") else part), f"={indent}"
        elif part == "down" and plain.startswith("raise"):
            yield _Call("raise", (), {}, plain, "", at)
        elif part in ("up", "change", ""):
            call, at = _call(lines, at - 1, table)
            if call is not None:
                yield call
                if call.verb in ("create_table", "change_table") and " do " in f"{call.text} ":
                    table = call.arg(0).strip('"') if call.verb == "change_table" else ""
                    until = f"={indent}"


def _call(lines: list[str], at: int, table: str) -> tuple[_Call | None, int]:
    """The call that begins there, and the line after it."""
    begin, parts = at, [lines[at].strip()]
    while parts[-1].endswith(",") and at + 1 < len(lines) and len(parts) < _JOINED:
        at += 1
        parts.append(lines[at].strip())
    text = _ROCKET.sub(r"\1:", " ".join(parts)[:_CUT])
    if run := _RUN.match(_SAFE.sub("", lines[begin].strip())):
        return _executed(lines, begin, run.group(1))
    if written := _ALL_ROWS.match(_SAFE.sub("", text)):
        return _Call("sql", (), {}, _of_all(written[1], written[2]), "", begin + 1), at + 1
    found = _CALL.match(text)
    if found is None or bool(found.group(1)) != bool(table):
        return None, at + 1
    verb, rest = found.group(2), found.group(3)
    args = tuple(_named(one) for one in _split(rest) if _is_plain(one))
    return _Call(verb, args, dict(_OPTION.findall(rest)), text, table, begin + 1), at + 1


def _split(rest: str) -> list[str]:
    depth, parts = 0, [""]
    for sign in rest:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _is_plain(text: str) -> bool:
    """Whether an argument has no name of its own (`null: false`)."""
    return bool(text.strip()) and ":" not in text.strip().lstrip(":")


def _named(text: str) -> str:
    return text.split(" do ")[0].strip(" :'\"()[]{}").split()[0:1][0] if text.strip(" :'\"()[]{}") else ""


def _executed(lines: list[str], at: int, rest: str) -> tuple[_Call | None, int]:
    if braced := _PERCENT.match(rest):
        return _braced(lines, at, rest[braced.end() :], _BRACED[braced[1]])
    if heredoc := _HEREDOC.match(rest):
        end = at + 1
        while end < len(lines) and lines[end].strip() != heredoc.group(1):
            end += 1
        return _Call("sql", (), {}, "\n".join(lines[at + 1 : end]), "", at + 2), end + 1
    quote = rest[:1]
    if quote not in ("'", '"'):
        return None, at + 1
    end, text = at, [rest[1:]]
    while quote not in text[-1] and end + 1 < len(lines):
        end += 1
        text.append(lines[end])
    text[-1] = text[-1].rpartition(quote)[0] or text[-1]
    return _Call("sql", (), {}, "\n".join(text), "", at + 1), end + 1


def _braced(lines: list[str], at: int, first: str, end: str) -> tuple[_Call | None, int]:
    """The text of `%q{…}`, up to the sign that ends it."""
    begin, text = at, [first]
    while end not in text[-1] and at + 1 < len(lines):
        at += 1
        text.append(lines[at])
    text[-1] = text[-1].rpartition(end)[0] or text[-1]
    return _Call("sql", (), {}, "\n".join(text), "", begin + 1), at + 1


def _of_all(model: str, verb: str) -> str:
    return _WRITTEN[verb].format(name(_table_of(model)))


def _table_of(model: str) -> str:
    """A model stands for the table of its name."""
    plain = _HUMP.sub("_", model.rpartition(":")[2]).lower()
    end = "ies" if plain.endswith("y") else "es" if plain.endswith(("s", "x", "ch", "sh")) else "s"
    return plain.removesuffix("y" * plain.endswith("y")) + end


def _column_of(one: _Call) -> _Reader:
    """Of a `change_table`, every other word is a type of a column."""
    return _add_column if one.table and one.verb not in _NOT_COLUMNS else lambda call: iter(())


def _add_column(one: _Call) -> Iterator[str]:
    default = one.options.get("default", "nil")
    sql = f"ALTER TABLE {one.arg(0)} ADD COLUMN {one.arg(1)} text"
    sql += " NOT NULL" * one.says("null", "false")
    if _VOLATILE.search(one.text):
        sql += " DEFAULT gen_random_uuid()"
    elif default != "nil":
        sql += " DEFAULT 'x'"
    yield sql
    indexed = "index: {" in one.text or ("index" in one.options and not one.says("index", "false"))
    if indexed and "concurrently" not in one.text:
        yield f"CREATE INDEX ON {one.arg(0)} (x)"


def _reference(one: _Call) -> Iterator[str]:
    yield from (sql for sql in _add_column(one) if sql.startswith("ALTER"))
    if not one.says("index", "false"):
        how = "CONCURRENTLY" if "concurrently" in one.text else ""
        yield f"CREATE INDEX {how} ON {one.arg(0)} (x)"
    if "foreign_key" in one.options or "foreign_key: {" in one.text:
        later = "" if one.says("foreign_key", "true") or "validate: false" not in one.text else "NOT VALID"
        if not one.says("foreign_key", "false"):
            yield f"ALTER TABLE {one.arg(0)} ADD CONSTRAINT x FOREIGN KEY (x) REFERENCES y (x) {later}"


def _timestamps(one: _Call) -> Iterator[str]:
    if not one.says("null", "true") and "default" not in one.options:
        yield f"ALTER TABLE {one.arg(0)} ADD COLUMN created_at timestamp NOT NULL"


def _index(one: _Call) -> Iterator[str]:
    how = "CONCURRENTLY" if one.says("algorithm", ":concurrently") else ""
    yield f"CREATE INDEX {how} ON {one.arg(0)} (x)"


def _remove_index(one: _Call) -> Iterator[str]:
    how = "CONCURRENTLY" if one.says("algorithm", ":concurrently") else ""
    yield f"DROP INDEX {how} {name('index of ' + one.arg(0))}"


def _remove_columns(one: _Call) -> Iterator[str]:
    only_one = one.verb in ("remove_column", "remove_reference")
    for at in range(1, 2 if only_one else len(one.args) + bool(one.table)):
        yield f"ALTER TABLE {one.arg(0)} DROP COLUMN {one.arg(at)}"


def _change_null(one: _Call) -> Iterator[str]:
    if len(one.args) > 2 - bool(one.table) and one.args[2 - bool(one.table)] == "false":
        yield f"ALTER TABLE {one.arg(0)} ALTER COLUMN {one.arg(1)} SET NOT NULL"


def _constraint(sql: str) -> _Reader:
    def reader(one: _Call) -> Iterator[str]:
        later = "NOT VALID" if one.says("validate", "false") else ""
        yield f"ALTER TABLE {one.arg(0)} ADD CONSTRAINT x {sql} {later}"

    return reader


def _plain(sql: str) -> _Reader:
    return lambda one: iter([sql.format(table=one.arg(0), first=one.arg(1))])


def _unique(one: _Call) -> Iterator[str]:
    """An index that is there already is taken over in no time."""
    how = "USING INDEX x" if "using_index" in one.options else "(x)"
    yield f"ALTER TABLE {one.arg(0)} ADD CONSTRAINT x UNIQUE {how}"


_CHANGE = _plain("ALTER TABLE {table} ALTER COLUMN {first} TYPE unknown_type")
_RENAME = _plain("ALTER TABLE {table} RENAME COLUMN {first} TO unknown_name")
_READERS: dict[str, _Reader] = {
    "create_table": _plain("CREATE TABLE {table} (x int)"),
    "create_join_table": _plain("CREATE TABLE {table} (x int)"),
    "drop_table": _plain("DROP TABLE {table}"),
    "rename_table": _plain("ALTER TABLE {table} RENAME TO {first}"),
    "add_column": _add_column,
    "remove_column": _remove_columns,
    "remove_columns": _remove_columns,
    "remove_reference": _remove_columns,
    "rename_column": _RENAME,
    "change_column": _CHANGE,
    "change_column_null": _change_null,
    "add_index": _index,
    "remove_index": _remove_index,
    "add_reference": _reference,
    "add_belongs_to": _reference,
    "add_timestamps": _timestamps,
    "add_foreign_key": _constraint("FOREIGN KEY (x) REFERENCES y (x)"),
    "add_check_constraint": _constraint("CHECK (x > 0)"),
    "add_unique_constraint": _unique,
    "add_exclusion_constraint": _constraint("EXCLUDE (x WITH =)"),
    "validate_foreign_key": _plain("ALTER TABLE {table} VALIDATE CONSTRAINT x"),
    "validate_check_constraint": _plain("ALTER TABLE {table} VALIDATE CONSTRAINT x"),
    "t.remove": _remove_columns,
    "t.rename": _RENAME,
    "t.change": _CHANGE,
    "t.index": _index,
    "t.unique_constraint": _unique,
    "t.references": _reference,
    "t.belongs_to": _reference,
    "t.timestamps": _timestamps,
}
