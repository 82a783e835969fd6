"""What kind of trouble an alert tells of, from the words of its name alone: errors, latency, down and so on.

An alert's name is what the team's own alerting rule is called; descriptions and summaries are not looked at.
What it tells stands at its end (`BackupDbDown` is about a database that is down, not about a backup), so the
last words go first; words of what is still to come (`soon`) tell that nothing has happened yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.rules.schema import SymptomRule

_WORD = re.compile(r"[Pp][0-9]{2,3}|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*")
_STEM, _LONGEST, _REMEMBERED = 4, 200, 10_000


def words_of(name: str, *, whole: bool = True) -> tuple[str, ...]:
    """`HTTPErrorRate_p95` as (httperrorrate, http, error, rate, p95): capitals and signs part words.

    Without `whole`, the parts alone.
    """
    found: list[str] = []
    for part in re.split(r"[^0-9A-Za-z]+", name[:_LONGEST]):
        pieces = [piece.lower() for piece in _WORD.findall(part)]
        joined = part.lower()
        found += [joined, *pieces] if whole and joined and pieces != [joined] else pieces
    return tuple(dict.fromkeys(found))


def symptom_of(name: str, rule: SymptomRule) -> str:
    """A symptom of the rule, or "" when no word of the name tells."""
    known = rule.known
    found = known.get(name)
    if found is None:
        if len(known) > _REMEMBERED:
            known.clear()
        found = known[name] = _symptom(name, rule)
    return found


def is_contained(name: str, rule: SymptomRule) -> bool:
    """Whether the trouble stays where it is: by its kind, or because it has not happened yet."""
    return symptom_of(name, rule) in rule.contained or _prospect(words_of(name, whole=False), rule)


def tells(name: str, signs: Iterable[str]) -> bool:
    """Whether one of the signs is in the name: a word, or several in a row."""
    own = words_of(name)
    return any(_has(own, sign) for sign in signs)


def _symptom(name: str, rule: SymptomRule) -> str:
    own, parts = words_of(name), words_of(name, whole=False)
    if (found := _by_end(parts, rule)) or not _prospect(parts, rule):
        signs = rule.words.items()
        return found or next((kind for kind, words in signs if any(_has(own, sign) for sign in words)), "")
    dated = any(_has(own, sign) for sign in rule.words.get("certificate", ()))
    return "certificate" if dated else "housekeeping"


def _by_end(parts: tuple[str, ...], rule: SymptomRule) -> str:
    """By the last words, but for asides and numbers: `BackupJobFailed` ends like `BackupFailed`."""
    if not rule.ends:
        return ""
    kept = tuple(word for word in parts if word not in rule.asides and not word.isdigit())
    for kind, ends in rule.ends.items():
        if any(_has(kept[-len(end.split(" ")) :], end) for end in ends):
            return kind
    return ""


def _prospect(parts: tuple[str, ...], rule: SymptomRule) -> bool:
    return any(
        _is(word, sign) and parts[place + 1 : place + 2] != ("not",)
        for sign in rule.prospects
        for place, word in enumerate(parts)
    )


def _has(own: tuple[str, ...], sign: str) -> bool:
    if " " not in sign:
        return any(_is(word, sign) for word in own)
    signs = sign.split(" ")
    rows = (own[place : place + len(signs)] for place in range(len(own) - len(signs) + 1))
    return any(all(_is(word, one) for word, one in zip(row, signs, strict=True)) for row in rows)


def _is(word: str, sign: str) -> bool:
    return word == sign or (len(sign) >= _STEM and word.startswith(sign))
