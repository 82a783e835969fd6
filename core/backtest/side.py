"""One side of a backtest: a fold of the records under the documents that are tried.

Config records of the names in `instead` get that content; checkpoints are passed over, so that everything is
decided anew. What people did to an incident is done to the one of that id, or else to the one that holds the
alert it opened with; where neither is, it is left out and counted. Only what `compare` reads is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from core.backtest.slim import slim
from core.canonical import canonical_json
from core.checkpoint import read_checkpoint
from core.config import config_draft, json_payload
from core.document import decision_json
from core.engine import Parse
from core.errors import InputError
from core.journal import Draft, Record
from core.model.decision import Decision
from core.model.document import Document
from core.model.incident import Episode
from core.replay import Fold

# People's words: an id in them names nothing.
_WORDS = frozenset({"actor", "reason", "to", "author", "kind", "text"})
_AGENTS = "agents"


class Opening(msgspec.Struct, frozen=True):
    """The alert that an incident began with."""

    episode: str
    line: int
    index: int


class Named(msgspec.Struct, frozen=True):
    """Incidents that a person's record names, by id, and whether it had an effect on them."""

    seq: int
    incidents: dict[str, Opening]
    effect: bool


class Notes(msgspec.Struct):
    """What a reader of the comparison should know. `from_record` is above 1 where older ones are gone."""

    records: int = 0
    from_record: int = 0
    erased: int = 0
    set_aside: int = 0
    first_error: str = ""
    not_applicable: int = 0
    versions: list[str] = []


class Side:
    """`opening` are the documents that a recording begins with. Raises InputError where no rules are in
    force."""

    def __init__(
        self, parse: Parse, version: str, instead: Mapping[str, Any], opening: Sequence[Draft] = ()
    ) -> None:
        self.fold = Fold(parse, version, keep=False)
        self.notes = Notes()
        self._instead = {name: config_draft(name, content) for name, content in instead.items()}
        self._opening = opening
        self._incidents: list[Document] = []
        self._pages: list[Document] = []

    def apply(self, record: Record, named: Named | None = None) -> Named | None:
        """Fold the next record. `named`: what history says of a person's record; without it this side is
        history, and what it says is given back."""
        if not self.notes.records:
            self._begin(record)
        self.notes.records += 1
        self.notes.erased += bool(record.erased)
        if record.kind == "checkpoint":
            return None
        if record.kind == "ingest" and not self.fold.engine.world.config.documents.get("rules"):
            raise self._no_rules(record)
        try:
            return self._apply(record, named)
        except InputError as error:
            self.fold.set_aside(record, error)
            self.notes.set_aside += 1
            self.notes.first_error = self.notes.first_error or f"record {record.seq}: {error}"
            return Named(record.seq, {}, False) if by_people(record) else None

    def finish(self, until: int | None = None) -> Document:
        """The document to compare, once time has passed to `until` (ms UTC)."""
        if until is not None:
            self._kept(self.fold.advance(until))
        found = [*self._incidents, *map(slim, self.fold.engine.documents())]
        return {"version": self.fold.version, "incidents": found, "decisions": self._pages}

    def _begin(self, record: Record) -> None:
        self.notes.from_record = record.seq
        drafts = list(self._opening)
        if record.kind == "checkpoint":
            self.notes.from_record = 0
            documents = read_checkpoint(record).state.documents
            drafts = [config_draft(name, content) for name, content in documents.items()]
        elif not drafts and record.seq <= 1:
            # A journal begins with its own rules; of a catalogue it may have none.
            drafts = [draft for draft in self._instead.values() if draft.source == "catalogue"]
        own = {draft.source: draft for draft in drafts} | (self._instead if record.seq > 1 else {})
        for name, draft in own.items():
            self.fold.engine.state.seq = -1
            draft = self._instead.get(name, draft)
            self.fold.apply(Record(0, record.received_at, draft.kind, draft.source, draft.payload))

    def _no_rules(self, record: Record) -> InputError:
        said = f" ({self.notes.first_error})" if self.notes.first_error else ""
        return InputError(
            f"no rules are in force{said}",
            where=f"record {record.seq}",
            mend="Give the whole journal, or say with --baseline which rules held",
        )

    def _apply(self, record: Record, named: Named | None) -> Named | None:
        if by_people(record):
            return self._moved(record, named)
        if record.kind == "config" and not record.erased:
            record = self._configured(record)
        self._kept(self.fold.apply(record))
        return None

    def _configured(self, record: Record) -> Record:
        document = json_payload(record)
        if document.get("name") == "program" and str(document.get("content")) not in self.notes.versions:
            self.notes.versions.append(str(document.get("content")))
        draft = self._instead.get(str(document.get("name")))
        return record if draft is None else msgspec.structs.replace(record, payload=draft.payload)

    def _kept(self, decisions: list[Decision]) -> None:
        self._pages += [decision_json(one) for one in decisions if one.kind == "notify"]
        if self.fold.forgotten:
            self._incidents += map(slim, self.fold.forgotten)
            self.fold.forgotten.clear()

    def _moved(self, record: Record, named: Named | None) -> Named | None:
        # What was due before is no effect of the record.
        self._kept(self.fold.advance(record.received_at))
        known = dict(self._openings(record)) if named is None else named.incidents
        here = {name: self._here(name, opening) for name, opening in known.items()}
        missing = not all(here.values())
        names = [name for name in here.values() if name]
        before = self._standing(names)
        if not missing:
            self._kept(self.fold.apply(_renamed(record, here)))
        effect = self._standing(names) != before
        if named is None:
            return Named(record.seq, known, effect)
        self.notes.not_applicable += named.effect and not effect
        return None

    def _openings(self, record: Record) -> Iterator[tuple[str, Opening]]:
        engine = self.fold.engine
        for name in _names(json_payload(record)):
            incident = engine.incident(name)
            if incident is not None and incident.members:
                episode = engine.state.episodes[incident.members[0]]
                yield name, Opening(episode.id, episode.seq, episode.index)

    def _here(self, name: str, opening: Opening) -> str:
        """The id of the incident to take for `name`; "" where there is none."""
        if self.fold.engine.incident(name) is not None:
            return name
        episode = self._episode(opening)
        return episode.incident if episode else ""

    def _episode(self, opening: Opening) -> Episode | None:
        episodes = self.fold.engine.state.episodes
        if opening.episode in episodes:
            return episodes[opening.episode]
        place = (opening.line, opening.index)
        return next((one for one in episodes.values() if (one.seq, one.index) == place), None)

    def _standing(self, names: list[str]) -> list[tuple[str, int]]:
        engine = self.fold.engine
        found = [(name, engine.incident(name)) for name in names]
        return [(incident.id, incident.version) if incident else (name, -1) for name, incident in found]


def by_people(record: Record) -> bool:
    """Whether a person did or said it of an incident."""
    said = record.kind == "annotation" and record.source != _AGENTS
    return (said or record.kind in ("transition", "approval")) and not record.erased


def _names(payload: Mapping[str, Any]) -> Iterator[str]:
    """Every text that may be an incident's id."""
    for key, value in payload.items():
        if key not in _WORDS:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str):
                    yield one


def _renamed(record: Record, here: Mapping[str, str]) -> Record:
    if all(name == now for name, now in here.items()):
        return record
    payload = {
        key: value if key in _WORDS else _with_names(value, here)
        for key, value in json_payload(record).items()
    }
    return msgspec.structs.replace(record, payload=canonical_json(payload))


def _with_names(value: Any, here: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_names(one, here) for one in value]
    return here.get(value, value) if isinstance(value, str) else value
