"""What kind of trouble an alert tells of, from the words of its name alone: errors, latency, down and so on.

An alert's name is what the team's own alerting rule is called; descriptions and summaries are not looked at.
"""

from __future__ import annotations

import re

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
        own = words_of(name)
        signs = rule.words.items()
        found = next((kind for kind, words in signs if any(_has(own, sign) for sign in words)), "")
        known[name] = found
    return found


def _has(own: tuple[str, ...], sign: str) -> bool:
    if len(sign) < _STEM:
        return sign in own
    return any(word.startswith(sign) for word in own)
