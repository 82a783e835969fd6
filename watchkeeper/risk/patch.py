"""The lines that git's patch adds and removes, read as a stream: never more of it in memory than is kept.

A file is told from the next by the names of its contents in the `index` line, and the end of a hunk by the
counts in its head, so that no line of a file is ever taken for a line of the patch.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import IO, NamedTuple

from core.risk.change import Line
from core.risk.paths import is_aside
from watchkeeper.risk.entries import Entry
from watchkeeper.risk.git import text_of

# Of each line that is kept, the first characters; rules look at no more.
LONGEST_LINE = 2_000
_PIECE = 1 << 16
# A line takes memory also where nothing stands in it; so many bytes are counted for it.
_LINE_COST = 40
# Lines between two looks at the clock.
_LOOK = 4_096
_INDEX = re.compile(rb"index ([0-9a-f]+)\.\.([0-9a-f]+)")
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Limits(NamedTuple):
    """`lines` and `bytes_of_file` of a file that are kept, `kept` bytes of all, `aside` of tests, generated
    files and documentation, so that those crowd out nothing; `seconds` for the whole."""

    lines: int = 20_000
    bytes_of_file: int = 4_000_000
    kept: int = 48_000_000
    aside: int = 16_000_000
    seconds: float = 60.0


class Part:
    """What was read of one file. `seen`: the patch came to it; `cut`: not all of it was kept."""

    __slots__ = ("added", "aside", "binary", "bytes", "cut", "deletions", "insertions", "removed", "seen")

    def __init__(self, aside: bool = False) -> None:
        self.aside = aside
        self.added: list[Line] = []
        self.removed: list[Line] = []
        self.insertions = self.deletions = self.bytes = 0
        self.binary = self.cut = self.seen = False


class _Reader:
    def __init__(self, out: IO[bytes], limits: Limits) -> None:
        self._out, self._limits = out, limits
        self._left = {False: limits.kept, True: limits.aside}
        self._ends = time.monotonic() + limits.seconds

    @property
    def late(self) -> bool:
        return time.monotonic() > self._ends

    def line(self) -> tuple[bytes, bool]:
        """The next line, its end beyond a piece left away, and whether it was; b"" at the end."""
        line = self._out.readline(_PIECE)
        if line.endswith(b"\n") or not line:
            return line, False
        long = False
        while rest := self._out.readline(_PIECE):
            long = True
            if rest.endswith(b"\n"):
                break
        return line, long

    def hunk(self, part: Part, head: re.Match[bytes]) -> None:
        """The lines of a hunk, as many as its head says."""
        old, old_count, new, new_count = (int(number or b"1") for number in head.groups())
        part.insertions += new_count
        part.deletions += old_count
        lines = 0
        while old_count or new_count:
            line, long = self.line()
            if not line:
                part.cut = True
                return
            lines += 1
            if lines % _LOOK == 0 and self.late:
                part.cut = True
                return
            sign = line[:1]
            if sign == b"+":
                self._keep(part, part.added, new, line, long)
            elif sign == b"-":
                self._keep(part, part.removed, old, line, long)
            taken_old, taken_new = sign in (b"-", b" "), sign in (b"+", b" ")
            old, new = old + taken_old, new + taken_new
            old_count, new_count = old_count - taken_old, new_count - taken_new

    def _keep(self, part: Part, lines: list[Line], number: int, line: bytes, long: bool) -> None:
        limits = self._limits
        full = len(part.added) + len(part.removed) >= limits.lines or part.bytes >= limits.bytes_of_file
        if full or self._left[part.aside] <= 0:
            part.cut = True
            return
        text = text_of(line[1 : 4 * LONGEST_LINE]).rstrip("\r\n")
        part.cut = part.cut or long or len(text) > LONGEST_LINE
        text = text[:LONGEST_LINE]
        part.bytes += len(text)
        self._left[part.aside] -= len(text) + _LINE_COST
        lines.append(Line(number, text))


def parts_of(out: IO[bytes], entries: Sequence[Entry], limits: Limits) -> list[Part]:
    """Of each entry what the patch says, in their order; entries come in the order of the patch.

    Where time is up, all that was not seen is cut.
    """
    parts = [Part(is_aside(one.path)) for one in entries]
    reader, places = _Reader(out, limits), _Places(entries)
    part: Part | None = None
    while not reader.late:
        line, _ = reader.line()
        if not line:
            break
        if found := _INDEX.match(line):
            number = places.of(found[1], found[2])
            part = None if number is None else parts[number]
            if part is not None:
                part.seen = True
        elif hunk := _HUNK.match(line):
            reader.hunk(part if part is not None else Part(), hunk)
        elif part is not None and line.startswith(b"Binary files "):
            part.binary = True
    if reader.late:
        for one in parts:
            one.cut = one.cut or not one.seen
    return parts


class _Places:
    """Finds entries by the names of their contents, forwards: the same contents may change twice."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        numbers: dict[tuple[bytes, bytes], list[int]] = {}
        for number, one in enumerate(entries):
            none = b"0" * len(one.old)
            # Of what became something else git says that one went and another came.
            pairs = ((one.old, none), (none, one.new)) if one.turned else ((one.old, one.new),)
            for pair in pairs:
                numbers.setdefault(pair, []).append(number)
        self._by_names = {pair: iter(found) for pair, found in numbers.items()}

    def of(self, old: bytes, new: bytes) -> int | None:
        return next(self._by_names.get((old, new), iter(())), None)
