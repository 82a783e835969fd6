"""Words and likeness: what counts for a word, how a share is computed, what no length can win."""

from __future__ import annotations

import pytest

from core.ports import Remembered
from retrieval.bm25 import term_token, tokens, weights
from retrieval.likeness import WEIGHTS, class_of, likeness, rank, shared_terms, traits
from retrieval.words import MOST_WORDS, name_words, said_words


def thing(*terms: str, text: str = "") -> Remembered:
    return Remembered("x", "incident", "", "", terms, text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("HighErrorRatio", ("high", "error", "ratio")),
        ("high_errors-ratio", ("high", "error", "ratio")),
        ("KafkaConsumerLag", ("kafka", "consumer", "lag")),
        ("down", ("down",)),
        ("Ошибки", ("ошибки",)),
        ("", ()),
        ("---", ()),
    ],
)
def test_names_are_split_into_words(name: str, words: tuple[str, ...]) -> None:
    assert name_words(name) == words


def test_a_word_said_often_is_said_once_and_empty_ones_are_left_out() -> None:
    assert said_words(["The pods of PAYMENTS", "payments, payment!"]) == ("pod", "payment")
    assert len(said_words([" ".join(f"w{n}" for n in range(1_000))])) == MOST_WORDS
    assert max(map(len, said_words(["x" * 500]))) == 32


def test_likeness_can_be_computed_by_hand() -> None:
    like = traits(thing("origin-symptom:errors", "change:deploy", "service:a", "service:b"))
    other = traits(thing("origin-symptom:errors", "service:b", "service:c"))
    # 250 for the symptom, a third of 80 for the services, of 250 + 250 + 80, and 20 for words: "b" and
    # "error" of four.
    assert likeness(like, other) == (250_000 + 80_000 // 3 + 10_000) // 600
    assert likeness(like, like) == 1000
    assert likeness(like, traits(thing())) == 0
    assert likeness(traits(thing()), like) == 0


def test_a_thing_that_has_everything_is_not_like_everything() -> None:
    like = traits(thing("symptom:errors", "service:a"))
    every = (f"{name}:{value}" for name in ("symptom", "service") for value in ("a", "errors", *range(8)))
    assert likeness(like, traits(thing(*every))) < 250
    assert likeness(like, traits(thing("symptom:errors"))) > 450


def test_shared_terms_are_the_telling_ones_first_and_twelve_at_most() -> None:
    like = thing(*(f"service:s{n}" for n in range(20)), "cluster:c", "symptom:errors", "own", "domain:d")
    assert shared_terms(like, like)[:3] == ("symptom:errors", "service:s0", "service:s1")
    assert len(shared_terms(like, like)) == 12
    assert shared_terms(thing("own", "domain:d", "cluster:c"), like) == ("cluster:c", "own")


def test_terms_weigh_more_than_any_text() -> None:
    like = thing("symptom:errors", "environment:e", text=" ".join(f"w{n}" for n in range(300)))
    weighed = weights(like)
    words = sum(weight for token, weight in weighed.items() if token.startswith("w"))
    assert words == pytest.approx(20)
    assert words < weighed[term_token("symptom:errors")] == WEIGHTS["symptom"]


def test_every_term_is_one_token_that_words_cannot_be() -> None:
    hostile = thing(
        "service:a b\nc", "alert:\u2028 \x00", text=f"{term_token('symptom:errors')} symptom:errors"
    )
    made = tokens(hostile)
    assert {term_token("service:a b\nc"), term_token("alert:\u2028 \x00")} <= set(made)
    assert term_token("symptom:errors") not in made
    assert all(len(token.split()) == 1 for token in made)


def test_a_class_of_its_own_counts_little() -> None:
    assert (class_of("symptom:x"), class_of("mood:x"), class_of("symptom")) == ("symptom", "", "")
    assert rank(thing("mood:bad"), [Remembered("y", "incident", "", "", ("mood:bad",))], 1)[0].match == 1000
