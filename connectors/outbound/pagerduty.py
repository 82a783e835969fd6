"""PagerDuty, by its Events API v2: an incident here is an alert there, with the incident's id as `dedup_key`.

What is sent follows the state of the incident at the moment of sending: open triggers, acknowledged
acknowledges, over resolves. PagerDuty takes the same event twice for one, and ignores the end of what it does
not know, so that every page may be repeated. An incident that was merged into another is resolved there.

A second trigger of one key notifies nobody there, acknowledged or not: it goes into the log. What is to wake
somebody although there was a page before is therefore an alert of its own, whose key adds why and when; both
are in the incident's history, so that what acknowledges or resolves finds all keys again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from connectors.outbound.posting import post
from core.model.document import Document
from core.narrative.page import WAKING, reason_base, said_first, titled
from core.narrative.place import where_words
from core.narrative.plain import one_line, short_version
from core.ports import Delivered, Message
from core.times import format_rfc3339, parse_rfc3339

DEFAULT_URL = "https://events.pagerduty.com/v2/enqueue"
MAX_BYTES = 512_000
# Not understood, or too large: the same again would be refused again.
_FINAL = frozenset({400, 413})
_SEVERITIES = {"P0": "critical", "P1": "critical", "P2": "error", "P3": "warning"}
_MOST, _WORDS = 20, 400
_MERGED, _WAKINGS = 50, 20
_AT_WORK = ("acknowledged", "mitigated")


class PagerdutyNotifier:
    """Implements core.ports.Notifier. `timeout` (seconds) covers each event of a try."""

    def __init__(self, url: str, routing_key: str, client: httpx.AsyncClient, timeout: float = 10.0) -> None:
        self._url, self._key, self._client, self._timeout = url, routing_key, client, timeout

    async def send(self, message: Message) -> Delivered:
        """Its own event first: there is no moment at which nobody is told. All again if one fails."""
        delivered = Delivered(False, "nothing to send")
        for event in events(message):
            content = encoded({"routing_key": self._key, **event})
            delivered = await post(self._client, self._url, content, {}, self._timeout, _FINAL)
            if not delivered.ok:
                break
        # The other side may quote what it was sent.
        return delivered._replace(detail=delivered.detail.replace(self._key, "(routing key)"))


def events(message: Message) -> Iterator[dict[str, Any]]:
    """What a page means to PagerDuty, without the routing key."""
    action, name = _action(message), str(message.incident["id"])
    if action == "trigger" and _wakes(message):
        yield _event(message, _own_key(name, message.reason, message.at))
        # It stands for the one before it of its kind, so that few are open there.
        base = reason_base(message.reason)
        before = [one for one in _wakings(message) if reason_base(one[0]) == base and one[1] < message.at]
        for one in before[-1:]:
            yield {"event_action": "resolve", "dedup_key": _own_key(name, *one)}
    elif action == "trigger":
        yield _event(message, _key_of(name))
    else:
        woken = [_own_key(name, reason, at) for reason, at in _wakings(message)]
        for key in (_key_of(name), *woken):
            yield {"event_action": action, "dedup_key": key}
    for other in _merged(message):
        if other != name:
            for key in (_key_of(other), *(_own_key(other, *one) for one in _wakings(message))):
                yield {"event_action": "resolve", "dedup_key": key}


def _wakes(message: Message) -> bool:
    """Whether somebody is to look although there was a page before. So does what is merged into one that
    somebody has."""
    base = reason_base(message.reason)
    return base in WAKING or (base == "merged" and message.incident.get("status") in _AT_WORK)


def _wakings(message: Message) -> list[tuple[str, int]]:
    """Reason and time of those pages to this receiver, the last ones. What was merged into it has its own
    among them: which was whose is not told, and PagerDuty passes over what it does not know."""
    found = []
    for one in message.incident.get("history") or ():
        base = reason_base(str(one.get("reason", "")))
        if one.get("what") == "paged" and (base in WAKING or base == "merged"):
            names = str(one.get("detail", "")).split(", ")
            if not message.receiver or message.receiver in names:
                found.append((str(one["reason"]), parse_rfc3339(str(one["at"]))))
    return found[-_WAKINGS:]


def _own_key(name: str, reason: str, at: int) -> str:
    """`INC-20261121-ABCDEF:escalated:1:oncall:2026-11-21T08:15:00.000Z`."""
    return f"{_key_of(name)[:100]}:{one_line(reason, 100)}:{format_rfc3339(at)}"


def _action(message: Message) -> str:
    status, reason = message.incident.get("status"), reason_base(message.reason)
    if status in ("resolved", "closed"):
        return "resolve"
    # Without a document the reason is all there is to go by.
    if status is None and reason == "resolved":
        return "resolve"
    return "acknowledge" if reason == "acknowledged" and status != "triggered" else "trigger"


def _merged(message: Message) -> list[str]:
    """Incidents that went into this one when the page was decided: one page tells of all of them. At the end
    all that ever did, whatever became of the page that told of it."""
    base, _, name = message.reason.partition(":")
    at, history = format_rfc3339(message.at), message.incident.get("history") or ()
    same = [one for one in history if one.get("what") == "merged" and one.get("at") == at]
    names = [name if base == "merged" else "", *(str(one.get("detail", "")) for one in same)]
    if _action(message) == "resolve":
        names += [str(one) for one in message.incident.get("merged_from") or ()]
    return list(dict.fromkeys(one for one in names if one))[:_MERGED]


def _event(message: Message, key: str) -> dict[str, Any]:
    incident = message.incident
    event: dict[str, Any] = {"event_action": "trigger", "dedup_key": key}
    url = str(incident.get("url", ""))
    links = [{"href": url, "text": "Watchkeeper"}] if url.startswith(("https://", "http://")) else []
    links += [
        {"href": one["url"], "text": one_line(f"{one['kind'].capitalize()}, says the alert ({one['host']})")}
        for one in (said_first(incident) or {"links": ()})["links"]
    ]
    origin = incident.get("origin") or next(iter(incident.get("services") or ()), None) or {}
    where = incident.get("where") or {}
    thing = one_line(str(origin.get("service") or next(iter(where.get("things") or ()), "")), 200)
    payload = {
        "summary": _summary(message),
        "source": thing or "watchkeeper",
        "severity": _SEVERITIES.get(str(incident.get("severity")), "error"),
        "timestamp": format_rfc3339(message.at),
        "class": reason_base(message.reason),
        "custom_details": details(message),
    }
    if thing:
        payload["component"] = thing
    group = where_words(where, things=False) or str(origin.get("environment") or "")
    if group:
        payload["group"] = one_line(group, 200)
    return {**event, "client": "Watchkeeper", "client_url": url, "links": links, "payload": payload}


def _summary(message: Message) -> str:
    """What it is and where; of a page that comes after another, first why."""
    incident, base = message.incident, reason_base(message.reason)
    again = f"[{base.replace('_', ' ')}] " if _wakes(message) else ""
    return one_line(f"{again}{incident.get('severity', '')} {titled(incident) or incident['id']}", 1_000)


def _taken(incident: Document) -> dict[str, str]:
    """Somebody has it: since when, and who."""
    at, by = incident.get("acknowledged_at"), one_line(str(incident.get("acknowledged_by", "")), 80)
    return {"acknowledged": f"first page acknowledged at {at} by {by}"} if at else {}


def details(message: Message) -> dict[str, Any]:
    """The facts in brief; every list and text is bounded, and no alert's labels are in it."""
    incident = message.incident
    services, alerts = incident.get("services") or [], incident.get("alerts") or []
    return {
        "reason": one_line(message.reason, 100),
        "text": message.text[:2_000],
        "status": one_line(str(incident.get("status", "")), 40),
        "severity": one_line(str(incident.get("severity", "")), 10),
        "where": where_words(incident.get("where")),
        **_taken(incident),
        "services": [one_line(str(one.get("service", "")), 100) for one in services[:_MOST]],
        "services_total": len(services),
        "alerts_total": len(alerts),
        "alerts_firing": sum(alert.get("status") != "resolved" for alert in alerts),
        "changes": [_change(change) for change in (incident.get("changes") or [])[:5]],
        **_answers(incident),
        **_said(incident),
    }


def _said(incident: Document) -> dict[str, Any]:
    """What the leading alert says, in its sender's words."""
    said = said_first(incident)
    if said is None:
        return {}
    texts = {"summary": said["summary"], "description": one_line(said["description"], _WORDS)}
    urls = {one["kind"]: one["url"] for one in said["links"]}
    return {"alert_says": {name: text for name, text in (texts | urls).items() if text}}


def _change(change: Mapping[str, Any]) -> str:
    words = (short_version(str(change.get(key, ""))) for key in ("kind", "service", "version", "at"))
    return one_line(" ".join(words), 200)


def _answers(incident: Document) -> dict[str, str]:
    answers = incident.get("questions") or {}
    keys = ("what_changed", "already_known", "likely_fix")
    return {key: one_line(str(answers[key].get("answer", "")), _WORDS) for key in keys if key in answers}


def _key_of(name: str) -> str:
    return one_line(name, 200)


def encoded(event: Mapping[str, Any]) -> bytes:
    """The same event gives the same bytes, never more than PagerDuty takes."""
    content = json.dumps(event, sort_keys=True, separators=(",", ":")).encode("ascii")
    if len(content) > MAX_BYTES:
        bare = {**event, "payload": {**event["payload"], "custom_details": {}}}
        content = json.dumps(bare, sort_keys=True, separators=(",", ":")).encode("ascii")
    return content
