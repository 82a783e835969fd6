"""The link rules, one by one: what each joins, and that it joins nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.timeline import SHOP, Timeline, alert, change


def services(t: Timeline) -> list[list[str]]:
    return [sorted({row["service"] for row in one["alerts"]}) for one in t.incidents()]


def links(t: Timeline) -> list[str]:
    """The rule that joined each alert but the first, of the only incident."""
    [incident] = t.incidents()
    rows = incident["why"]["children"][0]["children"]
    assert all(row["counted"] for row in rows)
    return [row["rule"] for row in rows[1:]]


@pytest.mark.parametrize(
    ("first", "second", "within"),
    [
        ({"pod": "a"}, {"pod": "b"}, 75),
        ({"pod": "a"}, {"pod": "a"}, 120),
        ({}, {}, 900),
        ({}, {"pod": "a"}, 75),
    ],
    ids=["other instance", "same instance", "service as a whole", "one names an instance"],
)
def test_alerts_of_one_service_join_within_their_window(
    first: dict[str, Any], second: dict[str, Any], within: int
) -> None:
    for gap, together in ((within, 1), (within + 1, 2)):
        t = Timeline(SHOP)
        t.push(0, alert("mailer", **first))
        t.push(gap, alert("mailer", "Slow", starts=gap, **second))
        assert len(t.incidents()) == together


def test_one_node_joins_what_no_call_joins() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", node="n1"), alert("mailer", starts=59, node="n1"))
    assert links(t) == ["shared-labels"]
    t = Timeline(SHOP)
    t.push(0, alert("payments", node="n1"), alert("mailer", node="n2"))
    assert len(t.incidents()) == 2


def test_a_zone_joins_only_what_is_down() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", "PodDown", zone="a"), alert("mailer", "HostUnreachable", zone="a"))
    assert links(t) == ["shared-labels"]
    t = Timeline(SHOP)
    t.push(0, alert("payments", zone="a"), alert("mailer", "HostUnreachable", zone="a"))
    assert len(t.incidents()) == 2


def test_labels_of_the_operators_choice_join() -> None:
    rule = (
        "rule: shared-labels\nsummary: s\ngroups:\n"
        "  - {name: customer, labels: [customer], window: 5m, across_clusters: true}\n"
    )
    t = Timeline(SHOP, rules={"025-shared-labels.yaml": rule})
    t.push(0, alert("payments", customer="x", cluster="eu"))
    t.push(200, alert("mailer", starts=200, customer="x", cluster="us"), alert("search", customer="y"))
    assert services(t) == [["mailer", "payments"], ["search"]]


def test_like_names_join_services_that_the_catalogue_does_not_know() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("one", "HighErrorRate5xx", namespace="n"))
    t.push(20, alert("two", "ErrorRateVeryHigh", starts=20, namespace="n"))
    t.push(20, alert("two", "DiskFull", starts=20, namespace="n", pod="p"))
    t.push(21, alert("three", "HighErrorRate5xx", starts=21, namespace="m"))
    t.push(22, alert("mailer", "HighErrorRate5xx", starts=22, namespace="n"))
    assert services(t) == [["one", "two"], ["three"], ["mailer"]]


def test_a_change_joins_what_it_touched_whenever_it_is_heard() -> None:
    for heard in (100, 700):
        t = Timeline(SHOP)
        t.changed(min(heard, 100), change("payments", 60)) if heard == 100 else None
        t.push(120, alert("payments", starts=110))
        t.push(620, alert("checkout", starts=600))
        if heard == 700:
            assert len(t.incidents()) == 2
            t.changed(heard, change("payments", 60))
        assert links(t) == ["same-change"], heard


def test_a_change_long_before_joins_nothing() -> None:
    t = Timeline(SHOP)
    t.changed(0, change("payments", 0))
    t.push(500, alert("payments", starts=500))
    t.push(700, alert("checkout", starts=601))
    assert len(t.incidents()) == 2


def test_learned_pairs_join() -> None:
    rule = (
        "rule: learned-links\nsummary: s\npairs:\n"
        "  - {a: {alert: HighErrorRatio, service: mailer}, b: {alert: Slow, service: ledger}, window: 5m}\n"
    )
    t = Timeline(SHOP, rules={"028-learned-links.yaml": rule})
    t.push(0, alert("mailer"))
    t.push(250, alert("ledger", "Slow", starts=250), alert("other", "Slow", starts=250))
    assert services(t) == [["ledger", "mailer"], ["other"]]


def test_states_of_one_workload_follow_one_another_and_link_nothing() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", "KubePodNotReady", pod="a"))
    t.push(600, alert("payments", "KubeContainerWaiting", starts=600, pod="b"))
    t.push(601, alert("checkout", starts=601))
    assert services(t) == [["payments"], ["checkout"]]
    rows = t.incidents()[0]["alerts"]
    assert [row["follows"] for row in rows] == [False, True]
    assert t.incidents()[0]["why"]["children"][0]["children"][1]["rule"] == "same-workload"


def test_what_stays_where_it_is_joins_no_other_service() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("payments", "CertificateExpiresSoon"), alert("checkout"))
    assert len(t.incidents()) == 2


@pytest.mark.parametrize("written", ["Search_Index", "searchindex", "search-index-service", "SearchIndexSvc"])
def test_a_label_that_writes_a_name_in_its_own_way_is_that_service(written: str) -> None:
    t = Timeline(SHOP)
    t.push(0, alert(written), alert("search"))
    [incident] = t.incidents()
    assert {row["service"] for row in incident["alerts"]} == {"search", "search-index"}


def test_names_that_are_alike_stand_for_neither() -> None:
    t = Timeline("services:\n  - {name: cart}\n  - {name: cart-service}\n")
    t.push(0, alert("Cart"))
    assert t.incidents()[0]["services"][0]["service"] == "Cart"


def test_trouble_goes_to_callers_and_lost_traffic_to_callees() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("checkout", "HighErrorRatio", starts=10), alert("frontend", "HighErrorRatio", starts=10))
    t.push(1, alert("payments", "NoRequestsReceived"), alert("ledger", "NoRequestsReceived"))
    [incident] = t.incidents()
    assert incident["origin"]["service"] == "checkout"
    assert incident["origin"]["terms"]["explains"] == 300
    assert incident["origin"]["terms"]["unexplained"] == 100


def test_what_is_down_is_a_cause_before_what_has_errors() -> None:
    t = Timeline(SHOP)
    t.push(0, alert("ledger", "PodCrashLooping", starts=20), alert("payments", starts=0))
    [incident] = t.incidents()
    assert incident["origin"]["service"] == "ledger"
