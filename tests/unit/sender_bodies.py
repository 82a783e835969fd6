"""Bodies as senders send them, made up and cut down to what is read (and a little more).

`at` is seconds on the clock of tests/timeline.py. STORIES has, for each source, the messages of one incident
or one change in the order in which they were sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from core.times import SECOND
from tests.timeline import START, time

Body = dict[str, Any]
REPOSITORY = {
    "name": "checkout", "full_name": "shop/checkout", "default_branch": "main",
    "pushed_at": START // 1_000 + 5,
}  # fmt: skip
SHA = "5b1c2d3e" * 5


class Message(NamedTuple):
    source: str
    body: Body
    headers: Mapping[str, str] = {}

    @property
    def payload(self) -> bytes:
        return orjson.dumps(self.body)


def grafana(status: str = "firing", starts: float = 0, ends: float = 60, **more: Any) -> Message:
    over = status == "resolved"
    alert = {
        "status": status,
        "labels": {"alertname": "HighLatency", "service": "checkout", "severity": "critical"},
        "annotations": {"summary": "slow"},
        "startsAt": time(starts),
        "endsAt": time(ends) if over else "0001-01-01T00:00:00Z",
        "values": {"A": 2.5},
        "valueString": "[ var='A' labels={} value=2.5 ]",
        "generatorURL": "https://grafana.example/alerting/grafana/abc/view",
        "dashboardURL": "https://grafana.example/d/abc",
        "panelURL": "https://grafana.example/d/abc?viewPanel=1",
        **more,
    }
    return Message("grafana", {"receiver": "w", "status": "firing", "version": "1", "alerts": [alert]})


def grafana_legacy(state: str = "alerting", **more: Any) -> Message:
    body = {
        "title": f"[{state}] High latency", "ruleId": 7, "ruleName": "High latency", "state": state,
        "ruleUrl": "https://grafana.example/d/x", "message": "slow", "evalMatches": [],
        "tags": {"service": "checkout", "severity": "warning"}, **more,
    }  # fmt: skip
    return Message("grafana", body)


def pagerduty(kind: str, status: str, at: float, **more: Any) -> Message:
    incident = {
        "id": "PGR0VU2", "type": "incident", "status": status, "title": "A little bump in the road",
        "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2", "created_at": time(0), "urgency": "high",
        "service": {"id": "PF9KMXH", "type": "service_reference", "summary": "checkout"},
        "priority": {"summary": "P2"}, "reopened_at": None, **more,
    }  # fmt: skip
    event = {
        "id": f"{kind}-{at}", "event_type": f"incident.{kind}", "resource_type": "incident",
        "occurred_at": time(at), "data": incident,
    }  # fmt: skip
    return Message("pagerduty", {"event": event})


def sentry_issue(action: str, at: float, **more: Any) -> Message:
    issue = {
        "id": "1170820242", "shortId": "CHECKOUT-1", "title": "ReferenceError: heck is not defined",
        "culprit": "checkout.js in submit", "level": "error", "status": "unresolved",
        "project": {"id": "1", "name": "Checkout", "slug": "checkout"}, "firstSeen": time(0),
        "lastSeen": time(at), "web_url": "https://acme.sentry.io/issues/1170820242/", **more,
    }  # fmt: skip
    headers = {"sentry-hook-resource": "issue", "sentry-hook-timestamp": str(START // 1_000 + int(at))}
    body = {"action": action, "actor": {"id": "sentry"}, "data": {"issue": issue}}
    return Message("sentry", body, {**headers, "request-id": f"{action}-{at}"})


def sentry_event(at: float) -> Message:
    event = {
        "event_id": "e4874d664c", "issue_id": "1170820242", "level": "error", "culprit": "checkout.js",
        "title": "ReferenceError: heck is not defined", "datetime": time(at), "environment": "production",
        "url": "https://sentry.io/api/0/projects/acme/checkout/events/e4874d664c/",
        "web_url": "https://acme.sentry.io/issues/1170820242/events/e4874d664c/",
    }  # fmt: skip
    body = {"action": "triggered", "data": {"event": event, "triggered_rule": "Very important rule!"}}
    return Message("sentry", body, {"sentry-hook-resource": "event_alert", "request-id": f"event-{at}"})


def sentry_metric(action: str, at: float) -> Message:
    alert = {
        "id": "4", "identifier": "1", "projects": ["checkout"], "date_started": time(0),
        "date_closed": time(at) if action == "resolved" else None,
        "alert_rule": {"id": "7", "name": "Too many errors", "environment": "production"},
    }  # fmt: skip
    data = {
        "metric_alert": alert, "description_title": f"{action}: Too many errors",
        "description_text": "1000 events in the last 10 minutes", "web_url": "https://sentry.io/alerts/1/",
    }  # fmt: skip
    headers = {"sentry-hook-resource": "metric_alert", "request-id": f"{action}-{at}"}
    return Message("sentry", {"action": action, "data": data}, headers)


def github(event: str, body: Body, delivery: str = "") -> Message:
    headers = {"x-github-event": event, "x-github-delivery": delivery or event}
    return Message("github", {"repository": REPOSITORY, "sender": {"login": "ana"}, **body}, headers)


def github_deployment(state: str = "", at: float = 0) -> Message:
    deployment = {
        "id": 145988746, "sha": SHA, "ref": "main", "task": "deploy", "environment": "production",
        "created_at": time(0), "updated_at": time(at), "creator": {"login": "ana"},
    }  # fmt: skip
    if not state:
        return github("deployment", {"action": "created", "deployment": deployment}, "d0")
    status = {
        "id": 2, "state": state, "created_at": time(at), "updated_at": time(at),
        "target_url": "https://ci.example/1", "log_url": "",
    }  # fmt: skip
    body = {"action": "created", "deployment": deployment, "deployment_status": status}
    return github("deployment_status", body, f"{state}{at}")


def github_run(action: str, conclusion: str | None, at: float, **more: Any) -> Message:
    run = {
        "id": 30433642, "name": "Deploy to production", "path": ".github/workflows/deploy.yml",
        "run_attempt": 1, "run_started_at": time(0), "created_at": time(0), "updated_at": time(at),
        "head_sha": SHA, "head_branch": "main", "event": "push", "conclusion": conclusion,
        "html_url": "https://github.com/shop/checkout/actions/runs/30433642", "actor": {"login": "ana"},
        **more,
    }  # fmt: skip
    body = {"action": action, "workflow": {"name": run["name"], "path": run["path"]}, "workflow_run": run}
    return github("workflow_run", body, f"{action}{at}")


def github_push(**more: Any) -> Message:
    body = {
        "ref": "refs/heads/main", "before": "0" * 39 + "1", "after": SHA, "deleted": False,
        "compare": "https://github.com/shop/checkout/compare/a...b", "commits": [],
        "head_commit": {"id": SHA, "timestamp": time(-90_000)}, **more,
    }  # fmt: skip
    return github("push", body)


def github_merge(**more: Any) -> Message:
    pull = {
        "merged": True, "merge_commit_sha": SHA, "merged_at": time(4), "user": {"login": "bo"},
        "base": {"ref": "main"}, "html_url": "https://github.com/shop/checkout/pull/2", **more,
    }  # fmt: skip
    return github("pull_request", {"action": "closed", "number": 2, "pull_request": pull})


PROJECT = {
    "id": 30, "name": "Checkout Service", "path_with_namespace": "shop/checkout", "default_branch": "main",
    "web_url": "https://gitlab.example/shop/checkout",
}  # fmt: skip


def gitlab(kind: str, delivery: str = "", **body: Any) -> Message:
    return Message(
        "gitlab",
        {"object_kind": kind, "project": PROJECT, "user": {"username": "ana"}, **body},
        {"idempotency-key": delivery or kind},
    )


def gitlab_deployment(status: str, at: float) -> Message:
    return gitlab(
        "deployment", f"{status}{at}", status=status, deployment_id=15, environment="production",
        status_changed_at=time(at).replace("T", " ").replace("Z", " +0000"), short_sha=SHA[:8],
        deployable_url="https://gitlab.example/shop/checkout/-/jobs/796",
        commit_url=f"https://gitlab.example/shop/checkout/-/commit/{SHA}",
    )  # fmt: skip


def gitlab_pipeline(status: str, ended: float | None, **more: Any) -> Message:
    stamp = None if ended is None else time(ended)
    about = {
        "id": 31, "sha": SHA, "status": status, "source": "push", "created_at": time(0),
        "finished_at": stamp, "ref": "main",
    }  # fmt: skip
    job = {
        "stage": "deploy", "name": "production", "status": status, "started_at": time(30),
        "environment": {"name": "production"},
    }  # fmt: skip
    return gitlab("pipeline", f"{status}{ended}", **{"object_attributes": about, "builds": [job], **more})


def gitlab_push(**more: Any) -> Message:
    body = {
        "ref": "refs/heads/main", "before": "1" * 40, "after": SHA, "user_username": "ana",
        "commits": [{"id": SHA, "timestamp": time(-90_000), "url": "https://gitlab.example/c/1"}], **more,
    }  # fmt: skip
    return gitlab("push", **body)


def gitlab_merge(**more: Any) -> Message:
    about = {
        "id": 99, "iid": 1, "state": "merged", "action": "merge", "target_branch": "main",
        "merge_commit_sha": SHA, "updated_at": time(4), "url": "https://gitlab.example/mr/1", **more,
    }  # fmt: skip
    return gitlab("merge_request", object_attributes=about)


def terraform(trigger: str, status: str, at: float, **more: Any) -> Message:
    notice = {
        "message": "told", "trigger": trigger, "run_status": status, "run_updated_at": time(at),
        "run_updated_by": "ana",
    }  # fmt: skip
    body = {
        "payload_version": 1, "notification_configuration_id": "nc-AeUQ2zfKZzW9TiGZ",
        "run_url": "https://app.terraform.io/app/acme/checkout/runs/run-FwnENkvDnrpyFC7M",
        "run_id": "run-FwnENkvDnrpyFC7M", "run_created_at": time(-600), "run_created_by": "ana",
        "workspace_name": "checkout", "organization_name": "acme", "notifications": [notice], **more,
    }  # fmt: skip
    return Message("terraform", body)


def launchdarkly(resource: str = "proj/shop:env/production:flag/new-basket", **more: Any) -> Message:
    body = {
        "_id": "57c0a8e29969090743529965", "date": START + 5 * SECOND, "kind": "flag",
        "accesses": [{"action": "updateOn", "resource": resource}], "name": "New basket",
        "titleVerb": "turned on the flag",
        "currentVersion": {"tags": ["a", "service:checkout"]}, "member": {"email": "ana@example.com"},
        "_links": {"site": {"href": "/shop/production/features/new-basket"}}, **more,
    }  # fmt: skip
    return Message("launchdarkly", body)


def langfuse(
    action: str = "updated", labels: tuple[str, ...] = ("production", "latest"), **more: Any
) -> Message:
    prompt = {"id": "prompt_1", "name": "checkout", "version": 3, "labels": list(labels), **more}
    body = {
        "id": f"{action}-{'-'.join(labels)}", "timestamp": time(5), "type": "prompt-version",
        "apiVersion": "v1", "action": action, "prompt": prompt,
    }  # fmt: skip
    return Message("langfuse", body)


def incident_io(event: str, category: str, at: float, **more: Any) -> Message:
    kind = f"public_incident.{event}"
    incident = {
        "id": "01FDAG4SAP5TYPT98WGR2N7W91", "name": "Our database is sad", "reference": "INC-123",
        "summary": "It is", "mode": "standard", "created_at": time(0), "updated_at": time(at),
        "permalink": "https://app.incident.io/acme/incidents/123", "incident_type": {"name": "Outage"},
        "severity": {"name": "Critical", "rank": 3}, "incident_status": {"name": "x", "category": category},
        "custom_field_entries": [
            {"custom_field": {"name": "Affected services"},
             "values": [{"value_catalog_entry": {"id": "1", "name": "checkout"}}]},
        ], **more,
    }  # fmt: skip
    told = incident if event == "incident_created_v2" else {"incident": incident, "message": "x"}
    return Message("incident_io", {"event_type": kind, kind: told}, {"webhook-id": f"{event}{at}"})


def jira(event: str, category: str, at: float, **more: Any) -> Message:
    fields = {
        "summary": "Checkout is down", "created": time(0).replace("Z", "+0000"),
        "issuetype": {"name": "[System] Incident"}, "priority": {"name": "Highest"},
        "project": {"key": "OPS", "name": "Operations"}, "components": [{"name": "checkout"}],
        "status": {"name": "x", "statusCategory": {"key": category}},
        "resolutiondate": time(at).replace("Z", "+0000") if category == "done" else None, **more,
    }  # fmt: skip
    issue = {
        "id": "10002",
        "key": "OPS-2",
        "self": "https://acme.atlassian.net/rest/api/2/10002",
        "fields": fields,
    }
    body = {"timestamp": START + int(at) * SECOND, "webhookEvent": f"jira:issue_{event}", "issue": issue}
    return Message("jira", body, {"x-atlassian-webhook-identifier": f"{event}{at}"})


def flux(severity: str, reason: str, at: float, revision: str = "main@sha1:731f7ea", **more: Any) -> Message:
    thing = {"kind": "Kustomization", "namespace": "apps", "name": "checkout", "uid": "7d0cdc51-ddcf"}
    body = {
        "involvedObject": thing, "severity": severity, "reason": reason, "message": "told",
        "timestamp": time(at), "reportingController": "kustomize-controller",
        "metadata": {"kustomize.toolkit.fluxcd.io/revision": revision}, **more,
    }  # fmt: skip
    return Message("flux", body)


TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"


def sns(message: Any, at: float = 0, **more: Any) -> Message:
    told = message if isinstance(message, str) else orjson.dumps(message).decode()
    body = {
        "Type": "Notification", "MessageId": f"{at}-{len(told)}", "TopicArn": TOPIC, "Message": told,
        "Timestamp": time(at), "SignatureVersion": "1", **more,
    }  # fmt: skip
    return Message("sns", body)


def alarm(state: str, at: float, **more: Any) -> Message:
    content = {
        "AlarmName": "checkout-errors", "AlarmDescription": "too many", "AWSAccountId": "123456789012",
        "NewStateValue": state, "NewStateReason": "Threshold crossed", "Region": "EU (Ireland)",
        "StateChangeTime": time(at).replace("Z", "+0000"),
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-errors",
        "Trigger": {
            "MetricName": "Errors",
            "Dimensions": [
                {"name": "ServiceName", "value": "checkout"},
                {"name": "ClusterName", "value": "blue"},
            ],
        }, **more,
    }  # fmt: skip
    return sns(content, at)


STORIES: dict[str, list[Message]] = {
    "grafana": [grafana(), grafana("resolved", ends=60), grafana()],
    "pagerduty": [
        pagerduty("triggered", "triggered", 0),
        pagerduty("acknowledged", "acknowledged", 20),
        pagerduty("priority_updated", "acknowledged", 40, priority={"summary": "P1"}),
        pagerduty("resolved", "resolved", 60, priority={"summary": "P1"}),
    ],
    "sentry issue": [sentry_issue("created", 0), sentry_event(1), sentry_issue("resolved", 60)],
    "sentry metric": [
        sentry_metric("warning", 10), sentry_metric("critical", 20), sentry_metric("resolved", 60),
    ],
    "incident_io": [
        incident_io("incident_created_v2", "triage", 0),
        incident_io("incident_updated_v2", "live", 10, severity={"name": "Major"}),
        incident_io("incident_status_updated_v2", "closed", 60),
    ],
    "jira": [
        jira("created", "new", 0), jira("updated", "indeterminate", 10, priority={"name": "High"}),
        jira("updated", "done", 60),
    ],
    "flux": [
        flux("error", "HealthCheckFailed", 10), flux("error", "HealthCheckFailed", 30),
        flux("info", "ReconciliationSucceeded", 60),
    ],
    "sns alarm": [alarm("ALARM", 0), alarm("OK", 60)],
    "github": [
        github_deployment(), github_deployment("queued", 1), github_deployment("in_progress", 5),
        github_deployment("success", 40), github_push(), github_merge(),
    ],
    "github failed run": [
        github_run("in_progress", None, 2), github_run("completed", "failure", 30),
    ],
    "gitlab": [
        gitlab_deployment("running", 3), gitlab_deployment("success", 40), gitlab_pipeline("running", None),
        gitlab_pipeline("failed", 50), gitlab_push(), gitlab_merge(),
    ],
    "terraform": [
        terraform("run:applying", "applying", 0), terraform("run:completed", "applied", 40),
    ],
    "launchdarkly": [launchdarkly(), launchdarkly()],
    "langfuse": [langfuse(), langfuse(labels=("latest",))],
}  # fmt: skip
