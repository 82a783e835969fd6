"""Finding which of many matcher lists fit an alert, without trying them all.

A list is filed under the values of its first matcher that can be listed (`severity="critical"`, or
`severity=~"warning|info"`); only the few lists that have none are tried on every alert.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from core.model.incident import Episode
from core.suppression.matchers import Matchers, label_of

Row = TypeVar("Row")


class _Filed(NamedTuple, Generic[Row]):
    place: int
    matchers: Matchers
    row: Row


class Dispatch(Generic[Row]):
    """`rows` that fit an alert, in the order they were given."""

    def __init__(self, rows: Iterable[tuple[Matchers, Row]]) -> None:
        self._filed: dict[str, dict[str, list[_Filed[Row]]]] = {}
        self._rest: list[_Filed[Row]] = []
        for place, (matchers, row) in enumerate(rows):
            self._file(_Filed(place, matchers, row))

    def candidates(self, episode: Episode) -> int:
        """How many lists `fitting` tries."""
        count = len(self._rest)
        for name, by_value in self._filed.items():
            count += len(by_value.get(label_of(episode, name), ()))
        return count

    def fitting(self, episode: Episode) -> list[Row]:
        candidates = self._rest
        for name, by_value in self._filed.items():
            found = by_value.get(label_of(episode, name))
            if found:
                candidates = candidates + found
        if not candidates:
            return []
        return [one.row for one in sorted(candidates, key=_place) if one.matchers.fit(episode)]

    def _file(self, filed: _Filed[Row]) -> None:
        for one in filed.matchers.all:
            values = one.literals()
            if values:
                for value in values:
                    self._filed.setdefault(one.name, {}).setdefault(value, []).append(filed)
                return
        self._rest.append(filed)


def _place(filed: _Filed[Row]) -> int:
    return filed.place
