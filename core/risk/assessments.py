"""How changes were judged before they went out, as the state keeps it, and which change brought them out.

Of each commit the latest telling by its time counts; of two of one time always the same one. It is kept for
30 days after that time. It is shown beside a change, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from core.canonical import canonical_json, sha256_hex
from core.journal import Record
from core.model.events import ChangeEvent, RiskEvent
from core.model.incident import Change
from core.model.risk import Assessed
from core.risk.causes import learn_again
from core.risk.telling import telling
from core.times import DAY
from core.world import Turn, World

KEPT = 30 * DAY
_MOST, _MOST_KEPT = 5_000, 4_500
_MOST_CHANGES, _SHOWN = 20, 5


def take_assessment(turn: Turn, record: Record, event: RiskEvent) -> None:
    """Fold one telling. The same one again, and one that is too old, change nothing."""
    state = turn.world.state
    event = msgspec.structs.replace(event, index=0)
    key, content = assessment_key(record.domain, event), _content(event)
    known = state.assessments.get(key)
    if event.at + KEPT <= turn.at:
        return
    if known is not None and (event.at, content) <= (known.event.at, known.content):
        return
    changes = known.changes if known is not None else ()
    if known is not None:
        turn.world.commits.discard(key, known)
    state.assessments[key] = Assessed(record.domain, record.seq, content, event, changes)
    turn.world.commits.add(key, state.assessments[key])
    turn.arm(f"assessment:{key}", event.at + KEPT)
    relate(turn.world, key)
    _make_room(turn)


def on_assessment_timer(turn: Turn, key: str) -> None:
    """When it is old it leaves, unless an incident in memory still shows it."""
    assessed = turn.world.state.assessments.get(key)
    if assessed is None:
        return
    incidents = turn.world.state.incidents.values()
    if any(name in incident.changes for incident in incidents for name in assessed.changes):
        turn.arm(f"assessment:{key}", turn.at + DAY)
        return
    drop(turn.world, key)


def drop(world: World, key: str) -> None:
    assessed = world.state.assessments.pop(key)
    world.commits.discard(key, assessed)
    world.timers.cancel(f"assessment:{key}")
    _touch(world, assessed.changes)


def relate_change(world: World, change: Change, before: ChangeEvent | None = None) -> None:
    """Call when a change came, or is told otherwise than `before`. However many name one commit, each costs
    the same."""
    own = world.commits.key_of(change.domain, change.event)
    told = [change.event] + ([before] if before is not None else [])
    for key in sorted({key for one in told for key in world.commits.keys_near(change.domain, one)}):
        named = set(world.state.assessments[key].changes) - {change.id}
        _keep(world, key, named | ({change.id} if key == own else set()))


def relate(world: World, key: str) -> None:
    """Bring up to date which changes brought the commit out, here and where a commit begins alike: one more
    assessment can make a short name unclear."""
    for near in world.commits.beside(key):
        assessed = world.state.assessments[near]
        gone = {name for name in assessed.changes if name not in world.state.changes}
        named = {name for name in world.commits.changes_near(assessed) if _names(world, name, near)}
        _keep(world, near, gone | named)
        learn_again(world, named, world.state.assessments[near])
        _touch(world, named)


def _keep(world: World, key: str, named: set[str]) -> None:
    """Of very many the first by their ids are kept."""
    assessed = world.state.assessments[key]
    changes = tuple(sorted(named)[:_MOST_CHANGES])
    if changes != assessed.changes:
        world.state.assessments[key] = msgspec.structs.replace(assessed, changes=changes)
        _touch(world, {*assessed.changes, *changes})


def risk_of(world: World, change: Change) -> Assessed | None:
    """How the commit that the change brought out was judged."""
    key = world.commits.key_of(change.domain, change.event)
    return world.state.assessments[key] if key is not None else None


def risk_json(assessed: Assessed, service: str = "") -> dict[str, Any]:
    """Of an incident's document, for the change of `service`. `probability` is in thousandths, null where no
    model said one; `matches` are those that tell most (see telling.py)."""
    event = assessed.event
    told = telling(event.matches, service, event.services)
    return {
        "head": event.head,
        "verdict": event.verdict,
        "level": event.level or None,
        "probability": event.probability,
        "matches": [one._asdict() for one in told[:_SHOWN]],
        "more": max(0, len(event.matches) - _SHOWN),
    }


def assessment_key(domain: str, event: RiskEvent) -> str:
    """`domain/repository@head`; a slash inside the domain is written %2F."""
    return f"{domain.replace('%', '%25').replace('/', '%2F')}/{event.repository}@{event.head}"


def _names(world: World, name: str, key: str) -> bool:
    change = world.state.changes.get(name)
    return change is not None and world.commits.key_of(change.domain, change.event) == key


def _content(event: RiskEvent) -> str:
    return sha256_hex(canonical_json(msgspec.to_builtins(event)))[:16]


def _touch(world: World, changes: Iterable[str]) -> None:
    """Whoever shows one of the changes is to be read again; no finding is looked at for it."""
    wanted = set(changes)
    for incident in world.state.incidents.values() if wanted else ():
        if not wanted.isdisjoint(incident.changes):
            incident.version += 1


def _make_room(turn: Turn) -> None:
    """Heads are the sender's to choose: of too many, the oldest leave."""
    found = turn.world.state.assessments
    if len(found) <= _MOST:
        return
    oldest = sorted(found, key=lambda key: (found[key].event.at, key))
    for key in oldest[: len(found) - _MOST_KEPT]:
        drop(turn.world, key)
