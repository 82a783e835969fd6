"""What people say caused an incident: the latest word on each change counts, and later changes learn from it.

It is kept beside the incident, and for two years for `known.py`. Nothing that decides reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from core.errors import NotFound
from core.model.incident import Change, Incident, Moment
from core.model.risk import Assessed, Cause, Taught
from core.narrative.plain import one_line
from core.payloads import Annotation
from core.risk.commits import commits_of
from core.risk.known import PastChange
from core.state import keep_recent
from core.times import DAY, format_rfc3339
from core.world import Turn, World

KEPT = 730 * DAY
_MOST_CAUSES = 200


def check_cause(world: World, domain: str, change_id: str) -> Change:
    """Raises NotFound where no such change is known in the domain."""
    change = world.state.changes.get(change_id)
    if change is None or change.domain != domain:
        what = f"no change {one_line(change_id, 60)!r} is known, or it was too long ago"
        mend = "`watchkeeper show INCIDENT` lists the changes near it, with their ids"
        raise NotFound(what, where="change", mend=mend)
    return change


def take_cause(turn: Turn, incident: Incident | None, said: Annotation) -> None:
    """`incident` None: it has left memory; its id is remembered all the same."""
    change = turn.world.state.changes.get(said.change)
    if change is None or (incident is not None and incident.domain != change.domain):
        return
    event = change.event
    # Words stay as they are in the record: so they are found when it is erased.
    cause = Cause(
        change.id, said.caused, said.author, turn.at, said.text, event.kind, event.service, event.version
    )
    if incident is not None:
        others = [one for one in incident.causes if one.change != change.id]
        incident.causes = [*others, cause][-_MOST_CAUSES:]
        what = "cause_confirmed" if cause.caused else "cause_ruled_out"
        incident.history.append(Moment(turn.at, what, said.author, "person", said.text))
        incident.version += 1
    _teach(turn, change, incident.id if incident is not None else said.incident, cause)


def learn_again(world: World, changes: Collection[str], assessed: Assessed) -> None:
    """What is taught of changes follows the latest telling of how they were judged."""
    for key, taught in list(world.state.taught.items()) if changes else ():
        if taught.cause.change in changes:
            world.state.taught[key] = _with(taught, assessed)


def follow_merge(world: World, kept: Incident, absorbed: Incident) -> None:
    """Of two words on one change the later one stays."""
    found: dict[str, Cause] = {}
    for cause in sorted([*kept.causes, *absorbed.causes], key=lambda one: one.at):
        found[cause.change] = cause
    kept.causes = list(found.values())[-_MOST_CAUSES:]
    for cause in absorbed.causes:
        taught = world.state.taught.pop(_key(absorbed.id, cause.change), None)
        if taught is not None and found[cause.change] == cause:
            past = msgspec.structs.replace(taught.past, incident=kept.id)
            moved = msgspec.structs.replace(taught, incident=kept.id, past=past)
            world.state.taught[_key(kept.id, cause.change)] = moved


def causes_json(causes: list[Cause]) -> dict[str, Any]:
    """Of an incident's document; empty where nobody has said anything."""
    return {"causes": [cause_json(one) for one in causes]} if causes else {}


def cause_json(cause: Cause) -> dict[str, Any]:
    return {**msgspec.to_builtins(cause), "at": format_rfc3339(cause.at)}


def taught_of(world: World, names: list[str]) -> Iterator[Cause]:
    """What was said of incidents, by any of their ids, in order of time."""
    wanted = set(names)
    found = [one.cause for one in world.state.taught.values() if one.incident in wanted]
    yield from sorted(found, key=lambda one: (one.at, one.change))


def _teach(turn: Turn, change: Change, incident_id: str, cause: Cause) -> None:
    state = turn.world.state
    past = PastChange(cause.change, incident_id, change.event.at)
    taught = Taught(change.domain, incident_id, cause, past)
    key = turn.world.commits.key_of(change.domain, change.event)
    if key is not None:
        taught = _with(taught, state.assessments[key])
    for old in [key for key, one in state.taught.items() if one.cause.at <= turn.at - KEPT]:
        del state.taught[old]
    state.taught[_key(incident_id, cause.change)] = taught
    keep_recent(state.taught, turn.at, lambda one: int(one.cause.at), age=KEPT)


def _with(taught: Taught, assessed: Assessed) -> Taught:
    event = assessed.event
    rules = tuple(dict.fromkeys(match.rule for match in event.matches))
    past = msgspec.structs.replace(taught.past, title=event.title, files=event.files, rules=rules)
    return msgspec.structs.replace(
        taught, past=past, repository=event.repository, commits=commits_of(assessed), line=assessed.seq
    )


def _key(incident_id: str, change_id: str) -> str:
    return f"{incident_id}/{change_id}"
