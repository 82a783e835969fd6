"""Status words and negation: what a sentence says is over, still going on, acknowledged, or not so.

A negated status is the other status. Any other negation needs a cited fact that is negative itself.
"""

from __future__ import annotations

import re

from core.narrative.check import words
from core.narrative.check.claims import Claim
from core.narrative.check.sides import is_service
from core.narrative.facts import Fact
from core.words import word_set

_OVER_KINDS = word_set("""
    resolved duration end gap repair past-ending past
""")
_REACH = 6
_STILL = re.compile(r"(?<![a-z])still(?![a-z])")
_LIVE = re.compile(rf"(?<![a-z])(?:{'|'.join(words.LIVE_PHRASES)})(?![a-z])")


def polarity_reasons(claim: Claim) -> tuple[str, ...]:
    reasons = []
    negations = _negations(claim)
    used: set[int] = set()
    for place, word in enumerate(_tokens(claim)):
        state = _state(word)
        if state is None:
            continue
        near = [n for n in negations if place - _REACH <= n < place]
        used.update(near[-1:])
        if not _agrees(claim, state, bool(near)):
            reasons.append("wrong status")
    if not _goes_on(claim, bool(negations)):
        reasons.append("wrong status")
    left = [n for n in negations if n not in used]
    if (left and not _negative(claim)) or len(left) > 1:
        reasons.append("unsupported negation")
    if not negations and any(fact.kind in words.NEGATIVE_KINDS for fact in claim.cited):
        reasons.append("unsupported negation")
    return tuple(dict.fromkeys(reasons))


def _goes_on(claim: Claim, negated: bool) -> bool:
    """`still going on` needs a fact that says so; `payments is still down` one that says so of payments."""
    if negated:
        return True
    if _LIVE.search(claim.lower) and not any(map(_is_live, claim.cited)):
        return False
    for match in _STILL.finditer(claim.lower):
        clause = claim.lower[: match.start()].rfind(",") + 1
        named = [mark.text for _, mark in claim.placed(clause, match.start()) if is_service(claim, mark)]
        of = [fact for fact in claim.cited if _is_live(fact)]
        if not of or (named and not any(fact.subject in named for fact in of)):
            return False
    return True


def _tokens(claim: Claim) -> list[str]:
    """Words, with `isn't` as `is` and `not`."""
    found: list[str] = []
    for word in claim.words:
        found += word.text.replace("n't", " not").split()
    return found


def _negations(claim: Claim) -> list[int]:
    return [
        place for place, word in enumerate(_tokens(claim)) if word in words.NEGATIONS and word != "unresolved"
    ]


def _state(word: str) -> str | None:
    if word in words.ACKNOWLEDGED:
        return "acknowledged"
    if word in words.LIVE:
        return "live"
    return "over" if word in words.OVER else None


def _agrees(claim: Claim, state: str, negated: bool) -> bool:
    if state == "acknowledged":
        return any(_not_acknowledged(f) if negated else _is_acknowledged(f) for f in claim.cited)
    over = (state == "over") != negated
    return any(_is_over(fact) if over else _is_live(fact) for fact in claim.cited)


def _is_acknowledged(fact: Fact) -> bool:
    return fact.kind == "acknowledged" or (fact.kind == "status" and fact.object == "acknowledged")


def _not_acknowledged(fact: Fact) -> bool:
    return fact.kind == "unacknowledged" or (fact.kind == "status" and fact.object == "triggered")


def _is_over(fact: Fact) -> bool:
    if fact.kind == "status":
        return fact.object in ("resolved", "closed")
    return fact.kind in _OVER_KINDS or (fact.kind == "firing" and fact.value == 0)


def _is_live(fact: Fact) -> bool:
    if fact.kind == "status":
        return fact.object in ("triggered", "acknowledged", "mitigated")
    return fact.kind in ("firing", "service-firing", "unknown", "service-unknown") and fact.value != 0


def _negative(claim: Claim) -> bool:
    return any(
        fact.kind in words.NEGATIVE_KINDS or (fact.kind == "firing" and not fact.value)
        for fact in claim.cited
    )
