"""A file that moves to where it is run: one that goes, and one that comes with all its lines.

What a rename alone shows is the lines that differ, and of a file that was laid down among tests or notes
before none at all.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from core.risk.change import Line, TouchedFile
from core.risk.paths import is_aside
from watchkeeper.risk.entries import Entry
from watchkeeper.risk.patch import LONGEST_LINE, Limits, Part


def brought(entry: Entry, part: Part, whole: Mapping[bytes, str], limits: Limits) -> tuple[TouchedFile, ...]:
    """The new file, and the old one where it was run too. Without its text what the rename showed stays."""
    after, before = whole.get(entry.new), whole.get(entry.old)
    new = TouchedFile(
        entry.path,
        "added",
        added=_lines(after, limits) if after is not None else tuple(part.added),
        insertions=_count(after) if after is not None else part.insertions,
        cut=part.cut or after is None or _too_long(after, limits),
        after=after,
    )
    if is_aside(entry.old_path):
        return (new,)
    old = TouchedFile(
        entry.old_path,
        "deleted",
        removed=_lines(before or "", limits),
        deletions=_count(before or ""),
        cut=before is None or _too_long(before, limits),
        before=before,
    )
    return (old, new)


def brought_unseen(file: TouchedFile) -> tuple[TouchedFile, ...]:
    """The same where only a diff is at hand, which shows what differs and nothing of the rest; of a copy the
    old file stays. `old_path` of the new one says that its text was not seen (see `arrived_unseen`)."""
    new = msgspec.structs.replace(file, status="added", cut=True)
    if file.status == "copied" or is_aside(file.old_path):
        return (new,)
    return TouchedFile(file.old_path, "deleted", removed=file.removed, deletions=file.deletions), new


def _split(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _count(text: str) -> int:
    return len(_split(text))


def _lines(text: str, limits: Limits) -> tuple[Line, ...]:
    lines = _split(text)[: limits.lines]
    return tuple(Line(number, line[:LONGEST_LINE]) for number, line in enumerate(lines, 1))


def _too_long(text: str, limits: Limits) -> bool:
    lines = _split(text)
    return len(lines) > limits.lines or any(len(line) > LONGEST_LINE for line in lines)
