"""Source risk: what is read, what is left out and why, what refuses the whole body."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from connectors.inbound.registry import SOURCES, read
from core.errors import BodyError
from core.model.events import Parsed, RiskEvent, RiskMatch
from core.times import MINUTE, format_rfc3339
from tests.judged import DROP, HEAD, REPOSITORY, check
from tests.timeline import START
from tests.unit.test_sources_hostile import HOSTILE, JSON


def parse(body: Any) -> Parsed:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return read(SOURCES["risk"], {}, raw, START)


def read_or_refused(body: bytes) -> str | tuple[Any, ...]:
    """What it is read as, or how to mend it."""
    try:
        return parse(body).events
    except BodyError as error:
        return error.mend


def one(body: Any) -> RiskEvent:
    [event] = parse(body).events
    assert isinstance(event, RiskEvent)
    return event


def test_what_a_check_prints_is_read() -> None:
    assert one(check()) == RiskEvent(
        repository=REPOSITORY,
        head=HEAD,
        verdict="warn",
        at=START - 10 * MINUTE,
        level="high",
        base="a" * 40,
        services=("payments",),
        probability=123,
        matches=(
            RiskMatch("sql-drop-column", "high", "migrations/7.sql", 3, "Drops a column that is still read."),
        ),
        files=("migrations/7.sql", "app/pay.py"),
        title="Drop the old column",
        url="https://forge.example/pull/7",
    )


def test_what_may_be_left_out() -> None:
    event = one(
        {"repository": "r", "head": "ABCDEF1", "verdict": "allow", "level": None, "probability": None}
    )
    assert (event.head, event.level, event.probability, event.at) == ("abcdef1", "", None, START)
    assert one({**check(), "probability": 7}).probability == 7


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("repository", "", "no repository"),
        ("repository", "a b", "no name of a repository"),
        ("repository", "a@b", "no name of a repository"),
        ("repository", 5, "is a number, not a text"),
        ("head", None, "no head"),
        ("head", "abc", "'abc' is no id of a commit"),
        ("head", "g" * 40, "is no id of a commit"),
        ("base", "main", "'main' is no id of a commit"),
        ("verdict", "maybe", "'maybe' is no verdict"),
        ("level", "bad", "'bad' is no level"),
        ("probability", 1001, "'1001' is no probability"),
        ("probability", True, "'True' is no probability"),
        ("probability", {"thousandths": 0.5}, "'0.5' is no probability"),
        ("matches", {}, "is an object, not a list"),
        ("files", "x", "is a text, not a list"),
        ("at", "yesterday", "'yesterday' is no RFC 3339 time"),
        ("at", format_rfc3339(START + 11 * MINUTE), "is in the future"),
    ],
)
def test_what_refuses_a_check(key: str, value: Any, what: str) -> None:
    with pytest.raises(BodyError) as refused:
        parse({**check(), key: value})
    assert what in refused.value.what
    assert refused.value.where == f"body.{key}"
    assert refused.value.mend


def test_of_a_list_the_rest_is_taken() -> None:
    parsed = parse([check(), {**check(), "head": "no"}, check(head="b" * 40)])
    assert [event.index for event in parsed.events] == [0, 2]
    [problem] = parsed.problems
    assert problem.where == "[1].head"


def test_parts_that_are_not_in_order_are_left_out_with_the_reason() -> None:
    body = check(matches=[{"rule": "x"}, 7, DROP], files=["ok", 3, "x" * 301], services=["a", None])
    parsed = parse(body)
    event = parsed.events[0]
    assert isinstance(event, RiskEvent)
    assert ([match.rule for match in event.matches], event.files, event.services) == (
        ["sql-drop-column"], ("ok",), ("a",),
    )  # fmt: skip
    assert [problem.where for problem in parsed.problems] == [
        "body.services[1]", "body.matches[0]", "body.matches[1]", "body.files[1]", "body.files[2]",
    ]  # fmt: skip


def test_it_is_bounded_and_no_rule_hides_another() -> None:
    many = [{**DROP, "rule": "loud", "level": "critical"}] * 500
    event = one(check(matches=[*many, {**DROP, "level": "low"}], files=[f"f{n}" for n in range(5_000)]))
    assert (len(event.matches), len(event.files)) == (20, 300)
    assert [match.rule for match in event.matches] == ["loud"] * 19 + ["sql-drop-column"]
    long = one(check(title="t" * 9_999, url="javascript:alert(1)", matches=[{**DROP, "what": "w" * 9_999}]))
    assert (len(long.title), long.url, len(long.matches[0].what)) == (300, "", 300)
    assert sum(map(len, one(check(files=["p" * 299 + str(n % 10) for n in range(90)])).files)) <= 16_384


def test_texts_are_one_line_without_what_moves_a_cursor() -> None:
    event = one(check(title="a\n\x1b[31mred‮", matches=[{**DROP, "what": "x\r\ny\x07"}]))
    assert event.title.isprintable()
    assert event.matches[0].what == "x y"


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_any_value_is_read_or_refused(value: Any) -> None:
    for body in (value, [value], {**check(), "matches": value}, {**check(), "files": [value]}):
        assert read_or_refused(orjson.dumps(body))


@pytest.mark.parametrize("key", sorted(check()))
def test_hostile_values_in_each_place(key: str) -> None:
    for value in HOSTILE:
        try:
            raw = orjson.dumps({**check(), key: value})
        except TypeError:
            continue
        assert read_or_refused(raw)
