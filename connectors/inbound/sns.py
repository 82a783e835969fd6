"""Source sns: what AWS services tell over Amazon SNS, with the envelope taken off.

Messages come singly, as an https subscription sends them, or as records of a Lambda function or of a queue.
Signatures are checked by `SnsVerifier`, which has to fetch a certificate; `verify` is the proof without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.inbound.fields import Object, dig, document, first_text, ignored, objects, text
from connectors.inbound.moments import instant
from connectors.inbound.sns_alarm import Envelope
from connectors.inbound.sns_messages import read, read_object
from connectors.inbound.source import as_object, decode, nothing_usable, problem
from connectors.inbound.tokens import verify_token
from core.errors import BodyError
from core.model.events import Event, Parsed, Problem

name = "sns"
summary = "Amazon SNS: CloudWatch alarms, budgets, cost anomalies, CodeDeploy, Auto Scaling"
kept = ("x-amz-sns-message-type", "x-amz-sns-message-id", "x-amz-sns-topic-arn")
proof = "the signature of Amazon SNS, for topics of the senders file; without topics a token"
verify = verify_token
_MEND = "Send what SNS sends to an https subscription"
_HANDSHAKES = {
    "SubscriptionConfirmation": "SNS asks to confirm a subscription: done for a topic of the senders file;"
    " another topic is not allowed: confirm by hand, or add it",
    "UnsubscribeConfirmation": "SNS says that a subscription has ended",
}


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    content = document(body, _MEND)
    delivery = first_text(text(content, "MessageId"), headers.get("x-amz-sns-message-id", ""))
    reason = _HANDSHAKES.get(text(content, "Type") or headers.get("x-amz-sns-message-type", ""))
    if reason:
        return ignored(reason, delivery)
    events: list[Event] = []
    problems: list[Problem] = []
    reasons: list[str] = []
    for index, message in enumerate(_messages(content, problems)):
        _read(message, index, headers, received_at, events, problems, reasons)
    if problems and not events and not reasons:
        raise nothing_usable(problems)
    why = "" if events else "; ".join(dict.fromkeys(reasons)) or "no records"
    return Parsed(tuple(events), tuple(problems), delivery, why)


def _messages(content: Object, problems: list[Problem]) -> Iterator[Object]:
    """The message, or those of the records: of SNS for Lambda, or of a queue that a topic feeds."""
    if not isinstance(content.get("Records"), list):
        yield content
        return
    for index, record in enumerate(objects(content["Records"])):
        where = f"Records[{index}]"
        try:
            yield as_object(record.get("Sns"), where, _MEND) if "Sns" in record else _queued(record, where)
        except BodyError as error:
            problems.append(problem(where, error.what, error.mend))


def _queued(record: Object, where: str) -> Object:
    return as_object(decode(text(record, "body").encode("utf-8", "surrogatepass")), f"{where}.body", _MEND)


def _read(
    message: Object,
    index: int,
    headers: Mapping[str, str],
    received_at: int,
    events: list[Event],
    problems: list[Problem],
    reasons: list[str],
) -> None:
    topic = first_text(text(message, "TopicArn"), headers.get("x-amz-sns-topic-arn", ""))
    envelope = Envelope(topic, instant(message.get("Timestamp")) or received_at, index)
    try:
        found = _event(message, envelope)
    except BodyError as error:
        problems.append(problem(error.where, error.what, error.mend))
        return
    (reasons if isinstance(found, str) else events).append(found)  # type: ignore[arg-type]


def _event(message: Object, envelope: Envelope) -> Event | str:
    wrapped: Any = dig(message, "Message")
    if isinstance(wrapped, str):
        return read(wrapped, envelope)
    # Raw delivery: the message stands alone.
    return read_object(message, envelope)
