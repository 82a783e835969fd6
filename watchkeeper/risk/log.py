"""The history of a branch as a stream: every change to it, oldest first, with what it did to each file.

The first parents alone: what a merge brings in is one change, as reviewers see a pull request, and each
change begins with the files that the one before left.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import IO, NamedTuple

from core.risk.fixes import is_fix
from core.risk.ownership import Hunk
from core.risk.paths import is_aside
from watchkeeper.risk.git import Git, text_of

# Files of one change that are looked at; an import of somebody else's project has more.
MOST_FILES = 3_000
_FIELDS = 6
_FORM = "--format==%H%x00%P%x00%ae%x00%ct%x00%s%x00%b%x00"
_LOG = ("log", "--first-parent", "-m", "--reverse", "--no-show-signature", "--no-color", "--no-notes", _FORM)
_NAMES = ("--raw", "--no-abbrev", "-M", "-l400")
_LINES = ("-p", "--full-index", "--unified=0", "--no-prefix")
_QUIET = ("--no-ext-diff", "--no-textconv", "--no-indent-heuristic", "--submodule=short")
_INDEX = re.compile(rb"index ([0-9a-f]+)\.\.([0-9a-f]+)")
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_SIGNS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


class Edited(NamedTuple):
    """A file of a change; `status` is git's letter."""

    path: str
    old_path: str
    status: str
    hunks: list[Hunk]

    @property
    def added(self) -> int:
        return sum(hunk.added for hunk in self.hunks)

    @property
    def deleted(self) -> int:
        return sum(hunk.removed for hunk in self.hunks)


class Change(NamedTuple):
    """`at` in ms UTC. Of a merge, `subject` is what its message says below the first line, where it says
    something; `brought` is the newest commit that it brings, and `author` who wrote that."""

    id: str
    author: str
    at: int
    subject: str
    body: str
    files: list[Edited]
    brought: str = ""

    @property
    def fix(self) -> bool:
        return is_fix(self.subject)


def changes(git: Git, head: str, *, most: int = 0, lines: bool = True) -> Iterator[Change]:
    """Every change to the branch that ends at the commit `head`, or the newest `most` of them.

    Without `lines` files have no hunks, which costs far less. Raises InputError where git fails.
    """
    authors = _authors(git, head, most)
    diff = (*_NAMES, *_LINES) if lines else _NAMES
    newest = (f"--max-count={most}",) if most else ()
    with git.streamed(*_LOG, *diff, *_QUIET, *newest, head, "--") as out:
        yield from _Reader(out, authors).changes()


def _authors(git: Git, head: str, most: int) -> dict[bytes, str]:
    """Of the commits that merges bring, by id."""
    merged: set[bytes] = set()
    newest = (f"--max-count={most}",) if most else ()
    with git.streamed("log", "--first-parent", "--merges", "--format=%P", *newest, head, "--") as out:
        merged.update(line.split()[1] for line in out)
    if not merged:
        return {}
    given = b"".join(name + b"\n" for name in merged)
    with git.streamed("log", "--no-walk", "--stdin", "--format=%H%x00%ae", given=given) as out:
        rows = (line.rstrip(b"\n").partition(b"\0") for line in out)
        return {name: text_of(author).lower() for name, _, author in rows}


class _Reader:
    def __init__(self, out: IO[bytes], authors: dict[bytes, str]) -> None:
        self._out, self._authors = out, authors
        self._next = out.readline()

    def changes(self) -> Iterator[Change]:
        while self._next:
            if self._next.startswith(b"="):
                yield self._change(self._head())
            else:
                self._next = self._out.readline()

    def _head(self) -> list[bytes]:
        lines = [self._next[1:]]
        zeros = lines[0].count(b"\0")
        while zeros < _FIELDS and (line := self._out.readline()):
            lines.append(line)
            zeros += line.count(b"\0")
        self._next = self._out.readline()
        return b"".join(lines).split(b"\0")

    def _change(self, head: list[bytes]) -> Change:
        name, parents, author, at, subject, body, *_ = (*head, *[b""] * _FIELDS)
        others = parents.split()[1:]
        who = self._authors.get(others[0], "") if others else ""
        title = text_of(subject)
        if others and body.strip():
            title = text_of(body.strip().split(b"\n")[0])
        fix, files = is_fix(title), _Files()
        while self._next and not self._next.startswith(b"="):
            line = self._next
            if line.startswith(b":"):
                files.add(line)
            elif found := _INDEX.match(line):
                files.open(found[1], found[2])
            elif found := _HUNK.match(line):
                self._hunk(found, files, fix)
            self._next = self._out.readline()
        when = int(at) * 1_000 if at.isdigit() and len(at) < 12 else 0
        brought = text_of(others[0]) if others else ""
        author_of = who or text_of(author).lower()
        return Change(text_of(name), author_of, when, title, text_of(body), files.found, brought)

    def _hunk(self, head: re.Match[bytes], files: _Files, fix: bool) -> None:
        old, removed, new, count = (int(number or b"1") for number in head.groups())
        file = files.current
        texts: tuple[bytes, ...] = ()
        if fix and file is not None and removed and not is_aside(file.path):
            texts = self._lines(removed)
            self._skip(count)
        else:
            self._skip(removed + count)
        if file is not None:
            file.hunks.append(Hunk(old, removed, new, count, texts))

    def _lines(self, number: int) -> tuple[bytes, ...]:
        """So many lines, without their signs."""
        return tuple(line[1:] for line in islice(self._out, number))

    def _skip(self, number: int) -> None:
        """Git may say in between that a last line has no end; what is then left begins with a sign too, so
        that nobody takes it for anything else."""
        deque(islice(self._out, number), maxlen=0)


class _Files:
    """The files of one change, found again by the names of their contents."""

    def __init__(self) -> None:
        self.found: list[Edited] = []
        self.current: Edited | None = None
        self._waiting: dict[tuple[bytes, bytes], deque[Edited]] = {}

    def add(self, line: bytes) -> None:
        """`:oldmode newmode old new status`, a tab, a path, and of a rename a tab and the new path."""
        about, _, paths = line.rstrip(b"\n").partition(b"\t")
        old, new, status = about.split(b" ")[2:5]
        if len(self.found) >= MOST_FILES:
            return
        first, _, second = (_unquoted(part) for part in paths.partition(b"\t"))
        letter = status[:1].decode("ascii", "replace")
        edited = Edited(second or first, first if second else "", letter, [])
        self.found.append(edited)
        none = b"0" * len(old)
        for pair in ((old, none), (none, new)) if letter == "T" else ((old, new),):
            self._waiting.setdefault(pair, deque()).append(edited)

    def open(self, old: bytes, new: bytes) -> None:
        waiting = self._waiting.get((old, new))
        self.current = waiting.popleft() if waiting else None


def _unquoted(path: bytes) -> str:
    """A path as git prints it: in quotes where it holds unusual signs."""
    if not (len(path) > 1 and path.startswith(b'"') and path.endswith(b'"')):
        return text_of(path)
    return text_of(_ESCAPE.sub(_sign, path[1:-1]))


def _sign(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 255]) if len(code) == 3 else _SIGNS.get(code, code)
