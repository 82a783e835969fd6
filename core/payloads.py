"""What records of outcomes and annotations say, as their JSON has it."""

from __future__ import annotations

import msgspec

from core.model.note import Note


class Outcome(msgspec.Struct, frozen=True):
    """The payload of an `outcome` record: what became of a performed decision."""

    decision: str
    status: str
    receiver: str = ""
    attempts: int = 0
    detail: str = ""


class Annotation(msgspec.Struct, frozen=True):
    """The payload of an `annotation` record: a comment (author, kind, text), or the agents' notes.

    Notes answer the enrich decisions in `decisions`; `read_to` is the last record that the agents knew. Of
    kind `cause` it is a person's word on whether `change` caused the incident.
    """

    incident: str
    author: str = ""
    kind: str = ""
    text: str = ""
    decisions: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    read_to: int = 0
    change: str = ""
    caused: bool = True

    @property
    def by_person(self) -> bool:
        """What agents say is never an update: it answers decisions, or brings notes."""
        agents = self.decisions or self.notes
        return bool(self.author) and self.kind in ("comment", "update") and not agents
