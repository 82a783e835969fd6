"""What an erased record said of the risk of changes, and of what caused an incident, taken out of the state.

An assessment decides nothing, so it goes whole. Of a person's word the reason goes; who said it of which
change stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from core.model.events import ChangeEvent, RiskEvent
from core.model.risk import Cause
from core.quoting import ERASED
from core.risk.assessments import drop
from core.world import World

# Changes, with their ids.
Told = Sequence[tuple[str, ChangeEvent]]


def texts_of_risk(event: RiskEvent) -> list[str]:
    """What in it may be quoted."""
    matches = [text for one in event.matches for text in (one.what, one.path)]
    return [event.title, event.url, *event.files, *matches]


def forget_assessments(world: World, seq: int) -> None:
    """Those whose latest telling is the record's; what was taught by them has no files and titles then."""
    for key in [key for key, one in world.state.assessments.items() if one.seq == seq]:
        drop(world, key)
    for key, taught in list(world.state.taught.items()):
        if taught.line == seq:
            past = msgspec.structs.replace(taught.past, title="", files=(), rules=())
            world.state.taught[key] = msgspec.structs.replace(taught, past=past, line=0)


def forget_causes(world: World, about: str, words: Collection[str], told: Told) -> None:
    """`about`: the incident that the record was about, by its id of now. `told`: changes as it told them."""
    for key, taught in list(world.state.taught.items()):
        said = words if world.resolve_id(taught.incident) == about else ()
        cause = _blank(taught.cause, said, told)
        world.state.taught[key] = msgspec.structs.replace(taught, cause=cause)
    for incident in world.state.incidents.values():
        said = words if incident.id == about else ()
        incident.causes = [_blank(one, said, told) for one in incident.causes]


def forget_rows(
    document: dict[str, Any], heads: Collection[str], words: Collection[str], told: Told
) -> dict[str, Any]:
    """Parts of an incident's last document. `words`: of a record about this incident, else none."""
    rows = [
        {key: value for key, value in row.items() if key != "risk" or value["head"] not in heads}
        for row in document["changes"]
    ]
    found: dict[str, Any] = {"changes": rows}
    if "causes" in document:
        found["causes"] = [_blank_row(one, words, told) for one in document["causes"]]
    return found


def _blank(cause: Cause, words: Collection[str], told: Told) -> Cause:
    blank = {**_row(cause), **_blank_row(_row(cause), words, told)}
    return msgspec.structs.replace(cause, **blank)


def _row(cause: Cause) -> dict[str, Any]:
    return {"change": cause.change, "reason": cause.reason, "version": cause.version}


def _blank_row(row: dict[str, Any], words: Collection[str], told: Told) -> dict[str, Any]:
    versions = {event.version for name, event in told if name == row["change"]} - {""}
    reason = ERASED if row["reason"] and row["reason"] in words else row["reason"]
    version = ERASED if row["version"] in versions else row["version"]
    return {**row, "reason": reason, "version": version}
