"""Unified diffs as texts: what a code host's API or a deploy tool sends in place of a repository.

The end of a hunk is known by the counts in its head, so that no line of a file is taken for a line of the
diff. Nothing raises for what is in it: what does not read as a diff is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from core.risk.change import Line, Status, TouchedFile

# Of each line that is kept, the first characters; lines of a file; files.
LONGEST_LINE = 2_000
MOST_LINES = 20_000
MOST_FILES = 3_000
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_TAKEN: dict[str, Status] = {"rena": "renamed", "copy": "copied"}
_NOWHERE = "/dev/null"
_INSTEAD: dict[str, Literal["link", "submodule"]] = {"120000": "link", "160000": "submodule"}
_SUBPROJECT = re.compile(r"Subproject commit [0-9a-f]{40,64}(?:-dirty)?")
_MODE = re.compile(r"(?:new file mode|new mode|deleted file mode|index [0-9a-f.]{1,140}) ([0-7]{6})")


class _Lines:
    """The lines of a file as they are read."""

    def __init__(self) -> None:
        self.added: list[Line] = []
        self.removed: list[Line] = []
        self.insertions = self.deletions = 0
        self.cut = False

    def keep(self, lines: list[Line], number: int, text: str) -> None:
        if len(self.added) + len(self.removed) >= MOST_LINES:
            self.cut = True
            return
        text = text.removesuffix("\r")
        self.cut = self.cut or len(text) > LONGEST_LINE
        lines.append(Line(number, text[:LONGEST_LINE]))


class _Reader:
    """Lines of a diff, one after the other; those of hunks are taken by their counts."""

    def __init__(self, text: str) -> None:
        self._lines = iter(text.split("\n"))
        self.line = next(self._lines, None)

    def take(self) -> str:
        line, self.line = self.line or "", next(self._lines, None)
        return line

    def hunks(self, into: _Lines) -> None:
        while self.line is not None and (head := _HUNK.match(self.line)):
            self.take()
            self._hunk(into, head)

    def _hunk(self, into: _Lines, head: re.Match[str]) -> None:
        old, old_left, new, new_left = (int(number or "1") for number in head.groups())
        while old_left > 0 or new_left > 0:
            if self.line is None:
                into.cut = True
                return
            line = self.take()
            sign = line[:1] or " "
            if sign == "+":
                into.insertions += 1
                into.keep(into.added, new, line[1:])
            elif sign == "-":
                into.deletions += 1
                into.keep(into.removed, old, line[1:])
            taken_old, taken_new = sign in "- ", sign in "+ "
            old, new = old + taken_old, new + taken_new
            old_left, new_left = old_left - taken_old, new_left - taken_new
        if self.line is not None and self.line.startswith("\\"):
            self.take()


def patched(text: str, file: TouchedFile) -> TouchedFile:
    """`file` with the lines of its own hunks: `text` begins at the first `@@`. Its counts stay as they are,
    where it has some."""
    lines, reader = _Lines(), _Reader(text)
    reader.hunks(lines)
    whole = lines.insertions >= file.insertions and lines.deletions >= file.deletions
    return _with(file, lines, cut=file.cut or lines.cut or not whole)


def files_of(text: str, most: int = MOST_FILES) -> tuple[tuple[TouchedFile, ...], int]:
    """The files of a diff as `git diff` or `diff -u` writes it, and how many beyond `most` were left out."""
    found: list[TouchedFile] = []
    left_out = 0
    for file in _files(_Reader(text)):
        if found and _turned(found[-1], file):
            found[-1] = file if file.instead != "link" else msgspec.structs.replace(file, status="modified")
        elif len(found) < most:
            found.append(file)
        else:
            left_out += 1
    return tuple(found), left_out


def _turned(gone: TouchedFile, come: TouchedFile) -> bool:
    """Whether both are one file that became, or was, a link or a submodule: git shows it going and coming."""
    went = gone.path == come.path and (gone.status == "deleted" or gone.instead == "submodule")
    return went and bool(gone.instead or come.instead) and come.status in ("added", "submodule")


def standing_for(file: TouchedFile, mode: str) -> TouchedFile:
    """The file as what stands at its path by git's `mode`: what a link or a submodule points to is no line of
    a file. Of a submodule that only moves `removed` says so. Where the mode is not known ("") lines that name
    a commit of a submodule tell one."""
    instead = _INSTEAD.get(mode) or ("submodule" if not mode and _names_commit(file) else "")
    if not instead:
        return file
    link = instead == "link"
    return TouchedFile(
        file.path,
        file.status if link else "submodule",
        file.old_path,
        removed=() if link else file.removed[:1],
        instead=instead,
        target=file.added[0].text if file.added else "",
    )


def _names_commit(file: TouchedFile) -> bool:
    lines = [*file.added, *file.removed]
    return 0 < len(lines) <= 2 and all(_SUBPROJECT.fullmatch(line.text) for line in lines)


def whole(file: TouchedFile) -> TouchedFile:
    """With the whole text of a file that came or went, which its lines are; not of one that was cut."""
    if file.cut or file.binary or file.instead:
        return file
    if file.status == "added" and file.added:
        return msgspec.structs.replace(file, after=_text(file.added))
    if file.status == "deleted" and file.removed:
        return msgspec.structs.replace(file, before=_text(file.removed))
    return file


def known_whole(file: TouchedFile) -> bool:
    """Whether its whole text is known, on each side that it has."""
    before = file.status == "added" or file.before is not None
    return before and (file.status == "deleted" or file.after is not None)


def _text(lines: Sequence[Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)


def _files(reader: _Reader) -> Iterator[TouchedFile]:
    """A head of lines that name a file, then its hunks; what stands between is passed over."""
    head: list[str] = []
    while reader.line is not None:
        line = reader.line
        if line.startswith("@@ ") and _HUNK.match(line):
            lines = _Lines()
            reader.hunks(lines)
            named, mode = _named(head), _mode(head)
            head = []
            if named is not None:
                yield whole(standing_for(_with(named, lines, cut=lines.cut), mode))
            continue
        if line.startswith("diff --git ") and head:
            if (named := _named(head)) is not None:
                yield standing_for(named, _mode(head))
            head = []
        if len(head) < 100:
            head.append(line)
        reader.take()
    if (named := _named(head)) is not None:
        yield standing_for(named, _mode(head))


def _mode(head: list[str]) -> str:
    """Git's mode of the file that the lines are about, "" where none says it."""
    return next((found[1] for line in head if (found := _MODE.fullmatch(line.removesuffix("\r")))), "")


def _with(file: TouchedFile, lines: _Lines, *, cut: bool) -> TouchedFile:
    return TouchedFile(
        file.path,
        file.status,
        file.old_path,
        file.binary,
        tuple(lines.added),
        tuple(lines.removed),
        max(file.insertions, lines.insertions),
        max(file.deletions, lines.deletions),
        cut,
        file.before,
        file.after,
    )


def _named(head: list[str]) -> TouchedFile | None:
    """The file that the lines before the hunks are about."""
    old = new = ""
    status: Status = "modified"
    binary, about = False, False
    for line in head:
        if line.startswith("diff --git "):
            about, (old, new) = True, _both(line[11:])
        elif line.startswith("--- "):
            about, old = True, _path(line[4:])
        elif line.startswith("+++ "):
            about, new = True, _path(line[4:])
        elif line.startswith(("rename from ", "copy from ")):
            old, status = _unquoted(line.partition(" from ")[2]), _TAKEN[line[:4]]
        elif line.startswith(("rename to ", "copy to ")):
            new = _unquoted(line.partition(" to ")[2])
        elif line.startswith("new file mode "):
            status = "added"
        elif line.startswith("deleted file mode "):
            status = "deleted"
        elif line.startswith(("Binary files ", "GIT binary patch")):
            binary = True
    if not about:
        return None
    if old == _NOWHERE:
        old, status = "", "added"
    if new == _NOWHERE:
        new, status = old, "deleted"
    if not new:
        return None
    taken = status in ("renamed", "copied") and old != new
    return TouchedFile(new, status, old if taken else "", binary)


def _both(rest: str) -> tuple[str, str]:
    """`a/x b/x`: only where both are the same can they be told apart for certain."""
    if rest.startswith('"'):
        first, _, second = rest.partition('" ')
        return _path(f'{first}"'), _path(second)
    middle = len(rest) // 2
    first, second = rest[:middle], rest[middle + 1 :]
    if rest[middle : middle + 1] == " " and _path(first) == _path(second):
        return _path(first), _path(second)
    return "", ""


def _path(text: str) -> str:
    """Without the `a/` or `b/` before it and the time after it."""
    path = _unquoted(text.partition("\t")[0].removesuffix("\r"))
    return path[2:] if path.startswith(("a/", "b/")) else path


def _unquoted(text: str) -> str:
    text = text.removesuffix("\r")
    if not (len(text) > 1 and text.startswith('"') and text.endswith('"')):
        return text
    # Bytes as octal numbers: put together, they are UTF-8.
    raw = _ESCAPE.sub(_sign, text[1:-1]).encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def _sign(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 3:
        value = int(code, 8) & 255
        return chr(value) if value < 128 else chr(0xDC00 + value)
    return _SIGNS.get(code, code)
