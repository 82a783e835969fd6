"""The places of a change: lines that went away together, and the lines that stand there now.

Whole texts of code are not read, so that a change of much code stays cheap: what stands between two places is
not known here, only that it stayed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from core.risk.change import Line, TouchedFile
from core.risk.rules.touched import LONGEST_LINE, fresh, gone, is_comment

_DECLARES = re.compile(
    r"\s{0,80}(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override"
    r"|open"
    r"|suspend|virtual|sealed|partial|pub(?:\(crate\))?|unsafe|inline|data)\s{1,5}){0,6}"
    r"(?:(?:def|defp|func|fn|fun|function\*?|class|struct|interface|trait|module|defmodule|object|record"
    r"|type)"
    r"\s{1,5}(?:\([^()]{0,120}\)\s{0,3})?(?:self\.)?([A-Za-z_][\w.?!]{0,100})"
    r"|[A-Za-z_][\w<>\[\],.?:]{0,100}\s{1,5}([A-Za-z_]\w{0,100})\s{0,3}\([^;]{0,600}\{?\s{0,5}$"
    r"|(?:const|let|var)\s{1,5}([A-Za-z_$][\w$]{0,100})\s{0,3}=\s{0,3}(?:async\s{1,3})?(?:\(|function\b))"
)
_NO_NAMES = (
    "if for while switch return catch else throw raise new await assert yield del print and or not defer go "
    "elif unless when case do lock using with from import include puts synchronized in is"
)
_NO_NAME = frozenset(_NO_NAMES.split())
_FIRST = re.compile(r"\s{0,80}(\w{1,30})")


class Hunk(NamedTuple):
    """Lines that are gone, by their numbers in the old file, and those in their place, by the new one's."""

    removed: tuple[Line, ...]
    added: tuple[Line, ...]


def hunks(file: TouchedFile) -> Iterator[Hunk]:
    """The places of a file, in its order; lines are cut."""
    before, after = file.removed, file.added
    i = j = 0
    old = new = 1
    while i < len(before) or j < len(after):
        kept = min(
            before[i].number - old if i < len(before) else 1 << 60,
            after[j].number - new if j < len(after) else 1 << 60,
        )
        old, new = old + max(kept, 0), new + max(kept, 0)
        start, first = i, j
        while i < len(before) and before[i].number <= old:
            i, old = i + 1, old + 1
        while j < len(after) and after[j].number <= new:
            j, new = j + 1, new + 1
        yield Hunk(_cut(before[start:i]), _cut(after[first:j]))


def _cut(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(Line(line.number, line.text[:LONGEST_LINE]) for line in lines)


def declared(text: str) -> str:
    """The function, class or method that a line begins; "" where it begins none."""
    first = _FIRST.match(text)
    found = None if first and first[1] in _NO_NAME else _DECLARES.match(text)
    return (found[1] or found[2] or found[3]) if found else ""


def lost(hunk: Hunk, names: frozenset[str]) -> bool:
    """Whether a function or class begins in the lines that went away, and is none of `names` (of those that
    begin in added lines): what stood in it went with it."""
    return any((name := declared(line.text)) and name not in names for line in hunk.removed)


def begun(file: TouchedFile) -> frozenset[str]:
    """Names of what begins in the added lines of a file."""
    return frozenset(name for line in file.added if (name := declared(line.text[:LONGEST_LINE])))


def mentions(lines: Iterable[Line], words: tuple[str, ...]) -> bool:
    """Whether a line holds one of the words, given in small letters: asked before what costs more."""
    for line in lines:
        text = line.text[:LONGEST_LINE].lower()
        if any(word in text for word in words):
            return True
    return False


def says_nothing(text: str) -> bool:
    """Whether a line is empty or a comment; attributes of PHP and Rust (`#[...]`) are none."""
    return not text.strip() or (is_comment(text) and not text.lstrip().startswith("#["))


def texts(lines: tuple[Line, ...]) -> list[str]:
    """The lines that say something."""
    return [line.text for line in lines if not says_nothing(line.text)]


class Sides(NamedTuple):
    """Lines of a file that are new and that are gone, without comments and what only moved."""

    new: tuple[Line, ...]
    old: tuple[Line, ...]

    def says(self, pattern: Callable[[str], object]) -> bool:
        """Whether a new line is one of these."""
        return any(pattern(line.text) for line in self.new)

    def said(self, pattern: Callable[[str], object]) -> list[Line]:
        """The lines of these that are gone."""
        return [line for line in self.old if pattern(line.text)]


def sides(file: TouchedFile) -> Sides:
    return Sides(
        tuple(line for line in fresh(file) if not says_nothing(line.text)),
        tuple(line for line in gone(file) if not says_nothing(line.text)),
    )
