"""Whatever people do in whatever order: no illegal state, nothing lost, and a restart changes nothing."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.inbound.registry import parse
from core.engine import Engine
from core.lifecycle import ALLOWED, Target
from core.replay import Fold, result
from core.state import State
from tests.timeline import SHOP, Timeline, alert

ROUTES = "routes: [{match: {team: [nobody]}, receiver: lead}, {receiver: everyone}]"
SERVICES = ("payments", "checkout", "mailer", "search")
TARGETS = get_args(Target)

moves = st.tuples(
    st.just("move"),
    st.integers(0, 3),
    st.sampled_from([*ALLOWED, "merged", "merged", "split", "split"]),
    st.integers(0, 3),
)
alerts = st.tuples(
    st.just("alert"), st.sampled_from(SERVICES), st.sampled_from(["Errors", "Slow"]), st.booleans()
)
comments = st.tuples(st.just("say"), st.integers(0, 3), st.just(""), st.just(0))
steps = st.lists(
    st.tuples(st.sampled_from([1, 30, 120, 600, 2_000]), st.one_of(moves, alerts, comments)), max_size=14
)


def take(t: Timeline, now: int, step: tuple[Any, ...]) -> None:
    what, first, second, third = step
    names = sorted(t.engine.state.incidents)
    if what == "alert":
        t.push(now, alert(first, second, starts=now - 20, ends=now - 5 if third else None))
    elif names and what == "say":
        t.say(now, names[first % len(names)], "words")
    elif names:
        name, other = names[first % len(names)], names[third % len(names)]
        members = t.engine.state.incidents[name].members
        leaving = tuple(members[third % len(members) :])
        t.move(now, name, second, into=other, alerts=leaving)


def played(sequence: list[tuple[int, tuple[Any, ...]]]) -> Timeline:
    t = Timeline(SHOP, routes=ROUTES)
    t.push(0, alert("payments"), alert("payments", "Slow"), alert("mailer"))
    now = 0
    for wait, step in sequence:
        now += wait
        take(t, now, step)
        sound(t.engine)
    t.wait(now + 4_000)
    sound(t.engine)
    return t


def sound(engine: Engine) -> None:
    """What must hold of every state."""
    state = engine.state
    owned = [name for one in state.incidents.values() for name in one.members]
    assert sorted(owned) == sorted(state.episodes)
    for one in state.incidents.values():
        members = [state.episodes[name] for name in one.members]
        assert members
        assert all(member.incident == one.id for member in members)
        assert one.firing == sum(member.status != "resolved" for member in members)
        assert one.entities == {member.entity for member in members}
        assert (one.resolved_at is not None) == (one.status in ("resolved", "closed"))
        assert (one.closed_at is not None) == (one.status == "closed")
        assert (one.mitigated_at is not None) <= (one.status != "triggered")
        assert (one.status in ("acknowledged", "mitigated")) <= (one.acknowledged_at is not None)
        assert (one.status == "triggered") <= (one.acknowledged_at is None)
        armed = {name.partition(":")[0] for name in state.timers if name.endswith(one.id)}
        assert not armed & {"respond", "escalate", "remind"} or one.status in (
            "triggered",
            "acknowledged",
            "mitigated",
        )
        assert not armed & {"respond", "escalate"} or one.status == "triggered"
        assert ("close" in armed) == (one.status == "resolved")
        assert ("still" in armed) <= (one.status == "resolved" and one.firing > 0)
        assert ("anew" in armed) <= (one.status == "closed" and one.firing > 0)
        assert not (one.status == "resolved" and one.firing) or "still" in armed
        assert one.clocks.stands is None or not armed & {"respond", "escalate", "remind"}
        quiet = one.firing == 0 and one.status not in ("resolved", "closed")
        said = any((moment.what, moment.reason) == ("reopened", "person") for moment in one.history)
        assert ("resolve" in armed) <= quiet
        assert quiet <= ("resolve" in armed or said)
    for name, others in state.parted.items():
        assert name in state.incidents
        assert others
        assert all(name in state.parted[other] for other in others)
    assert not {name for name in state.redirects if name in state.incidents}


@settings(max_examples=60, deadline=None)
@given(steps)
def test_no_order_of_what_people_do_leads_to_an_illegal_state(sequence: list[Any]) -> None:
    t = played(sequence)
    ids = [one["id"] for one in t.incidents()]
    assert len(ids) == len(set(ids))
    for decision in t.fold.decisions:
        assert t.engine.world.resolve_id(decision["subject"]) in ids


@settings(max_examples=15, deadline=None)
@given(steps)
def test_a_checkpoint_after_any_prefix_changes_nothing(sequence: list[Any]) -> None:
    t = played(sequence)
    end = t.engine.state.clock
    for cut in range(len(t.records) + 1):
        before = Fold(parse, "test")
        for record in t.records[:cut]:
            before.apply(record)
        after = Fold(parse, "test")
        after.forgotten, after.decisions = list(before.forgotten), list(before.decisions)
        state = msgspec.json.decode(msgspec.json.encode(before.engine.state), type=State)
        after.engine = Engine(parse, state, on_forgotten=after.forgotten.append)
        for record in t.records[cut:]:
            after.apply(record)
        after.advance(end)
        assert result(after)["digest"] == t.digest()
