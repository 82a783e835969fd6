"""Changes into the state: the same one told twice is one, and what is told of it folds in any order.

A change is known by its source's own id, or else by its content. It began at the earliest time told; its
state, version and the rest are those of the latest telling, by the source's time and then by how far a state
is along.
"""

from __future__ import annotations

import msgspec

from core.canonical import canonical_json, content_id
from core.findings.recent_change import attach_change
from core.journal import Record
from core.model.events import ChangeEvent
from core.model.incident import Change
from core.times import DAY
from core.world import Turn

_KEPT = 7 * DAY
_ALONG = {"": 0, "started": 1, "succeeded": 2, "failed": 3, "rolled_back": 4}


def take_change(turn: Turn, record: Record, event: ChangeEvent) -> None:
    state = turn.world.state
    name = turn.world.config.catalogue.canonical_name(event.service) or event.service
    event = msgspec.structs.replace(event, service=name)
    identity = _identity(record, event)
    state.changes_seen[record.domain] = state.changes_seen.get(record.domain, 0) + 1
    known = state.changes.get(identity)
    if known is None:
        _add(turn, Change(identity, record.domain, record.seq, event))
        turn.world.timers.arm(f"change:{identity}", turn.at + _KEPT, turn.seq)
    elif event.ref and (folded := _fold(known.event, event)) != known.event:
        turn.world.index.forget_change(known)
        _add(turn, msgspec.structs.replace(known, event=folded))
        _touch(turn, identity)


def forget_change(turn: Turn, change_id: str) -> None:
    """Old changes leave memory unless an incident still shows them."""
    if any(change_id in incident.changes for incident in turn.world.state.incidents.values()):
        turn.arm(f"change:{change_id}", turn.at + DAY)
        return
    change = turn.world.state.changes.pop(change_id, None)
    if change is not None:
        turn.world.index.forget_change(change)


def _identity(record: Record, event: ChangeEvent) -> str:
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


def _fold(one: ChangeEvent, other: ChangeEvent) -> ChangeEvent:
    """The two as one; the same whichever came first."""
    earlier, later = sorted((one, other), key=_order)
    return msgspec.structs.replace(
        later,
        at=min(one.at, other.at),
        version=later.version or earlier.version,
        author=later.author or earlier.author,
        url=later.url or earlier.url,
        state=later.state or earlier.state,
    )


def _order(event: ChangeEvent) -> tuple[int, int, bytes]:
    content = [
        event.kind,
        event.service,
        event.environment,
        event.cluster,
        event.version,
        event.author,
        event.url,
    ]
    return (event.told_at, _ALONG[event.state], canonical_json(content))


def _add(turn: Turn, change: Change) -> None:
    turn.world.state.changes[change.id] = change
    turn.world.index.add_change(change)
    attach_change(turn, change)


def _touch(turn: Turn, change_id: str) -> None:
    for incident in turn.world.state.incidents.values():
        if change_id in incident.changes:
            turn.touch(incident)
