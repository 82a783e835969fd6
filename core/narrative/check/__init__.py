"""The claim check: a sentence is kept only when the facts that it cites hold what it says.

The same rules hold for our templates and for a language model. What fails is dropped with its named reasons;
the reasons are ours alone, so that nothing of a bad sentence gets out by them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.model.note import Line
from core.narrative.check import surface
from core.narrative.check.calls import calls_hold
from core.narrative.check.causes import cause_reasons
from core.narrative.check.claims import Claim, Names
from core.narrative.check.measures import measures_hold
from core.narrative.check.numbers import numbers_hold, times_hold
from core.narrative.check.order import order_holds, times_belong
from core.narrative.check.persons import actors_hold, persons_hold
from core.narrative.check.polarity import polarity_reasons
from core.narrative.check.superlatives import superlatives_hold
from core.narrative.check.topics import citations_used, names_cited, names_known, topics_hold, words_known
from core.narrative.facts import Bundle, Fact
from core.narrative.page import inert

MAX_SENTENCES, MAX_CHARS, _MAX_TEXT = 12, 400, 1_500


class Sentence(NamedTuple):
    """`text` has its slots filled and its citations removed, on one line; `evidence` are the cited facts'
    ids."""

    text: str
    kept: bool
    reasons: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class Checked(NamedTuple):
    """`template_used`: too little survived, so that the template speaks instead."""

    sentences: tuple[Sentence, ...]
    template_used: bool


# What must hold of a sentence whose citations are in order, and the reason when it does not.
_RULES: tuple[tuple[str, Callable[[Claim], bool]], ...] = (
    ("unknown slot", lambda claim: not claim.bad_slot),
    (
        "slot not cited",
        lambda claim: all(m.facts[0] in claim.cited_ids for m in claim.marks if m.kind == "slot"),
    ),
    ("unknown name", names_known),
    ("name not cited", names_cited),
    ("wrong number", numbers_hold),
    ("wrong number", measures_hold),
    ("wrong time", times_hold),
    ("wrong time", times_belong),
    ("wrong order", order_holds),
    ("wrong order", superlatives_hold),
    ("wrong call", calls_hold),
    ("wrong person", persons_hold),
    ("wrong person", actors_hold),
    ("wrong topic", topics_hold),
    ("citation not used", citations_used),
    ("unfamiliar words", words_known),
)


def check(bundle: Bundle, sentences: Sequence[str], *, least: int = 600) -> Checked:
    """`least`: the thousandths of the sentences that must survive. Never raises, whatever the sentences
    hold."""
    facts, names = {fact.id: fact for fact in bundle.facts}, Names(bundle)
    checked = []
    for place, sentence in enumerate(sentences):
        if place >= MAX_SENTENCES:
            checked.append(Sentence("", kept=False, reasons=("too many sentences",)))
        else:
            checked.append(_check_one(str(sentence), facts, names))
    kept = sum(sentence.kept for sentence in checked)
    return Checked(tuple(checked), not kept or kept * 1000 < least * len(checked))


def lines(checked: Checked) -> tuple[Line, ...]:
    """The sentences that survived, as lines of a note."""
    return tuple(Line(sentence.text, sentence.evidence) for sentence in checked.sentences if sentence.kept)


def _check_one(raw: str, facts: dict[str, Fact], names: Names) -> Sentence:
    if len(raw) > MAX_CHARS:
        return Sentence(inert(raw, MAX_CHARS), kept=False, reasons=("too long",))
    text = surface.plain(raw)
    if reasons := surface.letter_reasons(text):
        return Sentence(inert(raw, MAX_CHARS), kept=False, reasons=reasons)
    claim = Claim(text, facts, names)
    reasons = _reasons(claim, text)
    evidence = tuple(dict.fromkeys(name for fact in claim.cited for name in fact.evidence))
    return Sentence(inert(claim.text(), _MAX_TEXT), not reasons, reasons, evidence)


def _reasons(claim: Claim, text: str) -> tuple[str, ...]:
    reasons = list(surface.body_reasons(claim))
    if not claim.cited_ids or surface.uncited_part(text):
        reasons.append("no citation")
    if len(claim.cited) != len(claim.cited_ids):
        reasons.append("unknown citation")
    reasons += [reason for reason, holds in _RULES if not holds(claim)]
    reasons += [*cause_reasons(claim), *polarity_reasons(claim)]
    return tuple(dict.fromkeys(reasons))
