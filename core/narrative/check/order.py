"""Order that a sentence claims: words such as `before` must agree with the times of what stands on their
sides."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.narrative.check import words
from core.narrative.check.claims import Claim
from core.narrative.check.numbers import same_time
from core.narrative.check.sides import Side, is_service, of_change, phrases, sides, words_in
from core.narrative.facts import Fact, moment
from core.words import word_set

_CHANGES = ("suspect", "repair", "age", "author", "gap")
_EVENTS = {
    "trouble": "begin", "alert": "begin", "started": "begin", "opened": "open", "end": "end",
    "resolved": "end",
    "acknowledged": "acknowledge", "past": "past",
}  # fmt: skip
_WHOLE = ("started", "opened", "resolved", "acknowledged")
_PRONOUNS = word_set("""
    its their it they this alert alerts
""")
_ORDER = phrases(tuple(phrase for phrase, _ in words.ORDER))
# Where a new clause may have another subject.
_BREAK = re.compile("[;.]| (?:it|incident) ")
_ORDER_OF = dict(words.ORDER)


class Event(NamedTuple):
    """Something with a time that a cited fact tells of."""

    kind: str
    service: str
    version: str
    at: int


def order_holds(claim: Claim) -> bool:
    """Whether every word of order agrees with the times of what stands on its sides."""
    found = [match for match in _ORDER.finditer(claim.lower) if not _adjective(claim, match)]
    return all(_order_held(claim, match) for match in found)


def _adjective(claim: Claim, match: re.Match[str]) -> bool:
    """`a later deploy` says no order of two things that are named."""
    before = claim.lower[: match.start()].split()[-1:]
    return match[0] in ("later", "earlier") and before in (["a"], ["an"], ["the"])


def _order_held(claim: Claim, match: re.Match[str]) -> bool:
    events = _events(claim)
    left, right = _trailing(claim, *sides(claim, match.span()))
    before = [event for event in events if _tells(claim, left, event, events)]
    after = [event for event in events if _tells(claim, right, event, events)]
    if not before or not after:
        return _held_by_words(claim, match[0], right)
    if not _ORDER_OF[match[0]]:
        before, after = after, before
    strict = not _ORDER_OF[match[0]]
    return any(a != b and (a.at < b.at or (a.at == b.at and not strict)) for a in before for b in after)


def _trailing(claim: Claim, left: Side, right: Side) -> tuple[Side, Side]:
    """`A, and B 8 s later`: nothing stands after the word, so its two sides are the clauses before it."""
    if words_in(claim, right) or any(True for _ in claim.placed(*right)):
        return left, right
    cuts = [match.start() for match in re.finditer(r"[,;.] | and ", claim.lower[: left[1]])]
    return ((left[0], cuts[-1]), (cuts[-1], left[1])) if cuts else (left, right)


def _held_by_words(claim: Claim, phrase: str, side: Side) -> bool:
    """`no change shortly before`, `resolved after 7 min`: the fact's own words say the order."""
    if any(True for _ in claim.placed(*side) if _[1].facts and _[1].field != "value"):
        return False
    return any(phrase in fact.predicate.split() and fact.kind not in ("age", "gap") for fact in claim.cited)


def _events(claim: Claim) -> list[Event]:
    found: list[Event] = []
    for fact in claim.cited:
        found += _events_of(claim, fact)
    return list(dict.fromkeys(found))


def _events_of(claim: Claim, fact: Fact) -> list[Event]:
    at = moment(fact)
    if fact.kind == "duration":
        others = [other for other in claim.all.values() if other.kind in ("started", "resolved")]
        return [event for other in others for event in _events_of(claim, other)]
    if at is None:
        return []
    if fact.kind in _CHANGES:
        version = (
            str(fact.value or "")
            if fact.kind == "author"
            else fact.object
            if fact.kind in _CHANGES[:2]
            else ""
        )
        service = fact.object if fact.kind == "author" else fact.subject
        return [Event("change", service, version, at), *_implied(fact, at)]
    service = "" if fact.kind in _WHOLE else fact.subject
    return [Event(_EVENTS[fact.kind], service, "", at)] if fact.kind in _EVENTS else []


def _implied(fact: Fact, at: int) -> list[Event]:
    """`8 s before the first alert of payments` tells when that alert began."""
    if fact.kind not in ("age", "gap") or not isinstance(fact.value, int):
        return []
    later = at + fact.value if fact.predicate.startswith("before") else at - fact.value
    return [Event("begin" if fact.kind == "age" else "end", fact.object, "", later)]


def _tells(claim: Claim, side: Side, event: Event, events: list[Event]) -> bool:
    spoken = words_in(claim, side)
    marks = [
        (index, mark) for index, mark in claim.placed(*side) if mark.kind != "time" and mark.field != "value"
    ]
    named = {mark.text for _, mark in marks}
    lower = {name.lower() for name in named}
    if event.kind == "change":
        return bool(spoken & words.CHANGE_WORDS or event.version.lower() in lower) and _this(
            event, lower, events
        )
    if event.kind == "acknowledge":
        return bool(spoken & words.ACKNOWLEDGED)
    if event.kind == "open":
        return bool(spoken & {"opened", "opening"})
    ends = bool(spoken & words.OVER)
    if ends != (event.kind == "end"):
        return False
    if not event.service:
        return bool(spoken & (words.OVER if event.kind == "end" else words.BEGIN))
    if not any(is_service(claim, mark) for _, mark in marks):
        return bool(spoken & _PRONOUNS and spoken & (words.OVER if ends else words.BEGIN))
    own = [index for index, mark in marks if mark.text.lower() == event.service.lower()]
    return any(not of_change(claim, index) for index in own)


def _this(event: Event, named: set[str], events: list[Event]) -> bool:
    """Which of several changes a side means: the one of the named version, else of the named service."""
    changes = [other for other in events if other.kind == "change"]
    versions = {other.version.lower() for other in changes if other.version} & named
    if versions:
        return event.version.lower() in versions
    services = {other.service.lower() for other in changes} & named
    return event.service.lower() in services if services else True


def times_belong(claim: Claim) -> bool:
    """Whether a time that follows a service, in the same clause, is one of that service's."""
    service, since = "", 0
    for index, mark in claim.placed():
        if _BREAK.search(claim.lower, since, index):
            service = ""
        since = index
        if mark.kind == "time" or mark.field in ("at", "clock"):
            own = [fact for fact in claim.cited if fact.at and service in _about(fact)] if service else []
            if own and not any(fact.id in mark.facts or same_time(mark, fact.at) for fact in own):
                return False
        elif mark.field != "value" and is_service(claim, mark):
            service = mark.text.lower()
    return True


def _about(fact: Fact) -> tuple[str, str]:
    return fact.subject.lower(), fact.object.lower()
