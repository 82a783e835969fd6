"""What is done otherwise because incidents may be large gives the same as the plain way."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.findings import make_case, same_entity
from core.findings.case import shortened
from core.state import Index, State
from core.timelines import Place, Timeline, discard, insert, within
from tests.timeline import SHOP, alert
from tests.timeline import Timeline as Told

# What an older version kept of an alert beside what is kept now.
BEFORE = {"annotations": {"summary": "slow"}, "annotations_key": "0" * 80, "generator_url": "http://x"}
PLACES = st.tuples(st.integers(0, 3), st.sampled_from("abc"))


@given(st.lists(st.tuples(st.booleans(), PLACES)))
def test_a_timeline_holds_what_was_put_in_and_not_taken_out(steps: list[tuple[bool, Place]]) -> None:
    timelines: dict[str, Timeline] = {}
    plain: list[Place] = []
    for put, place in steps:
        if put and place not in plain:
            insert(timelines, "key", place)
            plain = sorted([*plain, place])
        elif not put:
            discard(timelines, "key", place)
            plain = [one for one in plain if one != place]
        assert list(timelines.get("key", ())) == plain
        assert list(within(timelines.get("key", ()), 0, 3)) == [name for _, name in plain]
        assert ("key" in timelines) == bool(plain)


def test_of_many_neighbours_the_first_are_told_and_the_others_counted() -> None:
    t = Told(SHOP)
    # The gaps grow from seconds to an hour and more, so that some count and some do not.
    starts = [number**3 for number in range(40)]
    for number, start in enumerate(starts):
        t.push(start, alert("payments", f"Alert{number % 7}", starts=start))
    world = t.engine.world
    incident = next(iter(world.state.incidents.values()))
    case = make_case(world, msgspec.structs.replace(incident, members=list(world.state.episodes)))
    [episodes] = case.groups.values()
    plain = [same_entity._pair(case, a, b) for a, b in pairwise(episodes)]
    assert 12 < sum(node.counted for node in plain) < len(plain)
    assert same_entity._pairs(case, episodes) == shortened(plain, same_entity.kind)
    assert same_entity._pairs(case, episodes[:3]) == tuple(plain[:2])


def test_timelines_share_the_place_of_an_alert() -> None:
    t = Told(SHOP)
    t.push(0, alert("payments"))
    world = t.engine.world
    [episode] = world.state.episodes.values()
    [[[place]]] = [one.values() for one in world.index.by_alert.values()]
    [[same]] = world.index.by_entity.values()
    assert place is same is world.index.place_of(episode)
    # Made anew, or of another alert, it is equal.
    assert Index(State()).place_of(episode) == place


def test_a_state_of_before_is_read() -> None:
    t = Told(SHOP)
    t.push(0, alert("payments"))
    state = msgspec.to_builtins(t.engine.state)
    for episode in state["episodes"].values():
        episode.update(BEFORE)
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == t.engine.state


def test_alerts_share_the_texts_that_they_have_in_common() -> None:
    t = Told(SHOP)
    t.push(0, alert("payments"), alert("payments", "HighLatency"))
    first, second = t.engine.state.episodes.values()
    assert first.labels["service"] is second.labels["service"]
    assert first.entity is second.entity
