"""What a repository's history says of a change before it is made: who knows the files, and how they fared.

Told of one commit after another, oldest first; asked of a change, it answers from what it was told before.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from core.risk.features import Features, entropy
from core.risk.fixes import is_fix
from core.risk.known import Experience
from core.times import DAY

_YEAR = 365 * DAY
_MOST_YEARS = 100


class Touch(NamedTuple):
    """One file of a commit. `old_path` of a renamed one; `lines` that it had before, None: not known."""

    path: str
    old_path: str = ""
    added: int = 0
    deleted: int = 0
    lines: int | None = None

    @property
    def before(self) -> str:
        return self.old_path or self.path


class _File:
    __slots__ = ("at", "commit", "people")

    def __init__(self) -> None:
        self.at, self.commit = 0, ""
        self.people: Counter[str] = Counter()


class _Person:
    __slots__ = ("folders", "parts", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        # Commits by the set of what they touched: few sets, and each commit counts once whatever is asked.
        self.parts: Counter[frozenset[str]] = Counter()
        self.folders: Counter[frozenset[str]] = Counter()


class Past:
    def __init__(self) -> None:
        self.commits = 0
        self._files: dict[str, _File] = {}
        self._people: dict[str, _Person] = {}

    def add(self, commit: str, author: str, at: int, touches: Sequence[Touch]) -> None:
        """A commit, at ms UTC. Renamed files take what is known of them along."""
        self.commits += 1
        for one in touches:
            if one.old_path:
                self._files[one.path] = self._files.pop(one.old_path, _File())
            file = self._files.setdefault(one.path, _File())
            file.at, file.commit = at, commit
            file.people[author] += 1
        person = self._people.setdefault(author, _Person())
        insort(person.times, at)
        person.parts[_parts(touches)] += 1
        person.folders[_folders(touches)] += 1

    def features(self, touches: Sequence[Touch], author: str, at: int, subject: str) -> Features:
        """Of a change that is about to be made, at ms UTC."""
        known = self._known(touches)
        person = self._people.get(author, _Person())
        lines = [one.lines for one in touches if one.lines is not None]
        return Features(
            la=float(sum(one.added for one in touches)),
            ld=float(sum(one.deleted for one in touches)),
            nf=float(len(touches)),
            nd=float(len(_folders(touches))),
            ns=float(len(_parts(touches))),
            entropy=entropy([one.added + one.deleted for one in touches]),
            lt=fmean(lines) if lines else None,
            fix=float(is_fix(subject)),
            ndev=float(len({who for file in known for who in file.people})),
            age=_age(known, at),
            nuc=float(len({file.commit for file in known})),
            exp=float(len(person.times)),
            rexp=_recent(person.times, at),
            sexp=float(_sharing(person.parts, _parts(touches))),
        )

    def experience(self, touches: Sequence[Touch], author: str, at: int) -> Experience:
        """Of the author with these files."""
        known = self._known(touches)
        person = self._people.get(author, _Person())
        changes: Counter[str] = Counter()
        for file in known:
            changes.update(file.people)
        owner, most = min(changes.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        return Experience(
            len(person.times),
            _sharing(person.folders, _folders(touches)),
            max((file.people[author] for file in known), default=0),
            len(changes),
            _age(known, at),
            owner,
            most * 1_000 // max(1, changes.total()),
        )

    def _known(self, touches: Iterable[Touch]) -> list[_File]:
        return [file for one in touches if (file := self._files.get(one.before)) is not None]


def _folders(touches: Iterable[Touch]) -> frozenset[str]:
    return frozenset(one.path.rpartition("/")[0] for one in touches)


def _parts(touches: Iterable[Touch]) -> frozenset[str]:
    """First directories; files at the top are a part of their own."""
    return frozenset(one.path.partition("/")[0] if "/" in one.path else "" for one in touches)


def _sharing(counts: Counter[frozenset[str]], wanted: frozenset[str]) -> int:
    return sum(count for some, count in counts.items() if not some.isdisjoint(wanted))


def _age(files: Sequence[_File], at: int) -> float | None:
    """Days since the last change, on average; None where none is known."""
    return round(fmean(max(0, at - file.at) / DAY for file in files), 3) if files else None


def _recent(times: Sequence[int], at: int) -> float:
    """Each commit counts 1 / (1 + full years since)."""
    total, newer = 0.0, len(times)
    for year in range(_MOST_YEARS):
        if not newer:
            break
        older = bisect_left(times, at - (year + 1) * _YEAR + 1, 0, newer)
        total += (newer - older) / (1 + year)
        newer = older
    return round(total, 3)
