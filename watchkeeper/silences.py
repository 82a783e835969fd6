"""Silences and dismissals as people meet them: listed, put, changed and ended; checked before they are kept.

Times given and taken here are milliseconds UTC, or RFC 3339 in documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from core.errors import InputError, NotFound, TransitionRefused
from core.journal import Draft
from core.model.document import Document
from core.model.incident import OPEN, Episode
from core.narrative.plain import one_line
from core.ports import Clock
from core.replay import Fold
from core.suppression.checking import MAX_AUTHOR, MAX_COMMENT, MAX_SILENCES, check_silence, silence_id
from core.suppression.matchers import Matcher, of_labels
from core.suppression.silences import Silence, effects
from core.suppression.silencing import dismiss_draft, expire_draft, put_draft, return_draft
from core.times import DAY, format_rfc3339
from watchkeeper.acts import Acts
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.writer import JournalWriter

_NEW = "a new silence"
_LONGEST_DISMISSAL = 30 * DAY
_SHOWN = 20
_ORDER = {"active": 0, "pending": 1, "expired": 2}


class Silences:
    """`acts` are those of the incidents, whose dismissals are put here."""

    def __init__(
        self, engine: EngineLoop, writer: JournalWriter, clock: Clock, acts: Acts | None = None
    ) -> None:
        self._engine, self._clock = engine, clock
        self._acts = acts or Acts(engine, writer)

    def listed(self, filters: Sequence[Matcher] = ()) -> list[Document]:
        """Active, pending, then expired ones; those that end first come first. `filters` are of the labels
        that a silence's own matchers name."""
        now = self._clock.now()
        with self._engine.reading() as fold:
            found = effects(fold.engine.world, now)
            rows = [
                _document(one, now, found.get(one.id, []))
                for one in fold.engine.state.silences.values()
                if _passes(one, filters)
            ]
        rows.sort(key=lambda row: (_ORDER[row["state"]], row["ends_at"], row["id"]))
        return rows

    def one(self, name: str) -> Document:
        """Raises NotFound."""
        now = self._clock.now()
        with self._engine.reading() as fold:
            silence = _known(fold, name)
            return _document(silence, now, effects(fold.engine.world, now).get(name, []))

    async def put(self, silence: Silence, source: str) -> Document:
        """Store a new silence (its `id` is empty), or a change of one; what it is, with `warnings`. One that
        has expired, or whose matchers change, goes on as a new one.

        Raises InputError, NotFound, JournalUnavailable, NotYetApplied."""
        author, comment = one_line(silence.author, MAX_AUTHOR), one_line(silence.comment, MAX_COMMENT)
        if not comment:
            raise InputError("no comment", where="comment", mend="Say why; everybody sees it")
        now = self._clock.now()
        silence = msgspec.structs.replace(silence, author=author, comment=comment)
        if not silence.id:
            silence = msgspec.structs.replace(silence, starts_at=max(silence.starts_at, now))
        warnings = check_silence(silence, now)
        found: list[str] = []

        def checked() -> Draft:
            named = self._named(silence, now)
            found.append(named.id)
            return put_draft(named, source)

        # All new ones in a row, since there may be only so many.
        await self._acts.do((silence.id or _NEW,), checked)
        if silence.id and found[0] != silence.id:
            await self._end(silence.id, author, source)
        return {**await asyncio.to_thread(self.one, found[0]), "warnings": warnings}

    async def expire(self, name: str, actor: str, source: str) -> Document:
        """End a silence now. Raises NotFound, InputError when it is over already, JournalUnavailable."""

        def checked() -> Draft:
            row = self.one(name)
            if row["state"] == "expired":
                last = row["history"][-1]
                by = f", ended by {last['author']}" if last["op"] == "expire" else ""
                what = f"{name} is over since {row['ends_at']}{by}"
                raise InputError(what, where="silence", mend="Put a new one")
            return expire_draft(name, one_line(actor, MAX_AUTHOR), source)

        await self._acts.do((name,), checked)
        return await asyncio.to_thread(self.one, name)

    async def _end(self, name: str, author: str, source: str) -> None:
        """What goes on as another silence ends, unless it is over."""
        with suppress(InputError):
            await self.expire(name, author, source)

    async def dismiss(self, incident: str, until: int, actor: str, reason: str, source: str) -> Document:
        """Page nobody about an incident until a time, or until it gets worse; its id and what holds now.

        Raises InputError, NotFound, TransitionRefused, JournalUnavailable."""
        actor, reason = one_line(actor, MAX_AUTHOR), one_line(reason, 1_000)
        if not actor:
            raise InputError("nobody's name", where="actor", mend="Say who does this")
        now = self._clock.now()
        if not now < until <= now + _LONGEST_DISMISSAL:
            what = f"{format_rfc3339(until)} is not within the next 30 days"
            raise InputError(what, where="until", mend="Give a time such as 2h, or resolve the incident")

        def checked() -> Draft:
            self._open(incident)
            return dismiss_draft(incident, until, actor, reason, source)

        await self._acts.do((incident,), checked)
        return await asyncio.to_thread(self._dismissal, incident)

    async def undismiss(self, incident: str, actor: str, source: str) -> Document:
        """End a dismissal. Raises NotFound, TransitionRefused when there is none, JournalUnavailable."""

        def checked() -> Draft:
            row = self._dismissal(incident)
            if row["snoozed_until"] is None:
                raise TransitionRefused(f"{row['incident']} is not dismissed", mend="Nothing is left to do")
            return return_draft(incident, one_line(actor, MAX_AUTHOR), source)

        await self._acts.do((incident,), checked)
        return await asyncio.to_thread(self._dismissal, incident)

    def _named(self, silence: Silence, now: int) -> Silence:
        with self._engine.reading() as fold:
            held = fold.engine.state.silences
            if silence.id:
                before = _known(fold, silence.id)
                if before.state(now) != "expired" and set(before.matchers) == set(silence.matchers):
                    return silence
                silence = msgspec.structs.replace(silence, starts_at=max(silence.starts_at, now))
            if len(held) >= MAX_SILENCES:
                mend = "End some, and make what is to last a quiet time of the rules"
                raise InputError(f"there are {len(held)} silences already", where="silences", mend=mend)
            return msgspec.structs.replace(silence, id=silence_id(silence, tuple(held)))

    def _open(self, incident_id: str) -> None:
        with self._engine.reading() as fold:
            incident = fold.engine.incident(incident_id)
            if incident is None:
                what = f"no incident {one_line(incident_id, 60)!r} that is not over"
                raise NotFound(what, mend="`watchkeeper incidents` lists them")
            if incident.status not in OPEN:
                what = f"{incident.id} is {incident.status}"
                raise TransitionRefused(what, mend="Only what is open can be dismissed")

    def _dismissal(self, incident_id: str) -> Document:
        with self._engine.reading() as fold:
            incident = fold.engine.incident(incident_id)
            if incident is None:
                what = f"no incident {one_line(incident_id, 60)!r} that is not over"
                raise NotFound(what, mend="`watchkeeper incidents` lists them")
            snooze = incident.snooze
            return {
                "incident": incident.id,
                "status": incident.status,
                "snoozed_until": format_rfc3339(snooze.until) if snooze else None,
                "by": snooze.by if snooze else "",
                "reason": snooze.reason if snooze else "",
            }


def silence_from(
    matchers: Iterable[Matcher],
    starts_at: int,
    ends_at: int,
    author: str,
    comment: str,
    name: str = "",
) -> Silence:
    return Silence(name, tuple(matchers), starts_at, ends_at, author, comment)


def _known(fold: Fold, name: str) -> Silence:
    silence = fold.engine.state.silences.get(name)
    if silence is None:
        what = f"no silence {one_line(name, 60)!r}"
        raise NotFound(what, mend="`watchkeeper silences` lists them")
    return silence


def _passes(silence: Silence, filters: Sequence[Matcher]) -> bool:
    value_of = of_labels({one.name: one.value for one in silence.matchers})
    return all(one.holds(value_of(one.name)) for one in filters)


def _document(silence: Silence, now: int, episodes: list[Episode]) -> Document:
    return {
        "id": silence.id,
        "state": silence.state(now),
        "matchers": [
            {"name": one.name, "op": one.op, "value": one.value, "text": one.text} for one in silence.matchers
        ],
        "starts_at": format_rfc3339(silence.starts_at),
        "ends_at": format_rfc3339(silence.ends_at),
        "updated_at": format_rfc3339(silence.updated_at),
        "author": silence.author,
        "comment": silence.comment,
        "alerts_firing": len(episodes),
        "alerts": [
            {"name": one.name, "service": one.entity.service, "incident": one.incident}
            for one in episodes[:_SHOWN]
        ],
        "incidents": sorted({one.incident for one in episodes}),
        "history": [
            {
                "at": format_rfc3339(edit.at),
                "op": edit.op,
                "author": edit.author,
                "starts_at": format_rfc3339(edit.starts_at),
                "ends_at": format_rfc3339(edit.ends_at),
                "matchers": edit.matchers,
            }
            for edit in silence.history
        ],
    }
