"""What one agent does in a run: its own sentences first, then, where it may, those of a model that stand
the check.

Nothing that a model, memory or a document does makes a node fail: there is always a note, and it says how
it came to be.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from agents import prompts
from agents.answers import Answer, Unusable, read_answer
from agents.asking import ask
from agents.failures import in_words
from agents.roles import NARRATOR, PLANNER, RETRIEVER, Role
from agents.task import Result, Tools
from agents.waiting import in_thread
from core.model.note import Note, Past, reach_of
from core.narrative.check import Checked, check, lines
from core.narrative.facts import FITS, Bundle, Fact, bundle_json, fact_bundle
from core.narrative.likeness import in_words as likeness_in_words
from core.narrative.plain import one_line
from core.ports import Recalled

MOST_PAST, LEAST_MATCH = 3, 400
_NO_MEMORY = "no memory of past incidents is kept"


class Recollection(NamedTuple):
    """`past` is None when memory could not be asked; `fault` says why."""

    past: tuple[Past, ...] | None
    fault: str = ""


async def speak(role: Role, tools: Tools) -> Result:
    """The note of `role`. Never raises but for a cancellation."""
    try:
        return await _speak(role, tools)
    except Exception as error:  # noqa: BLE001 - when one agent breaks, the others still speak
        return alone(role, tools, f"this agent broke ({type(error).__name__})")


def alone(role: Role, tools: Tools, reason: str) -> Result:
    """The note of `role` without memory and without a model. Never raises."""
    try:
        return Result(_own(role, fact_bundle(tools.document), Recollection(None), reason))
    except Exception as error:  # noqa: BLE001 - the last resort may not break
        return Result(Note(role.author, role.kind, (), reason=f"{reason}; {type(error).__name__}"))


async def _speak(role: Role, tools: Tools) -> Result:
    memory = await _recollection(tools) if role is RETRIEVER else Recollection(None)
    bundle = fact_bundle(tools.document, memory.past)
    reason = memory.fault or _silence(role, bundle) or tools.why_not()
    own = _own(role, bundle, memory, reason)
    return Result(own) if reason else await _asked(role, tools, bundle, own)


def _silence(role: Role, bundle: Bundle) -> str:
    if role is PLANNER and bundle.of("plan") and not _choosable(bundle):
        return "what fits was probably done already"
    return "" if bundle.of(*role.about) else role.nothing


def _own(role: Role, bundle: Bundle, memory: Recollection, reason: str) -> Note:
    said = lines(check(bundle, role.story(bundle)))
    choice = next(iter(_plan_ids(bundle)), "") if role is PLANNER else ""
    return Note(role.author, role.kind, said, reason=reason, past=memory.past or (), choice=choice)


async def _asked(role: Role, tools: Tools, bundle: Bundle, own: Note) -> Result:
    prompt = prompts.current(role.author)
    part = role.part(bundle)
    own = msgspec.structs.replace(own, model=tools.model_name, prompt=prompt.label)
    try:
        text = await ask(tools.model, prompt.text, _data(role, part), tools.node_timeout_s)
    except Unusable as fault:
        return Result(_because(own, fault, tools), asked=True, answered=True)
    except Exception as error:  # noqa: BLE001 - a model may raise anything
        return Result(_because(own, error, tools), asked=True)
    note = _judged(own, part, text, tools)
    if role is NARRATOR and note.made_by == "model":
        note = msgspec.structs.replace(note, reach=reach_of(tools.document))
    return Result(note, asked=True, answered=True)


def _because(own: Note, error: Exception, tools: Tools) -> Note:
    return msgspec.structs.replace(own, reason=in_words(error, tools.node_timeout_s))


def _data(role: Role, part: Bundle) -> dict[str, Any]:
    """What the model is shown. It cites facts, so it needs none of our ids of evidence."""
    document = bundle_json(part)
    facts = [{k: v for k, v in fact.items() if k != "evidence"} for fact in document["facts"]]
    if role is not PLANNER:
        return {**document, "facts": facts}
    plans = [{"choice": n, "fact": fact.id} for n, fact in enumerate(_choosable(part))]
    return {**document, "facts": facts, "candidates": plans}


def _judged(own: Note, part: Bundle, text: str, tools: Tools) -> Note:
    try:
        answer = read_answer(text)
    except Unusable as fault:
        return _because(own, fault, tools)
    checked = check(part, answer.sentences)
    dropped = sum(not sentence.kept for sentence in checked.sentences)
    if checked.template_used:
        return msgspec.structs.replace(own, reason=_failed_check(checked), dropped=dropped)
    said = lines(checked)
    evidence = {name for line in said for name in line.evidence}
    choice = _choice(own, part, answer, evidence)
    return msgspec.structs.replace(own, lines=said, made_by="model", dropped=dropped, choice=choice)


def _choice(own: Note, part: Bundle, answer: Answer, evidence: set[str]) -> str:
    """The model's, when it is a candidate of which its own sentences speak; else the first."""
    plans = _plan_ids(part) if own.choice else []
    if answer.choice is None or not 0 <= answer.choice < len(plans):
        return own.choice
    chosen = plans[answer.choice]
    return chosen if chosen in evidence else own.choice


def _plan_ids(bundle: Bundle) -> list[str]:
    return [fact.evidence[0] for fact in _choosable(bundle)]


def _choosable(bundle: Bundle) -> list[Fact]:
    """Plans that are not done already."""
    return [fact for fact in bundle.of("plan") if fact.predicate == FITS]


def _failed_check(checked: Checked) -> str:
    """`3 of 4 sentences failed the check: wrong number`."""
    failed = [sentence for sentence in checked.sentences if not sentence.kept]
    reasons = list(dict.fromkeys(reason for sentence in failed for reason in sentence.reasons))
    words = f"{len(failed)} of {len(checked.sentences)} sentences failed the check"
    return one_line(f"{words}: {', '.join(reasons[:3])}" if reasons else words)


async def _recollection(tools: Tools) -> Recollection:
    if tools.recall is None:
        return Recollection(None, _NO_MEMORY)
    try:
        found = await in_thread(tools.recall, tools.recall_timeout_s)
        past = tuple(_past(each) for each in found if _is_like(each))
    except TimeoutError:
        return Recollection(None, f"memory did not answer within {tools.recall_timeout_s:g} s")
    except Exception as error:  # noqa: BLE001 - memory is rebuilt from the journal, it may break
        return Recollection(None, f"memory could not be asked ({type(error).__name__})")
    return Recollection(past[:MOST_PAST])


def _is_like(found: Recalled) -> bool:
    return found.remembered.kind == "incident" and found.match >= LEAST_MATCH


def _past(found: Recalled) -> Past:
    old = found.remembered
    shared = likeness_in_words(one_line(term, 80) for term in found.shared)[:8]
    return Past(
        one_line(old.id, 80), one_line(old.title), old.at, found.match, shared, one_line(old.ending, 300)
    )
