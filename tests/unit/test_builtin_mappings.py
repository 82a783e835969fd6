"""The built-in mappings of senders that sign nothing: what is made of small bodies written for these tests.

The bodies follow what each sender documents; expectations were written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.inbound.mapping import compiled
from connectors.inbound.registry import SOURCES, source
from core.errors import BodyError
from core.model.events import AlertEvent, Event, Parsed, RiskEvent
from core.times import parse_rfc3339
from tests.unit.mapping_bodies import BODIES, IGNORED, REFUSED
from watchkeeper.files import builtin_mappings

MAPPINGS = builtin_mappings()
NOW = parse_rfc3339("2026-11-21T03:00:00Z")
# The clouds' and the big monitors' have tests of their own.
OTHERS = {"eventbridge", "cloudwatch", "azure_monitor", "gcp_monitoring"}
OTHERS |= {"newrelic", "opsgenie", "datadog", "dynatrace"}
MINE = sorted(set(MAPPINGS) - OTHERS)
_SEVERITIES = {"critical", "high", "warning", "info", "low"}


def parse(name: str, body: Any) -> Parsed:
    return source(name, MAPPINGS).parse({}, orjson.dumps(body), NOW)


@pytest.mark.parametrize(("name", "body", "expected"), BODIES, ids=lambda value: str(value)[:40])
def test_a_body_says_what_it_means(name: str, body: Any, expected: dict[str, Any]) -> None:
    parsed = parse(name, body)
    [event] = parsed.events
    assert parsed.problems == ()
    assert {key: _value(event, key) for key in expected} == expected


def _value(event: Event, key: str) -> Any:
    if hasattr(event, key):
        return getattr(event, key)
    assert isinstance(event, AlertEvent)
    return event.labels.get(key, event.annotations.get(key, ""))


@pytest.mark.parametrize(("name", "body"), IGNORED, ids=lambda value: str(value)[:40])
def test_a_body_in_order_that_is_nothing_says_why(name: str, body: Any) -> None:
    parsed = parse(name, body)
    assert (parsed.events, parsed.problems) == ((), ())
    assert parsed.ignored


@pytest.mark.parametrize(("name", "body"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_body_that_cannot_be_read_is_refused(name: str, body: Any) -> None:
    with pytest.raises(BodyError):
        parse(name, body)


def test_every_mapping_has_a_body_here() -> None:
    assert {name for name, _, _ in BODIES} == set(MINE)
    assert not set(MINE) & set(SOURCES)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in BODIES}))
def test_what_identifies_stays_while_an_alert_is_told_again(name: str) -> None:
    """Severity and words may change in one firing, so none of them is part of what identifies."""
    for _, body, _ in (row for row in BODIES if row[0] == name):
        [event] = parse(name, body).events
        if isinstance(event, AlertEvent):
            assert not {"severity", "summary", "description"} & set(event.identity)
            assert event.labels["severity"] in _SEVERITIES
            assert event.identity


@pytest.mark.parametrize(
    "name", ["pingdom", "redfish", "statuspage", "checkly", "librenms", "vrops", "cdevents"]
)
def test_an_end_is_of_the_alert_that_began(name: str) -> None:
    """The pairs in the table: firing and resolved have the same labels but for severity."""
    events = [parse(name, body).events[0] for row, body, _ in BODIES if row == name]
    alerts = [event for event in events if isinstance(event, AlertEvent)]
    ends = [_identifying(event) for event in alerts if event.status == "resolved"]
    assert ends
    assert all(end in [_identifying(one) for one in alerts if one.status == "firing"] for end in ends)


@pytest.mark.parametrize("name", MINE)
def test_a_page_says_where_to_send_and_what_identifies(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sources" / f"{name}.md").read_text()
    assert f"`POST /v1/ingest/{name}`" in " ".join(page.split())
    assert f"`{name}` into the [senders file](README.md)" in " ".join(page.split())
    for rule in compiled(MAPPINGS[name], f"{name}.yaml").document.events:
        if rule.alert:
            named = rule.alert.labels["alertname"].text or "alertname"
            assert all(re.search(rf"\b{word}\b", page) for word in (named, *rule.alert.identity))


def _identifying(event: AlertEvent) -> dict[str, str]:
    kept = {"alertname", "service", "environment", "cluster", *event.identity}
    return {name: value for name, value in event.labels.items() if name in kept}


# There are many mappings: half as many bodies for each as elsewhere.
_FEWER = settings(max_examples=settings().max_examples // 2)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_WORDS = """
    status severity labels tags type kind event alert heartbeat monitor Events items data context subject name
    fields check_result build incident component component_update involvedObject metadata rule priority state
    alertType MessageId Severity alert_action alert_type phase about health content environment value key
"""
_KEYS = st.sampled_from(_WORDS.split()) | st.text(max_size=10)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


@pytest.mark.parametrize("name", MINE)
@_FEWER
@given(value=_JSON)
def test_arbitrary_json_raises_nothing_but_body_errors(name: str, value: Any) -> None:
    _parsed_or_refused(name, orjson.dumps(_small(value)))


@pytest.mark.parametrize("name", MINE)
@_FEWER
@given(data=st.data())
def test_a_valid_body_with_one_value_replaced_raises_nothing_but_body_errors(
    name: str, data: st.DataObject
) -> None:
    body = data.draw(st.sampled_from([body for row, body, _ in BODIES if row == name]))
    path = data.draw(st.sampled_from(list(_paths(body))))
    _parsed_or_refused(name, orjson.dumps(_replaced(body, path, _small(data.draw(_JSON)))))


def _parsed_or_refused(name: str, body: bytes) -> None:
    try:
        parsed = source(name, MAPPINGS).parse({}, body, NOW)
    except BodyError:
        return
    assert parsed.events or parsed.ignored
    for event in parsed.events:
        if isinstance(event, AlertEvent):
            assert event.labels["alertname"]
            assert event.labels["severity"] in _SEVERITIES
        else:
            assert not isinstance(event, RiskEvent)
            assert event.service


def _small(value: Any) -> Any:
    """Integers as JSON writers on the other side can write them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-(2**63), min(value, 2**64 - 1))
    if isinstance(value, list):
        return [_small(item) for item in value]
    if isinstance(value, dict):
        return {key: _small(item) for key, item in value.items()}
    return value


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += _paths(item, (*path, key))
    return found


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy
