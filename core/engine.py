"""The engine: a pure fold of records into incidents, findings and decisions.

`apply` takes the next record, first fires the timers that were due before it, then handles it. The same
records give the same state and decisions on any machine; the engine acts on nothing and knows no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from core import merging, renewal, response
from core.canonical import sha256_hex
from core.changes import forget_change, take_change
from core.config import Config, apply_config, typed_payload
from core.correlation.index import linked_by, relink
from core.dead_letters import came_at, note_replay
from core.document import Document, incident_document, outside_document
from core.findings import refresh
from core.forgetting import Forget, forget
from core.identify import Identify
from core.incident_timers import INCIDENT_TIMERS
from core.journal import Record
from core.lifecycle import Transition, may_forget
from core.model.decision import Decision
from core.model.events import AlertEvent, Parsed, RiskEvent, SignalEvent
from core.model.incident import Delivery, Incident, Remark
from core.observe import observe
from core.paging import announce_acknowledgements
from core.payloads import Annotation as Annotation
from core.payloads import Outcome as Outcome
from core.risk.assessments import on_assessment_timer, take_assessment
from core.risk.causes import take_cause
from core.settling import on_settle_timer, settle_anew
from core.silence_end import hear, on_lease_timer
from core.silent_source import expect_sources, on_silent_timer, watch_source
from core.slo import judge_again, on_slo_timer, take_signal
from core.state import State, keep_recent
from core.storm import on_storm_timer
from core.suppression.returning import look_at_all
from core.suppression.silencing import apply_silence, on_silence_timer, read_op
from core.times import DAY, MINUTE
from core.transitions import apply_transition
from core.watchdog import judge_watchdogs, on_watchdog_timer, take_watchdog
from core.world import Turn, World

# Of an ingest record, with the mappings in force (texts by source).
Parse = Callable[[Record, Mapping[str, str]], Parsed]
_NOTHING = Parsed(())
_LONGEST_ID = 200


def _nothing(turn: Turn, incident: Incident) -> None:
    """A timer that another version armed."""


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
        self.world = World(state or State())
        relink(self.world)
        self._made: Identify | None = None
        self._own = {"forget": self._forget, "anew": self._renew}

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
        if not record.erased:
            self._check(record)
        decisions: list[Decision] = []
        now = max(record.received_at, state.clock)
        self._fire(now, decisions)
        state.clock = now
        if record.kind != "tick":
            state.seq = record.seq
        if record.kind != "tick" and not record.erased:
            self._handle(Turn(self.world, now, record.seq, decisions), record, parsed)
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

    def _check(self, record: Record) -> None:
        """What a record says of itself must be readable before any timer fires for it."""
        if record.kind == "outcome":
            typed_payload(record, Outcome)
        elif record.kind == "annotation":
            typed_payload(record, Annotation)
        elif record.kind == "transition":
            typed_payload(record, Transition)
        elif record.kind == "config":
            apply_config(Config(), record)
        elif record.kind == "forget":
            typed_payload(record, Forget)
        elif record.kind == "silence":
            read_op(record)

    def _handle(self, turn: Turn, record: Record, parsed: Parsed) -> None:
        match record.kind:
            case "ingest":
                self._ingest(turn, record, parsed)
            case "config":
                self._configure(turn, record)
            case "transition":
                apply_transition(turn, record)
                announce_acknowledgements(turn)
            case "outcome":
                self._settle(turn, typed_payload(record, Outcome))
            case "annotation":
                self._remark(turn, typed_payload(record, Annotation))
            case "forget":
                forget(turn, typed_payload(record, Forget))
                relink(self.world)
            case "silence":
                apply_silence(turn, record)
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

    def _configure(self, turn: Turn, record: Record) -> None:
        """Findings so far were made under the old documents: bring them up to date first."""
        if self.world.config.documents.get("rules"):
            for incident in self.state.incidents.values():
                refresh(self.world, incident)
        before = linked_by(self.world)
        apply_config(self.world.config, record)
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

    def _settle(self, turn: Turn, outcome: Outcome) -> None:
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
        incident.version += 1

    def _fire(self, now: int, decisions: list[Decision]) -> None:
        for timer in self.world.timers.pop_due(now):
            what, _, subject = timer.id.partition(":")
            turn = Turn(self.world, timer.due, timer.seq, decisions)
            if what == "settle":
                on_settle_timer(turn)
            elif what == "storm":
                on_storm_timer(turn)
            elif what == "lease":
                if subject in self.state.episodes:
                    on_lease_timer(turn, self.state.episodes[subject])
            elif what == "silence":
                on_silence_timer(turn, subject)
            elif what == "silent":
                on_silent_timer(turn, subject, self._identify())
            elif what == "watchdog":
                on_watchdog_timer(turn, subject, self._identify())
            elif what == "slo":
                on_slo_timer(turn, subject, self._identify())
            elif what == "change":
                forget_change(turn, subject)
            elif what == "assessment":
                on_assessment_timer(turn, subject)
            elif subject in self.state.incidents:
                act = self._own.get(what) or INCIDENT_TIMERS.get(what, _nothing)
                act(turn, self.state.incidents[subject])

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
