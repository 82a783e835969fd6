"""Patterns that operators write: always answered, or refused with the reason and a way out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from core.errors import InputError, RuleError
from core.patterns import MAX_PATTERN, Pattern, PatternText, compile_pattern


def refused(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        compile_pattern(text, "silences.yaml, line 3")
    assert caught.value.where == "silences.yaml, line 3"
    assert caught.value.mend
    return caught.value


def test_the_whole_text_must_fit() -> None:
    pattern = compile_pattern("checkout-(api|web)", "here")
    answers = {name: pattern.fullmatch(name) for name in ("checkout-api", "checkout-api2", "my-checkout-web")}
    assert answers == {"checkout-api": True, "checkout-api2": False, "my-checkout-web": False}
    assert pattern.text == "checkout-(api|web)"


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*", "(a|aa)+", "(.*)*x", "(a*)*b"])
def test_what_other_engines_hang_on_is_answered(text: str) -> None:
    """A backtracking engine needs 2 to the power of 50,000 steps for these; an answer at all is the proof."""
    pattern = compile_pattern(text, "here")
    assert not pattern.fullmatch("a" * 50_000 + "!")


@pytest.mark.parametrize(
    ("text", "says", "way_out"),
    [
        (r"(a)\1", "invalid escape sequence: \\1", "without backreferences"),
        (r"(?P<n>a)(?P=n)", "(?P", "without backreferences"),
        (r"\k<n>", "\\k", "without backreferences"),
        (r"(?=a)b", "(?=", "without look-ahead"),
        (r"(?!a)b", "(?!", "without look-ahead"),
        (r"(?<=a)b", "(?<", "without look-ahead"),
        (r"(?<!a)b", "(?<", "without look-ahead"),
        ("*.prod", "no argument", "before *"),
        ("(a", "missing )", "Close the bracket"),
        ("a)", "unexpected )", "Open a bracket"),
        ("[a", "missing ]", "Close the bracket"),
        ("a{1,2000}", "repetition size", "1,000 times"),
        ("(?:\\pL{500}){2}", "too large", "shorter"),
        (r"a\Z", "\\Z", "\\z"),
        ("a\ud800", "surrogate", "RE2"),
        ("a" * (MAX_PATTERN + 1), "1001 characters", "1000 at most"),
    ],
)
def test_what_it_cannot_do_is_refused_with_a_way_out(text: str, says: str, way_out: str) -> None:
    error = refused(text)
    assert says in error.what
    assert way_out in error.mend


def test_the_error_is_of_the_kind_asked_for() -> None:
    with pytest.raises(RuleError, match=r"^rules/x\.yaml: not a pattern"):
        compile_pattern("(", "rules/x.yaml", RuleError)


def test_a_refused_pattern_is_refused_again(capfd: pytest.CaptureFixture[str]) -> None:
    assert str(refused("(")) == str(refused("("))
    assert capfd.readouterr() == ("", ""), "RE2 prints nothing of its own"


def test_foreign_text_that_is_no_unicode_is_answered() -> None:
    assert compile_pattern("a.*", "here").fullmatch("a\ud800")
    assert not compile_pattern("b.*", "here").fullmatch("a\ud800")


def test_compiled_once() -> None:
    assert compile_pattern("team-[0-9]+", "here") is compile_pattern("team-[0-9]+", "there")


class Matcher(BaseModel):
    pattern: PatternText


def test_in_a_document_the_text_stays_and_a_fault_has_its_path() -> None:
    assert Matcher(pattern="a+").pattern == "a+"
    with pytest.raises(ValidationError) as caught:
        Matcher(pattern="(?=a)")
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("pattern",)
    assert "look-ahead" in fault["msg"]


@given(st.text(max_size=40), st.text(max_size=60))
def test_any_text_is_a_pattern_or_an_input_error(pattern: str, text: str) -> None:
    try:
        made = compile_pattern(pattern, "here")
    except InputError:
        return
    assert made.fullmatch(text) in (True, False)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_escaped_text_fits_itself_alone(text: str) -> None:
    pattern = Pattern("".join(f"\\x{{{ord(c):x}}}" for c in text))
    assert pattern.fullmatch(text)
    assert not pattern.fullmatch(text + "x")


def test_simple_patterns_answer_as_pythons_own() -> None:
    texts = ["", "a", "ab", "ba", "api-1", "API-1", "prod\n", "é", "a.b", "a-b"]
    for one in ("a.*", "[ab]+", "(?i)api-[0-9]", "prod", "a\\.b", ".", "", "[^a]+", "\\w+", "a|b|é"):
        mine = [compile_pattern(one, "here").fullmatch(text) for text in texts]
        assert mine == [re.fullmatch(one, text, re.ASCII if "w" in one else 0) is not None for text in texts]
