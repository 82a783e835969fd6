"""What every notifier promises, and what the webhook does with receivers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from connectors.outbound.memory import RecordingNotifier
from connectors.outbound.webhook import WebhookNotifier
from core.ports import Delivered, Message, Notifier
from tests.loopback import Answer, Receiver, drip, garbage, hang, receiver, status
from tests.timeline import SHOP, START, Timeline, alert

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()


def message() -> Message:
    t = Timeline(SHOP)
    t.push(0, alert("payments"), alert("checkout"))
    [incident] = t.incidents()
    return Message("dec-1", "severity_raised:P0", START, incident, "text of it")


def send(url: str, *, secret: str = SECRET, timeout: float = 5.0) -> Delivered:
    async def run() -> Delivered:
        async with httpx.AsyncClient() as client:
            return await WebhookNotifier(url, secret, client, timeout).send(message())

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["memory", "webhook"])
def test_a_message_is_delivered(kind: str) -> None:
    async def run(url: str) -> Delivered:
        async with httpx.AsyncClient() as client:
            made: Notifier = RecordingNotifier() if kind == "memory" else WebhookNotifier(url, "", client)
            return await made.send(message())

    with receiver() as there:
        assert asyncio.run(run(there.url)).ok


def test_the_memory_notifier_answers_as_told() -> None:
    made = RecordingNotifier([Delivered(False, "busy")])
    assert [asyncio.run(made.send(message())).ok for _ in range(2)] == [False, True]
    assert len(made.messages) == 2


def test_the_body_holds_the_facts_and_is_signed() -> None:
    with receiver() as there:
        assert send(there.url) == Delivered(True, "status 204")
        [heard] = there.heard
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    digest = hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()
    assert heard.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert heard.headers["webhook-id"] == "dec-1"
    body: dict[str, Any] = json.loads(heard.body)
    assert (body["type"], body["text"]) == ("incident.severity_raised", "text of it")
    assert body["incident"]["origin"]["service"] == "payments"
    assert body["incident"]["alerts_firing"] == 2


def test_without_a_secret_nothing_is_signed() -> None:
    with receiver() as there:
        assert send(there.url, secret="").ok
        assert "webhook-signature" not in there.heard[0].headers


@pytest.mark.parametrize(
    ("answer", "says", "final"),
    [
        (status(500, b"out of\norder"), "status 500: out of order", False),
        (status(400, b"x" * 10_000), "status 400: xxx", False),
        (status(302, Location="http://127.0.0.1:1/"), "status 302", False),
        (status(410), "status 410", True),
        (hang, "no answer within 0.3 s", False),
        (drip, "no answer within 0.3 s", False),
        (garbage, "RemoteProtocolError", False),
    ],
)
def test_a_receiver_that_misbehaves_is_a_failed_try(answer: Answer, says: str, final: bool) -> None:
    with receiver() as there:
        there.answers.append(answer)
        sent = send(there.url, timeout=0.3)
    assert (sent.ok, sent.final) == (False, final)
    assert sent.detail.startswith(says)
    assert len(sent.detail) < 200


def test_nobody_there_is_a_failed_try() -> None:
    assert send("http://127.0.0.1:1/").detail.startswith("ConnectError")


def test_redirects_are_not_followed() -> None:
    with receiver() as there, receiver() as elsewhere:
        there.answers.append(status(307, Location=elsewhere.url))
        assert not send(there.url).ok
        assert isinstance(elsewhere, Receiver)
        assert elsewhere.heard == []
