"""What a text of SQL does: its statements, and those inside of blocks, texts that it runs and its routines.

It never fails, and says what it could not follow: a quote that never ends, another file, a text that only
the database knows.
"""

from __future__ import annotations

from typing import NamedTuple

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.dynamic import opened
from core.risk.rules.sql.lexer import (
    MAX_STATEMENTS,
    MAX_TEXT,
    MAX_TOKENS,
    Reader,
    Statement,
    Token,
    Unread,
)

__all__ = [
    "MAX_STATEMENTS",
    "MAX_TEXT",
    "MAX_TOKENS",
    "Script",
    "Statement",
    "Token",
    "Unread",
    "read_sql",
    "settled",
]
_DIALECTS: tuple[Dialect, ...] = ("mysql", "other", "postgres")


class Script(NamedTuple):
    """`cut`: there was more than is read. `opened`: the line of a quote or comment that never ends, or 0."""

    statements: tuple[Statement, ...]
    cut: bool = False
    opened: int = 0
    unread: tuple[Unread, ...] = ()


def read_sql(text: str, dialect: Dialect = "postgres", line: int = 1) -> Script:
    """The statements of `text`, whose first line is `line`."""
    if len(text) > MAX_TEXT:
        return Script((), cut=True)
    reader = Reader(text, dialect, line)
    reader.read()
    found, unread = opened(reader.found, dialect)
    both = (*reader.unread, *unread)
    return Script(tuple(found[:MAX_STATEMENTS]), reader.cut, reader.opened, tuple(sorted(set(both))))


def settled(text: str, guess: Dialect) -> Dialect:
    """The dialect in which every quote ends and every statement begins as one: the guess before others."""
    others = (one for one in _DIALECTS if one != guess)
    return next((one for one in (guess, *others) if _ends_well(text, one)), guess)


def _ends_well(text: str, dialect: Dialect) -> bool:
    reader = Reader(text, dialect, 1)
    reader.read()
    return not reader.opened and not reader.strange
