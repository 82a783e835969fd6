"""What two incidents share, as people say it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.narrative.likeness import in_words


def test_terms_become_words_and_nothing_is_said_twice() -> None:
    terms = ("origin-symptom:errors", "symptom:errors", "symptom:latency", "change:deploy", "spread:callers")
    assert in_words(terms) == (
        "errors where it began",
        "latency",
        "a deploy just before",
        "its callers suffer",
    )


def test_what_says_little_is_left_out() -> None:
    assert in_words(("word:error", "breadth:4-7", "environment:production", "service:checkout")) == (
        "checkout",
    )


def test_kinds_of_changes() -> None:
    assert in_words(("change:flag", "unchanged:yes")) == ("a flag change just before", "no change before")


@given(st.lists(st.text(max_size=40)))
def test_any_term_is_taken(terms: list[str]) -> None:
    assert all(in_words(terms)) or in_words(terms) == ()
