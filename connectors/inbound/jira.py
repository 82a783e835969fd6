"""Source jira: issues of Jira Cloud that stand for incidents.

An issue counts when the name of its type has the word incident, outage or alert; all others are ignored.
It fires until its status is in the category done, or until it is deleted. One issue is one firing: what comes
back needs a new issue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.inbound.fields import dig, document, first_text, ignored, labels, link, needed, text
from connectors.inbound.moments import first_instant, instant
from connectors.inbound.severities import severity
from connectors.inbound.signing import verify_hex
from connectors.inbound.source import Request
from core.errors import BodyError
from core.model.events import AlertEvent, Parsed

name = "jira"
summary = "Jira Cloud issues that stand for incidents"
kept = ("x-atlassian-webhook-identifier",)
proof = "HMAC-SHA256 of the body in X-Hub-Signature"
_MEND = "Send Jira's webhook of issues that were created, updated or deleted"
_EVENTS = ("jira:issue_created", "jira:issue_updated", "jira:issue_deleted")
_TYPES = re.compile(r"(?<![a-z])(incident|outage|alert)s?(?![a-z])")
_CATEGORIES = ("new", "indeterminate", "done", "undefined")


def verify(request: Request, secrets: Sequence[str]) -> None:
    verify_hex(request, secrets, "x-hub-signature", "sha256=")


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    delivery = headers.get("x-atlassian-webhook-identifier", "")
    kind, issue = text(content, "webhookEvent"), content.get("issue")
    if kind not in _EVENTS:
        about = f"Jira's event {kind!r}" if kind else "an event of no known type"
        return ignored(f"{about}, which does not say how an issue stands", delivery)
    if not isinstance(issue, dict):
        raise BodyError("there is no `issue`", where="issue", mend=_MEND)
    type_name = text(issue, "fields", "issuetype", "name")
    if not _TYPES.search(type_name.lower()):
        return ignored(f"an issue of type {type_name!r}, which is no incident", delivery)
    return Parsed((_alert(issue, kind, content.get("timestamp")),), delivery=delivery)


def _alert(issue: dict[str, Any], kind: str, told: Any) -> AlertEvent:
    fields = dig(issue, "fields")
    category = text(fields, "status", "statusCategory", "key")
    if category not in _CATEGORIES:
        raise BodyError(f"{category!r} is no category of a status", where="issue.fields.status", mend=_MEND)
    over = category == "done" or kind == "jira:issue_deleted"
    ended = first_instant(dig(fields, "resolutiondate"), dig(fields, "statuscategorychangedate"), told)
    return AlertEvent(
        labels=labels(
            alertname=text(fields, "issuetype", "name"),
            service=first_text(text(fields, "components", 0, "name"), text(fields, "project", "key")),
            severity=severity(text(fields, "priority", "name")),
        ),
        status="resolved" if over else "firing",
        starts_at=instant(dig(fields, "created")),
        ends_at=ended if over else None,
        annotations=labels(summary=text(fields, "summary"), issue=text(issue, "key")),
        generator_url=_page(issue),
        occurrence=needed(first_text(text(issue, "id"), text(issue, "key")), "issue.id", _MEND),
        identity=("alertname",),
    )


def _page(issue: dict[str, Any]) -> str:
    """The issue's page for people; `self` is the address of the API."""
    try:
        site = urlsplit(text(issue, "self"))
    except ValueError:
        return ""
    key = text(issue, "key")
    return link(f"{site.scheme}://{site.netloc}/browse/{quote(key)}") if site.netloc and key else ""
