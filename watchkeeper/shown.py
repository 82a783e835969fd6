"""An incident's document as it is shown: by the server and by whoever reads a journal, with the same keys."""

from __future__ import annotations

from core.document import incident_document, outside_document
from core.lifecycle import allowed
from core.model.document import Document
from core.model.incident import Incident
from core.narrative.leftover import leftover_json
from core.replay import Fold
from core.risk.causes import cause_json, taught_of
from core.slo_document import incident_budgets
from core.storm import burst, burst_json
from core.times import format_rfc3339
from watchkeeper.standing_in import with_stand_ins


def shown(document: Document) -> Document:
    """With notes at any time, and what people may do with the incident."""
    possible = allowed(document["status"], len(document["alerts"]))
    return {**with_stand_ins(document), "allowed": list(possible)}


def live_document(fold: Fold, incident: Incident) -> Document:
    """All of an incident in memory: also pages and notes, when it resolves by itself or comes back since
    alerts of it still fire, error budgets, and the `storm` in which it began."""
    world = fold.engine.world
    found = burst(world)
    due = world.timers.armed.get(f"resolve:{incident.id}")
    return {
        **incident_document(world, incident),
        **outside_document(incident),
        "resolves_at": format_rfc3339(due[0]) if due else None,
        "comes_back": leftover_json(world, incident),
        "budgets": incident_budgets(world, incident),
        "storm": burst_json(found) if found is not None and incident.id in found.incidents else None,
    }


def recalled(fold: Fold, document: Document) -> Document:
    """Of an incident that has left memory: with what people have said of its cause since."""
    said = taught_of(fold.engine.world, [document["id"], *document["merged_from"]])
    causes = {one["change"]: one for one in (*document.get("causes", ()), *map(cause_json, said))}
    return {**document, "causes": list(causes.values())} if causes else document


def leaving(fold: Fold, incident_id: str) -> Document | None:
    """The last document of an incident that has left memory and is still held by the fold, by its id or one
    that was merged into it."""
    for document in reversed(fold.forgotten):
        if incident_id == document["id"] or incident_id in document["merged_from"]:
            return document
    return None
