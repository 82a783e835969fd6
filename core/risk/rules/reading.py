"""What one check reads of large texts: each once, as many as fit, and of two sides only what differs.

The check opens a reading around all its rules; what is beyond the limit is named, so that nobody takes
silence for approval. Outside of one nothing is kept and nothing is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import Any

# Signs of all texts of YAML that one check reads, before and after together; ends of lines are not counted.
MOST_IN_ALL = 16_000_000
_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


class Reading:
    """`refused`: texts that did not fit."""

    def __init__(self, most: int = MOST_IN_ALL) -> None:
        self.refused: set[str] = set()
        self._left = most
        self._known: dict[str, Any] = {}
        self._differing: dict[tuple[str, str], tuple[str, str]] = {}

    def once(self, text: str, read: Callable[[str], Any]) -> Any:
        """What `read` makes of the text, which others get too; None where it does not fit."""
        if text not in self._known:
            cost = len(text) - text.count("\n")
            if cost > self._left:
                self.refused.add(text)
                return None
            self._left -= cost
            self._known[text] = read(text)
        return self._known[text]

    def differing(self, before: str, after: str) -> tuple[str, str]:
        sides = (before, after)
        if sides not in self._differing:
            self._differing[sides] = _differing(before, after)
        return self._differing[sides]

    def left_out(self, before: str | None, after: str | None) -> bool:
        """Whether anything of a file did not fit."""
        sides = {one for one in (before, after) if one is not None}
        if before is not None and after is not None:
            sides.update(self._differing.get((before, after), ()))
        return not self.refused.isdisjoint(sides)


_READING: ContextVar[Reading | None] = ContextVar("reading", default=None)


@contextmanager
def reading(most: int = MOST_IN_ALL) -> Iterator[Reading]:
    """The reading of one check, for all that is asked within it."""
    now = Reading(most)
    token = _READING.set(now)
    try:
        yield now
    finally:
        _READING.reset(token)


def current() -> Reading | None:
    """The reading of the check at hand."""
    return _READING.get()


def differing(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Both texts without the documents of YAML that are in both as they are; every line keeps its number,
    every document its place. Most of a large file of manifests stays as it was."""
    if before is None or after is None:
        return before, after
    now = current()
    return _differing(before, after) if now is None else now.differing(before, after)


def _differing(before: str, after: str) -> tuple[str, str]:
    old, new = _parts(before), _parts(after)
    if min(len(old), len(new)) < 2:
        return before, after
    both = Counter(old) & Counter(new)
    return _without(old, Counter(both)), _without(new, both)


def _parts(text: str) -> list[str]:
    """Each with the mark that begins it. Directives hold for what follows, so that nothing is apart then."""
    if text.startswith("%") or "\n%" in text:
        return [text]
    starts = [0, *(found.start() for found in _DOCUMENT.finditer(text) if found.start()), len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


def _without(parts: list[str], both: Counter[str]) -> str:
    kept = []
    for part in parts:
        if both[part] > 0 and part.startswith("---"):
            both[part] -= 1
            kept.append("---" + "\n" * part.count("\n"))
        else:
            kept.append(part)
    return "".join(kept)
