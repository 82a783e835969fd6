"""The four agents as a table: what each is called, which facts it is given, and what it says without a
model."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from core.model.note import NoteKind
from core.narrative.facts import Bundle
from core.narrative.story import changes_story, past_story, plan_story, story

_TROUBLE = ("started", "trouble", "origin", "no-origin", "edge")
_CHANGES = (
    "suspect", "age", "author", "judged", "judged-for", "judged-lasting", "repair", "gap", "end", "no-change",
    "elsewhere",
)  # fmt: skip
_PAST = ("past", "shared", "past-ending", "no-past")
_PLANS = ("plan", "plan-questions", "plan-evidence", "plan-checklist", "plan-withheld", "no-plan")


class Role(NamedTuple):
    """`key` is its place in the graph's state. A model is asked only where a fact of a kind in `about` is
    there, else `nothing` is the reason. It is given facts of the kinds in `given`, and all but `kept_back`
    if that is empty."""

    author: str
    kind: NoteKind
    key: str
    story: Callable[[Bundle], list[str]]
    about: tuple[str, ...]
    nothing: str
    given: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()

    def part(self, bundle: Bundle) -> Bundle:
        """What this role may speak of; the numbers of the facts stay."""
        facts = tuple(
            fact
            for fact in bundle.facts
            if (fact.kind in self.given if self.given else fact.kind not in self.kept_back)
        )
        return Bundle(facts, bundle.links, bundle.commands)


NARRATOR = Role(
    "narrator", "narrative", "narrative", story, ("trouble",), "no alert names a service",
    kept_back=(*_PAST, *_PLANS),
)  # fmt: skip
RETRIEVER = Role(
    "retriever", "past-incidents", "past", past_story, ("past",), "no past incident is like this one",
    given=("status", "trouble", "origin", *_PAST),
)  # fmt: skip
RISK_ANALYST = Role(
    "risk-analyst", "deploy-risk", "risk", changes_story, ("suspect", "repair"), "no change to speak of",
    given=(*_TROUBLE, *_CHANGES),
)  # fmt: skip
PLANNER = Role(
    "planner", "plan", "plan", plan_story, ("plan",), "no runbook fits",
    given=("status", *_TROUBLE, "suspect", "age", "judged-lasting", *_PLANS),
)  # fmt: skip

ROLES = (NARRATOR, RETRIEVER, RISK_ANALYST, PLANNER)
