"""The built-in mappings of AWS, other clouds, New Relic and Opsgenie: small bodies, what they become."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.inbound.registry import source
from core.config import Config
from core.errors import BodyError
from core.identify import Identify
from core.model.events import AlertEvent, ChangeEvent, Parsed
from core.times import parse_rfc3339
from watchkeeper.files import builtin_mappings, rules_content

MAPPINGS = builtin_mappings()
NOW = parse_rfc3339("2026-11-21T03:00:00Z")
T = "2026-11-21T02:00:00Z"
START = parse_rfc3339(T)


def read(name: str, body: Any) -> Parsed:
    return source(name, MAPPINGS).parse({}, orjson.dumps(body), NOW)


def one(name: str, body: Any) -> AlertEvent | ChangeEvent:
    parsed = read(name, body)
    assert parsed.problems == ()
    [event] = parsed.events
    assert isinstance(event, AlertEvent | ChangeEvent)
    return event


def aws(kind: str, detail: dict[str, Any], *resources: str) -> dict[str, Any]:
    head = {"version": "0", "id": "e-1", "detail-type": kind, "source": "aws.test", "account": "111122223333"}
    return {**head, "time": T, "region": "eu-west-1", "resources": list(resources), "detail": detail}


def ecs(event: str, level: str) -> dict[str, Any]:
    detail = {"eventName": event, "eventType": level, "clusterArn": "arn:aws:ecs:eu-west-1:1:cluster/main"}
    return aws("ECS Service Action", detail, "arn:aws:ecs:eu-west-1:1:service/main/pay")


def alarm(state: str) -> dict[str, Any]:
    metric = {"metricStat": {"metric": {"name": "Errors", "dimensions": {"FunctionName": "pay"}}}}
    detail = {"alarmName": "pay-errors", "state": {"value": state, "timestamp": T, "reason": "3 of 3"}}
    return {**detail, "configuration": {"metrics": [{"id": "e", "expression": "m1"}, metric]}}


def task(code: str, exit_code: int | None) -> dict[str, Any]:
    containers = [{"name": "side", "exitCode": 0}, {"name": "app", "exitCode": exit_code}]
    detail = {"lastStatus": "STOPPED", "stopCode": code, "containers": containers, "group": "service:pay"}
    return aws("ECS Task State Change", {**detail, "clusterArn": "arn:aws:ecs:eu-west-1:1:cluster/main"})


def endpoint(status: str) -> dict[str, Any]:
    detail = {"EndpointName": "rank", "EndpointArn": "arn:e", "EndpointConfigName": "rank-7"}
    return aws(
        "SageMaker Endpoint State Change", {**detail, "EndpointStatus": status, "LastModifiedTime": START}
    )


def azure(condition: str, **essentials: Any) -> dict[str, Any]:
    plain = {"alertRule": "cpu", "severity": "Sev1", "monitorCondition": condition, "firedDateTime": T}
    more = {"alertTargetIDs": ["/subscriptions/s/resourceGroups/G/vm/A"], "configurationItems": ["a"]}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": {**plain, **more, "alertId": "/alerts/1", **essentials}, "alertContext": {}},
    }


def gcp(state: str, **more: Any) -> dict[str, Any]:
    plain = {"incident_id": "i1", "policy_name": "Latency", "condition_name": "p99", "state": state}
    labels = {"resource": {"labels": {"cluster_name": "eu", "container_name": "pay"}}}
    return {"version": "1.2", "incident": {**plain, **labels, "started_at": START // 1000, **more}}


def newrelic(state: str, priority: str) -> dict[str, Any]:
    lists = {"alertConditionNames": ["Slow"], "alertPolicyNames": ["Golden"], "impactedEntities": ["pay"]}
    return {"id": "n1", "state": state, "priority": priority, "title": "slow", "createdAt": START, **lists}


def opsgenie(action: str, **more: Any) -> dict[str, Any]:
    plain = {
        "alertId": "o1",
        "alias": "disk-full",
        "message": "91 % full",
        "createdAt": START,
        "entity": "db-1",
    }
    return {"action": action, "alert": {**plain, "priority": "P2", **more}}


CloudBody = tuple[str, Any, dict[str, Any]]
ALERTS: list[CloudBody] = [
    (
        "eventbridge",
        aws("CloudWatch Alarm State Change", alarm("ALARM")),
        {
            "alertname": "pay-errors",
            "service": "pay",
            "status": "firing",
            "starts_at": START,
            "summary": "3 of 3",
        },
    ),
    (
        "eventbridge",
        aws("CloudWatch Alarm State Change", alarm("OK")),
        {
            "alertname": "pay-errors",
            "service": "pay",
            "status": "resolved",
            "starts_at": None,
            "ends_at": START,
        },
    ),
    (
        "eventbridge",
        ecs("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR"),
        {"alertname": "ECSServiceImpaired", "service": "pay", "cluster": "main", "severity": "high"},
    ),
    (
        "eventbridge",
        task("EssentialContainerExited", 137),
        {"alertname": "ECSTaskCrashed", "service": "pay", "starts_at": None, "status": "firing"},
    ),
    (
        "eventbridge",
        task("TaskFailedToStart", None),
        {"alertname": "ECSTaskFailedToStart", "service": "pay", "cluster": "main"},
    ),
    (
        "eventbridge",
        endpoint("FAILED"),
        {"alertname": "SageMakerEndpointFailed", "service": "rank", "severity": "critical"},
    ),
    (
        "eventbridge",
        aws(
            "SageMaker Training Job State Change",
            {
                "TrainingJobName": "j",
                "TrainingJobStatus": "Failed",
                "FailureReason": "oom",
                "Tags": {"project": "p"},
            },
        ),
        {"alertname": "SageMakerTrainingJobFailed", "service": "p", "summary": "oom"},
    ),
    (
        "eventbridge",
        aws(
            "SageMaker Model Building Pipeline Execution Status Change",
            {"currentPipelineExecutionStatus": "Failed", "pipelineArn": "a/b", "executionEndTime": T},
        ),
        {"alertname": "SageMakerPipelineFailed", "service": "b", "starts_at": START},
    ),
    (
        "eventbridge",
        aws(
            "AWS Health Event",
            {
                "eventTypeCategory": "issue",
                "eventTypeCode": "AWS_EC2_ISSUE",
                "service": "EC2",
                "eventArn": "arn:h",
                "startTime": "Sat, 21 Nov 2026 02:00:00 GMT",
                "eventDescription": [{"language": "en_US", "latestDescription": "trouble"}],
            },
        ),
        {"alertname": "AWS_EC2_ISSUE", "starts_at": START, "occurrence": "arn:h", "description": "trouble"},
    ),
    (
        "eventbridge",
        aws("EC2 Instance Launch Unsuccessful", {"AutoScalingGroupName": "web", "StatusMessage": "no room"}),
        {"alertname": "AutoScalingLaunchFailed", "service": "web", "summary": "no room"},
    ),
    (
        "eventbridge",
        aws("ECR Image Scan", {"repository-name": "pay", "finding-severity-counts": {"HIGH": 2}}),
        {"alertname": "ECRImageScanFindings", "service": "pay", "severity": "warning"},
    ),
    (
        "eventbridge",
        aws("ECR Image Scan", {"repository-name": "pay", "finding-severity-counts": {"CRITICAL": 1}}),
        {"severity": "high"},
    ),
    (
        "eventbridge",
        aws(
            "Config Rules Compliance Change",
            {
                "configRuleName": "s3-public",
                "resourceType": "AWS::S3::Bucket",
                "resourceId": "b",
                "newEvaluationResult": {"complianceType": "NON_COMPLIANT", "resultRecordedTime": T},
            },
        ),
        {"alertname": "s3-public", "instance": "b", "status": "firing", "starts_at": START},
    ),
    (
        "eventbridge",
        aws("GuardDuty Finding", {"type": "Recon:EC2/Portscan", "severity": 7.5, "id": "f"}),
        {"alertname": "Recon:EC2/Portscan", "severity": "high", "occurrence": "f"},
    ),
    (
        "eventbridge",
        aws(
            "Step Functions Execution Status Change",
            {"status": "TIMED_OUT", "stateMachineArn": "a:b:nightly"},
        ),
        {"alertname": "StepFunctionsExecutionFailed", "service": "nightly"},
    ),
    (
        "eventbridge",
        aws("Glue Job State Change", {"state": "FAILED", "jobName": "etl", "message": "m"}),
        {"alertname": "GlueJobFailed", "service": "etl", "summary": "m"},
    ),
    (
        "cloudwatch",
        {"accountId": "1", "region": "eu-west-1", "alarmData": alarm("ALARM")},
        {"alertname": "pay-errors", "service": "pay", "status": "firing", "starts_at": START, "account": "1"},
    ),
    (
        "cloudwatch",
        {
            "AlarmName": "cpu",
            "NewStateValue": "OK",
            "StateChangeTime": "2026-11-21T02:00:00.000+0000",
            "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu",
            "Trigger": {
                "Dimensions": [{"name": "InstanceId", "value": "i-1"}, {"name": "TableName", "value": "t"}]
            },
        },
        {
            "alertname": "cpu",
            "service": "t",
            "instance": "i-1",
            "region": "eu-west-1",
            "status": "resolved",
            "ends_at": START,
        },
    ),
    (
        "azure_monitor",
        azure("Fired"),
        {
            "alertname": "cpu",
            "service": "a",
            "severity": "high",
            "starts_at": START,
            "occurrence": "/alerts/1",
        },
    ),
    (
        "azure_monitor",
        azure("Resolved", resolvedDateTime=T),
        {"status": "resolved", "starts_at": START, "ends_at": START, "occurrence": "/alerts/1"},
    ),
    ("azure_monitor", azure("Fired", severity="Sev0"), {"severity": "critical"}),
    ("azure_monitor", azure("Fired", severity="Sev4"), {"severity": "low"}),
    (
        "gcp_monitoring",
        gcp("open", severity="Error", policy_user_labels={"service": "pay", "env": "production"}),
        {
            "alertname": "Latency",
            "service": "pay",
            "environment": "production",
            "cluster": "eu",
            "severity": "high",
        },
    ),
    (
        "gcp_monitoring",
        gcp("closed", ended_at=START // 1000, severity="No severity"),
        {"service": "pay", "status": "resolved", "ends_at": START, "severity": "", "occurrence": "i1"},
    ),
    (
        "newrelic",
        newrelic("ACTIVATED", "CRITICAL"),
        {
            "alertname": "Slow",
            "service": "pay",
            "severity": "critical",
            "starts_at": START,
            "occurrence": "n1",
        },
    ),
    (
        "newrelic",
        {"current_state": "acknowledged", "condition_name": "Slow", "severity": "WARNING", "incident_id": 5},
        {"status": "firing", "severity": "warning", "starts_at": None, "occurrence": "5"},
    ),
    (
        "opsgenie",
        opsgenie("Create", details={"service": "db"}),
        {
            "alertname": "disk-full",
            "service": "db",
            "instance": "db-1",
            "severity": "high",
            "summary": "91 % full",
        },
    ),
    (
        "opsgenie",
        opsgenie("Create", alias="o1", priority=1),
        {"alertname": "91 % full", "severity": "critical"},
    ),
    ("opsgenie", opsgenie("Delete"), {"status": "resolved", "service": "db-1"}),
]


@pytest.mark.parametrize(("name", "body", "expected"), ALERTS)
def test_alerts(name: str, body: Any, expected: dict[str, Any]) -> None:
    event = one(name, body)
    assert isinstance(event, AlertEvent)
    texts = {**event.annotations, **event.labels}
    found = {key: getattr(event, key) if hasattr(event, key) else texts.get(key, "") for key in expected}
    assert found == expected


CHANGES: list[CloudBody] = [
    (
        "eventbridge",
        aws(
            "ECS Deployment State Change",
            {"eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": "ecs-svc/9", "updatedAt": T},
            "arn:aws:ecs:eu-west-1:1:service/main/pay",
        ),
        {
            "kind": "deploy",
            "service": "pay",
            "cluster": "main",
            "state": "failed",
            "ref": "ecs-svc/9",
            "at": START,
        },
    ),
    (
        "eventbridge",
        aws(
            "CodeDeploy Deployment State-change Notification",
            {"application": "pay", "deploymentGroup": "prod", "deploymentId": "d-1", "state": "SUCCESS"},
        ),
        {"service": "pay", "environment": "production", "state": "succeeded", "ref": "d-1", "told_at": START},
    ),
    (
        "eventbridge",
        aws(
            "CodePipeline Pipeline Execution State Change",
            {"pipeline": "p", "execution-id": "x", "state": "STARTED"},
        ),
        {"service": "p", "environment": "", "state": "started", "ref": "x", "at": START},
    ),
    (
        "eventbridge",
        endpoint("IN_SERVICE"),
        {"service": "rank", "version": "rank-7", "state": "succeeded", "ref": "arn:e rank-7", "at": START},
    ),
    ("eventbridge", endpoint("ROLLING_BACK"), {"state": "rolled_back", "ref": "arn:e rank-7"}),
    (
        "azure_monitor",
        {
            "data": {
                "essentials": {
                    "monitoringService": "Activity Log - Administrative",
                    "configurationItems": ["vm"],
                },
                "alertContext": {
                    "caller": "ana",
                    "status": "Started",
                    "correlationId": "c",
                    "eventTimestamp": T,
                },
            }
        },
        {
            "kind": "infrastructure",
            "service": "vm",
            "author": "ana",
            "state": "started",
            "ref": "c",
            "at": START,
        },
    ),
]


@pytest.mark.parametrize(("name", "body", "expected"), CHANGES)
def test_changes(name: str, body: Any, expected: dict[str, Any]) -> None:
    event = one(name, body)
    assert isinstance(event, ChangeEvent)
    assert {key: getattr(event, key) for key in expected} == expected


IGNORED = [
    ("eventbridge", aws("CloudWatch Alarm State Change", alarm("INSUFFICIENT_DATA")), "without enough data"),
    ("eventbridge", ecs("SERVICE_DESIRED_COUNT_UPDATED", "INFO"), "'ECS Service Action'"),
    ("eventbridge", task("EssentialContainerExited", 0), "'ECS Task State Change'"),
    ("eventbridge", task("ServiceSchedulerInitiated", 143), "'ECS Task State Change'"),
    ("eventbridge", aws("CodePipeline Stage Execution State Change", {}), "a part of a deployment"),
    (
        "eventbridge",
        aws("SageMaker Training Job State Change", {"TrainingJobStatus": "Completed"}),
        "SageMaker",
    ),
    ("eventbridge", aws("AWS Health Event", {"eventTypeCategory": "scheduledChange"}), "'scheduledChange'"),
    ("eventbridge", aws("Some\nNew Thing", {}), "'Some\\nNew Thing'"),
    ("cloudwatch", {"alarmData": alarm("INSUFFICIENT_DATA")}, "without enough data"),
    ("cloudwatch", {"awslogs": {"data": "H4sI"}}, "log lines, not alerts"),
    (
        "gcp_monitoring",
        {"version": "test", "incident": {"state": "open"}},
        "the test of a notification channel",
    ),
    ("opsgenie", opsgenie("Acknowledge"), "'Acknowledge'"),
]


@pytest.mark.parametrize(("name", "body", "reason"), IGNORED)
def test_what_is_in_order_and_is_nothing_says_why(name: str, body: Any, reason: str) -> None:
    parsed = read(name, body)
    assert (parsed.events, parsed.problems) == ((), ())
    assert reason in parsed.ignored


@pytest.mark.parametrize("name", ["eventbridge", "cloudwatch", "azure_monitor", "gcp_monitoring", "newrelic"])
@pytest.mark.parametrize("body", [{}, {"alerts": []}, {"incident": 1, "data": [], "state": {}}, [1], "x"])
def test_another_senders_body_is_refused(name: str, body: Any) -> None:
    with pytest.raises(BodyError, match="none of the rules fits"):
        read(name, body)


PAIRS = [
    ("eventbridge", ecs("SERVICE_TASK_START_IMPAIRED", "WARN"), ecs("SERVICE_STEADY_STATE", "INFO")),
    (
        "eventbridge",
        aws("CloudWatch Alarm State Change", alarm("ALARM")),
        aws("CloudWatch Alarm State Change", alarm("OK")),
    ),
    ("cloudwatch", {"alarmData": alarm("ALARM")}, {"alarmData": alarm("OK")}),
    (
        "azure_monitor",
        azure("Fired"),
        azure("Resolved", alertTargetIDs=["/SUBSCRIPTIONS/s/resourcegroups/G/vm/A"]),
    ),
    ("gcp_monitoring", gcp("open", severity="Error"), gcp("closed", severity="Error")),
    ("newrelic", newrelic("CREATED", "HIGH"), newrelic("CLOSED", "CRITICAL")),
    ("opsgenie", opsgenie("Create"), opsgenie("Close", priority="P1", message="99 % full")),
]


@pytest.mark.parametrize(("name", "firing", "ended"), PAIRS)
def test_an_end_belongs_to_what_fired(name: str, firing: Any, ended: Any) -> None:
    identify = Identify(Config({"rules": rules_content(None)}))
    first, last = one(name, firing), one(name, ended)
    assert isinstance(first, AlertEvent)
    assert isinstance(last, AlertEvent)
    assert (first.status, last.status, last.occurrence) == ("firing", "resolved", first.occurrence)
    assert identify.fingerprint(first.labels, first.identity) == identify.fingerprint(
        last.labels, last.identity
    )


def test_the_events_id_is_the_delivery() -> None:
    assert read("eventbridge", ecs("SERVICE_TASK_START_IMPAIRED", "WARN")).delivery == "e-1"
