"""Notes for an incident of which the agents have not spoken yet: templates' sentences, made when it is read.

So a page is complete at any moment, however slow a model is. They are not recorded; their `at` is None. On a
page, what a template wrote before alerts came or ended is written anew in the same way, so that it
contradicts nothing.
"""

from __future__ import annotations

from core.model.document import Document
from core.model.note import note_json

_BECAUSE = "the agents have not answered yet"


def with_stand_ins(document: Document) -> Document:
    """The document, with notes of narrator, risk analyst and planner where there are none of the agents."""
    if any("lines" in note for note in document["annotations"]):
        return document
    from agents.nodes import alone
    from agents.roles import NARRATOR, PLANNER, RISK_ANALYST
    from agents.task import Tools

    tools = Tools(document)
    made = [alone(role, tools, _BECAUSE).note for role in (NARRATOR, RISK_ANALYST, PLANNER)]
    notes = [{"at": None, **note_json(note)} for note in made]
    return {**document, "annotations": [*document["annotations"], *notes]}


def in_short_now(document: Document) -> Document:
    """The document, with the last note of the narrator as of now, where a template wrote it and would write
    something else by now."""
    notes = list(document.get("annotations", ()))
    number = max((n for n, note in enumerate(notes) if _in_short(note)), default=-1)
    if number < 0 or notes[number].get("made_by") != "template" or notes[number]["at"] is None:
        return document
    from agents.nodes import alone
    from agents.roles import NARRATOR
    from agents.task import Tools

    made = note_json(alone(NARRATOR, Tools(document), _BECAUSE).note)
    if not made["text"] or made["text"] == notes[number]["text"]:
        return document
    # What is recorded stays as it is: the document may be shared.
    notes[number] = {**notes[number], "at": None, "lines": made["lines"], "text": made["text"]}
    return {**document, "annotations": notes}


def _in_short(note: Document) -> bool:
    return note["author"] == "narrator" and note["kind"] == "narrative" and "lines" in note
