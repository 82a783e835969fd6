"""Which change every line of every file comes from, kept up to date change by change.

So that what a fix removes names the changes that brought it (SZZ, Sliwerski, Zimmermann and Zeller 2005), in
one pass over the history and without asking `git blame` once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# A longer file is data; nobody owns its lines.
_MOST_LINES = 200_000
# The signs with which a comment of most languages begins.
_COMMENTS = (b"#", b"//", b"/*", b"*", b"--", b"<!--", b'"""', b"'''")
UNKNOWN = 0


class Hunk(NamedTuple):
    """`removed` lines of the old file from line `old` on, `added` new ones from line `new` on, as git counts
    them without context. `texts` of the removed lines, where somebody asked for them."""

    old: int
    removed: int
    new: int
    added: int
    texts: tuple[bytes, ...] = ()


class Ownership:
    """Numbers of changes, from 1, by file and line."""

    def __init__(self) -> None:
        self._lines: dict[str, array[int]] = {}

    def length(self, path: str) -> int:
        return len(self._lines.get(path, ()))

    def rename(self, old: str, new: str) -> None:
        if (lines := self._lines.pop(old, None)) is not None:
            self._lines[new] = lines

    def delete(self, path: str) -> None:
        self._lines.pop(path, None)

    def apply(self, path: str, number: int, hunks: Sequence[Hunk]) -> Iterator[int]:
        """Change `number` edits the file; yields the owner of each line that counts and is removed. Only what
        is consumed is applied."""
        lines = self._lines.setdefault(path, array("I"))
        for hunk in hunks:
            # Of nothing removed, or nothing added, git names the line before.
            start = hunk.new - 1 if hunk.added else hunk.new
            if start + hunk.removed > _MOST_LINES or len(lines) + hunk.added > _MOST_LINES:
                return
            if len(lines) < start + hunk.removed:
                lines.extend([UNKNOWN] * (start + hunk.removed - len(lines)))
            owners = lines[start : start + hunk.removed]
            lines[start : start + hunk.removed] = array("I", [number]) * hunk.added
            for owner, text in zip(owners, hunk.texts, strict=False):
                if owner != UNKNOWN and counts(text):
                    yield owner


def counts(line: bytes) -> bool:
    """Whether a line says something to a machine: not blank, no bracket alone, no comment."""
    text = line.strip()
    return len(text.strip(b"{}()[];,")) > 0 and not text.startswith(_COMMENTS)
