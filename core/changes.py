"""Changes into the state: the same one told twice is one, and what is told of it folds in any order.

A change is known by its source's own id, or else by its content. It began at the earliest time told. Its
state, version and the rest are each that of the latest telling that says it, by the source's time and then by
how far a state is along. So what is known of it, and where it is shown, depends on what was told alone.
"""

from __future__ import annotations

import msgspec

from core.asking import watch_for_news
from core.canonical import canonical_json, content_id, sha256_hex
from core.correlation.by_change import join_by_change, joined, part_by_change
from core.findings.recent_change import attach_change, detach_change
from core.journal import Record
from core.model.events import ChangeEvent
from core.model.incident import Change, Telling
from core.risk.assessments import relate_change
from core.times import DAY
from core.world import Turn

_KEPT = 7 * DAY
_ALONG = {"": 0, "started": 1, "succeeded": 2, "failed": 3, "rolled_back": 4}
# Which services' incidents a change is shown at.
_PLACE = ("service", "environment", "cluster")
_TOLD = ("kind", *_PLACE, "version", "author", "url", "state")


def take_change(turn: Turn, record: Record, event: ChangeEvent) -> None:
    state = turn.world.state
    name = turn.world.config.catalogue.canonical_name(event.service) or event.service
    event = msgspec.structs.replace(event, service=name)
    identity = change_id(record, event)
    state.changes_seen[record.domain] = state.changes_seen.get(record.domain, 0) + 1
    known = state.changes.get(identity)
    if known is None:
        _add(turn, Change(identity, record.domain, record.seq, event))
        turn.world.timers.arm(f"change:{identity}", turn.at + _KEPT, turn.seq)
    elif (folded := _fold(known, event)) != known:
        _replace(turn, known, folded)


def forget_change(turn: Turn, change_id: str) -> None:
    """Old changes leave memory unless an incident still shows them."""
    if any(change_id in incident.changes for incident in turn.world.state.incidents.values()):
        turn.arm(f"change:{change_id}", turn.at + DAY)
        return
    change = turn.world.state.changes.pop(change_id, None)
    if change is not None:
        turn.world.index.forget_change(change)
        turn.world.commits.discard_change(change.id, change.domain, change.event)


def change_id(record: Record, event: ChangeEvent) -> str:
    """Of an event whose service goes by its name in the catalogue."""
    if event.ref:
        return content_id("chg", record.domain, "ref", record.source, event.ref)
    return content_id(
        "chg",
        record.domain,
        event.kind,
        event.service,
        event.environment,
        event.cluster,
        event.version,
        event.at,
    )


def _fold(known: Change, event: ChangeEvent) -> Change:
    """With one more telling; the same whichever came first. What is told wins over what is left out."""
    before, now = _telling(known.event), _telling(event)
    if not known.tellings and now == before:
        earliest = min(known.event.at, event.at)
        return msgspec.structs.replace(known, event=msgspec.structs.replace(known.event, at=earliest))
    fields: dict[str, str] = {}
    tellings: dict[str, Telling] = {}
    for name in _TOLD:
        old = (getattr(known.event, name), known.tellings.get(name, before))
        new = (getattr(event, name), now)
        fields[name], tellings[name] = max(old, new, key=lambda told: (told[0] != "", told[1]))
    folded = msgspec.structs.replace(
        known.event,
        at=min(known.event.at, event.at),
        told_at=max(known.event.told_at, event.told_at),
        **fields,
    )
    return msgspec.structs.replace(known, event=folded, tellings=tellings)


def _telling(event: ChangeEvent) -> Telling:
    """Of an event as it was told. A hash, so that what is erased from the event is gone."""
    place = [event.kind, *(getattr(event, name) for name in _PLACE)]
    content = [getattr(event, name) for name in _TOLD]
    # Where it is decides first: free text must not choose between places.
    ties = sha256_hex(canonical_json(place))[:8] + sha256_hex(canonical_json(content))[:16]
    return Telling(event.told_at, _ALONG[event.state], ties)


def _add(turn: Turn, change: Change) -> None:
    turn.world.state.changes[change.id] = change
    turn.world.index.add_change(change)
    turn.world.commits.add_change(change.id, change.domain, change.event)
    attach_change(turn, change)
    join_by_change(turn, change)
    relate_change(turn.world, change)


def _replace(turn: Turn, known: Change, change: Change) -> None:
    if change.event == known.event:
        turn.world.state.changes[change.id] = change
        return
    moved = _place(known.event) != _place(change.event)
    were = joined(turn.world, known) if moved else []
    left = detach_change(turn, change.id) if moved else []
    turn.world.index.forget_change(known)
    turn.world.commits.discard_change(known.id, known.domain, known.event)
    _add(turn, change)
    relate_change(turn.world, change, known.event)
    part_by_change(turn, were)
    for incident in left:
        watch_for_news(turn, incident)
    _touch(turn, change.id)


def _place(event: ChangeEvent) -> tuple[object, ...]:
    return (event.at, *(getattr(event, name) for name in _PLACE))


def _touch(turn: Turn, change_id: str) -> None:
    for incident in turn.world.state.incidents.values():
        if change_id in incident.changes:
            turn.touch(incident)
