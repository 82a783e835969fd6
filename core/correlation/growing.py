"""Groups of alerts that grow by joining, where enough of the pairs between two of them are linked."""

from __future__ import annotations

from core.correlation.pairs import Pairs, bits


class Groups:
    """Each alert on its own at first. Those that link nothing count for nothing in a group's size."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self._of = list(range(len(pairs.linked)))
        self._groups = [1 << number for number in self._of]

    def find(self, name: str) -> int:
        """The number of the alert that stands for its group."""
        return self._of[self._pairs.numbers[name]]

    def join(self, a: str, b: str) -> None:
        self._join(self.find(a), self.find(b))

    def hanging(self) -> list[int]:
        """Sets of alerts that hang together by any link, or by what was joined."""
        left, found = (1 << len(self._of)) - 1, []
        while left:
            row = fresh = self._groups[self._of[(left & -left).bit_length() - 1]]
            while fresh:
                near = 0
                for number in bits(fresh):
                    near |= self._pairs.linked[number] | self._groups[self._of[number]]
                row, fresh = row | near, near & ~row
            found.append(row)
            left &= ~row
        return found

    def grow(self, row: int, least: int) -> None:
        """Along the links among these, the nearest first: two groups join where at least so many thousandths
        of the pairs between them are linked."""
        of, missing = self._of, len({self._of[number] for number in bits(row)}) - 1
        if not missing:
            return
        # Groups only grow: with the sizes that they had the answer is the same.
        refused: dict[tuple[int, int], tuple[int, int]] = {}
        for a, b in self._pairs.nearest_first(row):
            one, other = of[a], of[b]
            if one == other:
                continue
            sizes = self._size(one), self._size(other)
            if refused.get((one, other)) == sizes:
                continue
            enough = self._enough(one, other, least * sizes[0] * sizes[1])
            if not enough and not self._hang_on_one(one, other):
                refused[one, other] = sizes
                continue
            self._join(one, other)
            missing -= 1
            if not missing:
                return

    def gather(self, row: int) -> None:
        """All of these are one."""
        first, *others = bits(row)
        for number in others:
            self._join(self._of[first], self._of[number])

    def _size(self, group: int) -> int:
        return (self._groups[group] & self._pairs.linking).bit_count()

    def _enough(self, one: int, other: int, wanted: int) -> bool:
        """Of two that touch, whether so many thousandths of a pair are linked."""
        if wanted <= 1000:
            return True
        return 1000 * self._pairs.between(self._groups[one], self._groups[other]) >= wanted

    def _hang_on_one(self, one: int, other: int) -> bool:
        """Whether one alert is linked with at least half of either: what fails, and all that call it."""
        parts = [self._groups[group] & self._pairs.linking for group in (one, other)]
        sizes = [part.bit_count() for part in parts]
        for number in bits(parts[0] | parts[1]):
            near = self._pairs.linked[number] | 1 << number
            if all(2 * (near & part).bit_count() >= size for part, size in zip(parts, sizes, strict=True)):
                return True
        return False

    def _join(self, kept: int, gone: int) -> None:
        if kept == gone:
            return
        groups = self._groups
        if groups[kept].bit_count() < groups[gone].bit_count():
            kept, gone = gone, kept
        for number in bits(groups[gone]):
            self._of[number] = kept
        groups[kept] |= groups[gone]
