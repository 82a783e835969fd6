"""Migrations of Ecto, read line by line: each call of `change` or `up` as the SQL that it stands for.

Elixir is not parsed: a call with its arguments on lines whose parentheses stay open is one, a heredoc is its
text. What only the running program knows is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.migration import Found, Hit
from core.risk.rules.sql.python import name
from core.risk.rules.sql.statements import Statement, read_sql

IS_ECTO = re.compile(r"\bEcto\.Migration\b|\buse\s+[\w.]{1,100}Migration\b")
_CUT = 2_000
_JOINED = 60
_DEF = re.compile(r"defp?\s+(\w+)")
_APART = re.compile(r"@disable_ddl_transaction\s+true")
_VERB = re.compile(
    r"(create_if_not_exists|create|drop_if_exists|drop|alter|rename|add_if_not_exists|add|modify|remove_if_exists"
    r"|remove|timestamps|execute|execute_file)\b[ (]?\s*(.*)",
    re.DOTALL,
)
_OBJECT = re.compile(r"\(?\s*(table|unique_index|index|constraint)[ (]\s*[:\"]?([\w.]{1,100})\"?(.*)")
_NAME = re.compile(r"\(?\s*[:\"](\w{1,100})\"?\s*(?:,\s*(.*))?$")
_RUN = re.compile(
    r"(?:repo\(\)|[A-Z][\w.]{0,100})\.(?:query!?|query_many!?)\(\s*\"([^\"]{1,1000})|\bSQL\.query!?\([^\",]{0,80},\s*\"([^\"]{1,1000})"
)
_ALL_ROWS = re.compile(r"(?:repo\(\)|\bRepo)\.(update_all|delete_all)\(\s*[:\"]?([A-Za-z_][\w.]{0,100})")
_VOLATILE = re.compile(r"gen_random_uuid|uuid_generate_v\d|\brandom\(|clock_timestamp|uuidv7")
_WRITTEN = {"update_all": "UPDATE {} SET x = y", "delete_all": "DELETE FROM {}"}
_UNREAD = "Runs what another file holds: nothing is said of it."
# What PostgreSQL turns into text without writing a row anew.
_TEXTS = (":string", ":citext", ":text")


class _Call(NamedTuple):
    """`table`: of the `alter` around it, "" outside of one."""

    verb: str
    rest: str
    line: int
    table: str


def read_ecto(text: str, dialect: Dialect) -> Found:
    lines = [line[:_CUT] for line in text.split("\n")]
    found: list[Statement] = []
    hits: list[Hit] = []
    for one in _calls(lines):
        if one.verb == "execute_file":
            hits.append(Hit("sql-unread", one.line, _UNREAD))
        for sql in _statements(one, dialect):
            found += read_sql(sql, dialect, one.line).statements
    apart = any(_APART.search(line) for line in lines)
    return Found(tuple(found), "no" if apart or dialect == "mysql" else "yes", tuple(hits))


def _calls(lines: list[str]) -> Iterator[_Call]:
    """Calls that run when the migration goes up."""
    at, part, until, table = 0, "", "", ""
    while at < len(lines):
        line, plain = lines[at], lines[at].strip()
        indent = line[: len(line) - len(line.lstrip())]
        if until and plain.startswith("end") and indent == until[1:]:
            until, table = "", ""
        if not plain or plain.startswith(("#", "@moduledoc", "@doc")):
            at += 1
            continue
        if defined := _DEF.match(plain):
            part, at = defined[1], at + 1
            plain = plain.partition(", do: ")[2]
            if plain and part != "down":
                yield from _one(plain, at, "")
            continue
        if part == "down":
            at += 1
            continue
        begin = at
        whole, at = _joined(lines, at)
        for one in _one(whole, begin + 1, table):
            yield one
            if one.verb in ("alter", "create", "create_if_not_exists") and re.search(r"\bdo\s*$", whole):
                object_of = _OBJECT.match(one.rest)
                new = one.verb != "alter"
                table = "" if new or object_of is None else object_of[2]
                until = f"={indent}"


def _one(text: str, line: int, table: str) -> Iterator[_Call]:
    """The call of a line; `index(:orders, [:a]) |> create()` is `create index(:orders, [:a])`."""
    head, piped, verb = text.rpartition("|>")
    if piped and (found := _VERB.match(verb.strip())):
        yield _Call(found[1], head.strip(), line, table)
    elif found := _VERB.match(text):
        yield _Call(found[1], found[2], line, table)
    elif not any(word in text for word in (".query", "_all(")):
        return
    elif (run := _RUN.search(text)) or (run := _ALL_ROWS.search(text)):
        if run.re is _RUN:
            yield _Call("sql", run[1] or run[2] or "", line, table)
        else:
            yield _Call(run[1], run[2], line, table)


def _joined(lines: list[str], at: int) -> tuple[str, int]:
    """The call that begins there, and the line after it. A heredoc keeps its lines."""
    parts = [lines[at].strip()]
    if parts[0].count('"""') == 1:
        while at + 1 < len(lines) and lines[at + 1].count('"""') == 0:
            at += 1
            parts.append(lines[at])
        return "\n".join((*parts, '"""')), at + 2
    while _is_open(parts) and at + 1 < len(lines) and len(parts) < _JOINED:
        at += 1
        parts.append(lines[at].strip())
    if len(parts) == 1 and at + 1 < len(lines) and lines[at + 1].lstrip().startswith("|>"):
        at += 1
        parts.append(lines[at].strip())
    return " ".join(parts), at + 1


def _is_open(parts: list[str]) -> bool:
    last = parts[-1]
    text = "".join(parts)
    opened = sum(text.count(one) for one in "([{") - sum(text.count(one) for one in ")]}")
    return opened > 0 or last.endswith((",", "|>")) or last in ("execute", "create", "drop")


def _statements(one: _Call, dialect: Dialect) -> Iterator[str]:
    if one.verb == "sql":
        yield one.rest
    elif one.verb in _WRITTEN:
        yield _WRITTEN[one.verb].format(name(_table_of(one.rest)))
    elif one.verb == "execute":
        yield from _executed(one.rest)
    elif one.verb == "rename":
        yield from _renamed(one.rest)
    elif one.verb in ("add", "add_if_not_exists", "modify", "remove", "remove_if_exists", "timestamps"):
        yield from _column(one, dialect) if one.table else ()
    elif found := _OBJECT.match(one.rest):
        yield from _object(one.verb.partition("_if_")[0], found[1], found[2], found[3])


def _table_of(said: str) -> str:
    """A schema's module stands for a table that it alone knows."""
    return said if said[:1].islower() else "unknown_table"


def _object(verb: str, kind: str, table: str, rest: str) -> Iterator[str]:
    how = "CONCURRENTLY" if re.search(r"concurrently:\s*true", rest) else ""
    if kind == "table":
        plain = {"create": "CREATE TABLE {} (x int)", "drop": "DROP TABLE {}"}.get(verb, "")
        yield from [plain.format(name(table))] if plain else []
    elif kind == "constraint":
        if verb == "create":
            later = "NOT VALID" if re.search(r"validate:\s*false", rest) else ""
            check = "EXCLUDE (x WITH =)" if re.search(r"exclude:", rest) else "CHECK (x > 0)"
            yield f"ALTER TABLE {name(table)} ADD CONSTRAINT x {check} {later}"
    elif verb == "create":
        yield f"CREATE {'UNIQUE ' * (kind == 'unique_index')}INDEX {how} ON {name(table)} (x)"
    elif verb == "drop":
        yield f"DROP INDEX {how} {name('index of ' + table)}"


def _column(one: _Call, dialect: Dialect) -> Iterator[str]:
    alter = f"ALTER TABLE {name(one.table)}"
    if one.verb == "timestamps":
        if not re.search(r"null:\s*true|default:", one.rest):
            yield f"{alter} ADD COLUMN inserted_at timestamp NOT NULL"
        return
    found = _NAME.match(one.rest)
    if found is None:
        return
    column, rest = name(found[1]), found[2] or ""
    if one.verb.startswith("remove"):
        yield f"{alter} DROP COLUMN {column}"
    elif one.verb.startswith("add"):
        yield from _added(alter, column, rest)
    else:
        yield from _modified(alter, column, rest, dialect)


def _added(alter: str, column: str, rest: str) -> Iterator[str]:
    default = re.search(r"default:\s*(?!nil\b)", rest) is not None
    sql = f"{alter} ADD COLUMN {column} text" + " NOT NULL" * bool(re.search(r"null:\s*false", rest))
    if _VOLATILE.search(rest):
        sql += " DEFAULT gen_random_uuid()"
    elif default or rest.startswith((":serial", ":bigserial")):
        sql += " DEFAULT 'x'"
    yield sql
    yield from _reference(alter, column, rest)


def _modified(alter: str, column: str, rest: str, dialect: Dialect) -> Iterator[str]:
    """Without its former type, one that says what else changes is taken to keep it."""
    kind = re.match(r"(?:\{[^}]{0,200}\}|references\([^)]{0,200}\)|:?[\w.]{1,100})", rest)
    was = re.search(r"from:\s*\{?\s*(references|:?[\w.]{1,100})", rest)
    now = kind[0] if kind else ""
    others = re.search(r"\b(?:null|default):", rest.partition("from:")[0]) is not None
    if now.startswith("references"):
        yield from _reference(alter, column, rest)
    elif (was is not None and was[1] != now) or (was is None and not others):
        widened = now == ":text" and dialect == "postgres" and was is not None and was[1] in _TEXTS
        if not widened:
            yield f"{alter} ALTER COLUMN {column} TYPE unknown_type"
    if re.search(r"null:\s*false", rest.partition("from:")[0]):
        yield f"{alter} ALTER COLUMN {column} SET NOT NULL"


def _reference(alter: str, column: str, rest: str) -> Iterator[str]:
    if "references(" in rest or "references " in rest:
        later = "NOT VALID" if re.search(r"validate:\s*false", rest) else ""
        yield f"{alter} ADD CONSTRAINT x FOREIGN KEY ({column}) REFERENCES y (x) {later}"


def _renamed(rest: str) -> Iterator[str]:
    found = _OBJECT.match(rest)
    if found is None or found[1] != "table":
        return
    column = re.match(r"\"?\)?\s*,\s*:(\w{1,100})\s*,\s*to:", found[3])
    other = re.search(r"to:\s*table[ (]\s*[:\"](\w{1,100})", found[3])
    if column:
        yield f"ALTER TABLE {name(found[2])} RENAME COLUMN {name(column[1])} TO unknown_name"
    elif other:
        yield f"ALTER TABLE {name(found[2])} RENAME TO {name(other[1])}"


def _executed(rest: str) -> Iterator[str]:
    """The first text that it is given: a second one is the way back."""
    said = rest.strip().removeprefix("(").strip()
    if said.startswith(('"""', '~s"""', '~S"""')):
        yield said.partition('"""')[2].rpartition('"""')[0]
    elif said.startswith(('"', '~s"', '~S"')):
        found = re.match(r'[^"]{0,2}"((?:[^"\\]|\\.){0,2000})"', said)
        yield found[1].replace('\\"', '"').replace("\\n", "\n") if found else said
    elif found := re.match(r"~[sS]([({\[|])(.{0,2000})[)}\]|]", said):
        yield found[2]
    elif run := _RUN.search(said):
        yield run[1] or run[2] or ""
