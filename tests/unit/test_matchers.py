"""Matchers: what is read, what is refused, and that they hold exactly when they should."""

from __future__ import annotations

import random
import re

import pytest

from core.errors import InputError
from core.model.entity import Entity
from core.model.incident import Episode
from core.suppression.dispatch import Dispatch
from core.suppression.matchers import (
    Matcher,
    Matchers,
    label_of,
    matcher,
    of_labels,
    parse_all,
    parse_matchers,
)

READ = {
    'foo="bar"': [("foo", "=", "bar")],
    "foo=bar": [("foo", "=", "bar")],
    '{a="b",c=~"d|e"}': [("a", "=", "b"), ("c", "=~", "d|e")],
    ' { a != "b" , c !~ "d" , } ': [("a", "!=", "b"), ("c", "!~", "d")],
    'a="x,y", b="{z}"': [("a", "=", "x,y"), ("b", "=", "{z}")],
    r'a="q\"u\\o\n"': [("a", "=", 'q"u\\o\n')],
    r'a=~"10\.0\..*"': [("a", "=~", r"10\.0\..*")],
    'a=""': [("a", "=", "")],
    "a=": [("a", "=", "")],
    '"name with blank"="x"': [("name with blank", "=", "x")],
    "übel=böse": [("übel", "=", "böse")],
    'foo=~"a=b"': [("foo", "=~", "a=b")],
    '@service="cart"': [("@service", "=", "cart")],
    "{}": [],
    "": [],
    'url="http://x/?a=1&b={2}"': [("url", "=", "http://x/?a=1&b={2}")],
}
REFUSED = {
    "foo": "no label and sign",
    '="x"': "no label and sign",
    '"" = "x"': "no label and sign",
    'a="b': "no comma",
    '{a="b"': "brace",
    'a="b"}': "brace",
    'a="b" c="d"': "no comma",
    'a="b",,c="d"': "no label and sign",
    'a=~"("': "not a pattern",
    r'a=~"(a)\1"': "not a pattern",
    'a=~"(?=x)"': "not a pattern",
    "a=~" + '"' + "x" * 1001 + '"': "1001 characters",
    "x" * 201 + "=a": "label's name",
    ",".join(["a=b"] * 51): "too many",
    "a=" + "b" * 10_000: "too long",
    'a="\ud800"': "surrogate",
}


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_what_is_read_and_that_it_is_read_the_same_again(text: str, expected: list[object]) -> None:
    found = parse_matchers(text)
    assert [(one.name, one.op, one.value) for one in found] == expected
    assert parse_matchers(Matchers(found).text) == found


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_what_cannot_be_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        parse_matchers(text)


def test_a_first_word_without_a_sign_is_an_alerts_name() -> None:
    assert [one.text for one in parse_all(["HighLatency", "service=cart"])] == [
        'alertname="HighLatency"',
        'service="cart"',
    ]
    with pytest.raises(InputError, match="no label and sign"):
        parse_all(["service=cart", "HighLatency"])


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('a="x"', {"a": "x"}, True),
        ('a="x"', {}, False),
        ('a=""', {}, True),
        ('a!=""', {}, False),
        ('a!="x"', {}, True),
        ('a=~"x"', {"a": "xx"}, False),
        ('a=~"x|y"', {"a": "y"}, True),
        ('a=~".*"', {}, True),
        ('a=~".+"', {}, False),
        ('a!~"x.*"', {"a": "xyz"}, False),
        ('a!~"x.*"', {}, True),
        ('a="x", b="y"', {"a": "x"}, False),
    ],
)
def test_a_missing_label_is_empty_and_patterns_fit_the_whole(
    text: str, labels: dict[str, str], holds: bool
) -> None:
    assert Matchers(parse_matchers(text)).hold(of_labels(labels)) is holds


def episode(number: int, labels: dict[str, str], rank: int = 0) -> Episode:
    entity = Entity(domain="default", environment="", cluster="", service=labels.get("service", ""))
    return Episode(f"e{number}", f"f{number}", number, entity, labels, rank, "default/x", 1, 0, 0, 0)


def test_names_of_ours_are_what_identity_made() -> None:
    one = episode(1, {"app": "cart", "@service": "forged"}, rank=2)
    one.entity = Entity(domain="east", environment="prod", cluster="c1", service="cart")
    text = '@service="cart", @environment=prod, @cluster=c1, @domain=east, @level=warning'
    assert Matchers(parse_matchers(text)).fit(one)
    assert label_of(one, "app") == "cart"


NAMES, VALUES = ("a", "b", "c"), ("", "x", "y", "xy")
PATTERNS = ("x", "x|y", "x.*", ".+", ".*", "", "[xy]", "x y|y")


def some_matchers(rng: random.Random) -> tuple[Matcher, ...]:
    found = []
    for _ in range(rng.randint(1, 3)):
        op = rng.choice(("=", "!=", "=~", "!~"))
        found.append(matcher(rng.choice(NAMES), op, rng.choice(PATTERNS if "~" in op else VALUES)))
    return tuple(found)


def brute(matchers: tuple[Matcher, ...], labels: dict[str, str]) -> bool:
    def one(test: Matcher) -> bool:
        value = labels.get(test.name, "")
        same = re.fullmatch(test.value, value) is not None if "~" in test.op else value == test.value
        return same != test.op.startswith("!")

    return all(one(test) for test in matchers)


def test_the_dispatch_finds_what_trying_all_finds() -> None:
    rng = random.Random(7)
    for _ in range(300):
        rows = [(some_matchers(rng), number) for number in range(rng.randint(0, 12))]
        dispatch = Dispatch((Matchers(matchers), number) for matchers, number in rows)
        for _ in range(10):
            labels = {name: rng.choice(VALUES) for name in NAMES if rng.random() < 0.7}
            expected = [number for matchers, number in rows if brute(matchers, labels)]
            assert dispatch.fitting(episode(1, labels)) == expected, (rows, labels)


def test_writing_and_reading_gives_the_same_whatever_stands_in_it() -> None:
    rng = random.Random(3)
    signs = ['"', "\\", "\n", ",", "{", "}", "=", "~", "!", " ", "a", "é", "'", "`", "\t"]
    for _ in range(500):
        value = "".join(rng.choices(signs, k=rng.randint(0, 6)))
        name = "".join(rng.choices(signs, k=rng.randint(1, 4)))
        one = matcher(name, rng.choice(("=", "!=")), value)
        assert parse_matchers("{" + one.text + "," + one.text + "}") == (one, one)
