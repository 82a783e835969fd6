"""Error rates told of objectives become alerts of our own, in any order, and do not stay for ever."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import slo
from core.canonical import canonical_json
from core.engine import Engine
from core.forgetting import forget_draft
from core.journal import Draft
from core.model.document import Document
from core.model.entity import Entity
from core.model.slo import slo_key
from core.replay import result
from core.slo import budget
from tests.objectives import CALM, DAY, FAST, HOUR, MINUTE, SLOW, Objectives, told
from tests.restarts import copy_state
from tests.timeline import alert, time
from watchkeeper.files import rules_content

PAYMENTS = Entity("default", "", "", "payments")
STEADY = {**CALM, "6h": 0.0011, "3d": 0.0011}


def finding(incident: Document) -> Document:
    [found] = [one for one in incident["findings"] if one["kind"] == "slo-burn"]
    return dict(found)


def node(incident: Document) -> Document:
    [found] = [one for one in incident["why"]["children"] if one["rule"] == "slo-burn"]
    return dict(found)


def test_an_alert_begins_and_ends_with_its_condition() -> None:
    t = Objectives()
    t.hold(0, 60, CALM)
    assert t.incidents() == []
    t.hold(120, 300, FAST)
    [incident] = t.incidents()
    [row] = incident["alerts"]
    assert (row["name"], row["status"], row["starts_at"]) == ("SLOBurnRateFast", "firing", time(120))
    assert row["labels"] == {
        "alertname": "SLOBurnRateFast", "service": "payments", "slo": "availability", "severity": "critical",
        "slo_id": "payments/availability",
    }  # fmt: skip
    assert incident["severity"] == "P1"
    t.tell(360, told(CALM))
    assert t.alerts() == [("SLOBurnRateFast", "resolved", time(120), time(360))]
    t.wait(1_000)
    assert t.incidents()[0]["status"] == "resolved"


def test_each_condition_is_an_alert_of_its_own_with_its_severity() -> None:
    worst = {"5m": 0.1, "30m": 0.1, "1h": 0.1, "6h": 0.1, "3d": 0.1}
    t = Objectives()
    t.tell(0, told(worst))
    [incident] = t.incidents()
    found = {row["name"]: row["labels"]["severity"] for row in incident["alerts"]}
    assert found == {
        "SLOBurnRateFast": "critical",
        "SLOBurnRateSlow": "high",
        "SLOBurnRateSteady": "warning",
        "SLOBudgetLow": "critical",
    }


@pytest.mark.parametrize(("rates", "name", "severity"), [(SLOW, "Slow", "P1"), (STEADY, "Steady", "P2")])
def test_slower_burns(rates: dict[str, float], name: str, severity: str) -> None:
    t = Objectives()
    t.tell(0, told(rates))
    [incident] = t.incidents()
    assert [row["name"] for row in incident["alerts"]] == [f"SLOBurnRate{name}"]
    assert incident["severity"] == severity


def test_it_joins_the_other_alerts_of_the_service() -> None:
    t = Objectives()
    t.push(0, alert("checkout", environment="production", cluster="eu"))
    t.tell(60, told(FAST, service="checkout", environment="production", cluster="eu"))
    t.tell(60, told(FAST, service="mailer"))
    assert sorted(len(one["alerts"]) for one in t.incidents()) == [1, 2]


APART = "rule: shared-labels\nsummary: s\ngroups: []\n"


def test_conditions_of_one_objective_are_linked_for_hours() -> None:
    both = {**SLOW, **{key: FAST[key] for key in ("5m", "30m", "1h")}}
    for rules, incidents in ({}, 1), ({"025-shared-labels.yaml": APART}, 2):
        t = Objectives(rules=rules)
        t.hold(0, 2 * HOUR, FAST)
        t.tell(2 * HOUR + 60, told(both))
        t.tell(2 * HOUR + 60, told(SLOW, service="mailer"))
        found = [len(one["alerts"]) for one in t.incidents() if one["alerts"][0]["service"] == "payments"]
        assert (len(found), sum(found)) == (incidents, 2)


def test_the_finding_says_what_was_told_in_numbers() -> None:
    t = Objectives()
    t.tell(0, told({**FAST, "1h": 0.02}, budget_spent=0.4))
    t.tell(60, told(FAST, budget_spent=0.5))
    [incident] = t.incidents()
    found = finding(incident)
    assert found["summary"] == (
        "payments, availability (99.9 % over 30 d): the error budget burns 16 times as fast as it may over"
        " 60 min and 20 times over 5 min (limit 14.4); these 60 min cost 57 s of 43 min 12 s; 50 % is left,"
        " at this pace for 22 h 30 min"
    )
    assert found["subject"] == "default///payments/availability"
    assert found["evidence"] == [row["episode"] for row in incident["alerts"]]
    assert found["why"]["terms"] == {
        "objective_ppb": 999_000_000, "window_ms": 30 * DAY * 1000, "budget_ms": 2_592_000,
        "left_thousandths": 500, "spent_by": "told", "peak_thousandths": 20_000, "cost_ms": 57_600,
        "exhausted_in_ms": 81_000_000,
    }  # fmt: skip
    t.tell(120, told(CALM, budget_spent=0.5))
    assert finding(t.incidents()[0])["summary"].endswith(f"That was so until {time(120)}")


def test_the_why_tree_shows_each_condition_and_which_window_is_missing() -> None:
    t = Objectives()
    t.tell(0, told({"5m": 0.5, "1h": 0.5, "6h": 0.5}))
    [incident] = t.incidents()
    [tree] = node(incident)["children"]
    rows = {one["summary"].partition(":")[0]: (one["counted"], one["hint"]) for one in tree["children"]}
    assert rows == {
        "SLOBurnRateFast": (True, ""),
        "SLOBurnRateSlow": (False, "the rate over 30 min was not told"),
        "SLOBurnRateSteady": (False, "the rate over 3 d was not told"),
        "SLOBudgetLow": (True, ""),
    }
    assert tree["children"][0]["terms"] == {
        "above_thousandths": 14_400, "long_ms": HOUR * 1000, "long_thousandths": 500_000,
        "short_ms": 300_000, "short_thousandths": 500_000,
    }  # fmt: skip


def test_without_a_burn_the_why_tree_says_so() -> None:
    t = Objectives()
    t.push(0, alert("payments"))
    [incident] = t.incidents()
    assert node(incident)["counted"] is False
    assert not [one for one in incident["findings"] if one["kind"] == "slo-burn"]


def test_what_is_low_says_what_is_left() -> None:
    t = Objectives()
    t.tell(0, told(CALM, budget_spent=0.95))
    assert finding(t.incidents()[0])["summary"] == (
        "payments, availability (99.9 % over 30 d): 5 % is left of the error budget of 43 min 12 s"
    )


def test_a_missing_window_ends_an_alert() -> None:
    t = Objectives()
    t.tell(0, told(FAST))
    t.tell(60, told({key: rate for key, rate in FAST.items() if key != "5m"}))
    assert t.alerts() == [("SLOBurnRateFast", "resolved", time(0), time(60))]


def test_a_sender_that_falls_silent_leaves_it_unknown_and_after_a_day_it_ends() -> None:
    t = Objectives()
    t.hold(0, 300, FAST)
    t.wait(300 + 15 * MINUTE - 1)
    assert [row[1] for row in t.alerts()] == ["firing"]
    t.wait(300 + 15 * MINUTE)
    [incident] = t.incidents()
    assert [row["status"] for row in incident["alerts"]] == ["unknown"]
    assert "how it stands is not known" in finding(incident)["summary"]
    assert t.slo().stale_since is None
    t.wait(300 + HOUR)
    assert t.slo().stale_since is not None
    t.wait(300 + DAY)
    assert t.alerts() == [("SLOBurnRateFast", "resolved", time(0), time(300 + DAY))]
    assert f"since {time(300)}, so the alert was ended" in finding(t.incidents()[0])["summary"]
    t.wait(300 + 35 * DAY)
    assert t.engine.state.slos == {}
    assert not [name for name in t.engine.state.timers if name.startswith("slo:")]


def test_when_it_is_told_again_the_same_alert_goes_on() -> None:
    t = Objectives()
    t.hold(0, 300, FAST)
    t.tell(2 * HOUR, told(FAST))
    assert t.alerts() == [("SLOBurnRateFast", "firing", time(0), None)]
    assert t.slo().stale_since is None
    t.tell(2 * HOUR + 60, told(CALM))
    assert t.alerts() == [("SLOBurnRateFast", "resolved", time(0), time(2 * HOUR + 60))]


def test_one_of_several_that_is_told_no_more_ends_while_its_sender_lives() -> None:
    t = Objectives()
    t.tell(0, told(FAST))
    for at in range(60, 30 * MINUTE, 60):
        t.tell(at, told(CALM, slo="latency"))
    assert [(row[0], row[1]) for row in t.alerts()] == [("SLOBurnRateFast", "resolved")]


def test_alerts_of_one_body_have_places_of_their_own() -> None:
    t = Objectives()
    worst = dict.fromkeys(CALM, 0.5)
    t.tell(0, told(worst), told(worst, slo="latency"), told(worst, service="mailer"))
    rows = [(row["line"], row["index"]) for one in t.incidents() for row in one["alerts"]]
    assert len(rows) == len(set(rows)) == 12
    assert {line for line, _ in rows} == {t.records[-1].seq}
    assert max(index for _, index in rows) < -1


def test_what_is_old_when_it_comes_raises_nothing() -> None:
    t = Objectives()
    t.tell(2 * HOUR, told(FAST, at=0))
    assert t.alerts() == []
    assert budget(t.engine.world, PAYMENTS)[0].stale


def test_what_is_ahead_of_the_clock_counts_as_of_its_arrival() -> None:
    rules = rules_content(None)["files"]["060-lifecycle.yaml"]
    assert "late_after: 10m" in rules
    t = Objectives(rules={"060-lifecycle.yaml": rules.replace("late_after: 10m", "late_after: 2m")})
    t.tell(60, told(FAST, at=600))
    assert t.alerts() == [("SLOBurnRateFast", "firing", time(60), None)]
    t.tell(120, told(CALM))
    assert [row[1] for row in t.alerts()] == ["resolved"]


def test_told_twice_it_is_told_once() -> None:
    once, twice = Objectives(), Objectives()
    for rates, at in ((FAST, 0), (FAST, 60), (CALM, 120)):
        once.tell(at, told(rates, at=at))
        twice.tell(at, told(rates, at=at), told(rates, at=at))
        twice.tell(at, told(rates, at=at))
    assert once.alerts() == twice.alerts()
    assert once.slo() == twice.slo()
    assert finding(once.incidents()[0])["summary"] == finding(twice.incidents()[0])["summary"]


def picture(t: Objectives) -> Any:
    """What must not depend on the order: alerts, severities, findings, and where the objective stands."""
    found = [
        (one["severity"], finding(one)["summary"], finding(one)["why"]["terms"]) for one in t.incidents()
    ]
    known = t.slo()
    latest = (known.latest, known.content, known.marks, known.history, known.stale_since)
    return t.alerts(), sorted(found, key=str), latest, [row[1:] for row in budget(t.engine.world, PAYMENTS)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["fast", "slow", "calm"]), min_size=2, max_size=7),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_does_not_matter(kinds: list[str], chance: random.Random) -> None:
    """Within the time that deliveries may be late, but for one thing: an alert that fires does not get an
    earlier start."""
    rates = {"fast": FAST, "slow": SLOW, "calm": CALM}
    bodies = [told(rates[kind], at=60 * number) for number, kind in enumerate(kinds)]
    rest = bodies[1:]
    chance.shuffle(rest)
    in_order, shuffled = Objectives(), Objectives()
    for t, order in ((in_order, bodies), (shuffled, [bodies[0], *rest, *rest[:2]])):
        for number, body in enumerate(order):
            t.tell(500 + number, body)
        t.wait(520)
    if _begins_late(kinds):
        assert in_order.slo().latest == shuffled.slo().latest
        assert {row[:2] for row in in_order.alerts()} == {row[:2] for row in shuffled.alerts()}
    else:
        assert picture(in_order) == picture(shuffled)


def _begins_late(kinds: list[str]) -> bool:
    """Whether an alert that lasts for several tellings begins after the first: its start may be told late."""
    for kind in ("fast", "slow"):
        for before, one, after in zip(kinds, kinds[1:], kinds[2:], strict=False):
            if before != kind and one == kind and after == kind:
                return True
    return False


def test_a_late_telling_parts_an_alert_in_two() -> None:
    t = Objectives()
    t.tell(200, told(FAST, at=0))
    t.tell(200, told(FAST, at=120))
    assert len(t.alerts()) == 1
    t.tell(210, told(CALM, at=60))
    assert t.alerts() == [
        ("SLOBurnRateFast", "firing", time(120), None),
        ("SLOBurnRateFast", "resolved", time(0), time(60)),
    ]


def test_ties_go_by_content() -> None:
    one, other = told(FAST, at=0, budget_spent=0.2), told(FAST, at=0, budget_spent=0.3)
    first, second = Objectives(), Objectives()
    first.tell(0, one, other)
    second.tell(0, other, one)
    assert first.slo().latest == second.slo().latest
    assert finding(first.incidents()[0])["summary"] == finding(second.incidents()[0])["summary"]


def test_history_is_the_last_telling_of_each_quarter_of_a_day_and_bounded() -> None:
    times = [hour * HOUR for hour in range(0, 24 * 40, 3)]
    mixed = times[:]
    random.Random(7).shuffle(mixed)
    found = []
    for order in (times, mixed):
        t = Objectives()
        for number, at in enumerate(order):
            t.tell(40 * DAY + number, told(CALM, at=at, budget_spent=at / (50 * DAY)))
        found.append(t.slo().history)
    assert found[0] == found[1]
    assert len(found[0]) == 124
    assert found[0][-1].spent == round(10**9 * times[-1] / (50 * DAY))
    assert [point.at // (6 * HOUR * 1000) for point in found[0]] == sorted(
        {point.at // (6 * HOUR * 1000) for point in found[0]}
    )


def test_marks_are_bounded() -> None:
    t = Objectives()
    t.hold(0, 2 * HOUR, FAST, every=5)
    assert len(t.slo().marks) <= 241
    assert t.alerts() == [("SLOBurnRateFast", "firing", time(0), None)]


def test_flapping_stays_bounded() -> None:
    t = Objectives()
    for number in range(120):
        t.tell(10 * number, told(FAST if number % 2 else CALM))
    assert max(len(rows) for rows in t.slo().raised.values()) <= 32


def test_too_many_objectives_leave_the_oldest_and_end_their_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slo, "_MOST", 4)
    monkeypatch.setattr(slo, "_MOST_KEPT", 3)
    t = Objectives()
    for number in range(5):
        t.tell(number * 10, told(FAST, slo=f"s{number}"))
    assert sorted(one.latest.slo for one in t.engine.state.slos.values()) == ["s2", "s3", "s4"]
    ended = {row["labels"]["slo"] for one in t.incidents() for row in one["alerts"] if row["ends_at"]}
    assert ended == {"s0", "s1"}
    timers = [name for name in t.engine.state.timers if name.startswith("slo:")]
    assert len(timers) == 3


def test_a_checkpoint_keeps_it() -> None:
    t = Objectives()
    t.hold(0, 300, FAST)
    state = copy_state(t.engine.state)
    assert state.slos == t.engine.state.slos
    again = Engine(t.engine.parse, state)
    t.fold.engine = again
    t.tell(360, told(CALM))
    assert t.alerts() == [("SLOBurnRateFast", "resolved", time(0), time(360))]


def test_the_same_records_give_the_same_bytes_and_ticks_change_nothing() -> None:
    plain, ticking = Objectives(), Objectives()
    for t in (plain, ticking):
        t.hold(0, 300, FAST)
        if t is ticking:
            for at in range(400, 2 * DAY, 5_000):
                t.wait(at)
        t.wait(2 * DAY)
    assert canonical_json(result(plain.fold)["incidents"]) == canonical_json(
        result(ticking.fold)["incidents"]
    )
    assert plain.digest() == ticking.digest()


def test_no_float_reaches_what_is_hashed() -> None:
    t = Objectives()
    t.tell(0, told(FAST, budget_spent=1 / 3))

    def floats(value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(floats, value.values()))
        return any(map(floats, value)) if isinstance(value, list) else isinstance(value, float)

    assert not floats(result(t.fold)["incidents"])


def test_other_rules_are_held_against_what_was_told_last() -> None:
    t = Objectives()
    t.hold(0, 120, FAST)
    content = rules_content(None)
    text = content["files"]["100-slo-burn.yaml"]
    content["files"]["100-slo-burn.yaml"] = text.replace("above: 14400", "above: 17000")
    t.configure(150, "rules", content)
    assert t.alerts() == [("SLOBurnRateFast", "resolved", time(0), time(120))]
    t.configure(160, "rules", rules_content(None))
    again = ("SLOBurnRateFast", "firing", time(160), None)
    assert again in t.alerts()
    t.hold(180, 240, FAST)
    assert again in t.alerts()
    t.tell(300, told(CALM))
    assert t.alerts()[-1] == ("SLOBurnRateFast", "resolved", time(160), time(300))


def test_a_condition_that_is_no_more_ends_its_alerts() -> None:
    t = Objectives()
    t.hold(0, 120, FAST)
    content = rules_content(None)
    content["files"]["100-slo-burn.yaml"] = "rule: slo-burn\nsummary: s\n"
    t.configure(150, "rules", content)
    assert t.alerts() == [("SLOBurnRateFast", "resolved", time(0), time(150))]
    assert "no longer kept" in finding(t.incidents()[0])["why"]["hint"]


def test_configuration_of_other_things_ends_nothing() -> None:
    t = Objectives()
    t.hold(0, 120, FAST)
    t.configure(150, "levels", "default: 1\n")
    assert [row[1] for row in t.alerts()] == ["firing"]
    t.wait(120 + 20 * MINUTE)
    t.configure(120 + 21 * MINUTE, "levels", "default: 2\n")
    assert [row[1] for row in t.alerts()] == ["unknown"]


def test_a_service_goes_by_the_catalogues_name_and_place() -> None:
    catalogue = "services: [{name: payments, aliases: [pay], environment: production}]"
    t = Objectives(catalogue)
    t.tell(0, told(FAST, service="pay"))
    assert list(t.engine.state.slos) == ["default/production//payments/availability"]
    assert t.incidents()[0]["alerts"][0]["environment"] == "production"


def test_names_with_slashes_do_not_collide() -> None:
    one = slo_key(Entity("d", "", "", "a/b"), "c")
    other = slo_key(Entity("d", "", "", "a"), "b/c")
    assert one != other
    assert slo_key(Entity("d", "", "", "a%2Fb"), "c") != one


def test_domains_are_apart() -> None:
    t = Objectives()
    t.tell(0, told(FAST))
    t.tell(0, told(CALM), domain="eu")
    assert [row[1] for row in t.alerts()] == ["firing"]
    assert len(t.engine.state.slos) == 2
    assert len(budget(t.engine.world, PAYMENTS)) == 1


def test_budget_of_a_service() -> None:
    t = Objectives()
    t.tell(0, told(FAST, budget_spent=0.91), told(CALM, slo="latency", environment="staging"))
    t.tell(0, told(CALM, service="mailer"))
    [one] = budget(t.engine.world, PAYMENTS)
    assert (one.spent, one.left, one.basis, one.stale) == (910, 90, "told", False)
    assert one.bands == ("freeze-non-critical-deploys", "reliability-focus", "stop-deploys")
    assert one.burning == ("SLOBudgetLow", "SLOBurnRateFast")
    assert one.exhausted_in == 14_580_000
    # What was told for no environment in particular is so in each.
    found = budget(t.engine.world, PAYMENTS._replace(environment="staging"))
    assert [row.slo.latest.slo for row in found] == ["availability", "latency"]
    assert budget(t.engine.world, PAYMENTS._replace(service="search")) == []


def test_a_sender_cannot_pretend_that_an_alert_is_ours() -> None:
    t = Objectives()
    t.push(0, alert("payments", "SLOBurnRateFast", slo="availability"))
    assert not [one for one in t.incidents()[0]["findings"] if one["kind"] == "slo-burn"]


def test_erasing_the_record_takes_the_name_and_keeps_the_incident() -> None:
    t = Objectives()
    t.tell(0, told(FAST))
    t._append(60, forget_draft(t.records[-1], "ana", "it was a secret"))
    [incident] = t.incidents()
    assert incident["alerts"][0]["name"] == "SLOBurnRateFast"
    t.tell(120, told(CALM))
    assert [row[1] for row in t.alerts()] == ["resolved"]


def test_a_part_that_cannot_be_read_leaves_the_others() -> None:
    t = Objectives()
    body = [told(FAST), told({"1h": 7}), {"slo": "x"}]
    t._append(0, Draft("ingest", "slo", orjson.dumps(body)))
    assert len(t.alerts()) == 1
