"""Which alerts of some incidents are linked, pair by pair.

Alerts go by number, in order of their ids, and sets of them are whole numbers with a bit for each: a hundred
that hang together make thousands of pairs, which are counted but never made one by one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, combinations
from operator import or_
from typing import NamedTuple

from core import barriers
from core.correlation.index import LINK_RULES, spots_of
from core.correlation.link import Key, Look, around
from core.model.entity import Entity
from core.model.incident import Episode, Incident
from core.world import World

# When it began, and the set of it alone.
Place = tuple[int, int]
# Starts, and the set of those before each, and of all.
Timed = tuple[list[int], list[int]]


class Pairs(NamedTuple):
    """`linked` holds, by number, those that it is linked with; `linking` all that link at all. `starts` in ms
    UTC."""

    numbers: dict[str, int]
    starts: list[int]
    linking: int
    linked: list[int]

    def of(self, names: Iterable[str]) -> int:
        """These alerts, as a set."""
        return sum(1 << self.numbers[name] for name in names)

    def between(self, some: int, others: int) -> int:
        """How many pairs of the two sets are linked."""
        if some.bit_count() > others.bit_count():
            some, others = others, some
        return sum((self.linked[one] & others).bit_count() for one in bits(some & self.linking))

    def nearest_first(self, among: int) -> Iterator[tuple[int, int]]:
        """Linked pairs of these alerts, by the time between their starts, then by their ids."""
        at_once: dict[int, int] = {}
        numbers = list(bits(among & self.linking))
        for one in numbers:
            at_once[self.starts[one]] = at_once.get(self.starts[one], 0) | 1 << one
        # Many begin at one moment, and often these make it one group: no need to look at the others.
        for one in numbers:
            beside = self.linked[one] & at_once[self.starts[one]]
            for other in bits(beside >> one + 1):
                yield one, one + 1 + other
        if len(at_once) > 1:
            yield from self._later_ones(numbers, at_once)

    def _later_ones(self, numbers: list[int], at_once: dict[int, int]) -> Iterator[tuple[int, int]]:
        starts, total = self.starts, len(self.starts)
        every = total * total
        found: list[int] = []
        for place, one in enumerate(numbers, 1):
            start, base = starts[one], one * total
            beside = self.linked[one] & ~at_once[start]
            found += [
                abs(starts[other] - start) * every + base + other
                for other in numbers[place:]
                if beside >> other & 1
            ]
        found.sort()
        return (divmod(row % every, total) for row in found)


def bits(some: int) -> Iterator[int]:
    """The numbers in a set, in order."""
    while some:
        lowest = some & -some
        yield lowest.bit_length() - 1
        some ^= lowest


def pairs_of(world: World, incidents: Sequence[Incident]) -> Pairs:
    """Of all their alerts; none is linked across what people parted."""
    names = sorted(name for one in incidents for name in one.members)
    episodes = [world.state.episodes[name] for name in names]
    pairs = Pairs(
        {name: number for number, name in enumerate(names)},
        [episode.starts_at for episode in episodes],
        sum(1 << number for number, episode in enumerate(episodes) if not episode.again),
        _linked(world, episodes),
    )
    for one, other in combinations(incidents, 2):
        if barriers.apart(world, one, other):
            _part(pairs, pairs.of(one.members), pairs.of(other.members))
    return pairs


def _part(pairs: Pairs, some: int, others: int) -> None:
    for here, there in ((some, others), (others, some)):
        for number in bits(here):
            pairs.linked[number] &= ~there


def _linked(world: World, episodes: list[Episode]) -> list[int]:
    """For each, those that are found where it looks. Links hold both ways."""
    spots = [[] if one.again else spots_of(world, one) for one in episodes]
    places: dict[Key, list[Place]] = {}
    for number, episode in enumerate(episodes):
        place = (episode.starts_at, 1 << number)
        for key, _ in spots[number]:
            places.setdefault(key, []).append(place)
    there = {key: _in_time(found) for key, found in places.items()}
    # By all that looks go by: alerts of many pods often began at one moment.
    beyond: dict[tuple[Entity, str, int], int] = {}
    linked: list[int] = []
    for number, episode in enumerate(episodes):
        if episode.again:
            linked.append(0)
            continue
        alike = (episode.entity, episode.name, episode.starts_at)
        found = beyond.get(alike)
        if found is None:
            looks = chain.from_iterable(rule.looks(world, episode) for rule in LINK_RULES)
            found = beyond[alike] = _found(there, looks)
        found |= _found(there, (around(key, episode, span) for key, span in spots[number] if span >= 0))
        linked.append(found & ~(1 << number))
    return linked


def _found(there: dict[Key, Timed], looks: Iterable[Look]) -> int:
    found = 0
    for key, low, high in looks:
        if (timeline := there.get(key)) is not None:
            starts, sums = timeline
            found |= sums[bisect_right(starts, high)] ^ sums[bisect_left(starts, low)]
    return found


def _in_time(places: list[Place]) -> Timed:
    places.sort()
    return [start for start, _ in places], [0, *accumulate((bit for _, bit in places), or_)]
