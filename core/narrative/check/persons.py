"""People: a name may be said as author of the cited change, or as who acknowledged or resolved by the cited
fact.

Nothing else may be said of a person: no blame, no deed, no plan that somebody carried out.
"""

from __future__ import annotations

import re

from core.narrative.check.claims import Claim, Mark
from core.narrative.check.words import CHANGE_WORDS
from core.narrative.facts import Fact
from core.words import word_set

# What a word says that somebody did, as the kind of fact that must hold it; empty: no fact ever does.
_DEEDS = {
    **dict.fromkeys(CHANGE_WORDS - {"changes", "version"}, "author"),
    **dict.fromkeys(("made", "shipped", "redeployed", "author", "authored", "pushed"), "author"),
    **dict.fromkeys(("acknowledged", "acked", "acknowledgement"), "acknowledged"),
    **dict.fromkeys(("resolved", "closed"), "resolved"),
    **dict.fromkeys(
        ("done", "undone", "carried", "run", "executed", "ended", "fixed", "caused", "broken", "hit", "cause",
         "affected", "triggered", "alerted", "repaired", "mended", "solved", "plan", "steps", "paged"),
        "",
    ),
}  # fmt: skip
_FOLLOWS = re.compile(r"(?:,? who)?(?: (?:had|has|also|then|later|first|has since))? ([a-z]+)")
_POSSESSED = re.compile(r"'s (?:[a-z]+ )?([a-z]+)")
# A name after one of these is the aim of something that is said, not who did what the fact tells.
_AIMED_AT = re.compile(
    r"(?:^|[^a-z])(?:to|on|at|for|with|from|of|against|about|blames?|asks?|like|than|in) $"
)
_SOMEBODY = word_set("somebody someone person people team teams hand manually engineers")
_ITSELF = re.compile(r"(?<![a-z])(?:automatically|by (?:the |a )?rule|by itself|on its own|itself)(?![a-z])")
_REACH = 8


def persons_hold(claim: Claim) -> bool:
    """Whether each person that is named did what the sentence says, by a cited fact."""
    return all(_did(claim, index, mark.text) for index, mark in claim.placed() if _person(claim, mark))


def actors_hold(claim: Claim) -> bool:
    """Whether `somebody`, `by hand` and `automatically` agree with who resolved or acknowledged it."""
    ended = [fact for fact in claim.cited if fact.kind == "resolved"]
    if _ITSELF.search(claim.lower) and any(fact.object for fact in ended):
        return False
    if not claim.word_set & _SOMEBODY:
        return True
    if ended and not all(fact.object for fact in ended) and "resolved" in claim.word_set:
        return False
    kinds = {fact.kind for fact in claim.cited if _of_person(fact)} | {
        fact.kind for fact in claim.cited if fact.kind in ("unacknowledged", "past-ending")
    }
    return bool(kinds)


def _of_person(fact: Fact) -> bool:
    return fact.kind in ("author", "acknowledged") or (fact.kind == "resolved" and bool(fact.object))


def _person(claim: Claim, mark: Mark) -> bool:
    """A slot of a person, or a name that no cited fact holds as anything else."""
    facts = [claim.all[name] for name in mark.facts if name in claim.all]
    if mark.kind == "slot":
        return mark.field == "subject" and any(map(_of_person, facts))
    others = any(not _of_person(fact) for fact in facts if fact in claim.cited)
    own = any(_of_person(fact) and fact.subject.lower() == mark.text.lower() for fact in facts)
    return own and not others and mark.text.lower() not in claim.services


def _did(claim: Claim, index: int, name: str) -> bool:
    deed = _deed(claim, index, claim.lower[:index], claim.lower[index + 1 :])
    return any(fact.kind == deed and fact.subject.lower() == name.lower() for fact in claim.cited)


def _deed(claim: Claim, index: int, before: str, after: str) -> str:
    """The kind of fact that must hold what the sentence says that the person did; empty when none can."""
    named = "author" in claim.word_set and before.endswith((" is ", " was "))
    if named or before.rstrip(" (").endswith(" by"):
        near = [word.text for word in claim.words if word.end <= index][-_REACH:]
        return next((_DEEDS[word] for word in reversed(near) if word in _DEEDS), "")
    follows = _POSSESSED.match(after) or _FOLLOWS.match(after)
    if follows is None or _AIMED_AT.search(before):
        return ""
    return _DEEDS.get(follows[1], "")
