"""A repository's history as a model learns from it: the features of every change, and whether it was mended.

One pass. A change counts as one that broke something when a later fix removes lines that it brought, or when
a later commit says that it takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from core.risk.features import Features
from core.risk.fixes import reverted
from core.risk.ownership import Ownership
from core.risk.past import Past, Touch
from core.risk.paths import is_generated
from watchkeeper.risk.log import Change, Edited

# A fix of more files mends many things, or none; what it removes says little.
_MOST_MENDED = 30


class Row(NamedTuple):
    """One change: `number` counts from 1, oldest first; `effort` is lines added and deleted. `mended_by`: the
    numbers of the fixes that removed lines of it, in their order; `brought` the newest commit of a merge."""

    number: int
    id: str
    at: int
    subject: str
    features: Features
    effort: int
    mended_by: list[int]
    brought: str = ""

    def mended(self, until: int) -> bool:
        """Whether one of the first `until` changes of the history mended it."""
        return bool(self.mended_by) and self.mended_by[0] <= until


class History:
    """Told of one change after another, oldest first."""

    def __init__(self) -> None:
        self.past, self.rows = Past(), list[Row]()
        self._owners = Ownership()
        self._numbers: dict[str, int] = {}

    def add(self, change: Change) -> Row:
        touches = [self._touch(one) for one in change.files]
        features = self.past.features(touches, change.author, change.at, change.subject)
        effort = sum(one.added + one.deleted for one in touches)
        row = Row(
            len(self.rows) + 1, change.id, change.at, change.subject, features, effort, [], change.brought
        )
        self.rows.append(row)
        self._numbers[change.id] = row.number
        for number in sorted(self._mended(change, row.number)):
            self.rows[number - 1].mended_by.append(row.number)
        self.past.add(change.id, change.author, change.at, touches)
        return row

    def _touch(self, file: Edited) -> Touch:
        before = file.old_path or file.path
        lines = None if is_generated(before) else self._owners.length(before)
        return Touch(file.path, file.old_path, file.added, file.deleted, lines)

    def _mended(self, change: Change, number: int) -> set[int]:
        """The changes that this one mends; of a change that mends nothing none."""
        removed = [owner for file in change.files for owner in self._edited(file, number)]
        counted = set(removed) if change.fix and len(change.files) <= _MOST_MENDED else set[int]()
        said = (self._numbers.get(name) for name in reverted(change.body))
        return (counted | {one for one in said if one is not None}) - {number}

    def _edited(self, file: Edited, number: int) -> Iterable[int]:
        """Whose lines the change removes. Nobody is asked about generated files and documentation."""
        if file.status == "R":
            self._owners.rename(file.old_path, file.path)
        if file.status == "D":
            yield from self._owners.apply(file.path, number, file.hunks)
            self._owners.delete(file.path)
        elif not is_generated(file.path):
            yield from self._owners.apply(file.path, number, file.hunks)


def learned(changes: Iterable[Change]) -> History:
    """The whole history."""
    history = History()
    for change in changes:
        # What touches no file (a merge of what is there) is no change.
        if change.files:
            history.add(change)
    return history


def labels(rows: Sequence[Row], until: int) -> Iterator[bool]:
    """Whether each change was known, after the first `until` changes, to have broken something."""
    return (row.mended(until) for row in rows)
