"""Who is told of what: routes by time of day, several receivers, and ends told to those who know."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.inbound.registry import parse
from core.engine import Engine
from core.errors import RoutesError
from core.routing import About, parse_routes
from core.state import State
from core.times import parse_rfc3339
from tests.timeline import SHOP, Timeline, alert

# The timeline starts on Monday, 2 March 2026, at 08:00 UTC.
HOURS = """
time_intervals:
  - name: office
    time_intervals:
      - times: [{start_time: '08:00', end_time: '08:10'}]
        weekdays: ['monday:friday']
"""
DAY_AND_NIGHT = "routes: [{match: {when: office}, receiver: day}, {receiver: night}]" + HOURS


def told(t: Timeline) -> list[tuple[str, str]]:
    return [(d["reason"].partition(":")[0], d["receiver"]) for d in t.decisions("notify")]


def of(text: str, at: str = "2026-03-02T08:00:00Z", **more: str) -> tuple[str, ...]:
    given: dict[str, Any] = {"team": "payments", "severity": "P1", "environment": "production", **more}
    return parse_routes(text).receivers_of(About(**given), parse_rfc3339(at))


def test_the_first_that_matches_decides() -> None:
    text = (
        "routes: [{match: {team: [web]}, receiver: a}, {match: {severity: [P1]}, receiver: b}, {receiver: c}]"
    )
    assert of(text) == ("b",)
    assert of(text, severity="P2") == ("c",)
    assert of(text, team="web") == ("a",)
    assert of("routes: [{match: {team: [web]}, receiver: a}]") == ()


def test_one_that_continues_adds_those_after_it() -> None:
    text = (
        "routes: [{match: {severity: [P1]}, receiver: a, continue: true},"
        " {match: {team: [web]}, receiver: b}, {receiver: c, continue: true}, {receiver: a}, {receiver: d}]"
    )
    assert of(text) == ("a", "c")
    assert of(text, team="web") == ("a", "b")
    assert of(text, severity="P3") == ("c", "a")


@pytest.mark.parametrize(
    ("at", "receiver"),
    [
        ("2026-03-02T07:59:59Z", "night"), ("2026-03-02T08:00:00Z", "day"),
        ("2026-03-02T08:09:59Z", "day"), ("2026-03-02T08:10:00Z", "night"),
        ("2026-03-07T08:05:00Z", "night"),
    ],
)  # fmt: skip
def test_a_route_holds_at_its_time_of_day(at: str, receiver: str) -> None:
    assert of(DAY_AND_NIGHT, at) == (receiver,)


def test_the_time_is_that_of_the_page_and_the_end_goes_to_who_was_told() -> None:
    t = Timeline(SHOP, routes=DAY_AND_NIGHT)
    t.push(5, alert("payments", starts=0))
    t.push(700, alert("payments", starts=0, ends=690))
    t.push(700, alert("mailer", starts=690))
    t.wait(1_400)
    assert told(t) == [("opened", "day"), ("opened", "night"), ("resolved", "day")]


def test_each_of_several_receivers_has_a_decision_of_its_own() -> None:
    t = Timeline(SHOP, routes="routes: [{receiver: a, continue: true}, {receiver: b}]")
    t.push(5, alert("payments", starts=0))
    t.push(60, alert("payments", starts=0, ends=50))
    t.wait(1_000)
    assert told(t) == [("opened", "a"), ("opened", "b"), ("resolved", "a"), ("resolved", "b")]
    ids = [decision["id"] for decision in t.decisions("notify")]
    assert len(set(ids)) == 4
    alone = Timeline(SHOP, routes="routes: [{receiver: a}]")
    alone.push(5, alert("payments", starts=0))
    # With one receiver the id is what it always was: pages of before are not sent again.
    assert alone.decisions("notify")[0]["id"] == ids[0]
    assert [moment["detail"] for moment in t.incidents()[0]["history"] if moment["what"] == "paged"] == [
        "a, b", "a, b",
    ]  # fmt: skip


def test_who_was_told_of_what_was_merged_away_is_told_of_the_merge_and_of_the_end() -> None:
    routes = "routes: [{match: {team: [payments]}, receiver: pay}, {receiver: rest}]"
    t = Timeline(SHOP, routes=routes)
    t.push(5, alert("payments", starts=0))
    t.push(65, alert("frontend", starts=60))
    t.wait(70)
    assert sorted(told(t)) == [("opened", "pay"), ("opened", "rest")]
    t.push(75, alert("checkout", starts=30))
    merged = {receiver for reason, receiver in told(t) if reason == "merged"}
    assert merged == {"pay", "rest"}
    for service, starts in (("payments", 0), ("frontend", 60), ("checkout", 30)):
        t.push(100, alert(service, starts=starts, ends=90))
    t.wait(1_000)
    assert {receiver for reason, receiver in told(t) if reason == "resolved"} == {"pay", "rest"}


def test_that_somebody_is_on_it_is_told_to_those_who_asked_and_were_paged() -> None:
    routes = (
        "routes: [{match: {team: [payments]}, receiver: a, continue: true}, {receiver: b}]\n"
        "receivers: [a, b, c]\nacknowledged: [a, c]"
    )
    t = Timeline(SHOP, routes=routes)
    t.push(5, alert("payments", starts=0))
    t.push(5, alert("mailer", starts=0))
    t.wait(40)
    for incident in t.incidents():
        t.move(60, incident["id"], "acknowledged")
    assert [row for row in told(t) if row[0] == "acknowledged"] == [("acknowledged", "a")]
    plain = Timeline(SHOP, routes="routes: [{receiver: b}]")
    plain.push(5, alert("payments", starts=0))
    plain.move(60, plain.incidents()[0]["id"], "acknowledged")
    assert told(plain) == [("opened", "b")]


def test_a_receiver_that_is_no_more_is_not_told_of_the_end() -> None:
    t = Timeline(SHOP, routes="routes: [{receiver: a, continue: true}, {receiver: b}]\nreceivers: [a, b]")
    t.push(5, alert("payments", starts=0))
    t.push(5, alert("mailer", starts=0))
    t.configure(60, "routes", "routes: [{receiver: c}]\nreceivers: [b, c]")
    t.push(70, alert("payments", starts=0, ends=65))
    t.wait(500)
    assert [row for row in told(t) if row[0] == "resolved"] == [("resolved", "b")]
    t.configure(510, "routes", "routes: [{receiver: c}]\nreceivers: [c]")
    t.push(520, alert("mailer", starts=0, ends=515))
    t.wait(880)
    assert [row for row in told(t) if row[0] == "resolved"] == [("resolved", "b"), ("resolved", "c")]


def test_of_an_incident_of_before_those_are_told_whom_the_routes_name() -> None:
    """A checkpoint of an older version does not say who was told."""
    t = Timeline(SHOP, routes="routes: [{receiver: a}]")
    t.push(5, alert("payments", starts=0))
    old = msgspec.to_builtins(t.engine.state)
    for incident in old["incidents"].values():
        del incident["told_to"]
    del old["watchdogs"]
    t.fold.engine = Engine(parse, msgspec.convert(old, State))
    t.push(60, alert("payments", starts=0, ends=50))
    t.wait(800)
    assert told(t) == [("opened", "a"), ("resolved", "a")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "routes: [{match: {when: ofice}, receiver: a}]" + HOURS,
            "no time interval is called 'ofice'; known: office",
        ),
        ("routes: [{match: {when: office}, receiver: a}]", "known: none"),
        ("time_intervals: [{time_intervals: [{}]}]", "it has no name"),
        (
            "time_intervals: [{name: a, time_intervals: [{}]}, {name: a, time_intervals: [{}]}]",
            "'a' is there twice",
        ),
        ("routes: [{receiver: a, continue: maybe}]", "routes.1.continue"),
        ("routes: [{receiver: a, when: office}]" + HOURS, "routes.1.when: no such key"),
        (
            "time_intervals: [{name: a, time_intervals: [{weekdays: [noday]}]}]",
            "time_intervals.1.time_intervals.1.weekdays.1",
        ),
    ],
)
def test_a_fault_says_where_it_is(text: str, says: str) -> None:
    with pytest.raises(RoutesError) as caught:
        parse_routes(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "other"),
    [("cluster", "eu-1", "us-1"), ("domain", "tenant-a", "default"), ("namespace", "shop", "infra")],
)
def test_a_route_matches_by_place(key: str, value: str, other: str) -> None:
    text = f"routes: [{{match: {{{key}: [{value}]}}, receiver: a}}]"
    assert of(text, **{key: value}) == ("a",)
    assert of(text, **{key: other}) == of(text) == ()


def test_a_service_is_found_with_and_without_its_namespace() -> None:
    text = "routes: [{match: {service: [api, shop/web]}, receiver: a}]"
    assert of(text, service="api") == of(text, service="infra/api") == of(text, service="shop/web") == ("a",)
    assert of(text, service="web") == of(text, service="infra/web") == of(text) == ()


def test_a_key_that_is_none_is_refused_with_its_path() -> None:
    with pytest.raises(RoutesError, match=r"routes\.1\.match\.clusters"):
        parse_routes("routes: [{match: {clusters: [eu-1]}, receiver: a}]")


def test_place_and_service_are_those_of_the_origin() -> None:
    text = (
        "routes: [{match: {cluster: [eu-1], domain: [tenant-a], namespace: [shop], service: [payments]},"
        " receiver: a}]"
    )
    t = Timeline(SHOP, routes=text)
    t.push(0, alert("payments", cluster="eu-1", namespace="shop"), domain="tenant-a")
    t.push(0, alert("payments", cluster="us-1", namespace="shop"), domain="tenant-a")
    assert [receiver for _, receiver in told(t)] == ["a", ""]


@pytest.mark.parametrize("environment", ["production", "prod", "PROD"])
def test_what_says_no_environment_is_production_for_routes_as_for_severity(environment: str) -> None:
    text = f"routes: [{{match: {{environment: [{environment}]}}, receiver: a}}, {{receiver: b}}]"
    t = Timeline(SHOP, routes=text)
    t.push(0, alert("payments"), alert("mailer", environment="staging"))
    assert {(d["receiver"], one["severity"]) for d in t.decisions("notify") for one in t.incidents()
            if one["id"] == d["subject"]} == {("a", "P1")}  # fmt: skip
    t.wait(40)
    assert {d["receiver"] for d in t.decisions("notify")} == {"a", "b"}


def test_a_route_for_another_environment_does_not_take_it() -> None:
    t = Timeline(SHOP, routes="routes: [{match: {environment: [staging, dev]}, receiver: a}]")
    t.push(0, alert("payments"))
    assert [receiver for _, receiver in told(t)] == [""]


def test_the_history_says_that_no_route_matched() -> None:
    t = Timeline(SHOP, routes="routes: [{match: {team: [nobody]}, receiver: a}]")
    t.push(0, alert("payments"))
    rows = [(m["what"], m["reason"], m["detail"]) for m in t.incidents()[0]["history"]]
    assert ("not_paged", "no_route", "opened") in rows
    assert not any(what == "paged" for what, _, _ in rows)
