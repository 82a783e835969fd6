"""Erasing bytes from the journal once a `forget` record has decided it, whole or not at all.

What a record said is read here, while it can be: with the mappings that were in force when it came, and with
those of now.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from connectors.inbound.registry import parse
from connectors.storage.sqlite_journal import SqliteJournal
from core.changes import change_id
from core.config import Config, apply_config, typed_payload
from core.errors import InputError
from core.forgetting import Forget, Said, deciding_labels
from core.identify import Identify
from core.journal import Record
from core.lifecycle import Transition
from core.model.events import AlertEvent, ChangeEvent, Event, RiskEvent
from core.model.note import Note
from core.payloads import Annotation, Outcome
from core.ports import Journal, read_all
from core.quoting import LONG, texts_in, texts_of
from core.risk.forgotten import texts_of_risk
from core.suppression.silencing import SilenceOp
from core.world import World

ERASABLE = ("ingest", "annotation", "transition", "outcome", "approval", "silence")
# Of a text that may be anything, as a name that a thousand records say: this long, it is no chance.
_SURE = 16


def erase(journal: SqliteJournal, seq: int) -> None:
    """The payload of `seq`, and of all checkpoints but the newest: they hold states that knew it."""
    found = [one.seq for one in read_all(journal) if one.kind == "checkpoint" and not one.erased]
    journal.erase([seq, *found[:-1]])


def finish_erasing(journal: SqliteJournal) -> None:
    """Complete an erasure that was decided and then interrupted. Call at a start."""
    decided = journal.latest("forget", "operator")
    if decided is None:
        return
    what = forgotten(decided)
    rows = journal.read(what.seq - 1, 1)
    if rows and rows[0].seq == what.seq and not rows[0].erased:
        erase(journal, what.seq)


def forgotten(record: Record) -> Forget:
    """What a `forget` record says. Raises InputError."""
    what: Forget = typed_payload(record, Forget)
    return what


def events_of(journal: Journal, world: World, record: Record) -> list[Event]:
    """What an ingest record was read as when it came, and is read as now. Empty for a dead letter."""
    if record.kind != "ingest":
        return []
    found: list[Event] = []
    for config in (_config_then(journal, record.seq), world.config):
        found += [event for event in _read(record, config) if event not in found]
    return found


def said_by(world: World, record: Record, events: list[Event]) -> Said:
    """What is to be found in the state of `world`. A record that cannot be read said nothing."""
    try:
        match record.kind:
            case "ingest":
                return _said_by_events(world, record, events)
            case "transition":
                moved: Transition = typed_payload(record, Transition)
                return Said(incident=moved.incident, words=_words(moved.reason))
            case "outcome":
                outcome: Outcome = typed_payload(record, Outcome)
                return Said(decision=outcome.decision, words=_words(outcome.detail))
            case "annotation":
                one: Annotation = typed_payload(record, Annotation)
                words = _words(one.text, one.author, *_lines(one.notes))
                return Said(incident=one.incident, notes=one.notes, words=words)
            case "silence":
                silence: SilenceOp = typed_payload(record, SilenceOp)
                return Said(incident=silence.incident, words=_words(silence.comment))
    except InputError:
        pass
    return Said()


def quoting(journal: Journal, world: World, record: Record, said: Said) -> list[int]:
    """Other records that can be erased in which a longer text of this one stands too.

    Of a body that nobody could read (or an approval), each of its texts counts.
    """
    unread = not said.words and record.kind in ("ingest", "approval")
    words, least = (_leaves(record), _SURE) if unread else (said.words, LONG)
    long = [word for word in words if len(word) >= least]
    others = (one for one in read_all(journal) if long and one.seq != record.seq and one.kind in ERASABLE)
    return [one.seq for one in others if _holds(one, world, long)]


def _holds(record: Record, world: World, words: list[str]) -> bool:
    """As it stands in the record, or as it is read: escapes and mappings hide a text from its bytes."""
    texts = "\0".join(_leaves(record))
    if any(word in texts for word in words):
        return True
    if record.kind != "ingest" or record.erased:
        return False
    read = "\0".join(texts_in(msgspec.to_builtins(_read(record, world.config))))
    return any(word in read for word in words)


def _said_by_events(world: World, record: Record, events: list[Event]) -> Said:
    deciding, identify = deciding_labels(world), Identify(world.config)
    alerts = [event for event in events if isinstance(event, AlertEvent)]
    told = [identify.placed(event) for event in events if isinstance(event, ChangeEvent)]
    words = [text for one in alerts for text in (*one.annotations.values(), one.generator_url)]
    words += [text for one in alerts for name, text in one.labels.items() if name not in deciding]
    words += [text for one in told for text in texts_of(one)]
    judged = [event for event in events if isinstance(event, RiskEvent)]
    words += [text for one in judged for text in texts_of_risk(one)]
    return Said(
        labels=tuple(identify.taken(one, record.source).labels for one in alerts),
        changes=tuple((change_id(record, one), one) for one in told),
        words=_words(*words),
        heads=frozenset(one.head for one in judged),
    )


def _words(*texts: str) -> frozenset[str]:
    return frozenset(texts) - {""}


def _lines(notes: tuple[Note, ...]) -> Iterator[str]:
    return (text for note in notes for text in (note.reason, *(line.text for line in note.lines)))


def _config_then(journal: Journal, seq: int) -> Config:
    """As far as the journal still has its records."""
    config = Config()
    for record in read_all(journal):
        if record.seq >= seq:
            break
        if record.kind == "config":
            apply_config(config, record)
    return config


def _read(record: Record, config: Config) -> tuple[Event, ...]:
    try:
        return parse(record, config.mappings).events
    except InputError:
        return ()


def _leaves(record: Record) -> list[str]:
    """The texts of a JSON payload; of another, all of it."""
    try:
        return list(texts_in(msgspec.json.decode(record.payload)))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return [record.payload.decode("utf-8", errors="replace")]
