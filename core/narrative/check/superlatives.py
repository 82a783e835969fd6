"""What is said of one in comparison with all: first, last, main suspect, most alike, at the same time.

The facts of the whole bundle decide, cited or not: `checkout alerted first` is false when another did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from core.narrative.check.claims import Claim
from core.narrative.check.sides import is_service, of_change
from core.narrative.check.words import OVER
from core.narrative.facts import Fact

_M = "[\ue000-\uf8ff]"
_EXTREME = re.compile(
    r"(?<![a-z-])(first|earliest|initial|initially|last|latest|final|finally|lastly)(?![a-z-])"
)
_FIRST = frozenset({"first", "earliest", "initial", "initially"})
# `the first alert of payments`, `its last alert`, `which first alerted at`: the first of its own.
_OWN_AFTER = re.compile(
    rf" (?:alerts?|sign|one|seen)? ?(?:of|on|for|at|from) (?:the |service )*{_M}|"
    rf" (?:alerted|fired|began|seen|came|reported|started)(?: to alert| alerting)?,? (?:at|on|in|with) {_M}|"
    rf" came (?:the|a|an) "
)
_OWN_BEFORE = re.compile(rf"(?:(?<![a-z])(?:its|their|whose|own)|{_M}'s)(?: very)? $")
_CUT = re.compile("[,;]")
_MAIN = re.compile(
    r"(?:first|prime|main|primary|chief|top|likely|likeliest|leading|strongest|biggest|key|obvious|clear|best"
    r"|only|strong|stronger) suspect|most suspicious|most suspect|matters? most|most relevant"
)
_LESS = re.compile(r"(?:less|least) (?:suspicious|suspect|likely)")
_MOST_ALIKE = re.compile(
    r"most (?:like|similar|alike)|closest|best match|best-matching|strongest match|nearest"
)
_TOGETHER = re.compile(
    r"(?<![a-z])(?:simultaneously|together|concurrently|at once|same (?:time|moment|second|instant|minute))"
    r"(?! with)(?![a-z])"
)
_VAGUE = re.compile(
    r"(?<![a-z0-9])(?:(?:hours|days|weeks|minutes|months|years|long|much|well|far) (?:before|after|later|"
    r"earlier|ahead|prior))(?![a-z])"
)
_COUNT_BEFORE = re.compile(
    r"(?:[0-9]|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty) $"
)


def superlatives_hold(claim: Claim) -> bool:
    """Whether what is first, last, foremost or at the same time is so among all facts of its kind."""
    return (
        all(_extreme_held(claim, match) for match in _EXTREME.finditer(claim.lower))
        and _suspects_held(claim)
        and _alike_held(claim)
        and _together_held(claim)
        and not any(_vague(claim, match) for match in _VAGUE.finditer(claim.lower))
    )


def _vague(claim: Claim, match: re.Match[str]) -> bool:
    return not _COUNT_BEFORE.search(claim.lower[: match.start()])


def _extreme_held(claim: Claim, match: re.Match[str]) -> bool:
    after, before = claim.lower[match.end() :], claim.lower[: match.start()]
    if _OWN_BEFORE.search(before) or _MAIN.match(claim.lower, match.start()):
        return True
    if _OWN_AFTER.match(after) and not after.startswith(" sign"):
        return True
    first = match[1] in _FIRST
    kind = "end" if _ended(claim, match) else "trouble"
    services = _meant(claim, match)
    facts = [fact for fact in claim.all.values() if fact.kind == kind and fact.at]
    mine = [fact for fact in facts if fact.subject.lower() in services] if services else [
        fact for fact in facts if fact in claim.cited
    ]  # fmt: skip
    if services and not mine:
        return False
    return _complete(claim, kind, first) and all(_is_extreme(fact, facts, first) for fact in mine)


def _ended(claim: Claim, match: re.Match[str]) -> bool:
    """Whether the first or last to end is meant."""
    return bool(claim.word_set & OVER) and not re.match(
        r" to (?:alert|fire|fail)", claim.lower[match.end() :]
    )


def _is_extreme(fact: Fact, facts: Sequence[Fact], first: bool) -> bool:
    choose: Callable[..., str] = min if first else max
    return fact.at[:19] == choose(other.at for other in facts)[:19]


def _complete(claim: Claim, kind: str, first: bool) -> bool:
    """Whether the bundle knows all of them: nothing is last while others go on or are not listed."""
    if first and kind == "trouble":
        return True
    troubles = [fact for fact in claim.all.values() if fact.kind == "trouble"]
    counts = [fact.value for fact in claim.all.values() if fact.kind == "services"]
    ends = [fact for fact in claim.all.values() if fact.kind == "end"]
    if any(isinstance(count, int) and count > len(troubles) for count in counts):
        return False
    return kind == "trouble" or first or len(ends) == len(troubles)


def _meant(claim: Claim, match: re.Match[str]) -> set[str]:
    """The service that the word speaks of: the nearest before it in its clause, else the next after it."""
    named = [
        (index, mark.text.lower())
        for index, mark in claim.placed()
        if is_service(claim, mark) and not of_change(claim, index)
    ]
    cuts = [cut.end() for cut in _CUT.finditer(claim.lower, 0, match.start())]
    low = cuts[-1] if cuts else 0
    before = [name for index, name in named if low <= index < match.start()]
    after = [name for index, name in named if index > match.start()]
    if before:
        return {before[-1]}
    return {after[0]} if after else {name for _, name in named}


def _suspects_held(claim: Claim) -> bool:
    cited = [fact for fact in claim.cited if fact.kind == "suspect"]
    every = [fact for fact in claim.all.values() if fact.kind == "suspect"]
    most = max((_value(fact) for fact in every), default=0)
    causing = [fact for fact in every if fact.causes]
    if _MAIN.search(claim.lower) and cited:
        chosen = causing[:1] or [fact for fact in every if _value(fact) == most]
        top = max((_value(fact) for fact in causing), default=most)
        return all(fact in chosen or (bool(fact.causes) and _value(fact) == top) for fact in cited[:1])
    if _LESS.search(claim.lower) and cited:
        return all(_value(fact) < most for fact in cited[:1])
    return True


def _alike_held(claim: Claim) -> bool:
    cited = [fact for fact in claim.cited if fact.kind == "past"]
    every = [fact for fact in claim.all.values() if fact.kind == "past"]
    if not cited or not _MOST_ALIKE.search(claim.lower):
        return True
    return any(_value(fact) == max(map(_value, every)) for fact in cited[:1])


def _value(fact: Fact) -> int:
    return fact.value if isinstance(fact.value, int) else 0


def _together_held(claim: Claim) -> bool:
    if not _TOGETHER.search(claim.lower):
        return True
    times = [fact.at[:19] for fact in claim.cited if fact.at]
    return len(times) > 1 and len(set(times)) == 1
