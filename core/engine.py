"""The engine: a pure fold of records into incidents, findings and decisions.

`apply` takes the next record, first fires the timers that were due before it, then handles it. The same
records give the same state and decisions on any machine; the engine acts on nothing and knows no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from core import merging, renewal, response
from core.canonical import sha256_hex
from core.changes import take_change
from core.config import Config, ConfigTold, config_told, put_told, typed_payload
from core.correlation.index import linked_by, relink
from core.dead_letters import came_at, note_replay
from core.document import incident_document, outside_document
from core.errors import WatchkeeperError
from core.findings import refresh
from core.forgetting import Forget, forget
from core.identify import Identify
from core.journal import Record
from core.lifecycle import Transition, may_forget
from core.model.decision import Decision
from core.model.document import Document
from core.model.events import AlertEvent, Parsed, RiskEvent, SignalEvent
from core.model.incident import Delivery, Incident, Remark
from core.observe import observe
from core.paging import announce_acknowledgements, announce_answer
from core.payloads import Annotation, Outcome
from core.risk.assessments import take_assessment
from core.risk.causes import take_cause
from core.settling import settle_anew
from core.silence_end import hear
from core.silent_source import expect_sources, watch_source
from core.slo import judge_again, take_signal
from core.state import State, keep_recent
from core.suppression.returning import look_at_all
from core.suppression.silencing import apply_silence, read_op
from core.timer_acts import timer_acts
from core.times import DAY, MINUTE
from core.transitions import apply_transition
from core.watchdog import judge_watchdogs, take_watchdog
from core.world import Turn, World

# Of an ingest record, with the mappings in force (texts by source).
Parse = Callable[[Record, Mapping[str, str]], Parsed]
_NOTHING = Parsed(())
_SHAPES: Mapping[str, type[msgspec.Struct]] = {
    "outcome": Outcome,
    "annotation": Annotation,
    "transition": Transition,
    "forget": Forget,
}
_LONGEST_ID = 200


class Engine:
    """`parse` turns an ingest record into events. `on_forgotten` gets the last document of an incident that
    leaves memory; whoever keeps history keeps it."""

    def __init__(
        self,
        parse: Parse,
        state: State | None = None,
        on_forgotten: Callable[[Document], None] = lambda document: None,
    ) -> None:
        self.parse, self.on_forgotten = parse, on_forgotten
        # Why the last record, of what a person did, had no effect; None where it had.
        self.refused: WatchkeeperError | None = None
        self.world = World(state or State())
        relink(self.world)
        self._made: Identify | None = None
        self._timers = timer_acts(self._identify, {"forget": self._forget, "anew": self._renew})

    @property
    def state(self) -> State:
        return self.world.state

    def apply(self, record: Record) -> list[Decision]:
        """Decisions in order. Raises InputError, with nothing changed, for a record that cannot be read."""
        state = self.state
        if record.seq <= state.seq and record.kind != "tick":
            return []
        readable = record.kind == "ingest" and not record.erased
        parsed = self.parse(record, self.world.config.mappings) if readable else _NOTHING
        told = None if record.erased else _told(record)
        decisions: list[Decision] = []
        self.refused = None
        now = max(record.received_at, state.clock)
        self._fire(now, decisions)
        state.clock = now
        if record.kind != "tick":
            state.seq = record.seq
        if record.kind != "tick" and not record.erased:
            turn = Turn(self.world, now, record.seq, decisions)
            self._handle(turn, record, parsed, told)
            self.refused = turn.refused
            self._fire(now, decisions)
        return decisions

    def next_due(self) -> int | None:
        """When the next timer fires, in ms UTC."""
        return self.world.timers.next_due()

    def incident(self, incident_id: str) -> Incident | None:
        """By its id, or by an id that was merged into it."""
        return self.state.incidents.get(self.world.resolve_id(incident_id))

    def documents(self) -> Iterator[Document]:
        """Of every incident in memory, in order of opening."""
        incidents = self.state.incidents.values()
        for incident in sorted(incidents, key=lambda one: (one.opened_at, one.opened_seq, one.id)):
            yield incident_document(self.world, incident)

    def _handle(self, turn: Turn, record: Record, parsed: Parsed, told: Any) -> None:
        """`told`: what a record of ours says, see _told."""
        match record.kind:
            case "ingest":
                self._ingest(turn, record, parsed)
            case "config":
                self._configure(turn, told)
            case "transition":
                apply_transition(turn, told)
                announce_acknowledgements(turn)
            case "outcome":
                self._delivered(turn, told)
            case "annotation":
                self._remark(turn, told)
            case "forget":
                forget(turn, told)
                relink(self.world)
            case "silence":
                apply_silence(turn, told)
            case "checkpoint" | "approval" | "tick":
                pass

    def _ingest(self, turn: Turn, record: Record, parsed: Parsed) -> None:
        note_replay(self.state.dead_letters, record)
        key, identify = hear(turn, record), self._identify()
        watch_source(turn, key, self.state.sources[key], identify)
        if parsed.delivery and self._seen(record, parsed.delivery):
            return
        first = came_at(record)
        for event in parsed.events:
            if isinstance(event, AlertEvent):
                event = identify.taken(event, record.source)
                if first != record.received_at and event.status == "firing" and event.starts_at is None:
                    event = msgspec.structs.replace(event, starts_at=first)
                if not take_watchdog(turn, record, event, identify, first):
                    observe(turn, record, event, identify)
            elif isinstance(event, SignalEvent):
                take_signal(turn, record, event, identify)
            elif isinstance(event, RiskEvent):
                take_assessment(turn, record, event)
            else:
                take_change(turn, record, identify.placed(event))

    def _identify(self) -> Identify:
        """Of the rules in force."""
        if self._made is None:
            self._made = Identify(self.world.config)
        return self._made

    def _seen(self, record: Record, delivery: str) -> bool:
        """Whether the same delivery was folded within the last day; senders repeat what was not answered."""
        name = delivery if len(delivery) <= _LONGEST_ID else sha256_hex(delivery.encode("utf-8", "replace"))
        key, delivered = f"{record.domain}/{record.source}#{name}", self.state.delivered
        if delivered.get(key, -DAY) > record.received_at - DAY:
            return True
        delivered[key] = record.received_at
        keep_recent(delivered, record.received_at, lambda at: at)
        return False

    def _configure(self, turn: Turn, told: ConfigTold) -> None:
        """Findings so far were made under the old documents: bring them up to date first."""
        if self.world.config.documents.get("rules"):
            for incident in self.state.incidents.values():
                refresh(self.world, incident)
        before = linked_by(self.world)
        put_told(self.world.config, told)
        self.state.documents = self.world.config.documents
        self._made = None
        if any(old is not new for old, new in zip(before, linked_by(self.world), strict=True)):
            self.world.configured()
            self.state.configured_seq = turn.seq
            relink(self.world)
            settle_anew(turn)
        if self.world.config.documents.get("rules"):
            expect_sources(turn, self._identify())
            judge_again(turn, self._identify())
            judge_watchdogs(turn, self._identify())
            response.rearm(turn)
        look_at_all(turn)

    def _delivered(self, turn: Turn, outcome: Outcome) -> None:
        decision = self.state.pending.get(outcome.decision)
        if decision is None or decision.kind != "notify":
            return
        del self.state.pending[decision.id]
        incident = self.incident(decision.subject)
        if incident is not None:
            came = Delivery(
                decision.id, turn.at, outcome.status, outcome.receiver, outcome.attempts, outcome.detail
            )
            incident.deliveries += (came,)
            incident.version += 1

    def _remark(self, turn: Turn, annotation: Annotation) -> None:
        for name in annotation.decisions:
            self.state.pending.pop(name, None)
        incident = self.incident(annotation.incident)
        if annotation.kind == "cause":
            take_cause(turn, incident, annotation)
            return
        if incident is None:
            return
        incident.asked = [name for name in incident.asked if name not in annotation.decisions]
        # Answers may overtake each other: an older picture, or that of a part, never replaces a newer one.
        if annotation.notes and annotation.read_to >= incident.read_to and incident.id == annotation.incident:
            incident.notes = {note.author: note for note in annotation.notes}
            incident.noted_at, incident.read_to = turn.at, annotation.read_to
        if annotation.text:
            incident.remarks += (Remark(turn.at, annotation.author, annotation.kind, annotation.text),)
            if annotation.by_person:
                response.updated(turn, incident)
                announce_answer(turn, incident)
        incident.version += 1

    def _fire(self, now: int, decisions: list[Decision]) -> None:
        for timer in self.world.timers.pop_due(now):
            what, _, subject = timer.id.partition(":")
            act = self._timers.get(what)
            if act is not None:
                act(Turn(self.world, timer.due, timer.seq, decisions), subject)

    def _forget(self, turn: Turn, incident: Incident) -> None:
        if not may_forget(self.world, incident):
            turn.arm(f"forget:{incident.id}", turn.at + max(MINUTE, self.world.rules.lifecycle.reopen_window))
            return
        self._leave(incident, incident.members)

    def _renew(self, turn: Turn, incident: Incident) -> None:
        """A closed incident whose alerts fire on, its sources say: they are another's now."""
        names = renewal.going_on(self.world, incident)
        going = set(names)
        if names:
            self._leave(incident, [name for name in incident.members if name not in going])
            renewal.renew(turn, incident, names)

    def _leave(self, incident: Incident, episodes: list[str]) -> None:
        """An incident leaves memory, and its `episodes` with it."""
        # Nobody explains what has left memory.
        for name in incident.asked:
            self.state.pending.pop(name, None)
        incident.asked = []
        self.on_forgotten({**incident_document(self.world, incident), **outside_document(incident)})
        for name in episodes:
            self.world.timers.cancel(f"lease:{name}")
            self.world.index.forget(self.state.episodes.pop(name))
        del self.state.incidents[incident.id]
        merging.forget(self.world, incident)


def _told(record: Record) -> Any:
    """What a record of ours says, in its type; None of other kinds. Raises InputError before any timer fires
    for a record that cannot be read."""
    if record.kind in _SHAPES:
        return typed_payload(record, _SHAPES[record.kind])
    if record.kind == "silence":
        return read_op(record)
    if record.kind == "config":
        told = config_told(record)
        put_told(Config(), told)
        return told
    return None
