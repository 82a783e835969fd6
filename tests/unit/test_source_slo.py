"""Source slo: what is read, what is left out and why, what refuses the whole body."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbound.registry import SOURCES, read
from core.errors import BodyError
from core.model.events import Parsed, SignalEvent
from core.times import DAY, HOUR, MINUTE, SECOND, parse_rfc3339
from tests.objectives import CALM, told

NOW = parse_rfc3339("2026-11-21T03:00:00Z")


def parse(body: Any) -> Parsed:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return read(SOURCES["slo"], {}, raw, NOW)


def test_everything_that_can_be_told() -> None:
    body = told(
        {"1h": 0.016, "5m": 0.02, "3d": 0},
        environment="production",
        cluster="eu-1",
        budget_spent=0.43,
    )
    [event] = parse({**body, "at": "2026-11-21T02:59:00Z"}).events
    assert event == SignalEvent(
        slo="availability",
        service="payments",
        objective=999_000_000,
        window=30 * DAY,
        at=NOW - MINUTE,
        environment="production",
        cluster="eu-1",
        rates=((5 * MINUTE, 20_000_000), (HOUR, 16_000_000), (3 * DAY, 0)),
        spent=430_000_000,
    )


def test_what_may_be_left_out() -> None:
    [event] = parse(told(None, budget_spent=1.5)).events
    assert isinstance(event, SignalEvent)
    assert (event.at, event.rates, event.spent) == (NOW, (), 1_500_000_000)
    [event] = parse(told({"5m": 1})).events
    assert isinstance(event, SignalEvent)
    assert (event.rates, event.spent) == (((5 * MINUTE, 1_000_000_000),), None)


@pytest.mark.parametrize(
    ("objective", "ppb"),
    [(99.9, 999_000_000), (99.99, 999_900_000), (50, 500_000_000), (99.9999999, 999_999_999)],
)  # fmt: skip
def test_objectives_are_exact(objective: float, ppb: int) -> None:
    [event] = parse(told(CALM, objective=objective)).events
    assert isinstance(event, SignalEvent)
    assert event.objective == ppb


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"slo": ""}, ".slo", "no slo"),
    ({"slo": None}, ".slo", "no slo"),
    ({"service": " "}, ".service", "no service"),
    ({"service": 7}, ".service", "is a number, not a text"),
    ({"environment": ["a"]}, ".environment", "is a list, not a text"),
    ({"objective": None}, ".objective", "is null, not a number"),
    ({"objective": "99.9"}, ".objective", "is a text, not a number"),
    ({"objective": True}, ".objective", "is a boolean, not a number"),
    ({"objective": 0}, ".objective", "0 is not between 0 and 100"),
    ({"objective": 100}, ".objective", "100 is not between 0 and 100"),
    ({"objective": -1}, ".objective", "-1 is not between 0 and 100"),
    ({"objective": 99.99999999}, ".objective", "is not between 0 and 100"),
    ({"objective": 10**15}, ".objective", "too large"),
    ({"window": None}, ".window", "is null, not a text"),
    ({"window": 30}, ".window", "is a number, not a text"),
    ({"window": "30"}, ".window", "is no length of time"),
    ({"window": "0d"}, ".window", "is not between 0 and 366 days"),
    ({"window": "367d"}, ".window", "is not between 0 and 366 days"),
    ({"window": "9" * 5_000 + "d"}, ".window", "is not between 0 and 366 days"),
    ({"rates": []}, ".rates", "expected an object, found a list"),
    ({"rates": {}}, "", "neither `rates` nor `budget_spent`"),
    ({"rates": None}, "", "neither `rates` nor `budget_spent`"),
    ({"rates": {"5": 0.1}}, ".rates.5", "is no length of time"),
    ({"rates": {"5m": "0.1"}}, ".rates.5m", "is a text, not a number"),
    ({"rates": {"5m": None}}, ".rates.5m", "is null, not a number"),
    ({"rates": {"5m": False}}, ".rates.5m", "is a boolean, not a number"),
    ({"rates": {"5m": -0.001}}, ".rates.5m", "is no ratio from 0 to 1"),
    ({"rates": {"5m": 1.001}}, ".rates.5m", "is no ratio from 0 to 1"),
    ({"rates": {"1h": 0.1, "60m": 0.1}}, ".rates.60m", "is the same window twice"),
    ({"rates": {f"{n}m": 0.1 for n in range(1, 22)}}, ".rates", "has 21 windows"),
    ({"budget_spent": -0.1}, ".budget_spent", "is no ratio"),
    ({"budget_spent": 1_001}, ".budget_spent", "is no ratio"),
    ({"budget_spent": "half"}, ".budget_spent", "is a text, not a number"),
    ({"at": "yesterday"}, ".at", "is no RFC 3339 time"),
    ({"at": "2026-11-21T02:00:00"}, ".at", "is no RFC 3339 time"),
    ({"at": 1_700_000_000}, ".at", "is a number, not a text"),
    ({"at": "2026-11-21T03:10:01Z"}, ".at", "is in the future"),
    ({"burn": 3}, "", "unknown key 'burn'"),
]


@pytest.mark.parametrize(("change", "where", "what"), BAD)
def test_a_bad_part_is_left_out_and_alone_refuses_the_body(
    change: dict[str, Any], where: str, what: str
) -> None:
    bad = {**told(CALM), "at": "2026-11-21T03:00:00Z", **change}
    with pytest.raises(BodyError) as caught:
        parse(bad)
    assert caught.value.where == f"body{where}"
    assert what in caught.value.what
    assert caught.value.mend
    parsed = parse([told(CALM), bad, told(CALM, slo="latency")])
    assert [event.index for event in parsed.events] == [0, 2]
    [problem] = parsed.problems
    assert (problem.where, what in problem.what) == (f"[1]{where}", True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b'"x"', b"null", b"[1]", b"[[]]", b'{"rates":NaN}'])
def test_what_is_no_telling_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError):
        parse(body)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999", b"-1e999"])
def test_numbers_are_finite(number: bytes) -> None:
    with pytest.raises(BodyError):
        parse(orjson.dumps(told({"5m": 0.25})).replace(b"0.25", number))


def test_a_name_that_is_too_long_is_left_out() -> None:
    parsed = parse([told(CALM), told(CALM, slo="x" * 2_000)])
    assert len(parsed.events) == 1
    assert parsed.problems[0].what == "a name that is too long"


def test_ten_minutes_ahead_is_a_clock_that_differs() -> None:
    [event] = parse({**told(CALM), "at": "2026-11-21T03:10:00Z"}).events
    assert isinstance(event, SignalEvent)
    assert event.at == NOW + 600 * SECOND


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(told(CALM, at=0, budget_spent=0.1, cluster=""))), JSON))
def test_any_json_is_read_or_refused(change: dict[str, Any]) -> None:
    try:
        raw = orjson.dumps([{**told(CALM), **change}])
    except TypeError:  # An integer that JSON of ours cannot hold.
        return
    try:
        parsed = parse(raw)
    except BodyError:
        return
    for event in parsed.events:
        assert isinstance(event, SignalEvent)
        assert 0 < event.objective < 1_000_000_000
        assert all(0 <= rate <= 1_000_000_000 for _, rate in event.rates)


def test_the_page_shows_bodies_that_are_read() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "sources" / "slo.md").read_text()
    [written] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    parsed = parse(written.encode())
    assert (len(parsed.events), parsed.problems) == (1, ())
    [posted] = re.findall(r"-d '(\{.*?\})'", page, re.DOTALL)
    assert len(parse(posted.encode()).events) == 1
