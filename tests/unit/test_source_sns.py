"""Source sns: what AWS services tell, with the envelope taken off."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound import sns
from connectors.inbound.source import Request
from core.errors import BodyError, SignatureRefused
from core.model.events import AlertEvent, ChangeEvent, Parsed
from tests.timeline import START, time
from tests.unit import sender_bodies as bodies

NOW = START + 90_000
BUDGET = """AWS Budget Notification March 2, 2026
AWS Account 123456789012

Dear AWS Customer,

You requested that we alert you when the ACTUAL Cost associated with your shop budget is greater than $100.00.

Budget Name: shop
Budget Type: Cost
Budgeted Amount: $120.00
Alert Type: ACTUAL
Alert Threshold: > $100.00
ACTUAL Amount: $101.50

[1] https://console.aws.amazon.com/billing/home#/budgets
"""
ANOMALY = {
    "accountId": "123456789012", "anomalyId": "f9d5", "anomalyStartDate": "2026-03-01T00:00:00Z",
    "dimensionalValue": "Amazon S3", "impact": {"maxImpact": 151, "totalImpact": 1001},
    "rootCauses": [{"service": "Amazon S3", "region": "eu-west-1", "usageType": "Requests"}],
    "anomalyDetailsLink": "https://console.aws.amazon.com/cost-management/home#/anomaly/f9d5",
}  # fmt: skip


def parse(message: bodies.Message, headers: dict[str, str] | None = None) -> Parsed:
    return sns.parse(headers or {}, message.payload, NOW)


def alert(message: bodies.Message) -> AlertEvent:
    [found] = parse(message).events
    assert isinstance(found, AlertEvent)
    return found


def test_an_alarm_identifies_with_account_region_and_dimensions() -> None:
    fires, over = alert(bodies.alarm("ALARM", 0)), alert(bodies.alarm("OK", 60))
    assert fires.labels == over.labels == {
        "alertname": "checkout-errors", "service": "checkout", "cluster": "blue", "account": "123456789012",
        "region": "eu-west-1", "ServiceName": "checkout", "ClusterName": "blue",
    }  # fmt: skip
    assert (fires.status, fires.starts_at, fires.ends_at) == ("firing", START, None)
    assert (over.status, over.starts_at, over.ends_at) == ("resolved", None, START + 60_000)
    assert fires.annotations["summary"] == "Threshold crossed"


def test_an_alarm_without_data_is_not_over() -> None:
    assert "neither" in parse(bodies.alarm("INSUFFICIENT_DATA", 5)).ignored


def test_of_several_metrics_only_what_they_have_in_common_counts() -> None:
    def metric(**dimensions: str) -> Any:
        pairs = [{"name": key, "value": value} for key, value in dimensions.items()]
        return {"Id": "m", "MetricStat": {"Metric": {"Dimensions": pairs}}}

    trigger = {
        "Metrics": [metric(FunctionName="pay", Stage="a"), metric(FunctionName="pay", Stage="b"), {"Id": "e"}]
    }
    labels = alert(bodies.alarm("ALARM", 0, Trigger=trigger)).labels
    assert (labels["service"], labels.get("Stage")) == ("pay", None)


def test_a_dimension_cannot_pass_for_another_label() -> None:
    trigger = {"Dimensions": [{"name": "alertname", "value": "x"}, {"name": "InstanceId", "value": "i-1"}]}
    labels = alert(bodies.alarm("ALARM", 0, Trigger=trigger)).labels
    assert (labels["alertname"], labels["instance"]) == ("checkout-errors", "i-1")


def test_without_an_arn_the_region_is_the_topics() -> None:
    assert alert(bodies.alarm("ALARM", 0, AlarmArn=None)).labels["region"] == "eu-west-1"


def test_budgets_write_plain_text() -> None:
    for told in (BUDGET, BUDGET.replace("\n", "\r\n")):
        event = alert(bodies.sns(told, 5))
        assert event.labels == {
            "alertname": "AWSBudget", "budget": "shop", "account": "123456789012", "alert_type": "ACTUAL",
            "threshold": "> $100.00", "severity": "warning",
        }  # fmt: skip
        assert event.annotations == {"summary": "Budget shop", "budgeted": "$120.00", "actual": "$101.50"}
        assert event.starts_at == START + 5_000
    assert alert(bodies.sns(BUDGET.replace("ACTUAL", "FORECASTED"))).labels["severity"] == "info"
    assert alert(bodies.sns("Budget Name: x")).labels == {
        "alertname": "AWSBudget",
        "budget": "x",
        "severity": "warning",
    }


def test_a_cost_anomaly_is_told_by_its_id() -> None:
    event = alert(bodies.sns(ANOMALY))
    assert event.labels == {
        "alertname": "AWS cost anomaly",
        "service": "Amazon S3",
        "account": "123456789012",
        "severity": "warning",
    }
    assert event.occurrence == "f9d5"
    assert event.annotations["summary"] == "1001 above what was expected"


def test_codedeploy_tells_of_a_deploy() -> None:
    content = {
        "applicationName": "checkout", "deploymentId": "d-75I7MBT7C", "deploymentGroupName": "dg",
        "createTime": "Mon Mar 02 08:00:00 UTC 2026", "completeTime": "Mon Mar 02 08:01:00 UTC 2026",
    }  # fmt: skip
    states = {"CREATED": "started", "SUCCEEDED": "succeeded", "FAILED": "failed", "STOPPED": "failed"}
    for status, state in states.items():
        [event] = parse(bodies.sns({**content, "status": status})).events
        assert isinstance(event, ChangeEvent)
        assert (event.kind, event.service, event.at) == ("deploy", "checkout", START)
        assert (event.state, event.ref, event.told_at) == (state, "d-75I7MBT7C", START + 60_000)


def test_auto_scaling_tells_of_a_launch_that_failed_and_of_one_that_did_not() -> None:
    content = {"AutoScalingGroupName": "web", "AccountId": "1", "Time": time(9)}
    failed = alert(bodies.sns({**content, "Event": "autoscaling:EC2_INSTANCE_LAUNCH_ERROR"}))
    worked = alert(bodies.sns({**content, "Event": "autoscaling:EC2_INSTANCE_LAUNCH"}))
    assert (failed.status, worked.status, failed.labels) == ("firing", "resolved", worked.labels)
    assert "no failure" in parse(bodies.sns({**content, "Event": "autoscaling:TEST_NOTIFICATION"})).ignored


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("Hello world!", "no message of AWS Budgets"),
        ("", "no message of AWS Budgets"),
        ({"message": "hello"}, "no known kind"),
        ("[1]", "no known kind"),
        ({"detail-type": "ECS Task State Change", "detail": {}}, "/v1/ingest/eventbridge"),
    ],
)
def test_other_messages_are_in_order_and_ignored(told: Any, reason: str) -> None:
    assert reason in parse(bodies.sns(told)).ignored


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_handshakes_hold_no_event(kind: str) -> None:
    assert "subscription" in parse(bodies.sns("x", Type=kind)).ignored
    headers = {"x-amz-sns-message-type": kind, "x-amz-sns-message-id": "m1"}
    bare = parse(bodies.Message("sns", {"Message": "x"}), headers)
    assert ("subscription" in bare.ignored, bare.delivery) == (True, "m1")


def test_records_of_a_function_and_of_a_queue() -> None:
    fires, over = bodies.alarm("ALARM", 0), bodies.alarm("OK", 60)
    records = [
        {"EventSource": "aws:sns", "Sns": fires.body},
        {"eventSource": "aws:sqs", "body": over.payload.decode()},
        {"eventSource": "aws:sqs", "body": "{"},
        {"Sns": 7},
    ]
    parsed = parse(bodies.Message("sns", {"Records": records}))
    assert [(event.index, getattr(event, "status", "")) for event in parsed.events] == [
        (0, "firing"),
        (1, "resolved"),
    ]
    assert [problem.where for problem in parsed.problems] == ["Records[2]", "Records[3]"]
    assert parse(bodies.Message("sns", {"Records": []})).ignored == "no records"


def test_raw_delivery_leaves_the_message_alone() -> None:
    raw = bodies.Message("sns", orjson.loads(bodies.alarm("ALARM", 0).body["Message"]))
    assert alert(raw).labels["alertname"] == "checkout-errors"
    assert parse(raw, {"x-amz-sns-message-id": "m1"}).delivery == "m1"


def test_an_alarm_without_a_name_is_refused() -> None:
    with pytest.raises(BodyError, match="without a name"):
        parse(bodies.alarm("ALARM", 0, AlarmName=""))
    with pytest.raises(BodyError, match="without a name"):
        parse(bodies.alarm("BROKEN", 0))


def test_without_topics_a_token_proves_the_sender() -> None:
    sns.verify(Request({"authorization": "Basic dTpzZWNyZXQ="}, b"{}", NOW), ["secret"])
    with pytest.raises(SignatureRefused):
        sns.verify(Request({}, b"{}", NOW), ["secret"])
