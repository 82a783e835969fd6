"""Watch: what the HTTP API, the console and the command line can ask and do. No HTTP in here.

Reads come from the engine's memory for what is there and from the projection for what has left it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, get_args

from core.errors import InputError, NotFound, TransitionRefused
from core.explain import explain_alert, explain_episode, explain_incident, firings
from core.journal import Draft, json_draft
from core.lifecycle import Transition, check, transition_draft
from core.model.document import Document
from core.model.incident import IncidentStatus
from core.narrative.plain import one_line
from core.narrative.report import report
from core.narrative.why import explanation
from core.ports import Clock, Journal, Projection
from core.replay import Fold
from core.risk.causes import check_cause
from core.slo_document import slos_document
from core.transitions import check_transition
from core.why_not import LOOK, gone, known, why_not
from core.world import World
from watchkeeper.acts import Acts
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.listing import asked, in_memory, whole
from watchkeeper.said import Sayings
from watchkeeper.sent import raw_alert
from watchkeeper.shown import leaving, live_document, recalled, shown
from watchkeeper.standing_in import with_stand_ins
from watchkeeper.writer import JournalWriter

TARGETS = (*get_args(IncidentStatus), "merged", "split")
_EXPLAINED = 50
T = TypeVar("T")


class Watch:
    """Implements the console's and the API's protocols of the same name."""

    def __init__(
        self,
        engine: EngineLoop,
        writer: JournalWriter,
        journal: Journal,
        projection: Projection,
        clock: Clock,
        health: Callable[[], Document],
        *,
        base_url: str = "",
        demo: bool = False,
    ) -> None:
        self.demo, self.health, self._base_url = demo, health, base_url
        self._engine, self._journal = engine, journal
        self.acts = Acts(engine, writer)
        self._projection, self._clock = projection, clock
        self._sayings = Sayings(journal)

    def incidents(self, status: str | None, cursor: str | None, limit: int, order: str = "need") -> Document:
        """A page of summaries, what needs somebody first; see watchkeeper/listing.py. Raises InputError for
        what does not exist, or a broken cursor."""
        page = asked(status, cursor, limit, order)
        with self._engine.reading() as fold:
            memory = in_memory(fold, page)
        return whole(memory, page, self._projection)

    def incident(self, incident_id: str) -> Document:
        """By its id or one that was merged into it; with `allowed`, notes at any time, and what its leading
        alerts say. Raises NotFound."""
        return self.with_said(shown(self.facts(incident_id)))

    def with_said(self, document: Document, most: int | None = None) -> Document:
        """The document with `said`: what senders say of its leading alerts; see watchkeeper/said.py."""
        return {**document, "said": self._sayings.of(self._engine.fold, document, most)}

    def facts(self, incident_id: str) -> Document:
        """The same, as it is in the engine or in history. Raises NotFound."""
        with self._engine.reading() as fold:
            return self._document(fold, incident_id)

    def _document(self, fold: Fold, incident_id: str) -> Document:
        incident = fold.engine.incident(incident_id)
        if incident is not None:
            return live_document(fold, incident)
        past = leaving(fold, incident_id) or self._projection.get(incident_id)
        if past is None:
            raise NotFound(
                f"no incident {one_line(incident_id, 60)!r}", mend="`watchkeeper incidents` lists them"
            )
        return recalled(fold, past)

    def slos(self, service: str | None = None, limit: int = 200) -> Document:
        """Where service level objectives stand, those in trouble first."""
        with self._engine.reading() as fold:
            return slos_document(fold.engine.world, service, limit)

    def explain(self, name: str, other: str = "") -> Document:
        """An incident's id gives its why-tree, a fingerprint that alert's; with `other`, why the two are not
        one. Raises NotFound, InputError."""
        with self._engine.reading() as fold:
            if other:
                return apart(fold, name, other, self._document)
            return explained(fold, name, self._document)

    def why(self, document: Document) -> Document:
        """Why people were told of an incident, and of what it nearly joined; `document` is the incident's."""
        with self._engine.reading() as fold:
            return why_of(fold, document)

    def report(self, incident_id: str) -> str:
        """The incident as a Markdown report. Raises NotFound."""
        document = self.with_said(with_stand_ins(self.facts(incident_id)))
        return report(document, base_url=self._base_url)

    def raw_alert(self, line: int, index: int) -> Document:
        """The alert as it was sent, part `index` of record `line`, and what it `said`, whatever its form.
        Raises NotFound."""
        found = raw_alert(self._journal, line, index)
        return {**found, "said": self._sayings.one(self._engine.fold, line, index)}

    async def transition(
        self,
        incident_id: str,
        to: str,
        actor: str,
        reason: str,
        source: str,
        *,
        into: str = "",
        alerts: Sequence[str] = (),
    ) -> Document:
        """Move, merge or split an incident. Raises NotFound, TransitionRefused, InputError,
        JournalUnavailable, NotYetApplied."""
        actor, reason = _name(actor, "actor"), one_line(reason, 1_000)
        if to not in TARGETS:
            what = f"unknown status {one_line(to, 40)!r}"
            raise InputError(what, where="to", mend=f"Use {', '.join(TARGETS)}")
        wanted = Transition(incident_id, to, actor, reason, into, tuple(alerts))  # type: ignore[arg-type]

        def checked() -> Draft:
            self._check_transition(wanted)
            return transition_draft(wanted, source)

        return await self._do((incident_id, into) if into else (incident_id,), checked)

    async def annotate(self, incident_id: str, author: str, text: str, source: str) -> Document:
        """Say something about an incident: an update, of which the time counts and not the words."""
        author, text = _name(author, "author"), one_line(text, 2_000)
        if not text:
            raise InputError("no words", where="text", mend="Say how it goes")
        content = {"incident": incident_id, "author": author, "kind": "comment", "text": text}

        def checked() -> Draft:
            if self._status(incident_id)[0] == "closed":
                raise TransitionRefused(f"{incident_id} is closed", where="comment", mend="It stays as it is")
            return json_draft("annotation", source, content)

        return await self._do((incident_id,), checked)

    async def cause(
        self, incident_id: str, change: str, actor: str, reason: str, source: str, *, caused: bool
    ) -> Document:
        """Say whether a change caused an incident. Raises NotFound, InputError, JournalUnavailable."""
        actor, reason = _name(actor, "actor"), one_line(reason, 1_000)
        content = {
            "incident": incident_id, "author": actor, "kind": "cause", "text": reason, "change": change,
            "caused": caused,
        }  # fmt: skip

        def checked() -> Draft:
            domain = self.facts(incident_id)["domain"]
            self.asking(lambda world: check_cause(world, domain, change))
            return json_draft("annotation", source, content)

        return await self._do((incident_id,), checked)

    def asking(self, question: Callable[[World], T]) -> T:
        """What the question finds in the engine's state, as it is at one moment."""
        with self._engine.reading() as fold:
            return question(fold.engine.world)

    async def _do(self, subjects: Sequence[str], checked: Callable[[], Draft]) -> Document:
        """Once the engine has applied it, the first of the incidents as it is then."""
        await self.acts.do(subjects, checked)
        return await asyncio.to_thread(self.incident, subjects[0])

    def _check_transition(self, wanted: Transition) -> None:
        with self._engine.reading() as fold:
            incident = fold.engine.incident(wanted.incident)
            if incident is not None:
                check_transition(fold.engine.world, incident, wanted)
                return
        check(wanted.incident, *self._status(wanted.incident), wanted.to)

    def _status(self, incident_id: str) -> tuple[IncidentStatus, int]:
        """And of how many alerts it is. Raises NotFound."""
        with self._engine.reading() as fold:
            incident = fold.engine.incident(incident_id)
            if incident is not None:
                return incident.status, len(incident.members)
        document = self.facts(incident_id)
        return document["status"], len(document["alerts"])


def _name(text: str, where: str) -> str:
    name = one_line(text, 100)
    if not name:
        raise InputError("nobody's name", where=where, mend="Say who does this")
    return name


def explained(fold: Fold, name: str, document_of: Callable[[Fold, str], Document]) -> Document:
    """What `explain` answers: for a fingerprint its last firings, for an incident its tree and its first
    alerts."""
    world = fold.engine.world
    alerts = explain_alert(world, name, _EXPLAINED)
    if alerts:
        return {"alerts": alerts, "earlier": len(firings(world, name)) - len(alerts)}
    try:
        document = document_of(fold, name)
    except NotFound:
        what = f"no incident or alert {one_line(name, 60)!r}"
        raise NotFound(what, mend=LOOK) from None
    incident = fold.engine.incident(name)
    members = world.members(incident)[:_EXPLAINED] if incident else []
    keys = ("id", "title", "severity", "severity_reason", "status", "why", "origin", "history")
    return {
        "incident": {key: document[key] for key in keys},
        **why_of(fold, document),
        "alerts": [explain_episode(world, episode) for episode in members],
    }


def apart(fold: Fold, name: str, other: str, document_of: Callable[[Fold, str], Document]) -> Document:
    """Why two incidents or alerts are not one. Raises NotFound, InputError."""
    world = fold.engine.world
    for one, where in ((name, "explain"), (other, "why-not")):
        if known(world, one):
            continue
        try:
            document = document_of(fold, one)
        except NotFound:
            continue
        raise gone(str(document["id"]), where)
    return why_not(world, name, other)


def why_of(fold: Fold, document: Document) -> Document:
    incident = fold.engine.incident(document["id"])
    live = explain_incident(fold.engine.world, incident) if incident else None
    return explanation(document, live)
