"""Source sentry: issues, issue alerts and metric alerts of Sentry's integration platform, and its old plugin.

An issue is what identifies: created, seen by an alert rule, resolved and come back are news of one alert. A
metric alert's incident is one firing, told apart by its id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.inbound.fields import Object, dig, document, first_text, ignored, labels, link, needed, text
from connectors.inbound.moments import first_instant, instant
from connectors.inbound.severities import severity
from connectors.inbound.signing import verify_signed_or_token
from connectors.inbound.source import Request
from core.errors import BodyError
from core.model.events import AlertEvent, AlertStatus, Parsed

name = "sentry"
summary = "Sentry's issues, issue alerts and metric alerts"
kept = ("sentry-hook-resource", "sentry-hook-timestamp", "request-id")
proof = "HMAC-SHA256 of the body in Sentry-Hook-Signature; the old webhook plugin: a token"
_MEND = "Send the webhooks of an internal integration: issues, issue alerts, metric alerts"
_ISSUE: dict[str, AlertStatus] = {
    "created": "firing", "unresolved": "firing",
    "resolved": "resolved", "archived": "resolved", "ignored": "resolved",
}  # fmt: skip
_METRIC: dict[str, AlertStatus] = {"critical": "firing", "warning": "firing", "resolved": "resolved"}
_PROJECT = re.compile(r"/projects/[^/]+/([^/]+)/")


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_signed_or_token(request, secrets, "sentry-hook-signature")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    delivery = headers.get("request-id", "")
    kind = headers.get("sentry-hook-resource") or _kind(content)
    reader = _READERS.get(kind)
    if reader is None:
        about = f"Sentry's resource {kind!r}" if kind else "news of no known kind"
        return ignored(f"{about}, which is no alert", delivery)
    told = first_instant(headers.get("sentry-hook-timestamp"))
    found = reader(content, told)
    return ignored(found, delivery) if isinstance(found, str) else Parsed(found, delivery=delivery)


def _kind(content: Object) -> str:
    """Of a body without headers: by what it is about."""
    about = (("metric_alert", "metric_alert"), ("event", "event_alert"), ("issue", "issue"))
    found = (kind for key, kind in about if isinstance(dig(content, "data", key), dict))
    return next(found, "plugin" if "culprit" in content or "project_slug" in content else "")


def _issue(content: Object, told: int | None) -> tuple[AlertEvent, ...] | str:
    action, issue = text(content, "action"), dig(content, "data", "issue")
    if action not in _ISSUE:
        return f"an issue's action {action!r}, which does not say how it stands"
    identifier = needed(text(issue, "id"), "data.issue.id", _MEND)
    back = action == "unresolved"
    seen = dig(issue, "lastSeen")
    begun = first_instant(told, seen) if back else instant(dig(issue, "firstSeen"))
    alert = _alert(
        identifier, text(issue, "project", "slug"), text(issue, "level"), text(issue, "title"),
        text(issue, "culprit"), link(dig(issue, "web_url"), dig(issue, "permalink")), begun,
        occurrence=f"{identifier}@{begun or text(seen)}" if back else identifier,
    )  # fmt: skip
    return (alert,) if _ISSUE[action] == "firing" else _ended(alert, told)


def _ended(alert: AlertEvent, told: int | None) -> tuple[AlertEvent, ...]:
    """The end of the firing known by the issue's id, and of one that began when the issue came back: such a
    firing has an id of its own, which the end does not tell."""
    over = AlertEvent(
        labels=alert.labels, status="resolved", ends_at=told, annotations=alert.annotations,
        generator_url=alert.generator_url, occurrence=alert.occurrence, identity=alert.identity,
    )  # fmt: skip
    again = AlertEvent(labels=alert.labels, status="resolved", index=1, ends_at=told, identity=alert.identity)
    return (over, again)


def _event_alert(content: Object, told: int | None) -> tuple[AlertEvent, ...] | str:
    event = dig(content, "data", "event")
    address = _PROJECT.search(text(event, "url"))
    tags = {"rule": text(content, "data", "triggered_rule"), "environment": text(event, "environment")}
    identifier = needed(
        first_text(text(event, "issue_id"), text(event, "groupID")), "data.event.issue_id", _MEND
    )
    alert = _alert(
        identifier, address[1] if address else text(event, "project_slug"), text(event, "level"),
        text(event, "title"), text(event, "culprit"), link(dig(event, "web_url")),
        first_instant(dig(event, "datetime"), dig(event, "timestamp"), told), identifier, **tags,
    )  # fmt: skip
    return (alert,)


def _plugin(content: Object, told: int | None) -> tuple[AlertEvent, ...] | str:
    identifier = needed(text(content, "id"), "id", _MEND)
    event = dig(content, "event")
    alert = _alert(
        identifier, first_text(text(content, "project_slug"), text(content, "project")),
        first_text(text(content, "level"), text(event, "level")),
        first_text(text(event, "title"), text(content, "message")), text(content, "culprit"),
        link(dig(content, "url")), first_instant(dig(event, "timestamp"), dig(event, "datetime")), identifier,
    )  # fmt: skip
    return (alert,)


def _alert(
    issue: str, project: str, level: str, title: str, culprit: str, url: str,
    begun: int | None, occurrence: str, **words: str,
) -> AlertEvent:  # fmt: skip
    return AlertEvent(
        labels=labels(alertname="Sentry issue", service=project, issue=issue, severity=severity(level)),
        status="firing",
        starts_at=begun,
        annotations=labels(summary=title, description=culprit, **words),
        generator_url=url,
        occurrence=occurrence,
        identity=("alertname", "service", "issue"),
    )


def _metric(content: Object, told: int | None) -> tuple[AlertEvent, ...] | str:
    action, data = text(content, "action"), dig(content, "data")
    alert: Any = dig(data, "metric_alert")
    if action not in _METRIC:
        raise BodyError(f"{action!r} is no action of a metric alert", where="action", mend=_MEND)
    status = _METRIC[action]
    rule = needed(text(alert, "alert_rule", "name"), "data.metric_alert.alert_rule.name", _MEND)
    event = AlertEvent(
        labels=labels(
            alertname=rule,
            service=first_text(text(alert, "projects", 0), text(alert, "alert_rule", "projects", 0)),
            environment=text(alert, "alert_rule", "environment"),
            severity=action if status == "firing" else "",
        ),
        status=status,
        starts_at=first_instant(dig(alert, "date_started"), dig(alert, "date_detected")),
        ends_at=first_instant(dig(alert, "date_closed"), told) if status == "resolved" else None,
        annotations=labels(
            summary=text(data, "description_title"), description=text(data, "description_text")
        ),
        generator_url=link(dig(data, "web_url")),
        occurrence=text(alert, "id"),
        identity=("alertname",),
    )
    return (event,)


_READERS: dict[str, Callable[[Object, int | None], tuple[AlertEvent, ...] | str]] = {
    "issue": _issue,
    "event_alert": _event_alert,
    "metric_alert": _metric,
    "plugin": _plugin,
}
