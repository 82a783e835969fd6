"""How alike two remembered things are, as a share that people can compute by hand. Pure.

Each class of term has a weight. A class gives the part of its weight that the two have in common (shared
terms of all terms of either); the sum is taken in thousandths of what the query's classes could give. So the
same pair has the same match whatever else is in memory, and long lists and long texts gain nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from core.ports import Recalled, Remembered
from retrieval.words import said_words

# The class of a term is what stands before its colon. The most telling come first; of a domain nothing is
# told, but other domains are never recalled.
WEIGHTS: dict[str, int] = {
    "origin-symptom": 250,
    "symptom": 80,
    "change": 250,
    "unchanged": 60,
    "spread": 90,
    "origin": 70,
    "service": 80,
    "alert": 50,
    "word": 60,
    "breadth": 20,
    "team": 10,
    "environment": 10,
    "cluster": 10,
    "": 20,
    "domain": 0,
}
SAID = 20
MOST_SHARED = 12
_RANK = {name: number for number, name in enumerate(WEIGHTS)}


class Traits(NamedTuple):
    """What is compared: terms by class, without those that weigh nothing, and the words said."""

    terms: dict[str, frozenset[str]]
    words: frozenset[str]


def class_of(term: str) -> str:
    """A key of WEIGHTS; "" for a class of its own making."""
    name, colon, _ = term.partition(":")
    return name if colon and name in WEIGHTS else ""


def traits(remembered: Remembered) -> Traits:
    classes: dict[str, set[str]] = {}
    for term in remembered.terms:
        name = class_of(term)
        if WEIGHTS[name]:
            classes.setdefault(name, set()).add(term)
    values = (term.partition(":")[2] for term in remembered.terms if WEIGHTS[class_of(term)])
    words = said_words((remembered.title, *values, remembered.text))
    return Traits({name: frozenset(terms) for name, terms in classes.items()}, frozenset(words))


def likeness(like: Traits, other: Traits) -> int:
    """Thousandths; 1000 for the same terms and words, 0 when next to nothing is shared.

    Words count for SAID at most: the part of the query's words that the other says too.
    """
    total = sum(WEIGHTS[name] for name in like.terms)
    score = 0
    for name, terms in like.terms.items():
        theirs = other.terms.get(name, frozenset())
        score += WEIGHTS[name] * 1000 * len(terms & theirs) // len(terms | theirs)
    if like.words:
        total += SAID
        score += SAID * 1000 * len(like.words & other.words) // len(like.words)
    return score // total if total else 0


def shared_terms(like: Remembered, other: Remembered) -> tuple[str, ...]:
    """Terms in common, the telling classes first, then in the query's order; at most MOST_SHARED."""
    theirs = set(other.terms)
    common = [term for term in dict.fromkeys(like.terms) if term in theirs and WEIGHTS[class_of(term)]]
    return tuple(sorted(common, key=lambda term: _RANK[class_of(term)])[:MOST_SHARED])


def domain_of(remembered: Remembered) -> str:
    """Its `domain:` term, or "" for what belongs to all."""
    return next((term for term in remembered.terms if class_of(term) == "domain"), "")


def rank(like: Remembered, candidates: Iterable[Remembered], limit: int) -> list[Recalled]:
    """The most alike first, ties by id; what has nothing to do with it is left out."""
    own = traits(like)
    rows = [(likeness(own, traits(other)), other) for other in candidates]
    rows.sort(key=lambda row: (-row[0], row[1].id))
    best = [(match, other) for match, other in rows[: max(limit, 0)] if match]
    return [Recalled(other, match, shared_terms(like, other)) for match, other in best]
