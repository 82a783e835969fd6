"""Where segments lie, and how a file gets there so that a crash at any step leaves something to go on from.

DATA/journal/000000000001.sqlite3   a segment, named after its first record
DATA/journal/NAME.new               being built; a start deletes it
DATA/journal/NAME.ready             built and synced, about to be NAME.sqlite3; a start completes that
DATA/journal.sqlite3                the journal of 0.2 and before, until a start takes it over
DATA/aside/                         what was found damaged
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FOLDER = "journal"
OLD_NAME = "journal.sqlite3"
ASIDE = "aside"
NO_END = 2**62
_NAME = re.compile(r"(\d{12})\.sqlite3")
_ANY = re.compile(r"(\d{12})\.(?:sqlite3|new|ready)(?:-wal|-shm|-journal)?")
_BESIDE = ("-wal", "-shm", "-journal")


class Part(NamedTuple):
    """A segment's place in the row. The inode tells a file from one that has taken its name since."""

    first: int
    path: Path
    inode: int


class View(NamedTuple):
    """What a reader may see: `parts` in order, up to record `head` (None: whatever the last part holds)."""

    parts: tuple[Part, ...]
    head: int | None

    def spans(self, after: int = 0) -> Iterator[tuple[Part, int]]:
        """Each part from the one with record `after` + 1 on, and the last number that counts in it.

        A part ends where the next begins, whatever else it holds: those records were never acknowledged.
        """
        start = max(0, bisect_right(self.parts, after + 1, key=lambda part: part.first) - 1)
        for part, following in zip(self.parts[start:], self.parts[start + 1 :], strict=False):
            yield part, following.first - 1
        if self.parts:
            yield self.parts[-1], NO_END if self.head is None else self.head


def path_of(directory: Path, first: int) -> Path:
    return directory / FOLDER / f"{first:012d}.sqlite3"


def listed(directory: Path) -> tuple[Part, ...]:
    """The segments on disk, in order; a journal that was not taken over yet counts as the first."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory / FOLDER) as entries:
        found = sorted(
            Part(int(match[1]), Path(entry.path), entry.inode())
            for entry in entries
            if (match := _NAME.fullmatch(entry.name))
        )
        if found:
            return tuple(found)
    with suppress(FileNotFoundError, NotADirectoryError):
        old = directory / OLD_NAME
        return (Part(1, old, old.stat().st_ino),)
    return ()


def size_of(path: Path) -> int:
    """Bytes of a segment with its log."""
    size = 0
    for file in (path, beside(path, "-wal")):
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def make_folder(directory: Path) -> None:
    """DATA/journal, with its directory entries on the disk."""
    (directory / FOLDER).mkdir(parents=True, exist_ok=True)
    sync_directory(directory)
    with suppress(PermissionError):
        sync_directory(directory.absolute().parent)


def put_in_place(built: Path, final: Path) -> None:
    """`built` (complete and synced) becomes `final`; an older file of that name goes, and its log with it.

    An old log beside a new file would be played into it: the log goes first, and `.ready` stands by.
    """
    ready = final.with_suffix(".ready")
    os.replace(built, ready)
    sync_directory(final.parent)
    _complete(ready, final)


def delete(path: Path) -> None:
    """A segment and what lies beside it. What a crash leaves beside nothing, `tidy` deletes."""
    path.unlink(missing_ok=True)
    for suffix in _BESIDE:
        beside(path, suffix).unlink(missing_ok=True)


def tidy(directory: Path) -> None:
    """Complete or delete what a crash left half done. Only for the one process that may write."""
    _tidy_one(directory, Path(OLD_NAME).stem)
    folder = directory / FOLDER
    for stem in {match[1] for name in os.listdir(folder) if (match := _ANY.fullmatch(name))}:
        _tidy_one(folder, stem)


def sync_directory(path: Path) -> None:
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def sync_file(path: Path) -> None:
    """Only for files that no connection of this process has open: closing them here would drop its locks."""
    _sync(path, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    number = os.open(path, flags)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _complete(ready: Path, final: Path) -> None:
    for suffix in _BESIDE:
        beside(final, suffix).unlink(missing_ok=True)
    sync_directory(final.parent)
    os.replace(ready, final)
    sync_directory(final.parent)


def _tidy_one(folder: Path, stem: str) -> None:
    delete(folder / f"{stem}.new")
    final, ready = folder / f"{stem}.sqlite3", folder / f"{stem}.ready"
    if ready.exists():
        _complete(ready, final)
    if not final.exists():
        delete(final)
