"""Source pagerduty: webhooks V3 of PagerDuty, and the older V1 and V2 messages in recordings.

One incident is one firing, told apart by its id (and by when it was reopened). Its title is free text, so the
alert is named after what it is, not after the title. Priority may change meanwhile and does not identify.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.inbound.fields import (
    Object,
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
from connectors.inbound.moments import first_instant
from connectors.inbound.severities import severity
from connectors.inbound.signing import verify_listed
from connectors.inbound.source import Request
from core.errors import BodyError
from core.model.events import AlertEvent, AlertStatus, Parsed

name = "pagerduty"
summary = "PagerDuty's incidents (webhooks V3)"
kept: tuple[str, ...] = ()
proof = "HMAC-SHA256 of the body in X-PagerDuty-Signature (v1=…, a list while the secret is changed)"
_MEND = "Send what a webhook subscription (V3) sends, of the incident events"
_STATUS: dict[str, AlertStatus] = {
    "triggered": "firing", "acknowledged": "firing", "resolved": "resolved",
}  # fmt: skip
_OLD: dict[str, str] = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_listed(request, secrets, "x-pagerduty-signature", "v1=")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    if isinstance(content.get("messages"), list):
        return _messages(content["messages"])
    event = content.get("event")
    if not isinstance(event, dict):
        raise BodyError("there is no `event`", where="event", mend=_MEND)
    kind, delivery = text(event, "event_type"), text(event, "id")
    if not kind.startswith("incident.") or text(event, "data", "type") not in ("incident", ""):
        about = f"PagerDuty's event {kind!r}" if kind else "an event of no known type"
        return ignored(f"{about}, which does not say how an incident stands", delivery)
    status = _status(text(event, "data", "status"), "event.data.status")
    if status == "resolved" and kind != "incident.resolved":
        return ignored("news of an incident that is resolved, which was told before", delivery)
    return Parsed((_alert(dig(event, "data"), status, dig(event, "occurred_at"), 0),), delivery=delivery)


def _status(word: str, where: str) -> AlertStatus:
    if word not in _STATUS:
        raise BodyError(f"{word!r} is no status of an incident", where=where, mend=_MEND)
    return _STATUS[word]


def _alert(incident: Any, status: AlertStatus, told: Any, index: int) -> AlertEvent:
    identifier = needed(text(incident, "id"), "incident.id", _MEND)
    reopened = first_instant(dig(incident, "reopened_at"))
    begun = first_instant(dig(incident, "created_at"), dig(incident, "created_on"))
    service = first_text(text(incident, "service", "summary"), text(incident, "service", "name"))
    urgency = {"high": "high", "low": "low"}.get(text(incident, "urgency"), "")
    title = first_text(text(incident, "title"), text(incident, "trigger_summary_data", "subject"))
    ended = first_instant(dig(incident, "resolved_at"), told) if status == "resolved" else None
    return AlertEvent(
        labels=labels(
            alertname="PagerDuty incident",
            service=service,
            severity=severity(text(incident, "priority", "summary"), urgency),
        ),
        status=status,
        index=index,
        starts_at=reopened or begun or (first_instant(told) if status == "firing" else None),
        ends_at=ended,
        annotations=labels(summary=title, description=_details(incident)),
        generator_url=link(dig(incident, "html_url")),
        occurrence=f"{identifier}@{reopened}" if reopened else identifier,
        identity=("alertname", "service"),
    )


def _details(incident: Any) -> str:
    """What whoever opened it wrote: of version 3, or of the older ones."""
    return first_text(
        text(incident, "body", "details"),
        text(incident, "trigger_summary_data", "description"),
        text(incident, "first_trigger_log_entry", "channel", "details"),
        text(incident, "description"),
    )


def _messages(messages: list[Any]) -> Parsed:
    """V1 and V2: a list of messages, each with a type and the incident."""
    events = []
    for index, message in enumerate(objects(messages)):
        kind = first_text(text(message, "type"), text(message, "event")).removeprefix("incident.")
        incident: Object | None = dig(message, "data", "incident") or dig(message, "incident")
        if kind in _OLD and isinstance(incident, dict):
            status = _STATUS[_OLD[kind]]
            events.append(_alert(incident, status, dig(message, "created_on"), index))
    if not events:
        return ignored("messages that do not say that an incident began or ended")
    return Parsed(tuple(events))
