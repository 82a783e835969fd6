"""What people do beyond acknowledging: mitigate, merge, split; and that no link undoes it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.inbound.registry import parse
from core.engine import Engine
from core.errors import InputError, NotFound, TransitionRefused
from core.journal import Record
from core.lifecycle import Transition
from core.model.decision import Decision
from core.replay import Fold, result
from core.splitting import split
from core.state import State
from core.transitions import check_transition
from core.world import Turn
from tests.timeline import SHOP, Timeline, alert, change

MIN = 60
ROUTES = "routes: [{match: {team: [growth]}, receiver: growth}, {receiver: everyone}]"


def of(t: Timeline, service: str) -> dict[str, Any]:
    """The incident in which this service alerts."""
    [found] = [one for one in t.incidents() if any(row["service"] == service for row in one["alerts"])]
    return found


def two(routes: str = ROUTES) -> tuple[Timeline, str, str]:
    """Two incidents that no rule joins."""
    t = Timeline(SHOP, routes=routes)
    t.push(0, alert("payments"))
    t.push(10, alert("mailer", starts=10))
    return t, of(t, "payments")["id"], of(t, "mailer")["id"]


def refused(t: Timeline, incident: str, to: str, **more: Any) -> str:
    """What is said at the door; and the record, had it come all the same, does nothing."""
    wanted = Transition(incident, to, "ana", "", **more)  # type: ignore[arg-type]
    found = t.engine.incident(incident)
    assert found is not None
    with pytest.raises((TransitionRefused, NotFound, InputError)) as error:
        check_transition(t.engine.world, found, wanted)
    before = t.digest()
    t.move((t.now - t.records[0].received_at) / 1000, incident, to, **more)
    assert t.digest() == before
    return str(error.value)


def test_mitigated_is_open_and_still_clears() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "mitigated")
    [one] = t.incidents()
    assert (one["status"], one["mitigated_by"], one["acknowledged_by"]) == ("mitigated", "ana", "ana")
    assert [d["reason"] for d in t.decisions("mitigate")] == ["person"]
    t.push(120, alert("payments", ends=110))
    t.wait(120 + 5 * MIN)
    assert t.incidents()[0]["status"] == "resolved"


def test_what_fires_after_a_mitigation_ends_it() -> None:
    t = Timeline(SHOP, routes=ROUTES)
    t.push(0, alert("payments"))
    name = t.incidents()[0]["id"]
    t.move(60, name, "mitigated")
    t.push(90, alert("payments"))
    assert t.incidents()[0]["status"] == "mitigated"
    t.push(120, alert("payments", "Slow", starts=100))
    [one] = t.incidents()
    assert (one["status"], one["mitigated_at"], one["acknowledged_by"]) == ("acknowledged", None, "ana")
    assert t.decisions("reopen")[-1]["reason"] == "mitigation_over:new_alert"
    assert t.pages()[-1] == (120, "effect_back")


def test_news_of_before_the_mitigation_do_not_end_it() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.move(60, t.incidents()[0]["id"], "mitigated")
    t.push(70, alert("payments", "Slow", starts=50))
    assert t.incidents()[0]["status"] == "mitigated"
    t.push(80, alert("payments", "Slow", starts=50))
    assert t.incidents()[0]["status"] == "mitigated"


def test_people_take_a_mitigation_back() -> None:
    for to, status in (("acknowledged", "acknowledged"), ("triggered", "triggered")):
        t = Timeline(SHOP)
        t.push(0, alert("payments"))
        name = t.incidents()[0]["id"]
        t.move(60, name, "mitigated")
        t.move(90, name, to, actor="bo")
        [one] = t.incidents()
        assert (one["status"], one["mitigated_at"]) == (status, None)
        assert one["acknowledged_by"] == ("bo" if status == "acknowledged" else "")


def test_a_person_merges_and_the_earlier_id_stays() -> None:
    for turned in (False, True):
        t, first, second = two()
        source, into = (first, second) if turned else (second, first)
        t.move(60, source, "merged", into=into)
        [one] = t.incidents()
        assert (one["id"], one["merged_from"]) == (first, [second])
        assert {row["service"] for row in one["alerts"]} == {"payments", "mailer"}
        assert t.decisions("merge")[0]["reason"] == f"person:{second}"
        merged = [m for m in one["history"] if m["what"] == "merged"]
        assert [(m["actor"], m["reason"], m["detail"]) for m in merged] == [("ana", "person", second)]
        found = t.engine.incident(second)
        assert found is not None
        assert found.id == first
        assert [remark.text for remark in found.remarks] == ["because"]


def test_those_who_were_told_of_the_absorbed_one_hear_of_it() -> None:
    t, first, second = two()
    t.move(60, second, "merged", into=first)
    told = [(d["receiver"], d["reason"]) for d in t.decisions("notify")[2:]]
    assert told == [("everyone", f"merged:{second}"), ("growth", f"merged:{second}")]


def test_an_open_one_merged_into_a_resolved_one_reopens_it() -> None:
    t, first, second = two()
    t.move(60, first, "resolved")
    t.move(90, second, "merged", into=first)
    [one] = t.incidents()
    assert (one["status"], one["resolved_at"]) == ("triggered", None)
    assert t.decisions("reopen")[-1]["reason"] == "merged_with_open"
    assert "reopened" in [reason for _, reason in t.pages()]
    t.wait(25 * 60 * MIN)
    assert t.incidents()[0]["status"] == "triggered"


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        ("acknowledged", None, "acknowledged"),
        (None, "acknowledged", "acknowledged"),
        ("mitigated", None, "acknowledged"),
        ("mitigated", "acknowledged", "acknowledged"),
        ("mitigated", "mitigated", "mitigated"),
        ("mitigated", "resolved", "mitigated"),
        ("resolved", "resolved", "resolved"),
        ("resolved", "acknowledged", "acknowledged"),
    ],
)
def test_the_status_of_two_that_become_one(one: str | None, other: str | None, status: str) -> None:
    t, first, second = two()
    for name, to in ((first, one), (second, other)):
        if to is not None:
            t.move(30, name, to)
    t.move(60, second, "merged", into=first)
    [found] = t.incidents()
    assert found["status"] == status
    assert (found["acknowledged_by"] == "ana") == (status != "resolved")


def test_merges_that_make_no_sense_are_refused_and_do_nothing() -> None:
    t, first, second = two()
    t.push(20, alert("search", starts=20), domain="east")
    far = of(t, "search")["id"]
    assert "cannot be merged with itself" in refused(t, first, "merged", into=first)
    assert "no incident" in refused(t, first, "merged", into="INC-NONE")
    assert "names no other incident" in refused(t, first, "merged")
    assert "of domain 'east'" in refused(t, first, "merged", into=far)
    t.move(30, second, "resolved")
    t.move(40, second, "closed")
    assert f"{second} is closed" in refused(t, first, "merged", into=second)
    assert "A closed incident stays closed" in refused(t, second, "merged", into=first)
    t.move(50, far, "resolved")


def joined() -> tuple[Timeline, str]:
    """One incident of payments (two alerts) and checkout, which calls it and was configured anew."""
    t = Timeline(SHOP, routes=ROUTES)
    t.changed(0, change("checkout", -60, "configuration", version="2"))
    t.push(1, alert("payments"), alert("payments", "Slow", severity="warning"))
    t.push(2, alert("checkout", starts=1, severity="warning"))
    [one] = t.incidents()
    return t, one["id"]


def print_of(t: Timeline, service: str) -> str:
    return next(str(row["fingerprint"]) for row in of(t, service)["alerts"] if row["service"] == service)


def test_a_split_gives_a_new_incident_that_says_where_it_is_from() -> None:
    t, old = joined()
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    assert len(t.incidents()) == 2
    new, rest = of(t, "checkout"), of(t, "payments")
    assert (rest["id"], rest["split_into"], new["split_from"]) == (old, [new["id"]], old)
    assert new["id"].startswith("INC-20260302-")
    assert next((m["what"], m["actor"], m["detail"]) for m in new["history"]) == ("split_off", "ana", old)
    assert ("split", "ana", new["id"]) in [(m["what"], m["actor"], m["detail"]) for m in rest["history"]]
    assert [d["reason"] for d in t.decisions("split")] == [f"person:{new['id']}"]
    assert t.decisions("open")[-1]["reason"] == f"split_from:{old}"
    assert t.pages()[-1] == (60, "split_from")


def test_both_sides_are_counted_anew() -> None:
    t, old = joined()
    assert t.incidents()[0]["severity"] == "P1"
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    new, rest = of(t, "checkout"), of(t, "payments")
    assert (new["severity"], rest["severity"]) == ("P2", "P1")
    assert [e["service"] for e in rest["services"]] == ["payments"]
    assert [e["service"] for e in new["services"]] == ["checkout"]
    assert [c["service"] for c in new["changes"]] == ["checkout"]
    firing = {one.id: one.firing for one in t.engine.state.incidents.values()}
    assert firing == {old: 2, new["id"]: 1}
    for one in t.engine.state.incidents.values():
        assert all(t.engine.state.episodes[name].incident == one.id for name in one.members)


def test_each_side_ends_by_itself() -> None:
    t, old = joined()
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    t.push(90, alert("checkout", starts=1, ends=80, severity="warning"))
    t.wait(90 + 5 * MIN)
    assert (of(t, "checkout")["status"], of(t, "payments")["status"]) == ("resolved", "triggered")


def test_links_never_join_what_a_person_split() -> None:
    t, old = joined()
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    new = of(t, "checkout")["id"]
    t.push(62, alert("payments", "Down", starts=30))
    t.push(63, alert("checkout", "Down", starts=31))
    t.push(64, alert("frontend", starts=32))
    assert len(t.incidents()) == 2
    assert not t.decisions("merge")
    sides = {row["incident"] for row in map(msgspec.structs.asdict, t.engine.state.episodes.values())}
    assert sides == {old, new}


def test_the_parting_survives_a_merge_with_a_third() -> None:
    t, old = joined()
    t.push(40, alert("mailer", starts=40))
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    mailer, new = of(t, "mailer")["id"], of(t, "checkout")["id"]
    t.move(70, new, "merged", into=mailer)
    assert of(t, "checkout")["id"] == mailer
    assert t.engine.state.parted == {old: [mailer], mailer: [old]}
    t.push(72, alert("checkout", "Down", starts=31))
    assert len(t.incidents()) == 2


def test_a_person_may_join_again_what_was_split() -> None:
    t, old = joined()
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    t.move(70, of(t, "checkout")["id"], "merged", into=old)
    assert [one["id"] for one in t.incidents()] == [old]
    assert t.engine.state.parted == {}


def test_what_one_was_parted_from_its_parts_are() -> None:
    t, old = joined()
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    new = of(t, "checkout")["id"]
    slow = next(row["episode"] for row in of(t, "payments")["alerts"] if row["name"] == "Slow")
    t.move(70, old, "split", alerts=(slow,))
    [third] = [one["id"] for one in t.incidents() if one["id"] not in (old, new)]
    assert t.engine.state.parted == {
        old: sorted([new, third]), new: sorted([old, third]), third: sorted([old, new]),
    }  # fmt: skip


def test_what_leaves_memory_leaves_the_barriers() -> None:
    t, old = joined()
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    new = of(t, "checkout")["id"]
    t.push(70, alert("checkout", starts=1, ends=65, severity="warning"))
    t.move(80, new, "resolved")
    t.move(90, new, "closed")
    t.wait(90 + 31 * MIN)
    assert new not in t.engine.state.incidents
    assert t.engine.state.parted == {}


def test_a_resolved_incident_splits_into_two_resolved_ones() -> None:
    t, old = joined()
    t.move(60, old, "resolved")
    t.move(90, old, "split", alerts=(print_of(t, "checkout"),))
    assert [one["status"] for one in t.incidents()] == ["resolved", "resolved"]
    for name, starts in (("payments", 0), ("checkout", 1)):
        t.push(120, alert(name, starts=starts, ends=100, severity="critical" if not starts else "warning"))
    t.push(120, alert("payments", "Slow", severity="warning", ends=100))
    t.wait(60 + 24 * 60 * MIN)
    assert {one["status"] for one in t.incidents() if one["id"] == old or one["split_from"]} == {"closed"}


def test_splits_that_make_no_sense_are_refused_and_do_nothing() -> None:
    t, old = joined()
    everything = tuple(row["episode"] for row in t.incidents()[0]["alerts"])
    assert "nothing would stay" in refused(t, old, "split", alerts=everything)
    assert "no alerts to split off" in refused(t, old, "split")
    assert "has no alert 'ffff'" in refused(t, old, "split", alerts=("ffff",))
    t.push(100, alert("mailer", starts=100))
    assert "There is nothing to split" in refused(t, of(t, "mailer")["id"], "split", alerts=("x",))


def replayed(records: list[Record], fold: Fold) -> str:
    for record in records:
        fold.apply(record)
    return str(result(fold)["digest"])


def test_merges_and_splits_survive_a_checkpoint_at_any_record() -> None:
    t, old = joined()
    t.move(60, old, "split", alerts=(print_of(t, "checkout"),))
    t.push(62, alert("mailer", starts=62))
    t.move(70, of(t, "mailer")["id"], "merged", into=old)
    t.push(80, alert("checkout", "Down", starts=31))
    whole = replayed(t.records, Fold(parse, "test"))
    assert whole == t.digest()
    for cut in range(len(t.records)):
        before = Fold(parse, "test")
        replayed(t.records[:cut], before)
        after = Fold(parse, "test")
        state = msgspec.json.decode(msgspec.json.encode(before.engine.state), type=State)
        after.engine = type(after.engine)(parse, state)
        after.decisions = list(before.decisions)
        assert replayed(t.records[cut:], after) == whole


def test_what_a_rule_splits_goes_on_as_far_as_it_was() -> None:
    t, old = joined()
    t.move(60, old, "acknowledged")
    incident = t.engine.incident(old)
    assert incident is not None
    episodes = t.engine.state.episodes
    [leaving] = [name for name in incident.members if episodes[name].entity.service == "checkout"]
    decisions: list[Decision] = []
    new = split(Turn(t.engine.world, t.now + 1, t.seq, decisions), incident, [leaving], "fires_again")
    assert (new.status, new.acknowledged_by) == ("acknowledged", "ana")
    assert new.clocks == incident.clocks
    assert new.clocks is not incident.clocks
    timers = t.engine.state.timers
    assert timers[f"remind:{new.id}"][0] == timers[f"remind:{old}"][0]
    assert t.engine.state.parted == {}, "only people part"
    assert "notify" not in [one.kind for one in decisions]
    assert [one.reason for one in decisions if one.kind == "split"] == [f"fires_again:{new.id}"]


def test_a_state_of_before_is_read() -> None:
    t, _ = joined()
    state = msgspec.json.decode(msgspec.json.encode(t.engine.state))
    del state["parted"]
    for one in state["incidents"].values():
        for new in ("ties", "split_from", "split_into", "mitigated_at", "mitigated_by", "calm", "clocks"):
            del one[new]
    read = msgspec.json.decode(msgspec.json.encode(state), type=State)
    assert read.parted == {}
    [one] = read.incidents.values()
    assert (one.clocks.respond_by, one.split_into, one.mitigated_at) == (None, (), None)
    engine = Engine(parse, read)
    assert next(engine.documents())["clocks"]["met"] is None


def test_transitions_of_before_are_read() -> None:
    old = Transition("INC-1", "resolved", "ana", "done")
    payload = b'{"incident":"INC-1","to":"resolved","actor":"ana","reason":"done"}'
    assert msgspec.json.decode(payload, type=Transition) == old
