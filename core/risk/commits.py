"""Which commit a change of production brought out, as far as its version or its source's id of it says.

A commit is named by its whole id or by a beginning of seven signs or more. One that several assessments could
be is none, and so is one of another repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.model.events import ChangeEvent
from core.model.risk import Assessed

SHORTEST = 7
_MOST_TEXT = 1_024
# A word of a version: `main-1a2b3c4`, `v2.0-4-g1a2b3c4`.
_WORD = re.compile(r"[0-9A-Za-z]+")
_NAME = re.compile(r"g?([0-9a-f]{7,64})")
# A source's id of a merge or a push: the repository, and the commit.
_OF_REPOSITORY = re.compile(r"([^@\s]+/[^@\s]+)@[0-9a-f]{7,64}(?:/.*)?")


def named(event: ChangeEvent) -> tuple[str, ...]:
    """The names of commits in it, in small letters, each once."""
    found = []
    for text in (event.version, event.ref):
        for word in _WORD.findall(text[:_MOST_TEXT]):
            name = _NAME.fullmatch(word.lower())
            if name is not None:
                found.append(name[1])
    return tuple(dict.fromkeys(found))


def may_be_of(event: ChangeEvent, repository: str) -> bool:
    """False where the change's own id says another repository."""
    own, told = repository.lower(), event.ref[:_MOST_TEXT].lower()
    if not own or told.startswith((f"{own}@", f"{own}/")):
        return True
    found = _OF_REPOSITORY.fullmatch(told)
    return found is None or same_repository(found[1], own)


def same_repository(one: str, other: str) -> bool:
    """By their names, with or without the host before them."""
    one, other = one.lower(), other.lower()
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


class Commits:
    """Assessments by the beginnings of their commits, and changes by those that they name."""

    def __init__(
        self, assessments: dict[str, Assessed], changes: Iterable[tuple[str, str, ChangeEvent]] = ()
    ) -> None:
        self._assessments = assessments
        self._keys: dict[tuple[str, str], set[str]] = {}
        self._changes: dict[tuple[str, str], set[str]] = {}
        for key, assessed in assessments.items():
            self.add(key, assessed)
        for name, domain, event in changes:
            self.add_change(name, domain, event)

    def add(self, key: str, assessed: Assessed) -> None:
        for place in _places(assessed):
            self._keys.setdefault(place, set()).add(key)

    def discard(self, key: str, assessed: Assessed) -> None:
        for place in _places(assessed):
            _discard(self._keys, place, key)

    def add_change(self, name: str, domain: str, event: ChangeEvent) -> None:
        for commit in named(event):
            self._changes.setdefault((domain, commit[:SHORTEST]), set()).add(name)

    def discard_change(self, name: str, domain: str, event: ChangeEvent) -> None:
        for commit in named(event):
            _discard(self._changes, (domain, commit[:SHORTEST]), name)

    def key_of(self, domain: str, event: ChangeEvent) -> str | None:
        """The one assessment whose commit the change names; None for none, and for more than one. Of those of
        one commit it is that of the commit itself, not of what became it."""
        found = {
            key: whole
            for commit in named(event)
            for key in self._keys.get((domain, commit[:SHORTEST]), ())
            if (whole := _meant(self._assessments[key], commit))
            and may_be_of(event, self._assessments[key].event.repository)
        }
        if len(found) > 1 and len(set(found.values())) == 1:
            found = {key: one for key, one in found.items() if self._assessments[key].event.head == one}
        return next(iter(found)) if len(found) == 1 else None

    def keys_near(self, domain: str, event: ChangeEvent) -> list[str]:
        """Of assessments that a commit of the change begins like, in order."""
        places = ((domain, commit[:SHORTEST]) for commit in named(event))
        return sorted({key for place in places for key in self._keys.get(place, ())})

    def beside(self, key: str) -> list[str]:
        """Of assessments with a commit that begins like one of its own, itself among them."""
        places = _places(self._assessments[key])
        return sorted({near for place in places for near in self._keys.get(place, ())})

    def changes_near(self, assessed: Assessed) -> list[str]:
        """Ids of changes that name a commit which begins as one of these does, in order."""
        return sorted({name for place in _places(assessed) for name in self._changes.get(place, ())})


def commits_of(assessed: Assessed) -> tuple[str, ...]:
    """Its newest commit, and the one that it became."""
    return tuple(filter(None, (assessed.event.head, assessed.event.merged_as)))


def _meant(assessed: Assessed, commit: str) -> str:
    """The one of its commits that begins so; "" for none."""
    return next((one for one in commits_of(assessed) if one.startswith(commit)), "")


def _places(assessed: Assessed) -> Iterator[tuple[str, str]]:
    return ((assessed.domain, commit[:SHORTEST]) for commit in commits_of(assessed))


def _discard(table: dict[tuple[str, str], set[str]], place: tuple[str, str], name: str) -> None:
    table.get(place, set()).discard(name)
    if not table.get(place, True):
        del table[place]
