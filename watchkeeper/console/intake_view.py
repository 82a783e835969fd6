"""The page Intake: which sources were heard, what could not be read, what was refused, each with its reason.

It is read from the engine's memory, from intake's counts (which begin with the server) and, for the start of
a body, from the journal. Names, reasons and bodies are foreign: shortened here, escaped by the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from copy import copy
from typing import Any, NamedTuple

from core.errors import JournalError
from core.journal import DEFAULT_DOMAIN
from core.model.document import Document
from core.model.incident import SourceLife
from core.ports import Journal
from core.times import DAY, format_rfc3339
from watchkeeper.console.clocks import Stamp, stamp
from watchkeeper.console.pages import Notice
from watchkeeper.console.text import plural, shorten
from watchkeeper.console.watchdog_rows import WatchdogRow, watchdog_rows
from watchkeeper.dead_letters import DeadLetters
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.http.intake import Intake, Refusal
from watchkeeper.senders import Senders

MAX_ROWS = 100
_BODY, _REASON = 300, 240
_ERASED = "It was erased. Its hash and the reason are in the journal."
_GONE = "It is no longer in the journal: it was older than what is kept."
_BROKEN = "The journal cannot be read now."
STATUS_WORDS = {
    400: "cannot be used",
    401: "not proven",
    404: "no such source",
    405: "not a POST",
    413: "too large",
    503: "could not be stored",
}


class Counts(NamedTuple):
    """Of a source since the server's start. `shared`: it has several domains, and this is of all of them."""

    events: int
    refused: int
    shared: bool


class Source(NamedTuple):
    """`heard` is None when nothing of it was ever read. `domain` is empty for the usual one."""

    name: str
    domain: str
    heard: Stamp | None
    silent: Stamp | None
    records: int
    counts: Counts
    unread: int
    proves: bool

    @property
    def trouble(self) -> int:
        """0 is worst."""
        found = (self.silent is not None, self.unread > 0, self.counts.refused > 0, self.heard is None, True)
        return found.index(True)


class Body(NamedTuple):
    """The start of a body, or in `note` why there is none. `gone`: it cannot be sent in again."""

    text: str
    size: int
    note: str = ""
    gone: bool = False


class Reason(NamedTuple):
    what: str
    where: str
    mend: str


class Letter(NamedTuple):
    record: int
    at: Stamp | None
    source: str
    domain: str
    reason: Reason
    read_as: int
    body: Body


class Refused(NamedTuple):
    at: Stamp | None
    source: str
    status: int
    words: str
    reason: Reason
    body: str


class IntakeWatch:
    """What the console asks of intake. `names` are the sources in force. From any thread."""

    def __init__(
        self,
        engine: EngineLoop,
        journal: Journal,
        intake: Intake,
        dead_letters: DeadLetters,
        senders: Senders,
        names: Collection[str],
    ) -> None:
        self._engine, self._journal, self._intake = engine, journal, intake
        self._letters, self._senders, self._names = dead_letters, senders, frozenset(names)

    async def replay(self, seq: int) -> Document:
        """Send a dead letter in again. Raises NotFound, InputError, JournalUnavailable."""
        return await self._letters.replay(seq)

    def warnings(self, now: int) -> list[Notice]:
        """Loud for a day; after that whoever wanted to look has looked."""
        with self._engine.reading() as fold:
            unread = [one.at for one in fold.engine.state.dead_letters.values() if not one.read_as]
        if not unread:
            return []
        bodies = plural(len(unread), "body was", "bodies were")
        text = f"{bodies} acknowledged and could not be read."
        return [Notice(text, now - max(unread) < DAY, "/intake#letters", "See why")]

    def sent(self, seq: int) -> Document | None:
        """What became of a dead letter that was sent in again; None for what is none."""
        with self._engine.reading() as fold:
            letter = fold.engine.state.dead_letters.get(str(seq))
            read_as = letter.read_as if letter else 0
        if letter is None:
            return None
        if read_as:
            text = f"Record {seq} could be read now, as record {read_as}."
            return {"heading": "Done", "text": text, "loud": False}
        text = f"Record {seq} may still be on its way. Reload this page."
        return {"heading": "Not read yet", "text": text, "loud": True}

    def view(self, now: int) -> dict[str, Any]:
        """The template's variables."""
        listed = sorted(self._letters.listed(), key=lambda one: bool(one["read_as"]))
        # One step: intake may append meanwhile.
        refused = list(self._intake.refusals)[::-1]
        sources = self._sources(listed, now)
        return {
            "sources": sources,
            "watchdogs": self._watchdogs(now),
            "never_heard": len(self._names - {one.name for one in sources}),
            "silent": sum(one.silent is not None for one in sources),
            "unproven": any(not one.proves for one in sources),
            "letters": [self._letter(one, now) for one in listed[:MAX_ROWS]],
            "more_letters": max(0, len(listed) - MAX_ROWS),
            "unread": sum(not one["read_as"] for one in listed),
            "refused": [_refused(one, now) for one in refused[:MAX_ROWS]],
            "more_refused": max(0, len(refused) - MAX_ROWS),
            "refused_total": sum(self._refused_by_name().values()),
        }

    def _sources(self, listed: list[Document], now: int) -> list[Source]:
        """Those that were heard, and those that tried: in vain, or with what could not be read."""
        with self._engine.reading() as fold:
            lives = {key: copy(life) for key, life in fold.engine.state.sources.items()}
        unread = Counter(f"{one['domain']}/{one['source']}" for one in listed if not one["read_as"])
        refused = self._refused_by_name()
        keys = {*lives, *unread}
        known = {key.partition("/")[2] for key in keys}
        keys |= {f"{DEFAULT_DOMAIN}/{name}" for name in refused if name in self._names - known}
        domains = Counter(key.partition("/")[2] for key in keys)
        rows = []
        for key in keys:
            name, life = key.partition("/")[2], lives.get(key)
            counts = Counts(self._intake.events[name], refused[name], domains[name] > 1)
            proves = self._senders.of(name).proves_itself
            rows.append(_source(key, life, counts, unread[key], proves, now))
        return sorted(rows, key=lambda one: (one.trouble, one.name, one.domain))

    def _watchdogs(self, now: int) -> list[WatchdogRow]:
        with self._engine.reading() as fold:
            known = [copy(one) for one in fold.engine.state.watchdogs.values()]
        return watchdog_rows(known, now)

    def _refused_by_name(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for (name, status), count in list(self._intake.requests.items()):
            if status >= 400:
                found[name] += count
        return found

    def _letter(self, document: Document, now: int) -> Letter:
        return Letter(
            document["record"],
            stamp(document["at"], now),
            shorten(document["source"], 60),
            "" if document["domain"] == DEFAULT_DOMAIN else shorten(document["domain"], 64),
            _reason(document["what"], document["where"], document["mend"]),
            document["read_as"] or 0,
            self._body(document["record"]),
        )

    def _body(self, seq: int) -> Body:
        try:
            rows = self._journal.read(seq - 1, 1)
        except JournalError:
            return Body("", 0, _BROKEN)
        if not rows or rows[0].seq != seq:
            return Body("", 0, _GONE, gone=True)
        if rows[0].erased:
            return Body("", 0, _ERASED, gone=True)
        payload = rows[0].payload
        # A character has at most four bytes.
        text = payload[: 4 * _BODY].decode("utf-8", "replace")[:_BODY]
        return Body(text, len(payload), "" if text else "It was empty.")


def _source(key: str, life: SourceLife | None, counts: Counts, unread: int, proves: bool, now: int) -> Source:
    domain, _, name = key.partition("/")
    return Source(
        shorten(name, 60),
        "" if domain == DEFAULT_DOMAIN else shorten(domain, 64),
        _stamp(life.last_heard if life and life.records else None, now),
        _stamp(life.silent_since if life else None, now),
        life.records if life else 0,
        counts,
        unread,
        proves,
    )


def _refused(row: Refusal, now: int) -> Refused:
    return Refused(
        _stamp(row.at, now),
        shorten(row.source, 60),
        row.status,
        STATUS_WORDS.get(row.status, ""),
        _reason(row.what, row.where, row.mend),
        shorten(row.body_start, _BODY),
    )


def _reason(*texts: str) -> Reason:
    return Reason(*(shorten(text, _REASON) for text in texts))


def _stamp(at: int | None, now: int) -> Stamp | None:
    return None if at is None else stamp(format_rfc3339(at), now)
