"""Timers fire by (due, id), those armed meanwhile take part, and the last arming of an id counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.timers import Timer, Timers

NAMES = st.sampled_from("abcde")
DUES = st.integers(0, 6)
STEPS = st.one_of(
    st.tuples(st.just("arm"), NAMES, DUES),
    st.tuples(st.just("cancel"), NAMES, st.just(0)),
    st.tuples(st.just("pop"), st.just(""), DUES),
)


def plain(armed: dict[str, tuple[int, int]], now: int) -> list[Timer]:
    found = sorted(Timer(due, name, seq) for name, (due, seq) in armed.items() if due <= now)
    for timer in found:
        del armed[timer.id]
    return found


@given(st.dictionaries(NAMES, st.tuples(DUES, DUES)), st.lists(STEPS))
def test_as_a_plain_search_would_find_them(
    begun: dict[str, tuple[int, int]], steps: list[tuple[str, str, int]]
) -> None:
    expected, timers = dict(begun), Timers(dict(begun))
    for seq, (what, name, when) in enumerate(steps):
        if what == "arm":
            timers.arm(name, when, seq)
            expected[name] = (when, seq)
        elif what == "cancel":
            timers.cancel(name)
            expected.pop(name, None)
        else:
            assert list(timers.pop_due(when)) == plain(expected, when)
        assert timers.next_due() == min((due for due, _ in expected.values()), default=None)
    assert timers.armed == expected


def test_what_is_armed_meanwhile_takes_part() -> None:
    timers = Timers({"b": (5, 1), "c": (5, 1)})
    fired = []
    for timer in timers.pop_due(5):
        fired.append(timer.id)
        if timer.id == "b":
            timers.arm("a", 5, 2)
            timers.arm("early", 3, 2)
    assert fired == ["b", "early", "a", "c"]
    assert timers.next_due() is None
