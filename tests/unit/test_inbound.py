"""The three sources' parsers: what they make of real and of broken bodies."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbound import alertmanager, change, prometheus
from connectors.inbound.registry import SOURCES
from core.errors import BodyError
from core.model.events import AlertEvent, ChangeEvent
from core.times import parse_rfc3339

NOW = parse_rfc3339("2026-11-21T03:00:00Z")


def parse(source: Any, value: Any) -> Any:
    return source.parse({}, orjson.dumps(value), NOW)


def event(source: Any, value: Any) -> Any:
    [found] = parse(source, value).events
    return found


LABELS = {"alertname": "Down", "service": "payments"}


def test_a_group_that_fires_may_hold_resolved_members() -> None:
    fires = {"status": "firing", "startsAt": "2026-11-21T02:59:00.5Z", "endsAt": "0001-01-01T00:00:00Z"}
    over = {"status": "resolved", "startsAt": "2026-11-21T02:00:00+01:00", "endsAt": "2026-11-21T02:30:00Z"}
    alerts = [{**fires, "labels": LABELS}, {**over, "labels": LABELS}]
    body = {"version": "4", "status": "firing", "alerts": alerts}
    first, second = parse(alertmanager, body).events
    assert (first.status, first.ends_at, first.starts_at) == ("firing", None, NOW - 59_500)
    assert (second.status, second.index) == ("resolved", 1)
    assert second.starts_at == parse_rfc3339("2026-11-21T01:00:00Z")


def test_good_alerts_count_although_one_is_bad() -> None:
    body = {
        "alerts": [
            {"status": "firing", "labels": LABELS},
            {"status": "on fire", "labels": LABELS},
            7,
            {"labels": {}},
        ]
    }
    parsed = parse(alertmanager, body)
    assert len(parsed.events) == 1
    assert [problem.where for problem in parsed.problems] == [
        "alerts[1].status",
        "alerts[2]",
        "alerts[3].labels",
    ]


@pytest.mark.parametrize(
    ("source", "body", "where"),
    [
        (alertmanager, b"", "body"),
        (alertmanager, b"{", "body, line 1"),
        (alertmanager, b"[]", "body"),
        (alertmanager, b'{"alerts": {}}', "alerts"),
        (alertmanager, b'{"alerts": [{"status": "firing"}]}', "alerts[0].labels"),
        (prometheus, b"{}", "body"),
        (prometheus, b"[1]", "[0]"),
        (prometheus, b'[{"labels": {"a": NaN}}]', "body, line 1"),
        (prometheus, b"\xff", "body, line 1"),
        (change, b"[]", "body"),
        (change, b'{"kind": "deploy"}', "body.service"),
        (change, b'{"kind": "party", "service": "a"}', "body.kind"),
        (change, b'{"kind": "deploy", "service": "a", "at": "yesterday"}', "body.at"),
        (change, b'{"kind": "deploy", "service": "a", "at": "2026-11-21T03:00:00"}', "body.at"),
        (change, b'{"kind": "deploy", "service": "a", "vers": "1"}', "body"),
        (change, b'{"kind": "deploy", "service": 7}', "body.service"),
    ],
)
def test_refusals_name_the_place(source: Any, body: bytes, where: str) -> None:
    with pytest.raises(BodyError) as caught:
        source.parse({}, body, NOW)
    assert caught.value.where.startswith(where)
    assert caught.value.what
    assert caught.value.mend


def test_api_v2_has_its_own_idea_of_the_end() -> None:
    firing = event(prometheus, [{"labels": LABELS, "endsAt": "2026-11-21T03:04:00Z"}])
    ended = event(prometheus, [{"labels": LABELS, "endsAt": "2026-11-21T02:59:00Z"}])
    silent = event(prometheus, [{"labels": LABELS}])
    assert (firing.status, firing.lease_until) == ("firing", NOW + 240_000)
    assert (ended.status, ended.ends_at, ended.lease_until) == ("resolved", NOW - 60_000, None)
    assert (silent.status, silent.lease_until, silent.starts_at) == ("firing", NOW + 300_000, None)


def test_labels_that_are_no_text_become_text_and_empty_ones_go() -> None:
    found = event(prometheus, [{"labels": {"alertname": "a", "code": 500, "up": True, "gone": ""}}])
    assert found.labels == {"alertname": "a", "code": "500", "up": "true"}


def test_a_change_without_a_time_counts_as_of_its_arrival() -> None:
    found = event(change, {"kind": "flag", "service": "search", "version": "deep=on"})
    assert found == ChangeEvent("flag", "search", NOW, version="deep=on")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SHAPED = st.fixed_dictionaries(
    {
        "alerts": st.lists(
            st.fixed_dictionaries({"labels": JSON, "status": JSON, "startsAt": JSON, "endsAt": JSON})
        )
    }
)


@given(JSON | SHAPED | SHAPED.map(lambda body: body["alerts"]) | st.binary())
def test_no_body_does_anything_but_parse_or_be_refused(value: Any) -> None:
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    for source in SOURCES.values():
        try:
            parsed = source.parse({}, body, NOW)
        except BodyError:
            continue
        assert all(isinstance(found, (AlertEvent, ChangeEvent)) for found in parsed.events)
