"""Notifier webhook: one POST per page, signed as Standard Webhooks (standardwebhooks.com) describes.

The id is the decision's, so a receiver can drop a repetition. Redirects are not followed: a page goes
where the operator said. Of the answer only the status and its first characters are looked at.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac

import httpx
import orjson

from core.narrative.plain import one_line
from core.ports import Delivered, Document, Message
from core.times import SECOND, format_rfc3339

_ANSWER_BYTES = 300
_FACTS = (
    "id", "title", "severity", "severity_reason", "status", "opened_at", "started_at", "acknowledged_by",
    "resolved_at", "services", "origin", "changes", "questions", "merged_from", "recurrence_of",
)  # fmt: skip


class WebhookNotifier:
    """`timeout` covers a whole attempt, so that an answer that drips cannot hold the line."""

    def __init__(self, url: str, secret: str, client: httpx.AsyncClient, timeout: float = 10.0) -> None:
        self._url, self._client, self._timeout = url, client, timeout
        self._key = signing_key(secret)

    async def send(self, message: Message) -> Delivered:
        body = orjson.dumps(payload(message))
        headers = {"content-type": "application/json", "webhook-id": message.decision}
        headers["webhook-timestamp"] = str(message.at // SECOND)
        if self._key:
            headers["webhook-signature"] = sign(self._key, message, body)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(body, headers)
        except TimeoutError:
            return Delivered(False, f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Delivered(False, one_line(f"{type(error).__name__}: {error}"))

    async def _post(self, body: bytes, headers: dict[str, str]) -> Delivered:
        request = self._client.build_request("POST", self._url, content=body, headers=headers)
        answer = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            if answer.is_success:
                return Delivered(True, f"status {answer.status_code}")
            start = b""
            async for chunk in answer.aiter_raw():
                start += chunk
                if len(start) >= _ANSWER_BYTES:
                    break
        finally:
            await answer.aclose()
        said = one_line(start[:_ANSWER_BYTES].decode("utf-8", "replace"), 120)
        detail = f"status {answer.status_code}" + (f": {said}" if said else "")
        # 410 Gone: the receiver wants no more of these.
        return Delivered(False, detail, final=answer.status_code == 410)


def payload(message: Message) -> Document:
    """The body: the facts of the incident as they are now, and a text made from them."""
    incident = message.incident
    alerts = incident["alerts"]
    return {
        "type": f"incident.{message.reason.partition(':')[0]}",
        "id": message.decision,
        "at": format_rfc3339(message.at),
        "reason": message.reason,
        "text": message.text,
        "incident": {
            **{key: incident.get(key) for key in _FACTS},
            "alerts_total": len(alerts),
            "alerts_firing": sum(alert["status"] != "resolved" for alert in alerts),
        },
    }


def signing_key(secret: str) -> bytes:
    """Standard Webhooks secrets are `whsec_` and base64; any other text is taken as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            pass
    return secret.encode("utf-8")


def sign(key: bytes, message: Message, body: bytes) -> str:
    signed = f"{message.decision}.{message.at // SECOND}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
