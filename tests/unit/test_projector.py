"""The projection follows the engine: what is over first, large incidents seldom, the last state for sure."""

from __future__ import annotations

from collections import deque

import pytest

from core.replay import Fold
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.projector import _PATIENCE, INTERVAL, Changes, period

FAR = 24 * 3_600


class Clock:
    """Stands still unless told; every look at the processor's adds what a document takes."""

    def __init__(self) -> None:
        self.now = self.used = self.a_look = 0.0

    def wall(self) -> float:
        return self.now

    def cpu(self) -> float:
        self.used += self.a_look
        return self.used


@pytest.fixture
def clock() -> Clock:
    return Clock()


def changes(clock: Clock) -> Changes:
    return Changes(None, clock.wall, clock.cpu)


def told() -> Timeline:
    """Two incidents that have nothing in common; their pages are out."""
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(5, alert("mailer"))
    t.wait(300)
    return t


def batch(following: Changes, fold: Fold) -> list[str]:
    names, found = deque(following.due(fold)), []
    while names:
        found += [document["id"] for document in following.make(fold, names, 200)]
    return found


def ids(t: Timeline) -> list[str]:
    return list(t.engine.state.incidents)


def test_each_is_made_once_for_every_change_of_it(clock: Clock) -> None:
    t, following = told(), changes(clock)
    assert sorted(batch(following, t.fold)) == sorted(ids(t))
    assert batch(following, t.fold) == []
    t.push(310, alert("payments", "HighLatency"))
    assert batch(following, t.fold) == [ids(t)[0]]


def test_what_has_waited_longest_comes_first_and_before_it_what_is_over(clock: Clock) -> None:
    t, following = told(), changes(clock)
    first, second = ids(t)
    following.make(t.fold, deque([second]), 1)
    following.make(t.fold, deque([first]), 1)
    for name in (first, second):
        t.engine.state.incidents[name].version += 1
    assert following.due(t.fold) == [second, first]
    t.engine.state.incidents[first].status = "resolved"
    assert following.due(t.fold) == [first, second]


def test_one_that_takes_long_is_made_as_seldom_as_that_and_its_last_state_for_certain(clock: Clock) -> None:
    t, following = told(), changes(clock)
    clock.a_look = 0.5
    first, second = ids(t)
    assert batch(following, t.fold) == [first, second]
    t.push(310, alert("payments", "HighLatency"))
    assert following.due(t.fold) == []
    clock.now += _PATIENCE * 0.5 - 0.1
    assert following.due(t.fold) == []
    assert following.due(t.fold, rested=False) == [first]
    # Nothing happens any more: what was left out is made all the same.
    clock.now += 0.2
    names = deque(following.due(t.fold))
    [document] = following.make(t.fold, names, 200)
    assert (document["id"], len(document["alerts"])) == (first, 2)
    clock.now += FAR
    assert following.due(t.fold) == []


def test_one_that_takes_long_ends_a_piece_and_keeps_no_other_waiting(clock: Clock) -> None:
    t, following = told(), changes(clock)
    clock.a_look = 0.5
    names = deque(following.due(t.fold))
    assert len(following.make(t.fold, names, 200)) == 1
    clock.a_look = 0.0
    assert len(following.make(t.fold, names, 200)) == 1
    t.push(310, alert("payments", "HighLatency"), alert("mailer", "HighLatency"))
    assert following.due(t.fold) == [ids(t)[1]]


def test_small_ones_wait_for_the_next_batch_only() -> None:
    assert period(0.0) == period(INTERVAL / _PATIENCE) == INTERVAL
    assert period(2.0) == 2.0 * _PATIENCE


def test_what_could_not_be_put_is_made_again(clock: Clock) -> None:
    t, following = told(), changes(clock)
    documents = following.make(t.fold, deque(ids(t)), 200)
    following.again(documents[:1])
    assert batch(following, t.fold) == [documents[0]["id"]]


def test_an_incident_that_is_gone_meanwhile_is_passed_over(clock: Clock) -> None:
    t, following = told(), changes(clock)
    names = deque(["none", *ids(t)])
    assert [one["id"] for one in following.make(t.fold, names, 200)] == ids(t)


def test_rebuild_makes_all_however_long_they_take(clock: Clock) -> None:
    t, following = told(), changes(clock)
    clock.a_look = 0.5
    assert len(following.live(t.fold, 1)) == 1
    assert len(following.live(t.fold, 200)) == 1
    assert following.live(t.fold, 200) == []
