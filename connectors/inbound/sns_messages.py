"""What AWS services publish to SNS topics, as events: one function for each kind of message.

CloudWatch alarms, cost anomalies, CodeDeploy and EC2 Auto Scaling send JSON, AWS Budgets plain text. A
message of none of these kinds is ignored, with a reason; it is in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from connectors.inbound.fields import Object, dig, first_text, labels, link, text
from connectors.inbound.moments import first_instant
from connectors.inbound.sns_alarm import Envelope, alarm
from core.model.events import AlertEvent, AlertStatus, ChangeEvent, ChangeState, Event

_DEPLOYMENT: dict[str, ChangeState] = {
    "CREATED": "started", "STARTED": "started", "INPROGRESS": "started", "READY": "started",
    "SUCCEEDED": "succeeded", "FAILED": "failed", "STOPPED": "failed",
}  # fmt: skip
_SCALING: dict[str, tuple[str, AlertStatus]] = {
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR": ("EC2 instance launch failed", "firing"),
    "autoscaling:EC2_INSTANCE_LAUNCH": ("EC2 instance launch failed", "resolved"),
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR": ("EC2 instance termination failed", "firing"),
    "autoscaling:EC2_INSTANCE_TERMINATE": ("EC2 instance termination failed", "resolved"),
}
_BUDGET_LINE = re.compile(r"^([A-Z][A-Za-z ]{2,40}):[ \t]*(.{1,300})$", re.MULTILINE)
_BUDGET_ACCOUNT = re.compile(r"^AWS Account ([0-9]{4,20})", re.MULTILINE)


def read(message: str, envelope: Envelope) -> Event | str:
    """The event, or why there is none. Raises BodyError for a message of a known kind that makes no sense."""
    try:
        content = orjson.loads(message)
    except orjson.JSONDecodeError:
        return _budget(message, envelope)
    if not isinstance(content, dict):
        return "a message of no known kind"
    return read_object(content, envelope)


def read_object(content: Object, envelope: Envelope) -> Event | str:
    if "detail-type" in content:
        return "an event of EventBridge: send these to /v1/ingest/eventbridge, by an API destination"
    kind = next((reader for key, reader in _KINDS.items() if key in content), None)
    return "a message of no known kind" if kind is None else kind(content, envelope)


def _anomaly(content: Object, envelope: Envelope) -> Event | str:
    cause = dig(content, "rootCauses", 0)
    return AlertEvent(
        labels=labels(
            alertname="AWS cost anomaly",
            service=first_text(text(content, "dimensionalValue"), text(cause, "service")),
            account=text(content, "accountId"),
            severity="warning",
        ),
        status="firing",
        index=envelope.place,
        starts_at=first_instant(content.get("anomalyStartDate")) or envelope.at,
        annotations=labels(
            summary=f"{text(content, 'impact', 'totalImpact') or 'unknown'} above what was expected",
            region=text(cause, "region"),
            usage=text(cause, "usageType"),
        ),
        generator_url=link(content.get("anomalyDetailsLink")),
        occurrence=text(content, "anomalyId"),
        identity=("alertname", "account"),
    )


def _code_deploy(content: Object, envelope: Envelope) -> Event | str:
    service, status = text(content, "applicationName"), text(content, "status")
    if not service or status not in _DEPLOYMENT:
        return "news of CodeDeploy that is no outcome of a deployment"
    return ChangeEvent(
        kind="deploy",
        service=service,
        at=_unix_date(text(content, "createTime")) or envelope.at,
        version=text(content, "deploymentId"),
        index=envelope.place,
        ref=text(content, "deploymentId"),
        state=_DEPLOYMENT[status],
        told_at=_unix_date(text(content, "completeTime")) or envelope.at,
    )


def _unix_date(words: str) -> int | None:
    """`Tue Feb 02 02:05:22 UTC 2016`."""
    try:
        found = datetime.strptime(words, "%a %b %d %H:%M:%S UTC %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(found.timestamp()) * 1_000


def _auto_scaling(content: Object, envelope: Envelope) -> Event | str:
    found = _SCALING.get(text(content, "Event"))
    if found is None:
        return "news of EC2 Auto Scaling that tells of no failure"
    name, status = found
    at = first_instant(content.get("Time"), content.get("EndTime")) or envelope.at
    return AlertEvent(
        labels=labels(
            alertname=name,
            service=text(content, "AutoScalingGroupName"),
            account=text(content, "AccountId"),
            severity="high",
        ),
        status=status,
        index=envelope.place,
        starts_at=at if status == "firing" else None,
        ends_at=at if status == "resolved" else None,
        annotations=labels(summary=text(content, "StatusMessage"), description=text(content, "Cause")),
    )


def _budget(message: str, envelope: Envelope) -> Event | str:
    """AWS Budgets writes to people; two lines of it are enough to know which budget it is."""
    lines: dict[str, str] = dict(_BUDGET_LINE.findall(message[:20_000].replace("\r\n", "\n")))
    budget = lines.get("Budget Name", "").strip()
    if not budget:
        return "plain text that is no message of AWS Budgets"
    account = _BUDGET_ACCOUNT.search(message[:20_000])
    kind = lines.get("Alert Type", "").strip().upper()
    return AlertEvent(
        labels=labels(
            alertname="AWSBudget",
            budget=budget,
            account=account[1] if account else "",
            alert_type=kind,
            threshold=lines.get("Alert Threshold", "").strip(),
            severity="info" if kind == "FORECASTED" else "warning",
        ),
        status="firing",
        index=envelope.place,
        starts_at=envelope.at,
        annotations=labels(
            summary=f"Budget {budget}",
            budgeted=lines.get("Budgeted Amount", "").strip(),
            actual=(lines.get("ACTUAL Amount") or lines.get("FORECASTED Amount") or "").strip(),
        ),
    )


_KINDS: dict[str, Callable[[Object, Envelope], Event | str]] = {
    "AlarmName": alarm,
    "anomalyId": _anomaly,
    "deploymentId": _code_deploy,
    "AutoScalingGroupName": _auto_scaling,
}
