"""The documents that the world sees: incidents, findings and decisions as plain JSON values.

Times are RFC 3339 texts, scores integers in thousandths. `line` is the record's number; a replay of a file
puts the line there. Deliveries and annotations are the API's: they are not part of what is hashed.
"""

from __future__ import annotations

from core.escalation import clocks_json
from core.findings import refresh
from core.model.decision import Decision
from core.model.document import Document
from core.model.entity import Entity
from core.model.finding import Finding, why_json
from core.model.incident import Change, Episode, Incident, Moment, Origin
from core.model.note import note_json
from core.narrative.place import where_json
from core.narrative.questions import changes_in_order, questions
from core.narrative.title import title
from core.remediation.plan import plan_json, plans
from core.risk.assessments import risk_json, risk_of
from core.risk.causes import causes_json
from core.rules.schema import SymptomRule
from core.suppression import suppressed_now
from core.suppression.kinds import Suppression
from core.symptoms import symptom_of
from core.times import format_rfc3339, optional_rfc3339
from core.world import World

OUTSIDE = ("deliveries", "annotations", "explained", "resolves_at", "comes_back")


def incident_document(world: World, incident: Incident) -> Document:
    """Everything known of an incident that a replay gives too. Brings its findings up to date."""
    refresh(world, incident)
    members = world.members(incident)
    candidates = plans(world, incident)
    return {
        "id": incident.id,
        "domain": incident.domain,
        "severity": incident.severity,
        "severity_reason": incident.severity_reason,
        "status": incident.status,
        "title": title(incident, members),
        "where": where_json(incident, members, world.rules.identity),
        "opened_at": format_rfc3339(incident.opened_at),
        "started_at": format_rfc3339(members[0].starts_at),
        "acknowledged_at": optional_rfc3339(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "mitigated_at": optional_rfc3339(incident.mitigated_at),
        "mitigated_by": incident.mitigated_by,
        "resolved_at": optional_rfc3339(incident.resolved_at),
        "closed_at": optional_rfc3339(incident.closed_at),
        "clocks": clocks_json(world, incident),
        "services": [entity_json(entity) for entity in sorted(incident.entities) if entity.service],
        **_alerts(world, members),
        "snoozed_until": optional_rfc3339(incident.snooze.until if incident.snooze else None),
        "findings": [finding_json(finding) for finding in incident.findings],
        "why": why_json(incident.why) if incident.why else None,
        "origin": _origin(incident.origin),
        "changes": _changes(world, incident),
        **causes_json(incident.causes),
        "questions": questions(world, incident, next((one.title for one in candidates if not one.done), "")),
        "plans": [plan_json(plan) for plan in candidates],
        "merged_from": incident.merged_from,
        "split_from": incident.split_from or None,
        "split_into": list(incident.split_into),
        "recurrence_of": incident.recurrence_of or None,
        "history": [_moment(moment) for moment in incident.history],
    }


def _moment(moment: Moment) -> Document:
    return {
        "at": format_rfc3339(moment.at),
        "what": moment.what,
        "actor": moment.actor,
        "reason": moment.reason,
        "detail": moment.detail,
    }


def incident_summary(world: World, incident: Incident) -> Document:
    """The row of a list, without the alerts and the trees."""
    refresh(world, incident)
    members = world.members(incident)
    return {
        "id": incident.id,
        "title": title(incident, members),
        "where": where_json(incident, members, world.rules.identity),
        "severity": incident.severity,
        "status": incident.status,
        "opened_at": format_rfc3339(incident.opened_at),
        "started_at": format_rfc3339(members[0].starts_at),
        "resolved_at": optional_rfc3339(incident.resolved_at),
        "closed_at": optional_rfc3339(incident.closed_at),
        "acknowledged_by": incident.acknowledged_by,
        "clocks": clocks_json(world, incident),
        "services": [entity_json(entity) for entity in sorted(incident.entities) if entity.service],
        "origin": _origin(incident.origin),
        "merged_from": incident.merged_from,
        "recurrence_of": incident.recurrence_of or None,
        "alerts_total": len(members),
        "alerts_firing": incident.firing,
        "alerts_suppressed": sum(
            bool(suppressed_now(world, episode, world.state.clock)) for episode in members
        ),
        "snoozed_until": optional_rfc3339(incident.snooze.until if incident.snooze else None),
    }


def summary_of(document: Document) -> Document:
    """The same row, from a document of history."""
    kept = (
        "id", "title", "severity", "status", "opened_at", "started_at", "resolved_at", "closed_at",
        "acknowledged_by", "services", "origin", "merged_from", "recurrence_of",
    )  # fmt: skip
    alerts = document["alerts"]
    firing = sum(alert["status"] != "resolved" for alert in alerts)
    row = {key: document[key] for key in kept} | {"alerts_total": len(alerts), "alerts_firing": firing}
    held = sum(bool(alert.get("suppressed")) for alert in alerts)
    later = {key: document.get(key) for key in ("snoozed_until", "clocks", "where")}
    return {**row, "alerts_suppressed": held, **later}


def _changes(world: World, incident: Incident) -> list[Document]:
    """Suspects in order, then what probably repaired it; each with `risk` where its commit was judged."""
    repairs = [finding for finding in incident.findings if finding.kind == "probable-repair"]
    rows = [(finding, "suspect") for finding in changes_in_order(world, incident)]
    rows += [(finding, "repair") for finding in repairs]
    return [{**_with_risk(world, world.state.changes[f.subject]), "role": role} for f, role in rows]


def _with_risk(world: World, change: Change) -> Document:
    assessed = risk_of(world, change)
    risk = {"risk": risk_json(assessed, change.event.service)} if assessed is not None else {}
    return {**change_json(change), **risk}


def _alerts(world: World, members: list[Episode]) -> Document:
    """Each with what keeps it from paging now, and how many are kept."""
    symptoms, now = world.rules.symptom, world.state.clock
    rows = [_alert(one, symptoms, suppressed_now(world, one, now)) for one in members]
    return {"alerts": rows, "suppressed_total": sum(bool(row["suppressed"]) for row in rows)}


def _alert(episode: Episode, symptoms: SymptomRule, held: tuple[Suppression, ...]) -> Document:
    name, entity = episode.name, episode.entity
    return {
        "line": episode.seq,
        "index": episode.index,
        "fingerprint": episode.fingerprint,
        "first_incident": episode.first_incident or None,
        "decided_at": optional_rfc3339(episode.decided_at),
        "episode": episode.id,
        "name": name,
        "symptom": symptom_of(name, symptoms),
        "service": entity.service,
        "environment": entity.environment,
        "cluster": entity.cluster,
        "status": episode.status,
        "starts_at": format_rfc3339(episode.starts_at),
        "ends_at": optional_rfc3339(episode.ends_at),
        "unknown_since": optional_rfc3339(episode.unknown_since),
        "labels": dict(sorted(episode.labels.items())),
        "flags": list(episode.flags),
        # Fires again, or tells more of the same workload: it went where the earlier alert was.
        "follows": episode.again,
        "suppressed": [suppression_json(one) for one in held],
    }


def suppression_json(one: Suppression) -> Document:
    """`until` is null where no clock says when it ends."""
    return {
        "kind": one.kind,
        "id": one.id,
        "by": one.by,
        "reason": one.reason,
        "until": optional_rfc3339(one.until),
    }


def entity_json(entity: Entity) -> Document:
    return {"service": entity.service, "environment": entity.environment, "cluster": entity.cluster}


def finding_json(finding: Finding) -> Document:
    return {
        "id": finding.id,
        "kind": finding.kind,
        "subject": finding.subject,
        "summary": finding.summary,
        "confidence": finding.confidence,
        "evidence": list(finding.evidence),
        "why": why_json(finding.why),
    }


def change_json(change: Change) -> Document:
    event = change.event
    return {
        "id": change.id,
        "line": change.seq,
        "kind": event.kind,
        "service": event.service,
        "environment": event.environment,
        "cluster": event.cluster,
        "version": event.version,
        "author": event.author,
        "url": event.url,
        "at": format_rfc3339(event.at),
        "state": event.state,
    }


def decision_json(decision: Decision) -> Document:
    document: Document = {
        "id": decision.id,
        "kind": decision.kind,
        "subject": decision.subject,
        "reason": decision.reason,
        "at": format_rfc3339(decision.at),
    }
    return {**document, "receiver": decision.receiver} if decision.kind == "notify" else document


def _origin(origin: Origin | None) -> Document | None:
    if origin is None:
        return None
    return {**entity_json(origin.entity), "score": origin.score, "terms": dict(origin.terms)}


def outside_document(incident: Incident) -> Document:
    """What the API adds: what became of the pages, and what people and agents said.

    `explained`: `pending` while the agents have been asked and have not answered, then `done`; else `none`.
    """
    at = format_rfc3339(incident.noted_at)
    notes = [{"at": at, **note_json(note)} for note in incident.notes.values()]
    comments = [
        {"at": format_rfc3339(r.at), "author": r.author, "kind": r.kind, "text": r.text}
        for r in incident.remarks
    ]
    return {
        "explained": "pending" if incident.asked else "done" if notes else "none",
        "deliveries": [
            {
                "decision": d.decision,
                "at": format_rfc3339(d.at),
                "status": d.status,
                "receiver": d.receiver,
                "attempts": d.attempts,
                "detail": d.detail,
            }
            for d in incident.deliveries
        ],
        "annotations": [*comments, *notes],
    }
