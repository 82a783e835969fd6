"""The three sources' parsers: what they make of real and of broken bodies."""

from __future__ import annotations

import json
from functools import partial
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
            {"status": "firing"},
            {"status": "firing", "labels": "alertname=a"},
        ]
    }
    parsed = parse(alertmanager, body)
    assert len(parsed.events) == 1
    assert [problem.where for problem in parsed.problems] == [
        "alerts[1].status",
        "alerts[2]",
        "alerts[3].status",
        "alerts[4].labels",
        "alerts[5].labels",
    ]


@pytest.mark.parametrize("labels", [{}, None, {"alertname": "", "service": ""}])
def test_an_alert_that_says_nothing_is_taken_and_flagged(labels: Any) -> None:
    for source, body in (
        (prometheus, [{"labels": labels}]),
        (alertmanager, {"alerts": [{"labels": labels, "status": "firing"}]}),
    ):
        found = event(source, body)
        assert (found.labels, found.status, found.flags) == ({}, "firing", ("no_labels",))


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


def test_a_change_may_be_told_again_under_its_ref() -> None:
    found = event(change, {"kind": "deploy", "service": "search", "ref": "run-7", "state": "failed"})
    assert found == ChangeEvent("deploy", "search", NOW, ref="run-7", state="failed")
    with pytest.raises(BodyError, match="is no state"):
        event(change, {"kind": "deploy", "service": "search", "state": "nearly"})
    with pytest.raises(BodyError, match="is no state"):
        event(change, {"kind": "deploy", "service": "search", "state": ["failed"]})


PLAIN = st.text(max_size=12)
TIMES = st.sampled_from(
    ["2026-11-21T02:59:00.5Z", "0001-01-01T00:00:00Z", "2026-11-21T04:59:00.123456789+02:00", "soon", ""]
)
ALERT = st.fixed_dictionaries(
    {"labels": st.dictionaries(PLAIN, PLAIN, max_size=3)},
    optional={
        "annotations": st.dictionaries(PLAIN, PLAIN, max_size=2) | st.none(),
        "startsAt": TIMES,
        "endsAt": TIMES | JSON,
        "generatorURL": PLAIN | st.none(),
        "status": st.sampled_from(["firing", "resolved", "on fire"]),
        "fingerprint": PLAIN,
        "more": JSON,
    },
)
API_BODIES = st.lists(ALERT, max_size=3)
HOOK_BODIES = st.fixed_dictionaries(
    {"alerts": API_BODIES},
    optional={
        "version": st.sampled_from(["3", "4", 4]),
        "groupKey": PLAIN | st.integers(),
        "truncatedAlerts": st.integers() | st.floats(allow_nan=False),
        "groupLabels": st.dictionaries(PLAIN, PLAIN, max_size=2),
        "externalURL": PLAIN,
    },
)
# Where a byte is put, or one is taken out, so that almost valid bodies come up.
SPOIL = st.tuples(
    st.floats(0, 1), st.sampled_from([b"", b"\xff", b"\\ud800", b"\\", b'"', b",", b"\x00", b"}"])
)


def outcome(read: Any) -> Any:
    """What it gives; a refusal is known by its place, not by its words."""
    try:
        return read()
    except BodyError as error:
        return error.where


def same_whether_typed_or_not(source: Any, body: bytes) -> None:
    """What is read fast is what looking at every part gives, and never what that refuses."""
    slow = (
        partial(prometheus._parse_any, body, NOW)
        if source is prometheus
        else partial(alertmanager._parse_any, body)
    )
    exact = outcome(slow)
    assert outcome(partial(source.parse, {}, body, NOW)) == exact
    counted = source.count(body)
    assert counted is None or (exact.problems == () and len(exact.events) == counted)


@given(st.sampled_from([(prometheus, API_BODIES), (alertmanager, HOOK_BODIES)]), st.data(), st.none() | SPOIL)
def test_bodies_read_straight_into_types_mean_the_same(kind: Any, data: Any, spoil: Any) -> None:
    source, shapes = kind
    # Numbers of any length: JSON sets none a limit, orjson writes none above 64 bits.
    body = json.dumps(data.draw(shapes), ensure_ascii=False).encode()
    if spoil is not None:
        at = int(spoil[0] * len(body))
        body = body[:at] + spoil[1] + body[at + (not spoil[1]) :]
    same_whether_typed_or_not(source, body)


@pytest.mark.parametrize(
    "spoiled",
    [
        b'"\\ud800"', b'"\\udc00"', b'"\\ud83d\\ud83d"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"',
        b'"\x01"',
        b'"\\x"', b"NaN", b"1e999", b"01", b"-0", b"1.0", b"null", b"true", b'"a"x', b'"a"}]\x00',
        b'"a"}}]//', b"[" * 2_000 + b"]" * 2_000, b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", [prometheus, alertmanager])
def test_what_json_does_not_allow_is_read_alike(source: Any, spoiled: bytes) -> None:
    alerts = b'[{"labels":{"a":"b"},"status":"firing"},{"status":"firing","labels":{"a":%s}}]'
    more = b'[{"labels":{"a":"b"},"status":"firing","more":%s}]'
    for shape in (alerts, more):
        body = shape % spoiled
        same_whether_typed_or_not(source, body if source is prometheus else b'{"alerts":%s}' % body)
    same_whether_typed_or_not(alertmanager, b'{"alerts":[],"truncatedAlerts":%s}' % spoiled)


@pytest.mark.parametrize("source", [prometheus, alertmanager])
def test_keys_that_come_twice_are_read_alike(source: Any) -> None:
    twice = b'"labels":{"a":"1","a":"2"},"labels":{"b":"1","b":"2"}'
    body = b"[{%s}]" % twice
    if source is alertmanager:
        body = b'{"alerts":[],"alerts":[{"status":"firing",%s}]}' % twice
    same_whether_typed_or_not(source, body)
    assert source.count(body) == 1


def test_what_senders_write_is_counted_without_looking_at_every_part() -> None:
    alert = {
        "labels": LABELS,
        "annotations": {"summary": "é \U0001f525 \"'\\"},
        "startsAt": "2026-11-21T02:59:00Z",
    }
    assert prometheus.count(orjson.dumps([{**alert, "generatorURL": "http://a/?x=1&y=2"}] * 3)) == 3
    told = [{**alert, "status": "firing", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "00"}] * 2
    group = {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "receiver": "w", "alerts": told}
    assert alertmanager.count(orjson.dumps({**group, "externalURL": "http://b"})) == 2


def test_version_3_of_the_webhook_has_numbers_for_keys_and_no_fingerprints() -> None:
    alert = {"status": "firing", "labels": LABELS, "annotations": {}, "startsAt": "2026-11-21T02:59:00Z"}
    group = {"version": "3", "groupKey": 7_854_109_842_379_874_398, "status": "firing", "alerts": [alert]}
    found = event(alertmanager, group)
    assert (found.labels, found.status, found.starts_at) == (LABELS, "firing", NOW - 60_000)
