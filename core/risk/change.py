"""A change of files as it is judged: a pull request, a release, a commit.

Texts are data: paths, titles and lines come from whoever wrote the change.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

Status = Literal["added", "modified", "deleted", "renamed", "copied", "submodule"]


class Line(NamedTuple):
    """`number` counts from 1: in the new file of an added line, in the old one of a removed one."""

    number: int
    text: str


class TouchedFile(msgspec.Struct, frozen=True):
    """One file of a change. `path` is the new one, with `/`; bytes that are no UTF-8 are written `\\xNN`.

    `added` and `removed` are the lines as far as they were read; `insertions` and `deletions` count all.
    `cut`: not all lines were read. `before` and `after` are whole texts, where a rule wanted this file and it
    is text and small enough; None: not read, or there is none (see `status`). `instead`: what stands at the
    path and is no file of text, a symbolic link or a submodule, with what it points to in `target`. `asked`:
    the policy says that it is judged, whatever its name.
    """

    path: str
    status: Status = "modified"
    old_path: str = ""
    binary: bool = False
    added: tuple[Line, ...] = ()
    removed: tuple[Line, ...] = ()
    insertions: int = 0
    deletions: int = 0
    cut: bool = False
    before: str | None = None
    after: str | None = None
    instead: Literal["", "link", "submodule"] = ""
    target: str = ""
    asked: bool = False

    @property
    def arrived_unseen(self) -> bool:
        """Whether it came from elsewhere to where it is run, and its text was not at hand."""
        return self.status == "added" and self.cut and bool(self.old_path)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Commit(msgspec.Struct, frozen=True):
    """`at` in ms UTC; `author` is an e-mail address in small letters, or a name."""

    id: str
    author: str
    at: int
    subject: str = ""
    body: str = ""


class ChangeSet(msgspec.Struct, frozen=True, weakref=True):
    """What changed between two revisions. `left_out`: files beyond what is read at most; their counts are in
    none of the others. `title` and `description` are those of the pull request, else of the newest commit."""

    base: str = ""
    head: str = ""
    title: str = ""
    description: str = ""
    commits: tuple[Commit, ...] = ()
    files: tuple[TouchedFile, ...] = ()
    left_out: int = 0
    # Why the history may be incomplete ("shallow clone"); "" when it is whole.
    history_gap: str = ""

    @property
    def insertions(self) -> int:
        return sum(one.insertions for one in self.files)

    @property
    def deletions(self) -> int:
        return sum(one.deletions for one in self.files)
