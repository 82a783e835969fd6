"""Words of free text and of names, as likeness compares them: lower case, no accents lost, no plural `s`.

Everything is bounded: a text can be as long or as strange as its writer likes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from core.symptoms import words_of

MOST_WORDS = 256
_READ, _LONGEST, _SHORTEST = 8_000, 32, 2
_WORD = re.compile(r"[^\W_]+")
# They say nothing of a trouble and are in nearly every text.
_EMPTY = frozenset((
    "an", "and", "are", "as", "at", "be", "been", "but", "by", "for", "from", "had", "has", "have", "he",
    "in", "into", "is", "it", "its", "not", "of", "on", "or", "our", "she", "so", "than", "that", "the",
    "their", "then", "there", "they", "this", "to", "was", "we", "were", "which", "will", "with", "you",
))  # fmt: skip


def said_words(texts: Iterable[str]) -> tuple[str, ...]:
    """The distinct words of some texts in order, at most MOST_WORDS: what is said 500 times is said once."""
    found: dict[str, None] = {}
    for text in texts:
        plain = unicodedata.normalize("NFKC", text[:_READ]).casefold()
        for word in _WORD.findall(plain):
            if len(word) >= _SHORTEST and word not in _EMPTY:
                found.setdefault(_singular(word[:_LONGEST]))
                if len(found) == MOST_WORDS:
                    return tuple(found)
    return tuple(found)


def name_words(name: str) -> tuple[str, ...]:
    """`HighErrorRatio` and `high_errors-ratio` as (high, error, ratio); other alphabets word by word."""
    whole = "".join(_WORD.findall(name)).lower()
    parts = [word for word in words_of(name) if word != whole] or [name]
    return said_words(parts)


def _singular(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word
