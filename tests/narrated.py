"""Bundles of the recorded cases to test sentences on: every incident as it stood after each of its events."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from connectors.inbound.registry import parse
from core.model.document import Document
from core.model.note import Past
from core.narrative.check import check
from core.narrative.check.claims import SLOT
from core.narrative.facts import Bundle, clock_text, fact_bundle, time_text, value_text
from core.narrative.story import changes_story, past_story, plan_story, story
from core.replay import replay_file
from tests.replay.golden import CASES, case_names, replay_case
from watchkeeper.files import configuration
from watchkeeper.version import VERSION

STORIES = (story, changes_story, past_story, plan_story)
PAST = (
    Past("INC-20260901-ABCDEF", "ledger: SlowQueries (+2 services)", "2026-09-01T10:00:00.000Z", 820,
         ("symptom:errors", "change:deploy"), "deploy of ledger 7.0.1, after which the alerts ended"),
    Past("INC-20260715-GHIJKL", "search: InstanceDown", "2026-07-15T03:12:09.000Z", 410, ("symptom:down",),
         'ana resolved it: "failed over to the replica"'),
)  # fmt: skip


def bad_deploy() -> Document:
    """The recorded incident, its plan as it was before the roll-back: one that is done is not asked about."""
    [incident] = replay_case(CASES / "bad-deploy")["incidents"]
    [plan] = incident["plans"]
    return {**incident, "plans": [{**plan, "done": "", "title": plan["title"].partition(" (")[0]}]}


_FILL = {
    "subject": lambda fact: fact.subject,
    "object": lambda fact: fact.object,
    "value": value_text,
    "at": time_text,
    "clock": clock_text,
}


@lru_cache(maxsize=1)
def documents() -> tuple[Document, ...]:
    """The incidents of every case at every prefix of its events."""
    return tuple(document for name in case_names() for document in _of_case(CASES / name))


@lru_cache(maxsize=1)
def bundles() -> tuple[Bundle, ...]:
    """With and without a past, so that every story has something to say somewhere."""
    return tuple(fact_bundle(document, past) for document in documents() for past in (None, (), PAST))


def whole(case: str) -> Document:
    """The first incident of a case that is over."""
    return next(document for document in reversed(_of_case(CASES / case)) if document["status"] == "resolved")


def kept(bundle: Bundle, sentence: str) -> bool:
    return check(bundle, [sentence]).sentences[0].kept


def literal(bundle: Bundle, sentence: str) -> str:
    """The sentence with its slots filled as text, as somebody would write it who does not know slots."""
    facts = {fact.id: fact for fact in bundle.facts}
    return SLOT.sub(lambda match: _FILL[match[2]](facts[match[1]]), sentence)


def citations(sentence: str) -> list[str]:
    return re.findall(r"\[(F[0-9]+)\]", sentence)


@lru_cache(maxsize=8)
def _of_case(case: Path) -> tuple[Document, ...]:
    lines = (case / "events.jsonl").read_text(encoding="utf-8").splitlines()
    drafts = configuration(case / "catalog.yaml", None)
    return tuple(
        document
        for end in range(1, len(lines) + 1)
        for document in replay_file(lines[:end], parse, drafts, VERSION)["incidents"]
    )
