"""What sources tell under an id of their own folds in any order: alerts by occurrence, changes by ref."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest

from core.model.events import AlertEvent, ChangeEvent
from core.times import format_rfc3339
from tests.told import Told, moment, picture


def firing(at: float | None, occurrence: str = "P1", severity: str = "warning", **more: Any) -> AlertEvent:
    labels = {"alertname": "Disk", "service": "payments", "severity": severity}
    start = None if at is None else moment(at)
    return AlertEvent(labels, "firing", starts_at=start, occurrence=occurrence, identity=("service",), **more)


def resolved(at: float, occurrence: str = "P1") -> AlertEvent:
    labels = {"alertname": "Disk", "service": "payments", "severity": "info"}
    return AlertEvent(labels, "resolved", ends_at=moment(at), occurrence=occurrence, identity=("service",))


def pictures(*tellings: AlertEvent | ChangeEvent) -> list[Any]:
    """One for each order of arrival."""
    found = []
    for order in permutations(tellings):
        told = Told()
        for number, event in enumerate(order):
            told.tell(100 + number, event)
        told.wait(400)
        found.append(picture(told.incidents()))
    return found


def test_a_resolve_that_overtakes_its_alert_ends_it() -> None:
    first, *rest = pictures(firing(10), resolved(50))
    assert all(other == first for other in rest)
    [[[[_, _, status, ended]], *_]] = first
    assert (status, ended) == ("resolved", format_rfc3339(moment(50)))


def test_a_priority_that_rises_is_one_alert_with_the_worst_severity() -> None:
    first, *rest = pictures(firing(10), firing(10, severity="critical"), resolved(50))
    assert all(other == first for other in rest)
    [[members, severity, *_]] = first
    assert len(members) == 1
    assert severity == "P1"


def test_an_end_without_a_severity_makes_nothing_worse() -> None:
    end = AlertEvent({"alertname": "Disk", "service": "payments"}, "resolved", 0, moment(10), moment(50))
    first, *rest = pictures(
        firing(10, "", severity="info"), msgspec.structs.replace(end, identity=("service",))
    )
    assert all(other == first for other in rest)
    assert first[0][1] == "P3"


def test_two_firings_told_apart_by_their_ids_alone() -> None:
    told = Told()
    told.tell(10, firing(None, "P1"))
    told.tell(20, firing(None, "P2"))
    told.tell(30, resolved(30, "P1"))
    [incident] = told.incidents()
    assert sorted(row["status"] for row in incident["alerts"]) == ["firing", "resolved"]


def test_an_end_of_what_was_never_heard_opens_nothing() -> None:
    told = Told()
    told.tell(10, resolved(5))
    assert told.incidents() == []


def test_an_end_that_names_no_firing_ends_each_that_began_before_it_at_the_first_such_end() -> None:
    first, *rest = pictures(firing(10, "P1"), resolved(50, ""), firing(60, "P2"), resolved(90, ""))
    assert all(other == first for other in rest)
    ends = sorted(row[3] for members, *_ in first for row in members)
    assert ends == [format_rfc3339(moment(50)), format_rfc3339(moment(90))]


def test_an_end_that_names_its_firing_counts_before_one_that_does_not() -> None:
    first, *rest = pictures(firing(10), resolved(50, ""), resolved(70))
    assert all(other == first for other in rest)
    assert first[0][0][0][3] == format_rfc3339(moment(70))


def test_an_old_end_does_not_end_a_new_firing() -> None:
    told = Told()
    told.tell(10, resolved(5, ""))
    told.tell(60, firing(30, ""))
    assert told.incidents()[0]["alerts"][0]["status"] == "firing"


def test_the_same_delivery_is_folded_once_for_a_day() -> None:
    told = Told()
    told.tell(0, firing(None, ""), delivery="d-1")
    told.tell(10, resolved(10, ""), delivery="d-2")
    told.tell(20, firing(None, ""), delivery="d-1")
    assert [row["status"] for row in told.incidents()[0]["alerts"]] == ["resolved"]
    told.tell(86_500, firing(None, ""), delivery="d-1")
    assert sum(one["status"] == "triggered" for one in told.incidents()) == 1


def test_deliveries_of_two_sources_or_domains_are_not_the_same() -> None:
    told = Told()
    told.tell(0, firing(0), delivery="1")
    told.tell(0, firing(0), delivery="1", domain="other")
    told.tell(1, resolved(1), delivery="1", source="another")
    assert [one["alerts"][0]["status"] for one in told.incidents()] == ["resolved", "firing"]


def deploy(state: Any, at: float, told: float, **more: Any) -> ChangeEvent:
    return ChangeEvent(
        "deploy", "payments", moment(at), state=state, told_at=moment(told), ref="run-7", **more
    )


def test_a_deployment_is_one_change_whatever_is_told_first() -> None:
    first, *rest = pictures(
        AlertEvent({"alertname": "Errors", "service": "payments"}, "firing", starts_at=moment(60)),
        deploy("started", 20, 20, version="2.4.0"),
        deploy("succeeded", 55, 55, author="ana"),
        deploy("failed", 70, 70),
    )
    assert all(other == first for other in rest)
    [[_, _, _, changes]] = first
    assert changes == [["payments", format_rfc3339(moment(20)), "failed", "2.4.0"]]


def test_a_resolved_alert_leaves_no_trace_of_its_early_end() -> None:
    told = Told()
    told.tell(10, resolved(50))
    told.tell(20, firing(10))
    assert told.fold.engine.state.named_ends == {}


@pytest.mark.parametrize("count", [20_001])
def test_what_is_remembered_of_deliveries_is_bounded(count: int) -> None:
    told = Told()
    for number in range(count):
        told.tell(number / 100, delivery=f"d-{number}")
    assert len(told.fold.engine.state.delivered) == 10_000
    assert f"default/told#d-{count - 1}" in told.fold.engine.state.delivered


def test_an_end_in_the_future_silences_nothing() -> None:
    told = Told()
    told.tell(10, resolved(4_000_000_000, ""))
    told.tell(60, firing(30, ""))
    assert told.incidents()[0]["alerts"][0]["status"] == "firing"


def test_an_end_is_remembered_for_a_day() -> None:
    told = Told()
    told.tell(10, resolved(10, ""))
    told.tell(86_500, firing(5, ""))
    assert told.incidents()[0]["alerts"][0]["status"] == "firing"


def test_long_ids_of_deliveries_take_no_more_room_than_short_ones() -> None:
    told = Told()
    told.tell(0, firing(None, ""), delivery="x" * 100_000)
    told.tell(10, resolved(10, ""), delivery="y")
    told.tell(20, firing(None, ""), delivery="x" * 100_000)
    assert [row["status"] for row in told.incidents()[0]["alerts"]] == ["resolved"]
    assert max(map(len, told.fold.engine.state.delivered)) < 200


def test_a_clock_that_is_ahead_does_not_end_what_begins_after_the_end_was_heard() -> None:
    told = Told()
    told.tell(0, firing(None, ""))
    told.tell(60, resolved(360, ""))
    told.tell(180, firing(None, ""))
    told.tell(240, firing(None, ""))
    assert [row["status"] for row in told.incidents()[0]["alerts"]] == ["resolved", "firing"]
