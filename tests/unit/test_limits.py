"""How much of one alert or change is taken in."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import alertmanager, change, prometheus
from connectors.inbound.limits import bounded
from core.clamping import LABEL_CHARS, LABELS
from core.errors import BodyError
from core.model.events import AlertEvent, ChangeEvent, Parsed

NOW = 1_800_000_000_000


def alerts(*alerts: dict[str, Any]) -> Any:
    return bounded(prometheus.parse({}, orjson.dumps(list(alerts)), NOW))


def one(**labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": "a", **labels}}


def test_what_is_within_the_limits_is_left_alone() -> None:
    parsed = prometheus.parse({}, orjson.dumps([one(a="x" * LABEL_CHARS)]), NOW)
    assert bounded(parsed).events == parsed.events
    assert bounded(parsed).problems == ()


@pytest.mark.parametrize(
    "labels",
    [
        {"a": "x" * (LABEL_CHARS + 1)},
        {"n" * 1_025: "x"},
        {f"l{number}": "x" for number in range(LABELS)},
    ],
)
def test_labels_that_pass_them_are_flagged_and_cost_nobody_anything(labels: dict[str, str]) -> None:
    parsed = alerts(one(), one(**labels), one(b="2"))
    assert [event.flags for event in parsed.events] == [(), ("labels_clamped",), ()]
    assert parsed.problems == ()
    assert prometheus.count(orjson.dumps([one(**labels)])) is None
    [again] = bounded(bounded(parsed)._replace(events=parsed.events[1:2])).events
    assert again == parsed.events[1]


def test_an_id_of_a_firing_that_is_too_long_stays_one_of_its_own() -> None:
    firing = [AlertEvent({"alertname": "a"}, "firing", occurrence="x" * 2_000 + end) for end in "ab"]
    first, second = bounded(Parsed(tuple(firing))).events
    assert isinstance(first, AlertEvent)
    assert isinstance(second, AlertEvent)
    assert (len(first.occurrence), len(second.occurrence)) == (1_024, 1_024)
    assert first.occurrence != second.occurrence


def test_what_people_read_is_cut_and_says_so() -> None:
    body = {"alerts": [{**one(), "status": "firing", "annotations": {"summary": "x" * 70_000, "k": "v"}}]}
    body["alerts"][0]["generatorURL"] = "http://x/" + "y" * 20_000
    [event] = bounded(alertmanager.parse({}, orjson.dumps(body), NOW)).events
    assert isinstance(event, AlertEvent)
    assert len(event.annotations["summary"]) == 65_536
    assert event.annotations["summary"].endswith("… [cut]")
    assert event.annotations["k"] == "v"
    assert event.generator_url == ""


def test_changes_are_bounded_too() -> None:
    body = {"kind": "deploy", "service": "a", "version": "v" * 5_000}
    [event] = bounded(change.parse({}, orjson.dumps(body), NOW)).events
    assert isinstance(event, ChangeEvent)
    assert len(event.version) == 1_024
    with pytest.raises(BodyError, match="too long"):
        bounded(change.parse({}, orjson.dumps({**body, "service": "s" * 2_000}), NOW))
