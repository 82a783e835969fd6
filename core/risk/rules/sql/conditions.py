"""Whether a condition of SQL leaves anything out: `WHERE 1 = 1` and `WHERE id IS NOT NULL` do not."""

from __future__ import annotations

from core.risk.rules.sql.ddl import Tokens, keys
from core.words import word_set

_ENDS = word_set("RETURNING ORDER OPTION")
# Names of what no row is without.
_KEYS = word_set("ID UUID ROWID ROW_ID PK CTID _ID")
_ALWAYS = ((), ("TRUE",), ("NOT", "FALSE"), ("1",))
# Of a key that counts from 1.
_ALL_OF_A_KEY = (
    ("IS", "NOT", "NULL"), (">", "0"), (">", "=", "0"), (">", "=", "1"), ("<", ">", "0"), ("!", "=", "0"),
)  # fmt: skip


def all_rows(tokens: Tokens) -> bool:
    """Whether what follows the WHERE of the statement, or its absence, touches every row."""
    depth = 0
    for at, one in enumerate(tokens):
        depth += (one.key == "(") - (one.key == ")")
        if one.key == "WHERE" and depth == 0:
            return _always(_until_end(tokens[at + 1 :]), 0)
    return True


def _until_end(tokens: Tokens) -> Tokens:
    depth = 0
    for at, one in enumerate(tokens):
        depth += (one.key == "(") - (one.key == ")")
        if depth == 0 and one.key in _ENDS:
            return tokens[:at]
    return tokens


def _always(tokens: Tokens, deep: int) -> bool:
    if deep > 9:
        return False
    if (inner := _bare(tokens)) is not tokens:
        return _always(inner, deep + 1)
    if len(ways := _parts(tokens, "OR")) > 1:
        return any(_always(one, deep + 1) for one in ways)
    # The AND of BETWEEN stands between two values, neither of which is always true.
    if len(ways := _parts(tokens, "AND")) > 1:
        return all(_always(one, deep + 1) for one in ways)
    found = keys(tokens)
    if found in _ALWAYS:
        return True
    first = tokens[0].text.upper() if tokens else ""
    if first in _KEYS and found[1:] in _ALL_OF_A_KEY:
        return True
    return len(tokens) == 3 and found[1] == "=" and tokens[0][:3] == tokens[2][:3]


def _bare(tokens: Tokens) -> Tokens:
    """Without parentheses around all of it."""
    if len(tokens) < 2 or tokens[0].key != "(" or tokens[-1].key != ")":
        return tokens
    depth = 0
    for one in tokens[:-1]:
        depth += (one.key == "(") - (one.key == ")")
        if depth == 0:
            return tokens
    return tokens[1:-1]


def _parts(tokens: Tokens, word: str) -> list[Tokens]:
    """What stands between these words, outside of parentheses."""
    parts: list[Tokens] = []
    depth, start = 0, 0
    for at, one in enumerate(tokens):
        depth += (one.key == "(") - (one.key == ")")
        if depth == 0 and one.key == word and one.kind == "word":
            parts.append(tokens[start:at])
            start = at + 1
    return [*parts, tokens[start:]]
