"""What statements of SQL are about: the table, the actions of an `ALTER TABLE`, the columns that it adds.

Names are in small letters and without their schema. What is not understood is None or empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.risk.rules.sql.statements import Statement, Token
from core.words import word_set

Tokens = tuple[Token, ...]
_NOT_COLUMNS = word_set(
    "CONSTRAINT PRIMARY UNIQUE FOREIGN CHECK EXCLUDE INDEX KEY FULLTEXT SPATIAL PARTITION PERIOD VALUE"
)
_KINDS_OF_TABLE = word_set(
    "GLOBAL LOCAL TEMP TEMPORARY UNLOGGED FOREIGN OR REPLACE VIRTUAL TRANSIENT EXTERNAL RECURSIVE "
    "MATERIALIZED"
)


class Alter(NamedTuple):
    table: str
    actions: tuple[Tokens, ...]


class Index(NamedTuple):
    name: str
    table: str
    concurrently: bool
    # `ON ONLY`: of a partitioned table alone, so nothing is built.
    only: bool


def outer(tokens: Tokens) -> Tokens:
    """Without what stands in parentheses."""
    depth, kept = 0, []
    for one in tokens:
        depth -= one.key == ")"
        if depth <= 0:
            kept.append(one)
        depth += one.key == "("
    return tuple(kept)


def keys(tokens: Tokens) -> tuple[str, ...]:
    return tuple(one.key for one in tokens)


def in_row(tokens: Tokens, *wanted: str) -> bool:
    """Whether these keys stand in a row somewhere."""
    found, size = keys(tokens), len(wanted)
    return any(found[at : at + size] == wanted for at in range(len(found) - size + 1))


def split(tokens: Tokens) -> tuple[Tokens, ...]:
    """At the commas that stand in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for one in tokens:
        depth += (one.key == "(") - (one.key == ")")
        if one.key == "," and depth <= 0:
            parts.append([])
        else:
            parts[-1].append(one)
    return tuple(tuple(part) for part in parts if part)


def name_at(tokens: Tokens, at: int) -> tuple[str, int]:
    """The name there and where it ends; "" when there is none. `IF [NOT] EXISTS` and `ONLY` are skipped."""
    while at < len(tokens) and tokens[at].key in ("IF", "NOT", "EXISTS", "ONLY", "CONCURRENTLY"):
        at += 1
    name = ""
    while at < len(tokens) and tokens[at].kind in ("word", "name"):
        name = tokens[at].text.lower()
        at += 1
        if at < len(tokens) and tokens[at].key == ".":
            at += 1
        else:
            break
    return name, at


def names_at(tokens: Tokens, at: int) -> list[str]:
    """A row of names with commas between them."""
    found: list[str] = []
    while True:
        name, at = name_at(tokens, at)
        if not name:
            return found
        found.append(name)
        if at >= len(tokens) or tokens[at].key != ",":
            return found
        at += 1


def alter_table(one: Statement) -> Alter | None:
    at = 2 if one.starts("ALTER", "TABLE") else 3 if one.starts("ALTER", "FOREIGN", "TABLE") else 0
    if not at:
        return None
    table, at = name_at(one.tokens, at)
    if at < len(one.tokens) and one.tokens[at].key == "*":
        at += 1
    return Alter(table, split(one.tokens[at:])) if table else None


def added_columns(action: Tokens) -> list[Tokens]:
    """The columns that an action adds, each from its name on."""
    if not action or action[0].key != "ADD":
        return []
    at = 2 if len(action) > 1 and action[1].key == "COLUMN" else 1
    while at < len(action) and action[at].key in ("IF", "NOT", "EXISTS"):
        at += 1
    rest = action[at:]
    if not rest:
        return []
    if rest[0].key == "(":
        inner = rest[1:-1] if rest[-1].key == ")" else rest[1:]
        return [part for part in split(inner) if part[0].key not in _NOT_COLUMNS]
    return [rest] if at > 1 or rest[0].key not in _NOT_COLUMNS else []


def created(one: Statement) -> str:
    """The table, or materialized view, that the statement makes; "" when it makes none."""
    if not one.starts("CREATE"):
        return ""
    at = 1
    while at < len(one.tokens) and one.tokens[at].key in _KINDS_OF_TABLE:
        at += 1
    if at >= len(one.tokens):
        return ""
    if one.tokens[at].key == "TABLE" or (
        one.tokens[at].key == "VIEW" and one.tokens[at - 1].key == "MATERIALIZED"
    ):
        return name_at(one.tokens, at + 1)[0]
    return ""


def created_index(one: Statement) -> Index | None:
    """An ordinary or unique index that the statement builds."""
    at = 3 if one.starts("CREATE", "UNIQUE", "INDEX") else 2 if one.starts("CREATE", "INDEX") else 0
    if not at:
        return None
    concurrently = len(one.tokens) > at and one.tokens[at].key == "CONCURRENTLY"
    at += concurrently
    name, end = ("", at) if len(one.tokens) > at and one.tokens[at].key == "ON" else name_at(one.tokens, at)
    if end >= len(one.tokens) or one.tokens[end].key != "ON":
        return None
    only = len(one.tokens) > end + 1 and one.tokens[end + 1].key == "ONLY"
    return Index(name, name_at(one.tokens, end + 1)[0], concurrently, only)


def renamed_to(alter: Alter) -> str:
    """The new name of the table, when it gets one."""
    for action in alter.actions:
        if keys(action[:2]) == ("RENAME", "TO") or (keys(action[:2]) == ("RENAME", "AS")):
            return name_at(action, 2)[0]
    return ""


def actions_of(statements: tuple[Statement, ...]) -> Iterator[tuple[Statement, Alter, Tokens]]:
    """Every action of every `ALTER TABLE`."""
    for one in statements:
        if alter := alter_table(one):
            for action in alter.actions:
                yield one, alter, action
