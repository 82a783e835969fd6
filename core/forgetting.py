"""Forgetting what a record said: the state loses the words, and keeps what was decided.

A `forget` record names the record that was erased. What is blanked: labels that decide nothing, annotations
and links, versions and authors, comments, and what the agents wrote about the incidents it was part of.
Fingerprints, times, services and decisions stay, so that no incident changes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from core.canonical import canonical_json, sha256_hex
from core.journal import Draft, Record, json_draft
from core.model.events import AlertEvent, Parsed
from core.times import format_rfc3339
from core.world import Turn, World

ERASED = "[erased]"


class Forget(msgspec.Struct, frozen=True):
    """The payload of a `forget` record. `hash` is of the erased payload, `said` of the annotations in it."""

    seq: int
    hash: str
    actor: str
    reason: str = ""
    at: int = 0
    said: tuple[str, ...] = ()


def forget_draft(record: Record, parsed: Parsed, actor: str, reason: str) -> Draft:
    """The record that has `record` forgotten; `parsed` is what it was read as."""
    alerts = [event for event in parsed.events if isinstance(event, AlertEvent)]
    said = tuple(sorted({said_hash(alert.annotations, alert.generator_url) for alert in alerts}))
    what = Forget(record.seq, record.payload_hash, actor, reason, record.received_at, said)
    return json_draft("forget", "operator", msgspec.to_builtins(what))


def said_hash(annotations: dict[str, str], url: str) -> str:
    return sha256_hex(canonical_json([annotations, url]))


def forget(turn: Turn, what: Forget) -> None:
    world = turn.world
    touched = {*_forget_alerts(world, what), *_forget_changes(world, what)}
    for incident in world.state.incidents.values():
        remarks = [
            r if r.at != what.at else msgspec.structs.replace(r, text=ERASED) for r in incident.remarks
        ]
        if incident.id in touched or remarks != incident.remarks:
            incident.remarks, incident.notes, incident.read_to = remarks, {}, 0
            turn.touch(incident)


def forget_document(document: dict[str, Any], what: Forget, deciding: frozenset[str]) -> dict[str, Any]:
    """The last document of an incident that has left memory, without the words of the erased record."""
    alerts = [
        {**row, "labels": _blanked(row["labels"], deciding)} if row["line"] == what.seq else row
        for row in document["alerts"]
    ]
    changes = [
        {**row, "version": "", "author": "", "url": ""} if row["line"] == what.seq else row
        for row in document["changes"]
    ]
    if alerts == document["alerts"] and changes == document["changes"]:
        at = format_rfc3339(what.at)
        kept = [note for note in document.get("annotations", []) if note["at"] != at]
        return {**document, "annotations": kept}
    return {**document, "alerts": alerts, "changes": changes, "annotations": []}


def deciding_labels(world: World) -> frozenset[str]:
    """Names of the labels that decide what an alert is about; their values stay."""
    names, rules = world.rules.identity, world.rules
    return frozenset(
        ["alertname", rules.severity.label, *names.service, *names.environment, *names.cluster, *names.team]
    )


def _forget_alerts(world: World, what: Forget) -> list[str]:
    deciding, touched = deciding_labels(world), []
    for episode in world.state.episodes.values():
        own = episode.seq == what.seq
        if own:
            episode.labels = _blanked(episode.labels, deciding)
        if own or episode.annotations_key[16:] in what.said:
            episode.annotations, episode.generator_url = {}, ""
            touched.append(episode.incident)
    return touched


def _forget_changes(world: World, what: Forget) -> list[str]:
    changes = world.state.changes
    named = [change for change in changes.values() if change.seq == what.seq]
    for change in named:
        event = msgspec.structs.replace(change.event, version="", author="", url="")
        changes[change.id] = msgspec.structs.replace(change, event=event)
    ids = {change.id for change in named}
    return [one.id for one in world.state.incidents.values() if ids & set(one.changes)]


def _blanked(labels: dict[str, str], deciding: frozenset[str]) -> dict[str, str]:
    return {name: value if name in deciding else ERASED for name, value in labels.items()}
