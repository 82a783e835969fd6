"""Notes: what agents say of an incident, and how each came to be. Nothing that decides reads them.

A note is made from facts by a template, or by a language model whose sentences were checked against them;
`made_by` and `reason` always say which, and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

NoteKind = Literal["narrative", "past-incidents", "deploy-risk", "plan"]


class Line(msgspec.Struct, frozen=True):
    """One sentence, and the ids of what it stands on: episodes, changes, findings, incidents, plans."""

    text: str
    evidence: tuple[str, ...] = ()


class Past(msgspec.Struct, frozen=True):
    """A past incident that is like this one. `match` in thousandths, `shared` says in what, `ending` what
    ended it."""

    id: str
    title: str
    at: str
    match: int
    shared: tuple[str, ...]
    ending: str


class Reach(msgspec.Struct, frozen=True):
    """Of an incident's alerts: how many there are, how many fire, of how many nobody knows."""

    alerts: int
    firing: int
    unknown: int


def reach_of(document: Mapping[str, Any]) -> Reach:
    counts = Counter(alert["status"] for alert in document.get("alerts") or ())
    return Reach(counts.total(), counts["firing"], counts["unknown"])


class Note(msgspec.Struct, frozen=True):
    """`reason` says why a template wrote it, empty for a model; `model` and `prompt` name who was asked and
    with what (`narrator@1`), also when the answer was of no use; `dropped` counts sentences that failed.

    `choice` is the id of the plan that the planner puts first; `past` what the retriever found; `reach` what
    the narrator's model was told of the alerts.
    """

    author: str
    kind: NoteKind
    lines: tuple[Line, ...]
    made_by: Literal["template", "model"] = "template"
    reason: str = ""
    model: str = ""
    prompt: str = ""
    dropped: int = 0
    past: tuple[Past, ...] = ()
    choice: str = ""
    reach: Reach | None = None

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


def note_json(note: Note) -> dict[str, Any]:
    """Its keys, and `text`: all lines as one."""
    document: dict[str, Any] = msgspec.to_builtins(note)
    return {**document, "text": note.text}
