"""Which files differ between two trees, as git lists them: no text is read yet.

The list is cut at a number of files; those that people deploy come before tests, documentation and what
programs made, so that nobody hides a file behind thousands of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

from core.risk.change import Status
from core.risk.paths import is_aside
from watchkeeper.risk.git import Git, text_of

# Files that are listed at most; of those beyond only the number is known.
MOST_FILES = 3_000
# Beyond this many nobody looks for dangerous ones among the rest.
_MOST_LISTED = 200_000
_STATUS: dict[bytes, Status] = {
    b"A": "added",
    b"M": "modified",
    b"D": "deleted",
    b"R": "renamed",
    b"C": "copied",
    b"T": "modified",
}
_SUBMODULE = b"160000"
_LINK = b"120000"
_CHUNK = 1 << 16


class Entry(NamedTuple):
    """One file; `old` and `new` name its contents, all zeros where there is none. `link`: it is a symbolic
    link, or was one and is gone. `turned`: it became something else, such as a link a file; `was_link`: it
    was a link, whatever it is now."""

    path: str
    old_path: str
    status: Status
    old: bytes
    new: bytes
    link: bool = False
    turned: bool = False
    was_link: bool = False


class Listed(NamedTuple):
    entries: tuple[Entry, ...]
    left_out: int = 0


def listed(git: Git, base: str, head: str, most: int = MOST_FILES) -> Listed:
    """The files that differ between two commits or trees, in git's order."""
    command = ("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "-M", "-l1000", base, head)
    found: list[Entry] = []
    beyond = 0
    with git.streamed(*command) as out:
        for entry in _entries(_fields(out)):
            if len(found) < _MOST_LISTED:
                found.append(entry)
            else:
                beyond += 1
    if len(found) <= most:
        return Listed(tuple(found), beyond)
    order = sorted(range(len(found)), key=lambda number: (is_aside(found[number].path), number))
    kept = sorted(order[:most])
    return Listed(tuple(found[number] for number in kept), len(found) - most + beyond)


def _fields(out: IO[bytes]) -> Iterator[bytes]:
    """What stands between NUL bytes; paths may hold any other."""
    rest = b""
    while chunk := out.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def _entries(fields: Iterator[bytes]) -> Iterator[Entry]:
    """`:oldmode newmode old new status`, a path, and of a rename the new path."""
    for head in fields:
        old_mode, new_mode, old, new, status = head.removeprefix(b":").split(b" ")
        first = text_of(next(fields))
        letter = status[:1]
        second = text_of(next(fields)) if letter in b"RC" else ""
        gone = letter == b"D"
        kind: Status = "submodule" if (old_mode if gone else new_mode) == _SUBMODULE else _status(letter)
        was_link, other = old_mode == _LINK, old_mode in (_LINK, _SUBMODULE)
        if letter == b"T" and other and new_mode not in (_LINK, _SUBMODULE):
            # A file comes where none stood.
            kind = "added"
        link = was_link if gone else new_mode == _LINK
        yield Entry(second or first, first if second else "", kind, old, new, link, letter == b"T", was_link)


def _status(letter: bytes) -> Status:
    return _STATUS.get(letter, "modified")
