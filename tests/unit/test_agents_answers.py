"""What is read out of a model's answer, what is refused, and in which words; why a call failed, in words."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.answers import MAX_CHARS, Answer, Unusable, read_answer
from agents.failures import in_words
from agents.waiting import CallCancelled, TooManyCalls

GOOD = '{"sentences": ["One [F1].", "Two [F2]."], "choice": 1}'
READ = Answer(("One [F1].", "Two [F2]."), 1)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"Sure! Here is what you asked for:\n\n{GOOD}\n\nIs there more I can do?",
        f"<think>a draft {{ is here, and {{'another'}}</think>{GOOD}",
        f'{{"sentences": ["A draft."]}} then {GOOD}',
        f'{{"note": "first"}}\n{GOOD}',
        f"{{{GOOD}",
    ],
)
def test_the_json_is_found_in_whatever_is_around_it(text: str) -> None:
    assert read_answer(text) == READ


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "answered nothing"),
        (" \n\t ", "answered nothing"),
        ("I cannot help with that.", "answered something that is no JSON"),
        (GOOD[:-20], "answered something that is no JSON"),
        ("[1, 2]", "answered something that is no JSON"),
        ("null", "answered something that is no JSON"),
        ("{'sentences': ['single quotes']}", "answered something that is no JSON"),
        ('{"sentences": [NaN]}', "answered something that is no JSON"),
        ('{"sentences": ["a"], "choice": Infinity}', "answered something that is no JSON"),
        ('{"sentences": ["a"], "choice": ' + "9" * 5_000 + "}", "answered something that is no JSON"),
        ("{" * 60_000, "answered something that is no JSON"),
        ('{"a":' * 12_000, "answered something that is no JSON"),
        ("{}", "answered JSON without a list of sentences"),
        ('{"sentences": "one text"}', "answered JSON without a list of sentences"),
        ('{"text": ["a"]}', "answered JSON without a list of sentences"),
        ('{"sentences": []}', "answered no sentence"),
        ('{"sentences": [1, 2]}', "answered sentences that are no text"),
        ('{"sentences": ["a", null]}', "answered sentences that are no text"),
        ('{"sentences": [["a"]]}', "answered sentences that are no text"),
        ("x" * (MAX_CHARS + 1), f"answered more than {MAX_CHARS} characters"),
    ],
)
def test_what_is_of_no_use_is_refused_in_our_words(text: str, words: str) -> None:
    with pytest.raises(Unusable) as refused:
        read_answer(text)
    assert refused.value.words == words
    assert in_words(refused.value, 20) == f"the model {words}"


@pytest.mark.parametrize("choice", ["true", '"1"', "1.0", "null", "[1]", '{"a": 1}'])
def test_a_choice_is_a_whole_number_or_none(choice: str) -> None:
    assert read_answer(f'{{"sentences": ["a"], "choice": {choice}}}').choice is None


def test_no_more_sentences_are_read_than_a_note_may_have() -> None:
    assert len(read_answer(json.dumps({"sentences": ["a"] * 500})).sentences) == 12


@given(st.text(max_size=300) | st.text(alphabet='{}[]":,\\ sentence1NaN', max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        words = "answered" if read_answer(text).sentences else ""
    except Unusable as refused:
        words = refused.words
    assert words.startswith("answered")


class APIConnectionError(Exception):
    """As clients call it."""


class RateLimited(Exception):
    status_code = 429


class AnswerTooLong(Exception):
    pass


class Odd(Exception):
    status_code = "200 <script>"


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "the model did not answer within 0.5 s"),
        (caused(APIConnectionError(), TimeoutError()), "the model did not answer within 0.5 s"),
        (caused(APIConnectionError(), ConnectionRefusedError()), "the model refused the connection"),
        (caused(APIConnectionError(), ConnectionResetError()), "the model broke the connection off"),
        (caused(APIConnectionError(), AnswerTooLong()), "the model answered more than it may"),
        (APIConnectionError("secret"), "the model could not be reached"),
        (RateLimited("secret"), "the model's server answered 429: too many calls"),
        (CallCancelled(), "the model broke the call off"),
        (TooManyCalls(), "the model was not asked: too many earlier calls have not come back"),
        (json.JSONDecodeError("secret", "secret", 0), "the model answered what nobody can read"),
        (Odd("secret"), "the call of the model failed (Odd)"),
        (type("secret words!", (Exception,), {})(), "the call of the model failed (an error without a name)"),
    ],
)
def test_a_failure_is_told_in_our_words_alone(error: Exception, words: str) -> None:
    assert in_words(error, 0.5) == words


def test_a_chain_of_errors_that_bites_its_tail_comes_to_an_end() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert in_words(first, 1) == "the call of the model failed (ValueError)"


def test_a_cancellation_is_no_failure_of_the_model() -> None:
    assert not isinstance(asyncio.CancelledError(), Exception)
