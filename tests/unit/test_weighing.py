"""Weighing: what only touches is kept apart, and what people and configuration say stays."""

from __future__ import annotations

from core.config import config_draft
from core.why_not import why_not
from tests.timeline import SHOP, Timeline, alert
from tests.unit.test_weighing_order import weighed
from watchkeeper.files import rules_content

A = [(service, pod) for service in ("checkout", "payments", "ledger") for pod in "xyz"]
B = [(service, pod) for service in ("frontend", "search", "search-index") for pod in "xyz"]


def told(t: Timeline, rows: list[tuple[str, str]], starts: float) -> None:
    for place, (service, pod) in enumerate(rows):
        t.push(starts + 20 + place, alert(service, starts=starts + place, pod=pod))


def two_faults(rules: dict[str, str] | None = None, *, until: float = 400) -> Timeline:
    """The checkout begins about 70 s before the frontend, which calls it: of 81 pairs of alerts three are
    linked."""
    t = Timeline(SHOP, rules=rules)
    told(t, A, 0)
    told(t, B, 71)
    t.wait(until)
    return t


def services(t: Timeline) -> list[list[str]]:
    rows = [sorted({row["service"] for row in one["alerts"]}) for one in t.incidents()]
    return sorted(rows)


ONE = [["checkout", "frontend", "ledger", "payments", "search", "search-index"]]
TWO = [["checkout", "ledger", "payments"], ["frontend", "search", "search-index"]]


def test_two_groups_that_only_touch_are_two_incidents() -> None:
    assert services(two_faults()) == TWO
    assert services(two_faults(weighed(0, 200))) == ONE
    assert services(two_faults(weighed(20, 200))) == ONE


def test_more_alerts_than_may_be_weighed_are_one_incident() -> None:
    assert services(two_faults(weighed(50, 17))) == ONE
    assert services(two_faults(weighed(50, 18))) == TWO


def test_they_are_one_until_they_are_weighed_and_the_history_says_so() -> None:
    t = two_faults(until=95)
    assert len(t.incidents()) == 1
    t.wait(400)
    first, second = sorted(t.incidents(), key=lambda one: one["started_at"])
    assert {row["service"] for row in first["alerts"]} == set(TWO[0])
    assert ("split", "loosely_linked", "rule") in [
        (row["what"], row["reason"], row["actor"]) for row in first["history"]
    ]
    assert second["split_from"] == first["id"]
    assert {row["first_incident"] for row in second["alerts"]} == {second["id"]}


def test_a_later_alert_that_touches_both_goes_where_its_nearest_link_is() -> None:
    t = two_faults()
    t.push(410, alert("frontend", "Slow", starts=78, pod="x"))
    t.wait(800)
    assert services(t) == TWO


def test_two_that_prove_to_hang_together_become_one() -> None:
    t = two_faults(weighed(50, 200))
    for pod in "abcdefgh":
        t.push(410, alert("checkout", "Slow", starts=62, pod=pod))
    t.wait(800)
    assert services(t) == ONE


def test_why_they_are_two_is_said() -> None:
    t = two_faults()
    world = t.engine.world
    one, other = sorted(world.state.incidents)
    document = why_not(world, one, other)
    assert not document["together"]
    assert document["why"]["counted"] is False
    assert "the two incidents only touch: 3 of 81 pairs of their alerts are linked" in document["words"]


def test_what_a_person_merged_is_not_parted() -> None:
    t = two_faults()
    one, other = (incident["id"] for incident in t.incidents())
    t.move(410, one, "merged", into=other)
    t.push(420, alert("search", "Slow", starts=80, pod="x"))
    t.wait(800)
    assert services(t) == ONE
    assert t.engine.state.loose == {}


def test_what_a_person_parted_is_not_joined() -> None:
    t = two_faults(weighed(0, 200))
    [incident] = t.incidents()
    leaving = tuple(row["episode"] for row in incident["alerts"] if row["service"] in TWO[1])
    t.move(410, incident["id"], "split", alerts=leaving)
    for pod in "abcdefgh":
        t.push(420, alert("checkout", "Slow", starts=62, pod=pod))
    t.wait(800)
    assert services(t) == [["checkout", *TWO[1]], TWO[0]]


def test_what_was_one_when_the_rules_changed_stays_one() -> None:
    t = two_faults(weighed(0, 200))
    t.configure(410, "rules", rules_content(None))
    t.push(420, alert("search", "Slow", starts=80, pod="x"))
    t.wait(800)
    assert services(t) == ONE


def test_without_the_rule_nothing_is_weighed() -> None:
    content = rules_content(None)
    del content["files"]["029-one-incident.yaml"]
    t = Timeline(SHOP)
    t._append(0, config_draft("rules", content))
    told(t, A, 0)
    told(t, B, 71)
    t.wait(400)
    assert services(t) == ONE
    assert not [name for name in t.engine.state.timers if name.startswith("weigh:")]


def test_it_pages_what_was_split_off_once_the_other_was_paged() -> None:
    t = two_faults()
    first, second = sorted(t.incidents(), key=lambda one: one["started_at"])
    reasons = [row["reason"] for row in t.decisions("notify") if row["subject"] == second["id"]]
    assert reasons[:1] == [f"split_from:{first['id']}"]


def test_a_merge_takes_the_timer_along() -> None:
    t = Timeline(SHOP)
    told(t, A, 0)
    t.push(29, alert("mailer", starts=0))
    told(t, B, 71)
    first, mailer = (one["id"] for one in t.incidents())
    t.move(100, mailer, "merged", into=first)
    assert [name for name in t.engine.state.timers if name.startswith("weigh:")] == [f"weigh:{first}"]
    t.wait(400)
    assert len(t.incidents()) == 1, "what a person has merged into is not parted"
