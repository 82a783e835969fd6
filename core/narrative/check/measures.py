"""What a number measures: the words around it must be those of the fact that holds it.

8 s before the first alert are not 8 s before the last one ended, and what fires has not ended.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from core.narrative.check.claims import Claim
from core.narrative.check.numbers import holders
from core.narrative.check.words import OVER
from core.narrative.facts import Fact
from core.words import word_set

_FIRES = word_set("firing fires fire active ongoing burning live")
_ENDS = OVER | word_set("stop stops last")
_STARTS = word_set("""
    first begin begins began beginning alerted alert alerts start starts started onset
""")
_CUT = re.compile("[,;]| and ")


class _Words(NamedTuple):
    """`needed`: one of them stands near; `barred`: none of them does; `whole`: near is the sentence."""

    needed: frozenset[str]
    barred: frozenset[str] = frozenset()
    whole: bool = False


_OF_KIND = {
    "age": _Words(_STARTS, OVER),
    "gap": _Words(_ENDS, frozenset({"first", "began", "begins", "started"})),
    "duration": _Words(OVER | word_set("lasted lasting lasts duration took after"), whole=True),
    "firing": _Words(_FIRES, OVER),
    "service-firing": _Words(_FIRES, OVER),
    "unknown": _Words(word_set("known unknown unclear heard")),
    "plan-withheld": _Words(word_set("withheld shown hidden more"), whole=True),
}


def measures_hold(claim: Claim) -> bool:
    """Whether each number, written out or in a slot, is told in the words of a cited fact that holds it."""
    told = [(start, end, facts) for start, end, facts in holders(claim)]
    told += [
        (index, index + 1, [fact])
        for index, mark in claim.placed()
        if mark.kind == "slot" and mark.field == "value"
        for fact in claim.cited
        if fact.id in mark.facts and isinstance(fact.value, int)
    ]
    return all(any(_tells(claim, fact, start, end) for fact in facts) for start, end, facts in told if facts)


def _tells(claim: Claim, fact: Fact, start: int, end: int) -> bool:
    near = _near(claim, start, end)
    if fact.kind == "alerts":
        return _alerts(claim, near)
    rule = _OF_KIND.get(fact.kind)
    if rule is None:
        return True
    words = set(claim.word_set) if rule.whole else near
    return bool(words & rule.needed) and not near & rule.barred


def _alerts(claim: Claim, near: set[str]) -> bool:
    """All alerts of the incident: they have ended, or still fire, only when that is so of all."""
    firing = sum(_count(fact) for fact in claim.all.values() if fact.kind in ("firing", "unknown"))
    total = sum(_count(fact) for fact in claim.all.values() if fact.kind == "alerts")
    if near & {"ended", "cleared", "recovered", "over"}:
        return firing == 0
    return not near & _FIRES or firing == total


def _count(fact: Fact) -> int:
    return fact.value if isinstance(fact.value, int) else 0


def _near(claim: Claim, start: int, end: int) -> set[str]:
    """Words of the clause that the number stands in."""
    cuts = [match.end() for match in _CUT.finditer(claim.lower, 0, start)]
    low = cuts[-1] if cuts else 0
    after = _CUT.search(claim.lower, end)
    high = after.start() if after else len(claim.lower)
    return {word.text for word in claim.words if low <= word.at < high}
