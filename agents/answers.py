"""Reading what a model answered: the last JSON object in its text that holds a list of sentences.

Models wrap their JSON in prose and code fences, so the text is looked through; what is found is taken as
data or refused in words that hold nothing of it. No answer can make the reader slow: the text and the tries
are bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

MAX_CHARS = 65_536
MAX_SENTENCES = 12
_TRIES = 64


class Unusable(Exception):
    """`words` say what was answered, without its text."""

    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__(words)


class Answer(NamedTuple):
    """`choice` is the index that the model gave, or None; nobody has checked yet whether there is such a
    one."""

    sentences: tuple[str, ...]
    choice: int | None = None


def read_answer(text: str) -> Answer:
    """Raises Unusable."""
    if len(text) > MAX_CHARS:
        raise Unusable(f"answered more than {MAX_CHARS} characters")
    if not text.strip():
        raise Unusable("answered nothing")
    objects = list(_objects(text))
    if not objects:
        raise Unusable("answered something that is no JSON")
    with_list = [found for found in objects if isinstance(found.get("sentences"), list)]
    if not with_list:
        raise Unusable("answered JSON without a list of sentences")
    return _answer(with_list[-1])


def _answer(found: dict[str, Any]) -> Answer:
    sentences = found["sentences"]
    if not sentences:
        raise Unusable("answered no sentence")
    if not all(isinstance(sentence, str) for sentence in sentences):
        raise Unusable("answered sentences that are no text")
    choice = found.get("choice")
    whole = choice if isinstance(choice, int) and not isinstance(choice, bool) else None
    return Answer(tuple(sentences[:MAX_SENTENCES]), whole)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at, tries = text.find("{"), 0
    while at >= 0 and tries < _TRIES:
        tries += 1
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
