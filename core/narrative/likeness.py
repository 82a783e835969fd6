"""What two incidents have in common, in words: the structured terms of memory as people say them."""

from __future__ import annotations

from collections.abc import Iterable

_WORDS = {
    "origin-symptom": "{} where it began",
    "symptom": "{}",
    "change": "a {} just before",
    "spread": "{}",
    "origin": "began at {}",
    "service": "{}",
    "alert": "{}",
    "team": "team {}",
}
_VALUES = {
    ("spread", "callers"): "its callers suffer",
    ("spread", "others"): "others suffer",
    ("spread", "alone"): "nobody else suffers",
    ("change", "configuration"): "configuration change",
    ("change", "flag"): "flag change",
    ("change", "infrastructure"): "infrastructure change",
    ("unchanged", ""): "no change before",
}
_TOLD_BY_ANOTHER = {"symptom": "origin-symptom"}


def in_words(terms: Iterable[str]) -> tuple[str, ...]:
    """`errors where it began` of `origin-symptom:errors`. What says little, or nothing new, is left out."""
    known = list(terms)
    told = []
    for term in known:
        name, _, value = term.partition(":")
        better = _TOLD_BY_ANOTHER.get(name)
        if better is None or f"{better}:{value}" not in known:
            told.append(_one(name, value))
    return tuple(dict.fromkeys(words for words in told if words))


def _one(name: str, value: str) -> str:
    if name == "unchanged":
        return _VALUES["unchanged", ""]
    words = _VALUES.get((name, value), value)
    return _WORDS[name].format(words) if name in _WORDS else ""
