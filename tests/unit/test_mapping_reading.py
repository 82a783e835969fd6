"""What mapping files make of bodies: fields, times, tags, conditions, faults, and bodies that mean harm."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbound.mapping import MappingSource, compiled
from connectors.inbound.mapping.values import moment, tags
from core.errors import BodyError
from core.model.events import AlertEvent, ChangeEvent, Parsed
from core.times import parse_rfc3339

NOW = parse_rfc3339("2026-11-21T03:00:00Z")
START = parse_rfc3339("2026-11-21T02:00:00Z")


def mapping(events: str, head: str = "") -> MappingSource:
    return compiled(f"source: demo\nsummary: Demo\n{head}\nevents:\n{events}", "demo.yaml")


def alert(fields: str) -> MappingSource:
    """A source of alerts whose name and status are plain, with further `fields`."""
    return mapping(
        f"  - alert:\n      labels: {{alertname: name, service: svc}}\n      status: status\n{fields}\n"
    )


def read(source: MappingSource, value: Any, headers: dict[str, str] | None = None) -> Parsed:
    return source.parse(headers or {}, orjson.dumps(value), NOW)


def one(source: MappingSource, value: Any) -> Any:
    parsed = read(source, value)
    assert parsed.problems == ()
    [event] = parsed.events
    return event


BODY = {"name": "Disk", "status": "firing", "svc": "db"}


def test_an_alert_has_what_the_mapping_names() -> None:
    source = alert(
        "      severity: {from: [urgency, level], map: {1: critical, 2: high}, default: low}\n"
        "      starts_at: since\n"
        "      ends_at: until\n"
        "      occurrence: id\n"
        "      identity: [alertname]\n"
        "      annotations: {summary: message, description: more}\n"
        "      url: link\n"
    )
    value = {"urgency": "", "level": 2, "since": START // 1000, "until": START, "id": 77, "message": "full"}
    found = one(source, {**BODY, **value, "more": {"left": [0, True]}, "link": "https://disk.example/77"})
    assert found == AlertEvent(
        labels={"alertname": "Disk", "service": "db", "severity": "high"},
        status="firing",
        starts_at=START,
        occurrence="77",
        identity=("alertname",),
        annotations={"summary": "full", "description": '{"left":[0,true]}'},
        generator_url="https://disk.example/77",
    )
    ended = one(source, {**BODY, "status": "Resolved", "until": START})
    assert (ended.status, ended.ends_at, ended.labels["severity"]) == ("resolved", START, "low")


def test_a_change_has_what_the_mapping_names() -> None:
    source = mapping(
        "  - change: {kind: {text: flag}, service: app, environment: env, cluster: c, version: v,"
        " author: who, url: link, at: began, ref: id, told_at: t,"
        " state: {from: ok, map: {true: succeeded, false: failed}}}\n"
    )
    value = {"app": "shop", "env": "production", "c": "eu", "v": 2, "who": "ana", "ok": False, "id": "r1"}
    assert one(source, {**value, "link": "javascript:alert(1)", "began": START, "t": NOW}) == ChangeEvent(
        kind="flag",
        service="shop",
        at=START,
        environment="production",
        cluster="eu",
        version="2",
        author="ana",
        ref="r1",
        state="failed",
        told_at=NOW,
    )
    assert one(source, {"app": "shop"}).at == NOW


def test_labels_come_from_tags_then_an_object_then_by_name() -> None:
    source = mapping(
        "  - alert:\n"
        "      labels: {alertname: name, service: svc}\n"
        "      labels_from: labels\n"
        "      tags_from: tags\n"
        "      status: {text: firing}\n"
    )
    value = {
        "name": "Disk",
        "svc": "",
        "labels": {"team": "storage", "nested": {"a": 1}, "empty": "", "size": 3},
        "tags": [
            "service:db",
            "team:other",
            "zone=b",
            "zone:a",
            "plain",
            {"key": "k", "value": "v"},
            7,
            None,
        ],
    }
    assert one(source, value).labels == {
        "service": "db",
        "team": "storage",
        "zone": "a,b",
        "k": "v",
        "size": "3",
        "alertname": "Disk",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("env:prod, team:pay,plain", {"env": "prod", "team": "pay"}),
        ([{"name": "a", "value": 1}, {"Key": "b", "Value": "x:y"}], {"a": "1", "b": "x:y"}),
        (["url=http://a:80", ":none", "none:", "a:b=c"], {"url": "http://a:80", "a": "b=c"}),
        ({"no": "list"}, {}),
        (None, {}),
    ],
)
def test_tags_come_in_many_forms(value: Any, expected: dict[str, str]) -> None:
    assert tags(value) == expected


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-11-21T02:00:00Z", ""),
        ("2026-11-21T02:00:00.0000000Z", ""),
        ("2026-11-21T04:00:00.000+0200", ""),
        ("2026-11-21T02:00:00", ""),
        ("2026-11-21 02:00:00 UTC", ""),
        (str(START // 1000), ""),
        (f"{START // 1000}.000", ""),
        (str(START), ""),
        (f"{START}.0", ""),
        (str(START * 1_000), ""),
        (str(START * 1_000_000), ""),
        ("Sat, 21 Nov 2026 02:00:00 GMT", "%a, %d %b %Y %H:%M:%S %Z"),
        ("21.11.2026 03:00 +0100", "%d.%m.%Y %H:%M %z"),
    ],
)
def test_times_come_in_many_forms(text: str, form: str) -> None:
    assert moment(text, form) == START


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0"])
def test_no_time_at_all(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize("text", ["yesterday", "-5", "9" * 21, "1e9", "٣", "2026-13-01T00:00:00Z"])
def test_a_time_that_cannot_be_read_costs_that_field_alone(text: str) -> None:
    parsed = read(alert("      starts_at: since\n"), {**BODY, "since": text})
    assert parsed.events[0].starts_at is None  # type: ignore[union-attr]
    assert [one.where for one in parsed.problems] == ["body: events.1.alert.starts_at"]


CONDITIONS = [
    ("state: open", [{"state": "OPEN"}, {"state": "open"}], [{"state": "opened"}, {}, {"state": ["open"]}]),
    ("state: [a, 1, null]", [{"state": "A"}, {"state": 1}, {}], [{"state": True}, {"state": "b"}]),
    ("flag: true", [{"flag": True}, {"flag": "x"}, {"flag": 0}], [{"flag": False}, {}, {"flag": ""}]),
    ("flag: false", [{"flag": False}, {}, {"flag": []}], [{"flag": True}, {"flag": "x"}]),
    ("flag: '*'", [{"flag": False}, {"flag": "x"}], [{}, {"flag": None}, {"flag": {}}]),
    ("flag: ['true']", [{"flag": True}, {"flag": "true"}], [{"flag": "yes"}, {}]),
    ("'a.b': 1, c: 2", [{"a": {"b": 1}, "c": "2"}], [{"a": {"b": 1}}, {"a": 1, "c": 2}]),
    ("'length(a) > `1`': true", [{"a": [1, 2]}], [{"a": [1]}, {"a": 5}, {}]),
    ("_body.x: 1, '_headers.\"x-kind\"': k, _index: 0", [{"x": 1}], [{"x": 2}]),
]


@pytest.mark.parametrize(("when", "fitting", "others"), CONDITIONS, ids=lambda value: str(value)[:30])
def test_conditions(when: str, fitting: list[Any], others: list[Any]) -> None:
    source = mapping(
        f"  - when: {{{when}}}\n    ignore: it fits\n  - ignore: it does not\n", "kept: [x-kind]"
    )
    headers = {"x-kind": "k", "x-other": "secret"}
    assert {read(source, value, headers).ignored for value in fitting} == {"it fits"}
    assert {read(source, value, headers).ignored for value in others} == {"it does not"}


def test_only_kept_headers_are_seen() -> None:
    source = mapping(
        "  - ignore: seen\n    which: to_string(_headers)\n", 'kept: [x-id]\ndelivery: _headers."x-id"'
    )
    parsed = read(source, {"_headers": {"forged": 1}}, {"x-id": "7", "cookie": "c"})
    assert (parsed.ignored, parsed.delivery) == ('seen: \'{"x-id":"7"}\'', "7")


def test_what_is_quoted_behind_a_reason_is_theirs_and_short() -> None:
    source = mapping("  - ignore: not this one\n    which: kind\n")
    assert read(source, {"kind": "x\n\x1b[31m"}).ignored == "not this one: 'x\\n\\x1b[31m'"
    assert len(read(source, {"kind": "x" * 500}).ignored) < 120
    assert read(source, {"kind": [1]}).ignored == "not this one"


def test_one_bad_item_does_not_spoil_its_neighbours() -> None:
    source = mapping(
        "  - when: {skip: true}\n    ignore: skipped\n"
        "  - alert:\n"
        "      labels: {alertname: name, service: \"split(arn, '/')[1]\"}\n"
        "      status: status\n",
        "each: alerts\ndelivery: id",
    )
    items = [
        BODY,
        7,
        {"skip": 1},
        {**BODY, "status": "odd"},
        {**BODY, "name": {}, "arn": 5},
        {**BODY, "arn": "a/b"},
    ]
    parsed = read(source, {"id": "d1", "alerts": items})
    assert [(e.index, e.labels.get("service")) for e in parsed.events] == [(0, None), (5, "b")]  # type: ignore[union-attr]
    assert (parsed.delivery, parsed.ignored) == ("d1", "")
    assert [(one.where, one.what[:40]) for one in parsed.problems if "split" not in one.where] == [
        ("alerts[1]: events.2.alert.status", "no status"),
        ("alerts[1]: events.2.alert.labels.alertname", "no alertname"),
        ("alerts[3]: events.2.alert.status", "'odd' is none of firing, resolved"),
        ("alerts[4]: events.2.alert.labels.alertname", "no alertname"),
    ]
    broken = [one for one in parsed.problems if "split" in one.where]
    assert {one.where for one in broken} >= {"alerts[4]: events.2.alert.labels.service: split(arn, '/')[1]"}
    assert all("In function split()" in one.what for one in broken)


def test_an_unknown_word_is_a_fault_and_costs_no_alert() -> None:
    source = alert("      severity: {from: level, map: {bad: high}}\n")
    parsed = read(source, {**BODY, "level": "worse"})
    assert parsed.events[0].labels == {"alertname": "Disk", "service": "db"}  # type: ignore[union-attr]
    assert [one.what for one in parsed.problems] == ["'worse' is not in the map"]


def test_bodies_that_nothing_can_be_made_of() -> None:
    source = mapping("  - when: {a: 1}\n    ignore: x\n", "each: '@'")
    for body, what in [
        (b"", "the body is empty"),
        (b"{", "not JSON"),
        (b"[]", "the list is empty"),
        (b"7", "a number, not a list"),
        (b"[" * 2_000 + b"]" * 2_000, "not JSON"),
        (b'[{"a": 2}]', "none of the rules fits"),
        (b"[" + b",".join([b"{}"] * 20_000) + b"]", "more than 20000 values"),
        (b'{"a": {"b": [' + b",".join([b"1"] * 20_000) + b"]}}", "more than 20000 values"),
    ]:
        with pytest.raises(BodyError, match=what):
            source.parse({}, body, NOW)
    assert source.parse({}, b'{"a": 1}', NOW).ignored == "x"


def test_plain_text_and_forms() -> None:
    text = mapping("  - ignore: text\n    which: text\n", "reads: text")
    assert text.parse({}, "naïve".encode(), NOW).ignored == "text: 'naïve'"
    form = mapping("  - ignore: form\n    which: join('|', [a, b])\n", "reads: form")
    assert form.parse({}, b"a=1&b=%C3%A9&b=2&c=", NOW).ignored == "form: '1|é'"
    for source in (text, form):
        for body in (b"", b" \n", b"\xff"):
            with pytest.raises(BodyError):
                source.parse({}, body, NOW)
    for body in (b"a=%ff", b"&".join(b"a=1" for _ in range(1_001))):
        with pytest.raises(BodyError, match="no form"):
            form.parse({}, body, NOW)


DEEP: Any = []
for _ in range(250):
    DEEP = [DEEP]


@pytest.mark.parametrize("value", [DEEP, {"a": DEEP}, 10**18, -1.5e300, "x" * 100_000, "\x00", True, None])
def test_any_value_can_stand_anywhere(value: Any) -> None:
    source = mapping(
        "  - alert:\n"
        "      labels: {alertname: {from: v, default: none}, n: to_number(v), s: to_string(v)}\n"
        "      labels_from: v\n"
        "      tags_from: v\n"
        "      severity: v\n"
        "      status: {text: firing}\n"
        "      starts_at: v\n"
        "      occurrence: 'sum(v)'\n"
        "      annotations: {summary: v, description: 'sort(v)', more: 'max_by(v, &a)'}\n"
        "      url: v\n"
    )
    [event] = read(source, {"v": value}).events
    assert isinstance(event, AlertEvent)
    assert all(isinstance(text, str) for text in [*event.labels.values(), *event.annotations.values()])


def test_a_text_of_separators_is_parted_so_often_and_no_further() -> None:
    source = mapping("  - ignore: x\n    which: length(split(a, ','))\n")
    assert read(source, {"a": "a,b,c"}).ignored == "x: '3'"
    assert read(source, {"a": "," * 1_000_000}).ignored == "x: '1001'"
    assert len(tags("a:1," * 5_000 + "b:2")) == 1


def test_numbers_beyond_all_bounds() -> None:
    source = mapping("  - ignore: x\n    which: floor(to_number(a))\n")
    for text in ("nan", "inf", "1e999", "9" * 5_000):
        assert read(source, {"a": text}).ignored == "x"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_arbitrary_json_raises_nothing_but_body_errors(value: Any) -> None:
    source = mapping(
        "  - when: {a: '*', 'contains(b, c)': false}\n"
        "    alert:\n"
        "      labels: {alertname: 'a || b', service: \"split(b, '.')[0]\"}\n"
        "      labels_from: c\n"
        "      tags_from: d\n"
        "      severity: {from: e, map: {a: high}}\n"
        "      status: {from: 'length(f)', map: {0: resolved}, default: firing}\n"
        "      starts_at: d\n"
        "  - when: {b: true}\n"
        "    change: {kind: {text: deploy}, service: 'join(c, d)', at: e}\n",
        "each: '[@, a, b[]][]'",
    )
    with suppress(BodyError):
        assert read(source, value).events


def test_quiet_ends_what_a_sender_never_ends() -> None:
    text = """
source: bell
summary: Bells that ring
events:
  - alert: {labels: {alertname: bell}, status: {text: firing}, quiet_after: 30m}
"""
    [event] = compiled(text, "bell.yaml").parse({}, b'{"bell": "door"}', 1_000).events
    assert isinstance(event, AlertEvent)
    assert (event.lease_until, event.firm_lease) == (1_801_000, True)
