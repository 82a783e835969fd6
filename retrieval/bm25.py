"""BM25 finds the candidates that likeness then ranks: one place for tokens, weights, and where the cut is.

Every token counts once in a thing, so that term frequency and length play no part, and weighs in a query what
its class weighs; how rare it is in memory comes on top. Both memories cut alike.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from core.ports import Remembered
from retrieval.likeness import SAID, WEIGHTS, traits

KEPT = 100
# Scores this near are taken for equal: the engine counts in 32 bits, and equals are never parted by the cut.
_NEAR = 0.999


def tokens(remembered: Remembered) -> tuple[str, ...]:
    """A term becomes one token that no text can spell and no tokenizer splits; words keep their own kind."""
    found = traits(remembered)
    terms = [term_token(term) for own in found.terms.values() for term in own]
    return tuple(sorted((*terms, *(_word_token(word) for word in found.words))))


def weights(like: Remembered) -> dict[str, float]:
    """Per token of a query. A class shares its weight among its terms, so that no class is won by length."""
    found = traits(like)
    weighed: dict[str, float] = {}
    for name, terms in found.terms.items():
        weighed.update((term_token(term), WEIGHTS[name] / len(terms)) for term in sorted(terms))
    weighed.update((_word_token(word), SAID / len(found.words)) for word in sorted(found.words))
    return weighed


def term_token(term: str) -> str:
    return "t" + hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def _word_token(word: str) -> str:
    return f"w{word}"


def rarity(population: int, holders: int) -> float:
    """BM25's inverse document frequency, as the engine counts it; never negative."""
    return math.log(1 + (population - holders + 0.5) / (holders + 0.5))


def kept(limit: int) -> int:
    """How many candidates are wanted for a recall of `limit`."""
    return max(KEPT, limit)


def threshold(scores: Sequence[float], wanted: int) -> float:
    """The score that a candidate must have; `scores` are sorted, the best first."""
    return scores[wanted - 1] * _NEAR if len(scores) >= wanted else 0.0
