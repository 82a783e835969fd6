"""Forgetting what a record said: the state loses the words, and keeps what was decided.

A `forget` record names the record that was erased; it holds none of its words. Whoever erases still has them
(`Said`), and finds what the fold made of them: labels that decide nothing, annotations and links, versions
and authors, reasons and comments, details of pages, findings and notes that quote them. The state without
them goes into the checkpoint that is committed with the `forget` record. Fingerprints, times, services, ids
and decisions stay, so that no incident changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from core.journal import Draft, Record, json_draft
from core.model.events import ChangeEvent
from core.model.finding import Finding, Why
from core.model.incident import Episode, Incident
from core.model.note import Note, note_json
from core.quoting import ERASED, Swaps, holds, mentioned, of_change, of_words, struck, texts_in, texts_of
from core.risk.forgotten import forget_assessments, forget_causes, forget_rows
from core.suppression.returning import look_at_all
from core.world import Turn, World

# So long a word is in a note of another incident by no chance.
_SURE = 16
_DERIVED = ("title", "questions", "findings", "why", "plans")


class Forget(msgspec.Struct, frozen=True):
    """The payload of a `forget` record. `hash` is of the erased payload."""

    seq: int
    hash: str
    actor: str
    reason: str = ""
    at: int = 0


class Said(NamedTuple):
    """What the record said, in plain words: held while it is erased, and never stored.

    `labels`, and `changes` with their ids, as an ingest record told them. Another record was about an
    `incident` or a `decision`, and may have brought `notes`. `words` are all texts that decide nothing.
    """

    labels: tuple[dict[str, str], ...] = ()
    changes: tuple[tuple[str, ChangeEvent], ...] = ()
    incident: str = ""
    decision: str = ""
    notes: tuple[Note, ...] = ()
    words: frozenset[str] = frozenset()
    # Commits whose assessments it told.
    heads: frozenset[str] = frozenset()


NOTHING = Said()


def forget_draft(record: Record, actor: str, reason: str) -> Draft:
    """The record that has `record` forgotten."""
    what = Forget(record.seq, record.payload_hash, actor, reason, record.received_at)
    return json_draft("forget", "operator", msgspec.to_builtins(what))


def forget(turn: Turn, what: Forget, said: Said = NOTHING) -> None:
    """Without `said`, what the record is the first to tell of; a replay never folded more of it."""
    world = turn.world
    world.state.dead_letters.pop(str(what.seq), None)
    _forget_silences(world, what, said)
    forget_assessments(world, what.seq)
    deciding = deciding_labels(world)
    alerts = {
        episode.incident
        for episode in world.state.episodes.values()
        if _forget_alert(episode, what, said, deciding)
    }
    if alerts:
        look_at_all(turn)
    told = _forget_changes(world, what, said)
    about, everywhere = world.resolve_id(said.incident), _swaps(said)
    forget_causes(world, about, said.words, told)
    for incident in world.state.incidents.values():
        own = mentioned(told, [incident.changes, incident.findings, incident.why])
        before = msgspec.structs.asdict(incident)
        _forget_words(incident, said, frozenset().union(*map(of_change, own)), incident.id == about)
        touched = incident.id in alerts or bool(own) or msgspec.structs.asdict(incident) != before
        if touched or holds(msgspec.to_builtins(incident.notes), everywhere):
            incident.notes, incident.read_to = {}, 0
            incident.version += 1


def deciding_labels(world: World) -> frozenset[str]:
    """Names of the labels that decide what an alert is about; their values stay."""
    names, rules = world.rules.identity, world.rules
    return frozenset(["alertname", rules.severity.label, *names.deciding])


def forget_document(
    document: dict[str, Any], what: Forget, deciding: frozenset[str], said: Said = NOTHING
) -> dict[str, Any]:
    """The last document of an incident that has left memory, without the words of the erased record."""
    told, rows = _forget_rows(document["changes"], what, said)
    own = mentioned(told, [rows, *(document.get(part) for part in _DERIVED)])
    swaps = frozenset().union(*map(of_change, own))
    about = said.incident in (document["id"], *document["merged_from"])
    kept = {
        **document,
        **{part: struck(document[part], swaps) for part in _DERIVED if part in document},
        "alerts": [_forget_alert_row(row, what, said, deciding) for row in document["alerts"]],
        **forget_rows({**document, "changes": rows}, said.heads, said.words if about else (), told),
        "history": [
            _blank_row(row, said, "detail") if about and row["reason"] == "person" else row
            for row in document["history"]
        ],
        "deliveries": [
            _blank_row(row, said, "detail") if row["decision"] == said.decision else row
            for row in document.get("deliveries", [])
        ],
        "annotations": [
            _blank_row(row, said, "text", "author") if about and "lines" not in row else row
            for row in document.get("annotations", [])
        ],
    }
    if kept == {"deliveries": [], "annotations": [], **document} and not _brought(document, said):
        return kept
    comments = [row for row in kept["annotations"] if "lines" not in row]
    return {**kept, "annotations": comments, "explained": "none"}


def _brought(document: dict[str, Any], said: Said) -> bool:
    """Whether the notes are the record's, or quote it."""
    notes = [row for row in document.get("annotations", []) if "lines" in row]
    own = {tuple(texts_in(note_json(note))) for note in said.notes}
    bare = [{name: value for name, value in row.items() if name != "at"} for row in notes]
    return any(tuple(texts_in(row)) in own for row in bare) or holds(notes, _swaps(said))


def _swaps(said: Said) -> Swaps:
    """For notes of any incident: a note on one may tell how another ended."""
    return of_words(said.words, _SURE).union(*(of_change(event) for _, event in said.changes))


def _forget_alert(episode: Episode, what: Forget, said: Said, deciding: frozenset[str]) -> bool:
    own = episode.seq == what.seq or episode.labels in said.labels
    if own:
        episode.labels = _blanked(episode.labels, deciding)
        if episode.fixed is not None:
            episode.fixed = _blanked(episode.fixed, deciding)
    return own


def _forget_changes(world: World, what: Forget, said: Said) -> list[tuple[str, ChangeEvent]]:
    """What was told of changes, now or before they were blanked."""
    changes, told = world.state.changes, list(said.changes)
    told += [(one.id, one.event) for one in changes.values() if one.seq == what.seq]
    for name, event in told:
        if name in changes:
            now = changes[name].event
            blank = _blank_change(msgspec.structs.asdict(now), frozenset(texts_of(event)))
            changes[name] = msgspec.structs.replace(changes[name], event=ChangeEvent(**blank))
    return told


def _forget_silences(world: World, what: Forget, said: Said) -> None:
    """Matchers decide and stay; so do who silenced and who dismissed."""
    silences = world.state.silences
    for name, one in silences.items():
        if one.comment and (one.seq == what.seq or one.comment in said.words):
            silences[name] = msgspec.structs.replace(one, comment=ERASED)
            world.suppression.silences_changed()


def _forget_rows(
    rows: list[dict[str, Any]], what: Forget, said: Said
) -> tuple[list[tuple[str, ChangeEvent]], list[dict[str, Any]]]:
    told = list(said.changes)
    told += [(row["id"], _event(row)) for row in rows if row["line"] == what.seq]
    for name, event in told:
        texts = frozenset(texts_of(event))
        rows = [_blank_change(row, texts) if row["id"] == name else row for row in rows]
    return told, rows


def _event(row: dict[str, Any]) -> ChangeEvent:
    return ChangeEvent(row["kind"], row["service"], 0, "", "", row["version"], row["author"], row["url"])


def _blank_change(row: dict[str, Any], texts: frozenset[str]) -> dict[str, Any]:
    marks = {"version": ERASED, "author": ERASED, "url": ""}
    return {**row, **{key: mark for key, mark in marks.items() if row[key] and row[key] in texts}}


def _forget_words(incident: Incident, said: Said, swaps: Swaps, about: bool) -> None:
    """`about`: the record was about this incident."""
    replace, words = msgspec.structs.replace, said.words
    if swaps:
        found = struck(msgspec.to_builtins(incident.findings), swaps)
        incident.findings = msgspec.convert(found, list[Finding])
        incident.why = msgspec.convert(struck(msgspec.to_builtins(incident.why), swaps), Why | None)
    incident.deliveries = tuple(
        replace(one, detail=ERASED) if one.decision == said.decision and one.detail else one
        for one in incident.deliveries
    )
    if not about:
        return
    incident.history = [
        replace(one, detail=ERASED) if one.reason == "person" and one.detail in words else one
        for one in incident.history
    ]
    if incident.snooze is not None and incident.snooze.reason in words:
        incident.snooze = replace(incident.snooze, reason=ERASED)
    incident.remarks = tuple(
        replace(one, text=ERASED, author=ERASED) if one.text in words else one for one in incident.remarks
    )
    if any(note in said.notes for note in incident.notes.values()):
        incident.notes = {}


def _forget_alert_row(
    row: dict[str, Any], what: Forget, said: Said, deciding: frozenset[str]
) -> dict[str, Any]:
    own = row["line"] == what.seq or row["labels"] in said.labels
    return {**row, "labels": _blanked(row["labels"], deciding)} if own else row


def _blank_row(row: dict[str, Any], said: Said, *keys: str) -> dict[str, Any]:
    """The first key is the text that says whether it is meant."""
    return {**row, **dict.fromkeys(keys, ERASED)} if row[keys[0]] in said.words else row


def _blanked(labels: dict[str, str], deciding: frozenset[str]) -> dict[str, str]:
    return {name: value if name in deciding else ERASED for name, value in labels.items()}
