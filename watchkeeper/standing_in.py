"""Notes for an incident of which the agents have not spoken yet: templates' sentences, made when it is read.

So a page is complete at any moment, however slow a model is. They are not recorded; their `at` is None.
"""

from __future__ import annotations

from core.model.note import note_json
from core.ports import Document

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
