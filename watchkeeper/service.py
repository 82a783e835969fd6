"""Watch: what the HTTP API, the console and the command line can ask and do. No HTTP in here.

Reads come from the engine's memory for what is there and from the projection for what has left it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

from core.document import incident_summary, summary_of
from core.errors import InputError, NotFound, TransitionRefused
from core.explain import explain_alert, explain_episode, explain_incident, firings
from core.journal import Draft, json_draft
from core.lifecycle import Transition, check, transition_draft
from core.model.incident import OPEN, Incident, IncidentStatus
from core.narrative.plain import one_line
from core.narrative.report import report
from core.narrative.why import explanation
from core.ports import Clock, Document, Journal, Projection
from core.replay import Fold
from core.risk.causes import check_cause
from core.slo_document import slos_document
from core.times import format_rfc3339
from core.transitions import check_transition
from core.why_not import why_not
from core.world import World
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.said import Sayings
from watchkeeper.sent import raw_alert
from watchkeeper.shown import leaving, live_document, recalled, shown
from watchkeeper.standing_in import with_stand_ins
from watchkeeper.writer import JournalWriter

STATUSES = (*get_args(IncidentStatus), "open")
TARGETS = (*get_args(IncidentStatus), "merged", "split")
_APPLY_TIMEOUT = 10.0
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
        self._engine, self._writer, self._journal = engine, writer, journal
        self._projection, self._clock = projection, clock
        self._sayings = Sayings(journal)

    def incidents(self, status: str | None, cursor: str | None, limit: int) -> Document:
        """A page of summaries, newest first. Raises InputError for an unknown status or a broken cursor."""
        if status not in (None, *STATUSES):
            raise InputError(f"unknown status {status!r}", where="status", mend=f"Use {', '.join(STATUSES)}")
        before = decode_cursor(cursor) if cursor else None
        limit = max(1, min(limit, 500))
        with self._engine.reading() as fold:
            live = [one for one in fold.engine.state.incidents.values() if _has(one, status)]
            live.sort(key=lambda one: (format_rfc3339(one.opened_at), one.id), reverse=True)
            shown = [
                one for one in live if before is None or (format_rfc3339(one.opened_at), one.id) < before
            ]
            rows = [incident_summary(fold.engine.world, one) for one in shown[: limit + 1]]
            gone = [one for one in fold.forgotten if matching_status(one, status) and _before(one, before)]
        if status != "open":
            past = {one["id"]: one for one in self._projection.page(status, before, limit + 1)}
            past |= {one["id"]: one for one in gone}
            rows += [summary_of(one) for one in past.values()]
            rows.sort(key=lambda row: (row["opened_at"], row["id"]), reverse=True)
        more = len(rows) > limit
        rows = rows[:limit]
        return {"incidents": rows, "next_cursor": encode_cursor(rows[-1]) if more else None}

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
                return why_not(fold.engine.world, name, other)
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
        """The alert as it was sent: part `index` of record `line`. Raises NotFound."""
        return raw_alert(self._journal, line, index)

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
        JournalUnavailable."""
        actor, reason = _name(actor, "actor"), one_line(reason, 1_000)
        if to not in TARGETS:
            what = f"unknown status {one_line(to, 40)!r}"
            raise InputError(what, where="to", mend=f"Use {', '.join(TARGETS)}")
        wanted = Transition(incident_id, to, actor, reason, into, tuple(alerts))  # type: ignore[arg-type]
        await asyncio.to_thread(self._check_transition, wanted)
        return await self._append(transition_draft(wanted, source), incident_id)

    async def annotate(self, incident_id: str, author: str, text: str, source: str) -> Document:
        """Say something about an incident: an update, of which the time counts and not the words."""
        author, text = _name(author, "author"), one_line(text, 2_000)
        if not text:
            raise InputError("no words", where="text", mend="Say how it goes")
        if (await asyncio.to_thread(self.facts, incident_id))["status"] == "closed":
            raise TransitionRefused(f"{incident_id} is closed", where="comment", mend="It stays as it is")
        content = {"incident": incident_id, "author": author, "kind": "comment", "text": text}
        return await self._append(json_draft("annotation", source, content), incident_id)

    async def cause(
        self, incident_id: str, change: str, actor: str, reason: str, source: str, *, caused: bool
    ) -> Document:
        """Say whether a change caused an incident. Raises NotFound, InputError, JournalUnavailable."""
        actor, reason = _name(actor, "actor"), one_line(reason, 1_000)
        domain = (await asyncio.to_thread(self.facts, incident_id))["domain"]
        await asyncio.to_thread(self.asking, lambda world: check_cause(world, domain, change))
        content = {
            "incident": incident_id, "author": actor, "kind": "cause", "text": reason, "change": change,
            "caused": caused,
        }  # fmt: skip
        return await self._append(json_draft("annotation", source, content), incident_id)

    def asking(self, question: Callable[[World], T]) -> T:
        """What the question finds in the engine's state, as it is at one moment."""
        with self._engine.reading() as fold:
            return question(fold.engine.world)

    async def _append(self, draft: Draft, incident_id: str) -> Document:
        """Once the engine has applied it, the incident as it is then."""
        seq = await self._writer.append(draft)
        await asyncio.to_thread(self._engine.wait_for, seq, _APPLY_TIMEOUT)
        return await asyncio.to_thread(self.incident, incident_id)

    def _check_transition(self, wanted: Transition) -> None:
        with self._engine.reading() as fold:
            incident = fold.engine.incident(wanted.incident)
            if incident is not None:
                check_transition(fold.engine.world, incident, wanted)
                return
        document = self.incident(wanted.incident)
        check(Incident(document["id"], "", 0, 0, [], status=document["status"]), wanted.to)


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
        mend = "`watchkeeper incidents` lists ids, `show ID` fingerprints in brackets"
        raise NotFound(what, mend=mend) from None
    incident = fold.engine.incident(name)
    members = world.members(incident)[:_EXPLAINED] if incident else []
    keys = ("id", "title", "severity", "severity_reason", "status", "why", "origin", "history")
    return {
        "incident": {key: document[key] for key in keys},
        **why_of(fold, document),
        "alerts": [explain_episode(world, episode) for episode in members],
    }


def why_of(fold: Fold, document: Document) -> Document:
    incident = fold.engine.incident(document["id"])
    live = explain_incident(fold.engine.world, incident) if incident else None
    return explanation(document, live)


def matching_status(document: Document, status: str | None) -> bool:
    """Raises InputError for a status that does not exist."""
    if status not in (None, *STATUSES):
        raise InputError(
            f"unknown status {one_line(status or '', 40)!r}",
            where="status",
            mend=f"Use {', '.join(STATUSES)}",
        )
    return status is None or document["status"] == status or (status == "open" and document["status"] in OPEN)


def _has(incident: Incident, status: str | None) -> bool:
    return status is None or incident.status == status or (status == "open" and incident.status in OPEN)


def _before(document: Document, before: tuple[str, str] | None) -> bool:
    return before is None or (document["opened_at"], document["id"]) < before


def encode_cursor(row: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(f"{row['opened_at']} {row['id']}".encode()).decode()


def decode_cursor(cursor: str) -> tuple[str, str]:
    try:
        opened_at, _, name = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
    except ValueError:
        opened_at = name = ""
    if not name:
        raise InputError(
            "broken", where="cursor", mend="Take `next_cursor` of the page before, or leave it out"
        )
    return opened_at, name
