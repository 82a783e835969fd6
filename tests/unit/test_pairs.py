"""Pairs of alerts as sets of bits, and groups that grow along them: what counting pair by pair gives."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.correlation.growing import Groups
from core.correlation.index import looks_of
from core.correlation.pairs import Pairs, bits, pairs_of
from core.timelines import within
from tests.timeline import SHOP, Timeline, alert, change
from tests.unit.test_weighing_order import heard, weighed

Told = list[tuple[int, int]]


def pairs(starts: list[int], linked: Told, again: int = 0) -> Pairs:
    """`again`: those that link nothing."""
    rows = [0] * len(starts)
    for a, b in linked:
        rows[a] |= 1 << b
        rows[b] |= 1 << a
    return Pairs({str(n): n for n in range(len(starts))}, starts, ((1 << len(starts)) - 1) & ~again, rows)


def parts(groups: Groups, count: int) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for number in range(count):
        found.setdefault(groups.find(str(number)), set()).add(number)
    return {frozenset(one) for one in found.values()}


def counted(starts: list[int], linked: Told, joined: Told, least: int) -> set[frozenset[int]]:
    """The same, one pair after the other."""
    of = {number: frozenset([number]) for number in range(len(starts))}

    def join(a: int, b: int) -> None:
        both = of[a] | of[b]
        of.update(dict.fromkeys(both, both))

    for a, b in joined:
        join(a, b)
    for _, a, b in sorted((abs(starts[a] - starts[b]), a, b) for a, b in linked):
        across = sum((x in of[a] and y in of[b]) or (y in of[a] and x in of[b]) for x, y in linked)
        near = [{n} | {x for pair in linked for x in pair if n in pair} for n in range(len(starts))]
        hub = any(all(2 * len(near[n] & part) >= len(part) for part in (of[a], of[b])) for n in of[a] | of[b])
        if of[a] != of[b] and (hub or 1000 * across >= least * len(of[a]) * len(of[b])):
            join(a, b)
    return set(of.values())


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_groups_grow_as_pairs_counted_one_by_one_say(data: st.DataObject) -> None:
    starts = data.draw(st.lists(st.integers(0, 6), min_size=2, max_size=14))
    numbers = st.integers(0, len(starts) - 1)
    two = st.tuples(numbers, numbers).filter(lambda pair: pair[0] < pair[1])
    linked = data.draw(st.lists(two, max_size=40, unique=True))
    joined = data.draw(st.lists(two, max_size=2))
    least = data.draw(st.sampled_from([50, 250, 400, 700, 1000]))
    groups = Groups(pairs(starts, linked))
    for a, b in joined:
        groups.join(str(a), str(b))
    for row in groups.hanging():
        groups.grow(row, least)
    assert parts(groups, len(starts)) == counted(starts, linked, joined, least)


def test_what_hangs_together_may_be_gathered() -> None:
    groups = Groups(pairs([0] * 7, [(0, 1), (2, 3), (3, 4), (2, 4), (1, 2), (5, 1)]))
    assert [set(bits(row)) for row in groups.hanging()] == [{0, 1, 2, 3, 4, 5}, {6}]
    groups.join("6", "0")
    [row] = groups.hanging()
    groups.gather(row)
    assert parts(groups, 7) == {frozenset(range(7))}


def test_what_fires_again_counts_for_nothing() -> None:
    linked = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]
    starts = [0, 0, 0, 1, 1, 1, 1]
    for least, expected in (
        (112, {frozenset({0, 1, 2}), frozenset({3, 4, 5, 6})}),
        (111, {frozenset(range(7))}),
    ):
        groups = Groups(pairs(starts, linked, again=1 << 6))
        groups.join("3", "6")
        for row in groups.hanging():
            groups.grow(row, least)
        assert parts(groups, 7) == expected


def test_what_hangs_on_one_alert_is_one_group_however_large() -> None:
    """A failing database and all that call it; another such, linked with it once, is another group."""
    star = [(0, number) for number in range(1, 40)]
    groups = Groups(pairs(list(range(40)), star))
    for row in groups.hanging():
        groups.grow(row, 50)
    assert parts(groups, 40) == {frozenset(range(40))}
    two = [*star, *((40, number) for number in range(41, 80)), (1, 41)]
    groups = Groups(pairs(list(range(80)), two))
    for row in groups.hanging():
        groups.grow(row, 50)
    assert sorted(map(len, parts(groups, 80))) == [40, 40]


@settings(max_examples=150, deadline=None)
@given(st.lists(heard, min_size=2, max_size=24), st.lists(st.integers(0, 400), max_size=2))
def test_pairs_are_those_that_the_link_rules_find(
    rows: list[tuple[str, str, int, dict[str, Any]]], changes: list[int]
) -> None:
    t = Timeline(SHOP, rules=weighed(0, 200))
    for at in changes:
        t.changed(500, change("payments", at))
    for service, name, starts, labels in rows:
        t.push(500, alert(service, name, starts=starts, **labels))
    world = t.engine.world
    found = pairs_of(world, list(world.state.incidents.values()))
    names = sorted(found.numbers)
    assert [found.numbers[name] for name in names] == list(range(len(names)))
    for name, number in found.numbers.items():
        episode = world.state.episodes[name]
        looks = [] if episode.again else [look for _, look in looks_of(world, episode)]
        linked = {peer for key, low, high in looks for peer in within(world.links.get(key, ()), low, high)}
        assert {names[other] for other in bits(found.linked[number])} == linked - {name}
        assert all(found.linked[other] >> number & 1 for other in bits(found.linked[number]))
