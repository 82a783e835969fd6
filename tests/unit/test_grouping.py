"""Grouping: what joins, what does not, and what a merge keeps."""

from __future__ import annotations

from tests.timeline import SHOP, Timeline, alert, groups, time


def services(t: Timeline) -> list[list[str]]:
    return [sorted({row["service"] for row in one["alerts"]}) for one in t.incidents()]


def test_a_caller_and_its_callee_are_one_incident() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(20, alert("checkout", starts=15))
    assert services(t) == [["checkout", "payments"]]


def test_services_that_do_not_call_one_another_stay_apart() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(1, alert("mailer"))
    assert services(t) == [["payments"], ["mailer"]]


def test_beyond_the_window_a_dependency_joins_nothing() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(71, alert("checkout", starts=71))
    t.push(90, alert("frontend", starts=90))
    assert services(t) == [["payments"], ["checkout", "frontend"]]


def test_a_few_calls_apart_the_window_is_shorter() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(40, alert("frontend", starts=40))
    assert services(t) == [["frontend", "payments"]]


def test_the_bridge_that_comes_last_merges_and_the_earliest_id_stays() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(110, alert("frontend", starts=110))
    first, second = (one["id"] for one in t.incidents())
    t.push(250, alert("checkout", starts=55))
    [incident] = t.incidents()
    assert incident["id"] == first
    assert incident["merged_from"] == [second]
    assert t.engine.incident(second) is t.engine.incident(first)
    # The two had settled where they were; the one that joined them has not settled yet.
    assert [row["first_incident"] for row in incident["alerts"]] == [first, None, second]


def test_where_an_alert_was_is_decided_once_it_has_settled() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"))
    t.push(5, alert("frontend", starts=5))
    t.push(90, alert("checkout", starts=3))
    t.wait(99)
    assert {row["first_incident"] for row in t.incidents()[0]["alerts"]} == {None}
    t.wait(100)
    [incident] = t.incidents()
    rows = {row["service"]: row for row in incident["alerts"]}
    assert rows["payments"]["first_incident"] == incident["id"]
    assert rows["payments"]["decided_at"] == time(100)
    assert rows["checkout"]["first_incident"] is None
    t.wait(200)
    assert {row["first_incident"] for row in t.incidents()[0]["alerts"]} == {incident["id"]}


def test_environments_and_clusters_never_mix() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", environment="production", cluster="eu"))
    t.push(1, alert("checkout", environment="staging", cluster="eu"))
    t.push(2, alert("checkout", environment="production", cluster="us"))
    assert len(t.incidents()) == 3


def test_domains_never_mix() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), domain="a")
    t.push(1, alert("payments", "Slow"), domain="b")
    assert [one["domain"] for one in t.incidents()] == ["a", "b"]


def test_alerts_without_a_service_do_not_share_an_incident() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("", "NodeDown", instance="n1"))
    t.push(1, alert("", "NodeDown", instance="n2"))
    assert len(t.incidents()) == 2


def test_the_same_alert_firing_again_belongs_to_its_incident() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("mailer"))
    t.push(60, alert("mailer", ends=50))
    t.push(70, alert("mailer", starts=65))
    [incident] = t.incidents()
    assert [row["status"] for row in incident["alerts"]] == ["resolved", "firing"]


def test_replicas_of_a_prometheus_send_one_alert() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", replica="a"))
    t.push(1, alert("payments", replica="b"))
    [incident] = t.incidents()
    assert len(incident["alerts"]) == 1


def test_a_hub_conducts_nothing_and_the_tree_says_so() -> None:
    callers = "".join(f"  - {{name: svc-{n}, depends_on: [db]}}\n" for n in range(51))
    t = Timeline(f"services:\n  - {{name: db}}\n{callers}")
    t.push(0, alert("db"))
    t.push(1, alert("svc-1"), alert("svc-2"))
    assert len(t.incidents()) == 3
    fingerprint = t.incidents()[1]["alerts"][0]["fingerprint"]
    from core.explain import explain_alert

    [explained] = explain_alert(t.engine.world, fingerprint)
    hints = [miss["why"]["hint"] for miss in explained["nearly_joined"]]
    assert any("more than 50: too many" in hint for hint in hints)


def test_an_alias_is_its_service() -> None:
    t = Timeline("services:\n  - {name: a, depends_on: [bee]}\n  - {name: b, aliases: [bee]}\n")
    t.push(0, alert("bee"))
    t.push(1, alert("a"))
    [incident] = t.incidents()
    assert incident["origin"]["service"] == "b"


def test_free_text_does_not_join() -> None:
    t = Timeline(SHOP)
    text = {"summary": "caused by payments", "service": "payments"}
    t.push(0, alert("payments"))
    t.push(1, {**alert("mailer"), "annotations": text})
    assert len(groups(t.incidents())) == 2


def test_a_cycle_is_legal() -> None:
    t = Timeline("services:\n  - {name: a, depends_on: [b]}\n  - {name: b, depends_on: [a]}\n")
    t.push(0, alert("a"), alert("b"))
    [incident] = t.incidents()
    assert incident["origin"]["terms"]["unexplained"] == 0
