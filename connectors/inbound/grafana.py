"""Source grafana: the webhook of Grafana's unified alerting, and of its legacy alerting (until version 10).

A unified body is Alertmanager's with a few keys more, and read as such. A legacy body has one rule, its state
and no time: it goes on with the alert that is open, and such messages must not overtake one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from connectors.inbound import alertmanager
from connectors.inbound.fields import Object, dig, document, first_text, ignored, labels, link, text
from connectors.inbound.severities import severity
from connectors.inbound.signing import verify_hex, verify_timed
from connectors.inbound.source import Request, text_map
from connectors.inbound.tokens import verify_token
from core.errors import BodyError
from core.model.events import AlertEvent, AlertStatus, Event, Parsed

name = "grafana"
summary = "Grafana's webhook (unified and legacy alerting)"
kept: tuple[str, ...] = ()
proof = (
    "HMAC-SHA256 in X-Grafana-Alerting-Signature, over `timestamp:body` with X-Grafana-Alerting-Timestamp,"
    " else over the body; without the header a token"
)
_SIGNATURE, _STAMP = "x-grafana-alerting-signature", "x-grafana-alerting-timestamp"
_MEND = "Send what a contact point of type webhook sends, without a payload template of your own"
_LEGACY: dict[str, AlertStatus] = {"alerting": "firing", "no_data": "firing", "ok": "resolved"}
_QUIET = {"paused": "a rule that was paused", "pending": "a rule that is pending, not firing"}


def verify(request: Request, secrets: Sequence[str]) -> None:
    if _SIGNATURE not in request.headers:
        verify_token(request, secrets)
    elif _STAMP in request.headers:
        verify_timed(request, secrets, _SIGNATURE, _STAMP)
    else:
        verify_hex(request, secrets, _SIGNATURE)


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    if "alerts" in content:
        return _unified(headers, body, received_at, content)
    return _legacy(content)


def _unified(headers: Mapping[str, str], body: bytes, received_at: int, content: Object) -> Parsed:
    parsed = alertmanager.parse(headers, body, received_at)
    events = tuple(_with_words(event, dig(content, "alerts", event.index)) for event in parsed.events)
    if not events and not parsed.problems:
        return ignored("a group without alerts")
    return parsed._replace(events=events)


def _with_words(event: Event, alert: Object) -> Event:
    """The values that crossed the threshold, for people; a link that opens (that of a test does not)."""
    if not isinstance(event, AlertEvent):
        return event
    told = labels(
        values=text(alert, "valueString"),
        dashboard_url=link(alert.get("dashboardURL")),
        panel_url=link(alert.get("panelURL")),
        image_url=link(alert.get("imageURL")),
    )
    return msgspec.structs.replace(
        event,
        annotations={**told, **event.annotations, **labels(values=told.get("values", ""))},
        generator_url=link(*(alert.get(key) for key in ("generatorURL", "panelURL", "dashboardURL"))),
    )


def _legacy(content: Object) -> Parsed:
    state = text(content, "state")
    if state in _QUIET:
        return ignored(_QUIET[state])
    if state not in _LEGACY:
        raise BodyError(
            f"{state!r} is no state of a rule, and there is no `alerts`", where="state", mend=_MEND
        )
    rule = first_text(text(content, "ruleName"), text(content, "title"))
    if not rule:
        raise BodyError("no rule is named", where="ruleName", mend=_MEND)
    tags = text_map(content.get("tags"))
    level = severity(tags.pop("severity", ""))
    named = {**tags, "alertname": rule, **labels(rule_id=text(content, "ruleId"), severity=level)}
    event = AlertEvent(
        labels=named,
        status=_LEGACY[state],
        annotations=labels(summary=text(content, "title"), description=text(content, "message")),
        generator_url=link(content.get("ruleUrl")),
        identity=tuple(key for key in named if key != "severity"),
    )
    return Parsed((event,))
