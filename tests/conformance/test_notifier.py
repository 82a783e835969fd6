"""What every notifier promises, run on each implementation; and what the webhook promises besides."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import pytest

from connectors.outbound.email import EmailNotifier, Mailbox
from connectors.outbound.memory import RecordingNotifier
from connectors.outbound.pagerduty import PagerdutyNotifier
from connectors.outbound.webhook import WebhookNotifier, facts, signing_key
from core.ports import Delivered, Message, Notifier
from core.times import parse_rfc3339
from tests.listener import Behaviour, Listener, answering, dripping, hanging, saying
from tests.smtp_sink import HANG, SmtpSink

AT = parse_rfc3339("2026-03-02T08:00:00Z")
NOW = AT // 1_000 + 5
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
INCIDENT = {
    "id": "INC-20260302-ABCDEF",
    "title": "payments: HighErrorRatio (+1 service)",
    "severity": "P1",
    "status": "triggered",
    "url": "https://watch.example/incidents/INC-20260302-ABCDEF",
    "services": [{"service": "payments", "environment": "production", "cluster": ""}],
    "alerts": [{"status": "firing", "labels": {"token": "not for others"}}, {"status": "resolved"}],
    "origin": {"service": "payments", "score": 900},
    "changes": [
        {"id": "chg-1", "kind": "deploy", "service": "payments", "version": "2.4.0\n", "url": "javascript:x"}
    ],
    "questions": {"what_changed": {"answer": "Deploy of payments 2.4.0.", "status": "known", "evidence": []}},
    "merged_from": [],
}


def message(number: int = 1) -> Message:
    return Message(f"dec-{number}", "severity_raised:P1", AT, INCIDENT, f"page {number}")


class Rig(NamedTuple):
    """A notifier to a place that does `happens` in turn, then takes all; and what arrived there: the
    decision's id, as far as it is sent, and the text."""

    send: Callable[[Sequence[Message]], list[Delivered]]
    arrived: Callable[[], list[tuple[str, str]]]


def each(notifier: Notifier, messages: Sequence[Message]) -> list[Delivered]:
    async def all_of_them() -> list[Delivered]:
        return [await notifier.send(one) for one in messages]

    return asyncio.run(all_of_them())


def with_client(
    notifier: Callable[[httpx.AsyncClient], Notifier], messages: Sequence[Message]
) -> list[Delivered]:
    async def all_of_them() -> list[Delivered]:
        async with httpx.AsyncClient(trust_env=False) as client:
            made = notifier(client)
            return [await made.send(one) for one in messages]

    return asyncio.run(all_of_them())


def through(
    url: str, messages: Sequence[Message], secret: str = SECRET, timeout: float = 5.0
) -> list[Delivered]:
    return with_client(
        lambda client: WebhookNotifier(url, secret, client, timeout, seconds=lambda: NOW), messages
    )


# What may happen to a page, as each kind of receiver says it; "silence" is no answer at all.
HTTP = {"taken": 202, "busy": 503, "too many": 429, "silence": 0}
SAID: dict[str, dict[str, int]] = {
    "memory": {**HTTP, "never": 410},
    "webhook": {**HTTP, "never": 410},
    "pagerduty": {**HTTP, "never": 400},
    "email": {"taken": 250, "busy": 451, "too many": 421, "never": 550, "silence": 0},
}


@pytest.fixture(params=[*SAID])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Rig]]:
    def coded(happens: Sequence[str]) -> list[int]:
        return [SAID[request.param][one] for one in happens]

    if request.param == "memory":
        yield lambda *happens: in_memory(*coded(happens))
    elif request.param == "email":
        with SmtpSink() as sink:
            yield lambda *happens: by_mail(sink, *coded(happens))
    else:
        with Listener(answering(200)) as there:
            over = by_webhook if request.param == "webhook" else by_pagerduty
            yield lambda *happens: over(there, *coded(happens))


def misbehave(there: Listener, statuses: Sequence[int]) -> None:
    behaviours = [answering(status, b"why\nnot") if status else hanging for status in statuses]
    there.behave(lambda handler: (behaviours.pop(0) if behaviours else answering(202))(handler))


def in_memory(*statuses: int) -> Rig:
    answers = [
        Delivered(200 <= s < 300, f"HTTP {s}: why not" if s else "no answer", s == 410) for s in statuses
    ]
    notifier = RecordingNotifier(answers)
    return Rig(
        lambda messages: each(notifier, messages), lambda: [(m.decision, m.text) for m in notifier.messages]
    )


def by_webhook(there: Listener, *statuses: int) -> Rig:
    misbehave(there, statuses)
    return Rig(
        lambda messages: through(there.url, messages, timeout=1.0),
        lambda: [(document["id"], document["text"]) for document in bodies(there)],
    )


def by_pagerduty(there: Listener, *statuses: int) -> Rig:
    misbehave(there, statuses)
    return Rig(
        lambda messages: with_client(
            lambda client: PagerdutyNotifier(there.url, "r" * 32, client, 1.0), messages
        ),
        lambda: [("", event["payload"]["custom_details"]["text"]) for event in bodies(there)],
    )


def by_mail(sink: SmtpSink, *statuses: int) -> Rig:
    sink.answers["body"] = [f"{status} why not" if status else HANG for status in statuses]
    mailbox = Mailbox("127.0.0.1", sink.port, "none", "watch@ours.example", ("ana@ours.example",))
    return Rig(
        lambda messages: each(EmailNotifier(mailbox, 1.0), messages),
        lambda: [(mail.name, mail.part("plain").strip()) for mail in sink.tries],
    )


def bodies(there: Listener) -> list[dict[str, Any]]:
    return [json.loads(heard.body) for heard in there.heard]


def texts(rig: Rig) -> list[str]:
    """Of what arrived; where a decision's id is sent, it is that of the page."""
    for decision, text in rig.arrived():
        assert decision in ("", f"dec-{text.removeprefix('page ')}")
    return [text for _, text in rig.arrived()]


def test_messages_arrive_in_order_and_once(make: Callable[..., Rig]) -> None:
    rig = make()
    delivered = rig.send([message(1), message(2), message(3)])
    assert [(d.ok, d.final) for d in delivered] == [(True, False)] * 3
    assert texts(rig) == ["page 1", "page 2", "page 3"]


@pytest.mark.parametrize("happens", ["busy", "too many"])
def test_a_refusal_is_told_in_one_line_and_worth_another_try(make: Callable[..., Rig], happens: str) -> None:
    [delivered] = make(happens).send([message()])
    assert (delivered.ok, delivered.final) == (False, False)
    assert re.fullmatch(r"(HTTP|SMTP) (503|429|451|421): why not", delivered.detail)


def test_what_will_never_be_taken_is_final(make: Callable[..., Rig]) -> None:
    [delivered] = make("never").send([message()])
    assert not delivered.ok
    assert delivered.final
    assert "why not" in delivered.detail


def test_a_failure_is_over_when_the_next_message_is_sent(make: Callable[..., Rig]) -> None:
    rig = make("busy", "silence")
    delivered = rig.send([message(1), message(1), message(1), message(2)])
    assert [d.ok for d in delivered] == [False, False, True, True]
    assert "no answer" in delivered[1].detail
    assert texts(rig) == ["page 1", "page 1", "page 1", "page 2"]


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429, 500, 503])
def test_webhook_takes_only_gone_for_final(status: int) -> None:
    delivered = webhook(answering(status, b"why\nnot"))
    assert delivered == Delivered(False, f"HTTP {status}: why not", final=False)


def webhook(behaviour: Behaviour, timeout: float = 0.3) -> Delivered:
    with Listener(behaviour) as there:
        [delivered] = through(there.url, [message()], timeout=timeout)
        assert len(there.heard) == 1
        assert len(delivered.detail) < 250
        assert delivered.detail.isprintable()
        assert there.url not in delivered.detail
    return delivered


def test_webhook_sends_facts_that_anyone_with_the_secret_can_verify() -> None:
    with Listener(answering(200)) as there:
        through(there.url, [message()])
        [heard] = there.heard
    signed = b"dec-1." + str(NOW).encode() + b"." + heard.body
    digest = hmac.new(b"0123456789abcdef01234567", signed, hashlib.sha256).digest()
    assert heard.headers["webhook-id"] == "dec-1"
    assert heard.headers["webhook-timestamp"] == str(NOW)
    assert heard.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert heard.headers["content-type"] == "application/json"
    document = json.loads(heard.body)
    assert set(document) == {"type", "id", "at", "reason", "text", "incident"}
    assert document["type"] == "incident.severity_raised"
    assert document["at"] == "2026-03-02T08:00:00.000Z"
    assert document["incident"] == facts(INCIDENT)
    assert b"not for others" not in heard.body


@pytest.mark.parametrize("secret", [SECRET, "plain text"])
def test_webhook_is_genuine_by_the_code_in_the_docs(secret: str) -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "paging.md").read_text()
    [snippet] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - our own page
    names["time"] = SimpleNamespace(time=lambda: NOW + 1)
    with Listener(answering(200)) as there:
        through(there.url, [message()], secret=secret)
        [heard] = there.heard
    assert names["genuine"](heard.headers, heard.body, secret)
    assert not names["genuine"](heard.headers, heard.body + b" ", secret)
    assert not names["genuine"](heard.headers, heard.body, "another")
    names["time"] = SimpleNamespace(time=lambda: NOW + 301)
    assert not names["genuine"](heard.headers, heard.body, secret)


def test_webhook_tells_the_facts_and_no_alert_s_labels() -> None:
    brief = facts(INCIDENT)
    assert (brief["alerts_total"], brief["alerts_firing"]) == (2, 1)
    assert "alerts" not in brief
    [change] = brief["changes"]
    assert (change["version"], change["url"]) == ("2.4.0", "")
    many = facts({**INCIDENT, "services": INCIDENT["services"] * 500})  # type: ignore[operator]
    assert (len(many["services"]), many["services_total"]) == (100, 500)
    assert facts({"id": "INC-1"})["alerts_total"] == 0


def test_webhook_signs_with_a_plain_secret_and_only_with_one() -> None:
    assert signing_key("plain text") == b"plain text"
    assert signing_key("") == b""
    with pytest.raises(ValueError, match="base64"):
        signing_key("whsec_not base64!")
    with Listener(answering(200)) as there:
        through(there.url, [message()], secret="plain text")
        through(there.url, [message()], secret="")
        first, second = there.heard
    assert first.headers["webhook-signature"].startswith("v1,")
    assert "webhook-signature" not in second.headers


def test_webhook_gives_up_waiting() -> None:
    assert webhook(hanging) == Delivered(False, "no answer within 0.3 s")


def test_webhook_is_not_held_by_headers_that_drip() -> None:
    assert webhook(dripping(b"HTTP/1.1 200 OK\r\nx-slow: ")) == Delivered(False, "no answer within 0.3 s")


def test_webhook_believes_the_status_and_does_not_wait_for_the_body() -> None:
    start = b"HTTP/1.1 %d Well\r\ncontent-length: 1000000\r\n\r\nfirst"
    assert webhook(dripping(start % 200), timeout=5.0) == Delivered(True, "HTTP 200")
    refused = webhook(dripping(start % 503), timeout=5.0)
    assert not refused.ok
    assert refused.detail.startswith("HTTP 503: first")


def test_webhook_reads_a_little_of_a_long_refusal() -> None:
    refused = webhook(answering(500, "<b>näh</b>\r\n\x1b[31m\x00".encode() + b"x" * 1_000_000), timeout=5.0)
    assert refused.detail.startswith("HTTP 500: <b>näh</b> [31m x")


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00\xff" * 50, b"220 smtp.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000],
)
def test_webhook_survives_garbage(raw: bytes) -> None:
    delivered = webhook(saying(raw), timeout=5.0)
    assert not delivered.ok
    assert delivered.detail.startswith("no usable answer")


def test_webhook_survives_a_closed_door() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        [delivered] = through(f"http://127.0.0.1:{unused.getsockname()[1]}/secret-path", [message()])
    assert not delivered.ok
    assert delivered.detail.startswith("cannot connect")
    assert "secret-path" not in delivered.detail


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_webhook_does_not_follow_redirects(status: int) -> None:
    with Listener(answering(200)) as elsewhere:
        delivered = webhook(answering(status, location=elsewhere.url))
        assert not elsewhere.heard
    assert not delivered.ok
    assert "redirects are not followed" in delivered.detail
