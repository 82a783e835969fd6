"""What a run of the agents is given and what it gives back: plain frozen values, no heavy package behind
them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from core.model.note import Note
from core.ports import Recalled

NO_MODEL = "no model is configured"


class Task(NamedTuple):
    """`seq` is the number of the record that the picture stands for."""

    incident: str
    seq: int


@dataclass(frozen=True)
class Tools:
    """What the agents need of the outside; nothing of it enters the graph's state.

    `document` is the incident document. `recall` blocks and may fail; None: no memory is kept. `model` is a
    langchain-core chat model or None; it is asked only while `ask` holds, else `no_model_because` says why
    not. Both time limits are seconds and hold for a whole call, not for one read.
    """

    document: Mapping[str, Any]
    recall: Callable[[], list[Recalled]] | None = None
    model: Any = None
    model_name: str = ""
    ask: bool = True
    no_model_because: str = ""
    node_timeout_s: float = 20.0
    recall_timeout_s: float = 5.0

    def why_not(self) -> str:
        """Why no model is asked; empty when one is."""
        if self.model is not None and self.ask:
            return ""
        return self.no_model_because or NO_MODEL


class Result(msgspec.Struct, frozen=True):
    """A node's note, whether it asked the model, and whether an answer came (of use or not)."""

    note: Note
    asked: bool = False
    answered: bool = False


class Explained(NamedTuple):
    """Four notes in the order of the roles; how many calls were made and how many of them were answered."""

    notes: tuple[Note, ...]
    asked: int
    answered: int

    @property
    def failed(self) -> bool:
        """The model was asked and answered nobody."""
        return self.asked > 0 and self.answered == 0
