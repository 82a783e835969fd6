"""A CloudWatch alarm as SNS carries it: the alarm identifies, in its account and region, with its dimensions.

An end does not say when the firing began: it ends the one that is open.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.inbound.fields import Object, dig, first_text, labels, objects, text
from connectors.inbound.moments import instant
from core.errors import BodyError
from core.model.events import AlertEvent, AlertStatus, Event

# The dimensions that name what an alarm is about, the most telling first.
_SERVICES = (
    "ServiceName", "FunctionName", "DBClusterIdentifier", "DBInstanceIdentifier", "QueueName", "TableName",
    "ApiName", "EndpointName", "TargetGroup", "LoadBalancer", "LoadBalancerName", "CacheClusterId",
    "AutoScalingGroupName", "TopicName", "BucketName",
)  # fmt: skip
_STATES: dict[str, AlertStatus] = {"ALARM": "firing", "OK": "resolved"}


class Envelope(NamedTuple):
    """What SNS says about a message: `at` ms (or when it came), and its `place` in the body."""

    topic: str
    at: int
    place: int = 0


def alarm(content: Object, envelope: Envelope) -> Event | str:
    """Raises BodyError for an alarm without a name or a state."""
    state, name = text(content, "NewStateValue"), text(content, "AlarmName")
    if state == "INSUFFICIENT_DATA":
        return "an alarm without data, which says neither that it fires nor that it is over"
    if state not in _STATES or not name:
        raise BodyError(
            "an alarm without a name or a state", where="Message", mend="Publish what CloudWatch itself sends"
        )
    at = instant(content.get("StateChangeTime")) or envelope.at
    dimensions = _dimensions(content)
    firing = _STATES[state] == "firing"
    arn = text(content, "AlarmArn")
    named = labels(
        alertname=name,
        service=first_text(*(dimensions.get(key, "") for key in _SERVICES)),
        cluster=dimensions.get("ClusterName", ""),
        instance=dimensions.get("InstanceId", ""),
        account=text(content, "AWSAccountId"),
        region=_region(arn) or _region(envelope.topic),
    )
    return AlertEvent(
        labels={**dimensions, **named},
        status=_STATES[state],
        index=envelope.place,
        starts_at=at if firing else None,
        ends_at=None if firing else at,
        annotations=labels(
            summary=text(content, "NewStateReason"), description=text(content, "AlarmDescription"), arn=arn
        ),
    )


def _dimensions(content: Object) -> dict[str, str]:
    """Of the metric; of several metrics, what they have in common is told by each, and a clash by none."""
    trigger = dig(content, "Trigger")
    metrics = objects(dig(trigger, "Metrics"))
    lists = [
        dig(trigger, "Dimensions"),
        *(dig(item, "MetricStat", "Metric", "Dimensions") for item in metrics),
    ]
    found: dict[str, set[str]] = {}
    for pair in (pair for listed in lists for pair in objects(listed)):
        key, value = text(pair, "name"), text(pair, "value")
        if key and value:
            found.setdefault(key, set()).add(value)
    return {key: values.pop() for key, values in sorted(found.items()) if len(values) == 1}


def _region(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 and parts[0] == "arn" else ""
