"""The outbound webhook: one signed POST per page, as Standard Webhooks describes it.

Its address may hold a token, so no message from here ever repeats it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.outbound.posting import post
from connectors.standard_webhooks import signature
from connectors.standard_webhooks import signing_key as signing_key
from core.model.document import Document
from core.narrative.page import reason_base
from core.narrative.plain import one_line
from core.ports import Delivered, Message
from core.times import format_rfc3339

_MOST = 100
# 410 Gone: whoever was there wants no more.
_FINAL = frozenset({410})
_FACTS = (
    "id", "title", "where", "domain", "severity", "status", "url", "opened_at", "started_at", "resolved_at",
    "acknowledged_by", "origin", "questions", "recurrence_of",
)  # fmt: skip


class WebhookNotifier:
    """Implements core.ports.Notifier. `timeout` (seconds) covers a whole try. No `secret`: not signed."""

    def __init__(
        self,
        url: str,
        secret: str,
        client: httpx.AsyncClient,
        timeout: float = 10.0,
        *,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._url, self._client, self._timeout = url, client, timeout
        self._key, self._seconds = signing_key(secret), seconds

    async def send(self, message: Message) -> Delivered:
        content = body(message)
        headers = signed(self._key, message.decision, int(self._seconds()), content)
        return await post(self._client, self._url, content, headers, self._timeout, _FINAL)


def signed(key: bytes, name: str, seconds: int, content: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, in base64 after `v1,`."""
    headers = {"webhook-id": name, "webhook-timestamp": str(seconds)}
    if key:
        headers["webhook-signature"] = signature(key, name, str(seconds), content)
    return headers


def body(message: Message) -> bytes:
    """The same message gives the same bytes."""
    document = {
        "type": f"incident.{reason_base(message.reason)}",
        "id": message.decision,
        "at": format_rfc3339(message.at),
        "reason": message.reason,
        "text": message.text,
        "incident": facts(message.incident),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def facts(incident: Document) -> dict[str, Any]:
    """An incident in brief: lists end after 100 entries and their totals count all; no alert's labels.
    `said`: what the leading alert says, in its sender's words."""
    services, changes = incident.get("services") or [], incident.get("changes") or []
    alerts = incident.get("alerts") or []
    return {
        **{key: incident[key] for key in _FACTS if key in incident},
        "services": services[:_MOST],
        "services_total": len(services),
        "changes": [_change(change) for change in changes[:_MOST]],
        "changes_total": len(changes),
        "alerts_total": len(alerts),
        "alerts_firing": sum(alert.get("status") != "resolved" for alert in alerts),
        "merged_from": list(incident.get("merged_from") or [])[:_MOST],
        "said": list(incident.get("said") or [])[:1],
    }


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and authors are the sender's words: one line each. A link only if a browser may open it."""
    brief = {key: change.get(key, "") for key in ("id", "kind", "service", "environment", "cluster", "at")}
    brief |= {key: one_line(str(change.get(key, ""))) for key in ("version", "author")}
    url = str(change.get("url", ""))
    return {**brief, "url": url if url.startswith(("https://", "http://")) and len(url) <= 2_000 else ""}
