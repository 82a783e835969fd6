"""Causes that a sentence names: each must be an edge that a cited fact holds, in that direction, and be
hedged."""

from __future__ import annotations

import re

from core.narrative.check import words
from core.narrative.check.claims import Claim
from core.narrative.check.sides import Side, is_service, of_change, phrases, sides, words_in
from core.narrative.facts import Fact
from core.words import word_set

_GENERAL = word_set("""
    incident trouble troubles it this alerts alert errors failures failure problem problems
""")
_CAUSE_AFTER = phrases(words.CAUSE_AFTER)
_CAUSE_BEFORE = phrases(words.CAUSE_BEFORE)


def cause_reasons(claim: Claim) -> tuple[str, ...]:
    """What is wrong with the causes that the sentence names; nothing when it names none."""
    found = [(match, True) for match in _CAUSE_AFTER.finditer(claim.lower) if not _where_from(claim, match)]
    taken = {place for match, _ in found for place in range(*match.span())}
    found += [
        (match, False)
        for match in _CAUSE_BEFORE.finditer(claim.lower)
        if match.start() not in taken and not _passive(claim, match)
    ]
    if not found:
        return ()
    reasons = []
    if not claim.word_set & words.HEDGES:
        reasons.append("cause not hedged")
    if not all(_cause_held(claim, match.span(), after) for match, after in found):
        reasons.append("unsupported cause")
    return tuple(reasons)


def _where_from(claim: Claim, match: re.Match[str]) -> bool:
    """`alerts came from payments` says on which service they are."""
    before, after = claim.lower[: match.start()], claim.lower[match.end() : match.end() + 2]
    place = match.end() + 1
    named = claim.mark_at(place) if place < len(claim.body) and after.startswith(" ") else None
    alerts = before.endswith(("alert ", "alerts "))
    return (
        alerts and match[0] in ("came from", "comes from") and named is not None and is_service(claim, named)
    )


def _passive(claim: Claim, match: re.Match[str]) -> bool:
    """`was hit`, `were affected` say that, not by what; `by` and `because of` are looked at on their own."""
    if match[0] not in words.PASSIVE:
        return False
    before = {word.text for word in [word for word in claim.words if word.end <= match.start()][-2:]}
    follows = claim.lower[match.end() :].lstrip()
    return not follows.startswith("by ") and bool(before & {"was", "were", "is", "are", "been", "be", "who"})


def _cause_held(claim: Claim, span: Side, cause_after: bool) -> bool:
    left, right = sides(claim, (span[0], _pronoun(claim, span)))
    cause_side, effect_side = (right, left) if cause_after else (left, right)
    return any(
        cause.causes and _speaks(claim, cause_side, cause) and _effect_held(claim, effect_side, cause)
        for cause in claim.cited
    )


def _effect_held(claim: Claim, side: Side, cause: Fact) -> bool:
    """Whether all that a side names as hit is what the cause may have caused; or it names nothing but the
    incident."""
    effects = [fact for fact in claim.cited if fact.id in cause.causes]
    if _general(claim, side):
        return bool(effects) or cause.kind in ("suspect", "repair")
    allowed = {cause.subject, *(fact.subject for fact in effects)}
    if any(mark.text not in allowed for _, mark in claim.placed(*side) if is_service(claim, mark)):
        return False
    return any(_speaks(claim, side, fact) for fact in effects)


def _pronoun(claim: Claim, span: Side) -> int:
    """Where what was caused begins: `ended it` holds its own object."""
    return span[1] - 2 if claim.lower[span[0] : span[1]].endswith(" it") else span[1]


def _general(claim: Claim, side: Side) -> bool:
    """A side that names nothing, and speaks of the incident as a whole."""
    named = [mark for _, mark in claim.placed(*side) if mark.facts and mark.field not in ("at", "clock")]
    return not named and bool(words_in(claim, side) & _GENERAL)


def _speaks(claim: Claim, side: Side, fact: Fact) -> bool:
    """Whether a side speaks of a fact: by a slot of it, or by its names and, for a change, a word for
    changes."""
    spoken = words_in(claim, side)
    for index, mark in claim.placed(*side):
        if fact.id not in mark.facts:
            continue
        if fact.kind in ("suspect", "repair"):
            if mark.kind == "slot" or mark.text.lower() == fact.object.lower() or spoken & words.CHANGE_WORDS:
                return True
        elif mark.kind == "slot" or not of_change(claim, index):
            return True
    if fact.kind in ("suspect", "repair"):
        kinds = [other for other in claim.cited if other.kind in ("suspect", "repair")]
        return len(kinds) == 1 and bool(spoken & words.CHANGE_WORDS) and not _others(claim, side, fact)
    return any(_same_subject(claim, index, fact) for index, _ in claim.placed(*side))


def _others(claim: Claim, side: Side, fact: Fact) -> bool:
    """Whether a side names a service that is not the change's."""
    names = {fact.subject.lower(), fact.object.lower()}
    return any(mark.text.lower() not in names for _, mark in claim.placed(*side) if mark.facts)


def _same_subject(claim: Claim, index: int, fact: Fact) -> bool:
    """A slot of another fact that holds this fact's subject speaks of it too."""
    mark = claim.mark_at(index)
    return mark is not None and mark.text == fact.subject and not of_change(claim, index)
