"""Names and topics: whatever a sentence names must be known and cited, and what it is about must be cited
too."""

from __future__ import annotations

import re

from core.narrative.check import words
from core.narrative.check.claims import MARK, Claim, Mark
from core.narrative.check.numbers import holds_text
from core.narrative.check.sides import is_service, of_change
from core.narrative.check.vocabulary import ORDINARY
from core.narrative.facts import Fact
from core.words import word_set

_CHUNK = re.compile(r"[^\s]+")
_BEGINS_AT = re.compile(
    "(?:begins?|began|starts?|started|beginning|starting|originate[sd]?)"
    " (?:at|in|on|from|with|inside|within) (?:the |service ){0,2}[\ue000-\uf8ff]"
)
_ORIGIN_IS = re.compile(
    "origin(?: of it| of this incident)? (?:is|was)(?: probably| likely)? (?:the service )?([\ue000-\uf8ff])"
)
_IS_WHERE = re.compile(
    "([\ue000-\uf8ff]),? (?:is|was)(?: [a-z]{1,9}){0,3} where"
    " (?:[a-z]{1,9} ){1,4}(?:beg[aiu]ns?|start|originat)"
)
_IS_ORIGIN = re.compile("([\ue000-\uf8ff]),? (?:is|was|as)(?: [a-z]{1,9}){0,3} origin")
_CAPITALS = frozenset({"UTC", "GMT", "OK", "I"})
_FAILS = re.compile(r"(?<![a-z])(?:fail(?:s|ed|ing)?|went down|crashed)(?![a-z])")
_QUOTED = re.compile(r"\"([^\"]{0,200})\"|`([^`]{0,200})`|(?:^|(?<=[ (]))'([^']{0,200})'(?=[ ,.;:)!?]|$)")
_VERBS = word_set("""
    began begins begin calls failed fails alerted alerts fires fired depends recovered broke caused
    causes triggered resolved acknowledged deployed made is was has had were are have and service
    services team deploy alert
""")
_BEFORE_NAMES = word_set("""
    of on by from calls call called service services named and or
""")
# Facts without a name of their own: the words that speak of them.
_SPOKEN = {
    "status": (
        "incident",
        "status",
        "state",
        "resolved",
        "closed",
        "open",
        "triggered",
        "acknowledged",
        "over",
    ),
    "severity": ("severity",),
    "unacknowledged": ("acknowledged", "unacknowledged", "acknowledgement", "taken"),
    "no-change": ("change", "changed", "changes", "deploy", "deploys"),
    "no-origin": ("origin", "begins", "began", "begin", "where", "source", "started", "starts"),
    "no-plan": ("runbook", "runbooks", "plan", "plans"),
    "no-past": ("past", "remembered", "similar", "earlier"),
    "firing": ("fires", "fire", "firing", "fired", "active", "ongoing", "ended", "over", "quiet"),
    "unknown": ("known", "unknown", "unclear"),
    "resolved": ("resolved", "over", "ended", "resolution"),
    "started": ("began", "started", "start", "since"),
    "opened": ("opened",),
    "recurrence": ("return", "again"),
}
# Which of its texts names a fact, when it is not the subject alone.
_NAMED_BY = {
    "suspect": ("subject", "object"), "repair": ("subject", "object"), "age": ("subject", "object"),
    "gap": ("subject", "object"), "recurrence": ("object",), "place": ("object", "value"),
    "severity": ("object", "value"), "status": (), "plan": ("subject", "object"),
}  # fmt: skip
_WHOLE = word_set("""
    alerts services firing unknown started opened duration resolved plan-questions plan-evidence
    plan-checklist plan-withheld plan
""")


def names_known(claim: Claim) -> bool:
    """Whether nothing looks like a name that no fact holds, or is glued to a name to make another."""
    if any(not _only_name(claim, match) for match in _QUOTED.finditer(claim.body)):
        return False
    if any(_glued(claim, index) for index, mark in claim.placed() if mark.kind != "time"):
        return False
    if any(_looks_like_name(claim, match) for match in _CHUNK.finditer(claim.body)):
        return False
    return not any(_stands_as_name(claim, place) for place in range(len(claim.words)))


def names_cited(claim: Claim) -> bool:
    """Whether each name belongs to a cited fact."""
    return all(set(mark.facts) & set(claim.cited_ids) for mark in claim.marks if mark.kind == "name")


def topics_hold(claim: Claim) -> bool:
    """Whether what the sentence speaks of (changes, plans, calls, symptoms ...) is what its facts are
    about."""
    cited = {fact.kind for fact in claim.cited}
    for topic, kinds in words.TOPICS:
        if claim.word_set.intersection(topic) and not cited.intersection(kinds):
            return False
    return (
        _beginning_holds(claim)
        and _authors_hold(claim)
        and _change_kinds_hold(claim)
        and _symptoms_hold(claim)
        and _failing_holds(claim)
    )


def citations_used(claim: Claim) -> bool:
    """Whether each cited fact has to do with the sentence: it is named, counted or spoken of."""
    texts = {mark.text.lower() for mark in claim.marks}
    slots = {mark.facts[0] for mark in claim.marks if mark.kind == "slot"}
    return all(
        fact.id in slots
        or _named(fact, texts)
        or claim.word_set.intersection(_SPOKEN.get(fact.kind, ()))
        or _counted(claim, fact)
        or _origin_unnamed(claim, fact)
        for fact in claim.cited
    )


def _named(fact: Fact, texts: set[str]) -> bool:
    fields = _NAMED_BY.get(fact.kind, ("subject",))
    return any(str(getattr(fact, field)).lower() in texts for field in fields)


def words_known(claim: Claim) -> bool:
    """Whether no word is out of the ordinary: with one, the sentence may speak of something else."""
    return all(_familiar(word.text) for word in claim.words)


def _familiar(word: str) -> bool:
    plain = word.removesuffix("n't").removesuffix("'s")
    return (
        plain in words.FAMILIAR or all(part in words.FAMILIAR for part in plain.split("-")) or len(plain) < 3
    )


def _origin_unnamed(claim: Claim, fact: Fact) -> bool:
    """`the origin has a score of 999/1000`: the word alone will do where no service is named."""
    named = any(mark.text.lower() in claim.services for mark in claim.marks)
    return fact.kind == "origin" and "origin" in claim.word_set and not named


def _counted(claim: Claim, fact: Fact) -> bool:
    """A number or a time is enough for facts of the incident as a whole, which nobody names."""
    return fact.kind in _WHOLE and holds_text(claim, fact)


def _only_name(claim: Claim, match: re.Match[str]) -> bool:
    inside = next((group for group in match.groups() if group is not None), "")
    start = match.start() + match[0].index(inside) if inside else match.start()
    return len(inside) == 1 and claim.mark_at(start) is not None


def _glued(claim: Claim, index: int) -> bool:
    before = claim.body[index - 1] if index else " "
    after = claim.body[index + 1 : index + 3]
    if before.isalnum() or before in "-_./@" or (0xE000 <= ord(before) <= 0xF8FF):
        return True
    if after[:2] == "'s" or not after:
        return False
    return after[0].isalnum() or after[0] in "_@/" or (after[0] in "-.:" and after[1:2].isalnum())


def _looks_like_name(claim: Claim, match: re.Match[str]) -> bool:
    """A word with digits, dots, dashes, capitals inside, or a capital where no sentence begins."""
    if MARK.search(match[0]):
        return False
    chunk = match[0].strip(".,;:!?'\"()`%")
    if not chunk or re.fullmatch(r"[0-9]+(?:[.,/][0-9]+)*|[0-9]+[a-z]{1,2}|and/or", chunk):
        return False
    letters = chunk.removesuffix("'s")
    if chunk in _CAPITALS or re.fullmatch(r"[a-z]+(?:'[a-z]+)?", chunk):
        return False
    if re.fullmatch(r"[A-Z]?[a-z]+(?:-[a-z]+)+", letters):
        return not all(part in ORDINARY for part in letters.lower().split("-"))
    if re.fullmatch(r"[A-Z][a-z]*(?:'[a-z]+)?", chunk):
        return not _begins_sentence(claim, match.start()) and chunk.lower() not in ORDINARY
    return True


def _begins_sentence(claim: Claim, start: int) -> bool:
    before = claim.body[:start].rstrip(" \"'`(")
    return not before or before[-1] in ".!?:"


def _stands_as_name(claim: Claim, place: int) -> bool:
    """An unknown word where a service or a person would stand: `billing began`, `deploy of billing`."""
    word = claim.words[place]
    plain = word.text.removesuffix("n't").removesuffix("'s")
    if plain in ORDINARY or word.text in _VERBS or len(word.text) < 2:
        return False
    before = claim.words[place - 1] if place else None
    after = claim.words[place + 1] if place + 1 < len(claim.words) else None
    if word.text.endswith("ly"):
        return False
    if after and after.text in _VERBS and claim.body[word.end : after.at].strip() in ("", ","):
        return True
    return bool(before and before.text in _BEFORE_NAMES and claim.body[before.end : word.at] == " ")


def _beginning_holds(claim: Claim) -> bool:
    """`begins at payments` and `payments is the origin` say that payments is the origin."""
    origins = {fact.subject for fact in claim.cited if fact.kind == "origin"}
    begun = [claim.mark_at(match.end() - 1) for match in _BEGINS_AT.finditer(claim.lower)]
    patterns = (_ORIGIN_IS, _IS_ORIGIN, _IS_WHERE)
    said = (match[1] for pattern in patterns for match in pattern.finditer(claim.lower))
    begun += [claim.mark(character) for character in said]
    return all(
        mark is None or mark.kind == "time" or mark.text in origins or _is_time(mark) for mark in begun
    )


def _is_time(mark: Mark) -> bool:
    return mark.field in ("at", "clock")


def _authors_hold(claim: Claim) -> bool:
    """A person is the author of the change that is spoken of, and of no other."""
    changes = [fact.evidence for fact in claim.cited if fact.kind in ("suspect", "repair", "age")]
    authors = [fact.evidence for fact in claim.cited if fact.kind == "author"]
    return not changes or all(evidence in changes for evidence in authors)


def _change_kinds_hold(claim: Claim) -> bool:
    """`deploy` needs a cited change that is one."""
    if {fact.kind for fact in claim.cited} & {"no-change", "elsewhere", "shared", "past-ending", "past"}:
        return True
    about = " ".join(fact.predicate for fact in claim.cited if fact.kind in ("suspect", "repair", "author"))
    said = [kind for kind, forms in words.CHANGE_KINDS.items() if claim.word_set.intersection(forms)]
    return all(kind in about for kind in said) if about else True


def _symptoms_hold(claim: Claim) -> bool:
    cited = _symptoms(claim.cited)
    told = [name for name, forms in words.SYMPTOMS.items() if claim.word_set.intersection(forms)]
    return all(any(name in text for text in cited) for name in told)


def _failing_holds(claim: Claim) -> bool:
    """A service fails; a change or a person does not, as no fact says so."""
    for match in _FAILS.finditer(claim.lower):
        named = [(index, mark) for index, mark in claim.placed(0, match.start()) if mark.kind != "time"]
        if named and (not is_service(claim, named[-1][1]) or of_change(claim, named[-1][0])):
            return False
    return True


def _symptoms(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.object for fact in facts if fact.kind in ("trouble", "shared", "past-ending", "past")]
