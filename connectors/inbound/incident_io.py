"""Source incident_io: incidents of incident.io, by its webhooks (Standard Webhooks, sent by Svix).

One incident is one firing, told apart by its id. A private incident's messages hold its id and nothing else:
they are ignored. The service is read from a custom field called Service, Services or Affected services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.inbound.fields import (
    dig,
    document,
    first_text,
    ignored,
    labels,
    link,
    needed,
    objects,
    text,
)  # fmt: skip
from connectors.inbound.moments import first_instant, instant
from connectors.inbound.severities import severity
from connectors.inbound.signing import standard_webhooks
from connectors.inbound.source import Request
from core.errors import BodyError
from core.model.events import AlertEvent, AlertStatus, Parsed

name = "incident_io"
summary = "Incidents of incident.io"
kept = ("webhook-id",)
proof = "Standard Webhooks: HMAC-SHA256 in webhook-signature, with the endpoint's whsec_ secret"
_MEND = "Send incident.io's events of public incidents"
_STATUS: dict[str, AlertStatus] = {
    "triage": "firing", "live": "firing", "active": "firing", "paused": "firing",
    "learning": "resolved", "post-incident": "resolved", "closed": "resolved",
    "declined": "resolved", "merged": "resolved", "canceled": "resolved",
}  # fmt: skip
_SERVICE_FIELDS = ("service", "services", "affected service", "affected services")
_ENDS = ("resolved at", "closed at", "declined at", "merged at", "canceled at")
_UNREAL = ("test", "tutorial", "retrospective")


def verify(request: Request, secrets: Sequence[str]) -> None:
    standard_webhooks(request, secrets)


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    kind, delivery = text(content, "event_type"), headers.get("webhook-id", "")
    if kind.startswith("private_"):
        return ignored("news of a private incident, of which only the id is told", delivery)
    if not kind.startswith("public_incident.incident_"):
        about = f"incident.io's event {kind!r}" if kind else "an event of no known type"
        return ignored(f"{about}, which does not say how an incident stands", delivery)
    told = content.get(kind)
    incident = dig(told, "incident") or told
    if not isinstance(incident, dict):
        raise BodyError("the event holds no incident", where=kind, mend=_MEND)
    if text(incident, "mode") in _UNREAL:
        return ignored(f"an incident of mode {text(incident, 'mode')}", delivery)
    return Parsed((_alert(incident),), delivery=delivery)


def _alert(incident: dict[str, Any]) -> AlertEvent:
    category = text(incident, "incident_status", "category")
    if category not in _STATUS:
        raise BodyError(f"{category!r} is no category of a status", where="incident_status", mend=_MEND)
    status, times = _STATUS[category], _times(incident)
    ended = first_instant(*(times.get(word) for word in _ENDS), dig(incident, "updated_at"))
    return AlertEvent(
        labels=labels(
            alertname=first_text(text(incident, "incident_type", "name"), "Incident"),
            service=_service(incident),
            severity=severity(text(incident, "severity", "name")),
        ),
        status=status,
        starts_at=instant(dig(incident, "created_at")),
        ends_at=ended if status == "resolved" else None,
        annotations=labels(
            summary=text(incident, "name"),
            description=text(incident, "summary"),
            reference=text(incident, "reference"),
        ),
        generator_url=link(dig(incident, "permalink")),
        occurrence=needed(text(incident, "id"), "id", _MEND),
        identity=("alertname",),
    )


def _times(incident: dict[str, Any]) -> dict[str, Any]:
    """The incident's own timestamps, by their name in lower case."""
    return {
        text(entry, "incident_timestamp", "name").lower(): dig(entry, "value", "value")
        for entry in objects(dig(incident, "incident_timestamp_values"))
    }


def _service(incident: dict[str, Any]) -> str:
    for entry in objects(dig(incident, "custom_field_entries")):
        if text(entry, "custom_field", "name").lower() in _SERVICE_FIELDS:
            value = dig(entry, "values", 0)
            return first_text(
                text(value, "value_catalog_entry", "name"),
                text(value, "value_option", "value"),
                text(value, "value_text"),
                text(value, "value_literal"),
            )
    return ""
