"""Every built-in mapping against arbitrary JSON and broken bodies; recorded bodies, where they are there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.inbound.mapping import MappingSource, compiled
from connectors.inbound.mapping.schema import SEVERITIES
from core.errors import BodyError
from core.model.events import AlertEvent, Parsed, RiskEvent
from core.times import parse_rfc3339
from tests.unit.test_mapping_clouds import ALERTS, CHANGES
from watchkeeper.files import builtin_mappings

NOW = parse_rfc3339("2026-11-21T03:00:00Z")
MAPPINGS = {name: compiled(text, f"{name}.yaml") for name, text in builtin_mappings().items()}
KEYS = st.sampled_from(
    ["detail-type", "detail", "state", "alert", "action", "incident", "data", "status", "name"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)
JSON = st.recursive(
    SCALARS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)

RECORDED: tuple[tuple[str, str, int, int, int], ...] = (
    # folder, mapping, alerts, changes, ignored bodies
    ("aws_eventbridge", "eventbridge", 5, 5, 4),
    ("aws_eventbridge_sagemaker", "eventbridge", 0, 1, 9),
    ("aws_cloudwatch_lambda", "cloudwatch", 1, 0, 0),
    ("aws_cloudwatch_logs", "cloudwatch", 0, 0, 1),
    ("azure_monitor", "azure_monitor", 2, 1, 0),
    ("gcp_monitoring", "gcp_monitoring", 4, 0, 0),
    ("newrelic", "newrelic", 2, 0, 0),
    ("opsgenie", "opsgenie", 2, 0, 0),
)


def sound(parsed: Parsed) -> None:
    """What every parse promises, whatever the body."""
    assert bool(parsed.events) != bool(parsed.ignored)
    for event in parsed.events:
        if isinstance(event, AlertEvent):
            assert event.labels["alertname"]
            assert all(isinstance(text, str) and text for text in event.labels.values())
            assert event.generator_url == "" or event.generator_url.lower().startswith("http")
        else:
            assert not isinstance(event, RiskEvent)
            assert event.service
            assert event.at > 0


@pytest.mark.parametrize("source", MAPPINGS.values(), ids=MAPPINGS)
@settings(max_examples=25)
@given(value=JSON)
def test_arbitrary_json_raises_nothing_but_body_errors(source: MappingSource, value: Any) -> None:
    with suppress(BodyError):
        sound(source.parse({}, orjson.dumps(value), NOW))


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value inside `value`."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, inner in steps for place in places(inner, (*path, step)))]


def replaced(value: Any, path: tuple[str | int, ...], by: Any) -> Any:
    if not path:
        return by
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@settings(max_examples=400)
@given(data=st.data())
def test_a_body_broken_in_one_place_raises_nothing_but_body_errors(data: st.DataObject) -> None:
    name, body, _ = data.draw(st.sampled_from([*ALERTS, *CHANGES]))
    broken = replaced(body, data.draw(st.sampled_from(places(body))), data.draw(JSON))
    with suppress(BodyError):
        sound(MAPPINGS[name].parse({}, orjson.dumps(broken), NOW))


@pytest.mark.parametrize(("folder", "name", "alerts", "changes", "ignored"), RECORDED)
def test_recorded_bodies(folder: str, name: str, alerts: int, changes: int, ignored: int) -> None:
    place = Path(os.environ.get("WATCHKEEPER_EVAL_DATA", "/none")) / "payloads" / folder
    if not place.is_dir():
        pytest.skip("WATCHKEEPER_EVAL_DATA names no directory that holds payloads/")
    found = {"alerts": 0, "changes": 0, "ignored": 0}
    for path in sorted(place.glob("*.json")):
        parsed = MAPPINGS[name].parse({}, path.read_bytes(), NOW)
        sound(parsed)
        assert parsed.problems == (), path.name
        kinds = [isinstance(event, AlertEvent) for event in parsed.events]
        found["alerts"] += kinds.count(True)
        found["changes"] += kinds.count(False)
        found["ignored"] += bool(parsed.ignored)
        words = {
            event.labels.get("severity", "low") for event in parsed.events if isinstance(event, AlertEvent)
        }
        assert words <= set(SEVERITIES)
    assert found == {"alerts": alerts, "changes": changes, "ignored": ignored}
