"""Expressions of GitHub workflows, `${{ … }}`, read to the values that they name: by dots or by index, in
small or large letters, inside functions.

A reader of tokens, in time linear to the text; what it cannot read names nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# Of one text.
_MOST_TOKENS = 20_000
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_OTHER = re.compile(r"[0-9][\w.]*|&&|\|\||[=!<>]=|\S")
_COMPARES = frozenset(("==", "!=", "<", ">", "<=", ">="))
# Their answer is a truth or a hash, whatever they are given.
_TRUTHS = frozenset(("contains", "startswith", "endswith", "hashfiles", "success", "failure", "always"))


class Reference(NamedTuple):
    """A value that an expression names: `path` in small letters, `*` where a part is worked out. `at` is
    where it stands in the text; `whole`: it is written out with all that is below it (`toJSON`)."""

    path: tuple[str, ...]
    at: int
    whole: bool


class _Token(NamedTuple):
    text: str
    at: int


def references(text: str) -> Iterator[Reference]:
    """What becomes part of the text, in order; not what is only compared or asked for a truth."""
    left, place = _MOST_TOKENS, 0
    while left > 0 and (start := text.find("${{", place)) >= 0:
        tokens, place = _tokens(text, start + 3, left)
        left -= len(tokens) + 1
        yield from _of(tokens)


def _tokens(text: str, place: int, most: int) -> tuple[list[_Token], int]:
    """The tokens of the expression that begins at `place`, and where it ends."""
    found: list[_Token] = []
    while place < len(text) and len(found) < most and not text.startswith("}}", place):
        sign = text[place]
        if sign.isspace():
            place += 1
            continue
        if sign == "'":
            end = _after_string(text, place)
        else:
            word = _WORD.match(text, place) or _OTHER.match(text, place)
            end = word.end() if word else place + 1
            if sign == "}":
                end = place + 1
        found.append(_Token(text[place:end], place))
        place = end
    return found, place


def _after_string(text: str, place: int) -> int:
    """Behind the string that begins at `place`; two quotes in it are one."""
    end = text.find("'", place + 1)
    while end >= 0 and text.startswith("''", end):
        end = text.find("'", end + 2)
    return end + 1 if end >= 0 else len(text)


def _of(tokens: list[_Token]) -> Iterator[Reference]:
    calls: list[str] = []
    truths = wholes = place = 0
    while place < len(tokens):
        text, at = tokens[place]
        called = _sign(tokens, place + 1) == "("
        if _WORD.match(text) and not called:
            path, end = _path(tokens, place)
            if not truths and not _only_asked(tokens, place, end):
                yield Reference(path, at, wholes > 0)
            place = end
            continue
        if _WORD.match(text) or text in "([":
            calls.append(text.lower())
            place += called
        elif text in ")]" and calls:
            closed = calls.pop()
            truths -= closed in _TRUTHS
            wholes -= closed == "tojson"
            place += 1
            continue
        else:
            place += 1
            continue
        truths += calls[-1] in _TRUTHS
        wholes += calls[-1] == "tojson"
        place += 1


def _sign(tokens: list[_Token], place: int) -> str:
    return tokens[place].text if 0 <= place < len(tokens) else ""


def _only_asked(tokens: list[_Token], start: int, end: int) -> bool:
    """Whether a value is compared, negated, or stands for a truth before `&&`."""
    before, after = _sign(tokens, start - 1), _sign(tokens, end)
    return before in _COMPARES or before == "!" or after in _COMPARES or after == "&&"


def _path(tokens: list[_Token], place: int) -> tuple[tuple[str, ...], int]:
    """The parts of a name that begins at `place`, and the place behind it."""
    path = [tokens[place].text.lower()]
    place += 1
    while place < len(tokens):
        sign, following = tokens[place].text, _sign(tokens, place + 1)
        if sign == "." and (following == "*" or _WORD.match(following)):
            path.append(following.lower())
            place += 2
        elif sign == "[":
            end = _closed(tokens, place)
            path.append(following.strip("'").lower() if end == place + 3 and following[0] == "'" else "*")
            place = end
        else:
            break
    return tuple(path), place


def _closed(tokens: list[_Token], place: int) -> int:
    """Behind the bracket that closes the one at `place`."""
    depth = 0
    while place < len(tokens):
        depth += (tokens[place].text == "[") - (tokens[place].text == "]")
        place += 1
        if not depth:
            break
    return place
