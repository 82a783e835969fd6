"""What the bodies of the corpus say, read by people: expectations of test_payload_corpus.

EXPECTED: for each body its events in order, as kind, service, severity (as the sender says it; empty where it
says none, which the rules count as a warning) and state. WITHOUT_SERVICE and WITHOUT_SEVERITY say why.
"""

from __future__ import annotations

Said = tuple[str, str, str, str]

_AM = "alertmanager_captured/alertmanager_"
_EB, _SM, _CD = "aws_eventbridge/", "aws_eventbridge_sagemaker/sagemaker_", "cdevents/"

EXPECTED: dict[str, tuple[Said, ...]] = {
    f"{_AM}01_firing_HighErrorRate.json": (("alert", "checkout", "warning", "firing"),),
    f"{_AM}03_resolved_HighErrorRate.json": (("alert", "checkout", "warning", "resolved"),),
    "alertmanager/v3_single_legacy.json": (("alert", "System", "critical", "firing"),),
    "alertmanager/v4_single_no_fingerprint.json": (("alert", "", "critical", "firing"),),
    "alertmanager/synthetic_v4_resolved_single.json": (("alert", "svc-007", "warning", "resolved"),),
    "alertmanager/synthetic_v4_watchdog.json": (("alert", "", "none", "firing"),),
    "aws_cloudwatch_sns/alarm_sns_notification_signed.json": (("alert", "try.alerta.io", "", "firing"),),
    "aws_cloudwatch_lambda/powertools_cloudWatchAlarmEventCompositeMetric.json": (
        ("alert", "", "", "firing"),
    ),
    f"{_EB}codepipeline_execution_state_change_event.json": (("deploy", "myPipeline", "", "started"),),
    f"{_EB}codedeploy_deployment_event.json": (("deploy", "myApplication", "", "succeeded"),),
    f"{_EB}autoscaling_event_terminate_unsuccessful.json": (
        ("alert", "my-auto-scaling-group", "high", "firing"),
    ),
    f"{_EB}autoscaling_event_launch_unsuccessful.json": (
        ("alert", "my-auto-scaling-group", "high", "firing"),
    ),
    f"{_EB}ecs_service_action__service_task_start_impaired.json": (
        ("alert", "servicetest", "warning", "firing"),
    ),
    f"{_EB}ecs_deployment_state_change__service_deployment_in_progress.json": (
        ("deploy", "servicetest", "", "started"),
    ),
    f"{_EB}ecs_deployment_state_change__service_deployment_completed.json": (
        ("deploy", "servicetest", "", "succeeded"),
    ),
    f"{_SM}endpoint_state_change__in_service.json": (("deploy", "MyEndpoint", "", "succeeded"),),
    "azure_monitor/common_metric_fired.json": (("alert", "wcus-r2-gen2", "info", "firing"),),
    "azure_monitor/common_metric_resolved.json": (("alert", "wcus-r2-gen2", "info", "resolved"),),
    "azure_monitor/common_activity_log.json": (("infrastructure", "test-VM", "", "succeeded"),),
    f"{_CD}incident_reported.json": (("alert", "myApp", "warning", "firing"),),
    f"{_CD}incident_resolved.json": (("alert", "myApp", "info", "resolved"),),
    f"{_CD}service_deployed.json": (("deploy", "mySubject123", "", "succeeded"),),
    f"{_CD}service_rolledback.json": (("deploy", "mySubject123", "", "rolled_back"),),
    f"{_CD}service_removed.json": (("infrastructure", "mySubject123", "", "succeeded"),),
    f"{_CD}environment_modified.json": (("infrastructure", "testEnv", "", "succeeded"),),
    "checkly/checkly_alert.json": (("alert", "API Check #1", "info", "resolved"),),
    "coralogix/coralogix_alert.json": (("alert", "", "high", "firing"),),
    "falco/internal_syscall_event_drop.json": (("alert", "host", "low", "firing"),),
    "falco/syscall_event_drop_numeric_fields.json": (("alert", "host", "low", "firing"),),
    "gcp_monitoring/keep_5XX_errors_production.json": (("alert", "default", "", "firing"),),
    "gcp_monitoring/v1_1_open.json": (("alert", "webserver-85", "", "firing"),),
    "gcp_monitoring/v1_1_closed.json": (("alert", "webserver-85", "", "resolved"),),
    "github/push__with-new-branch.json": (("configuration", "Hello-World", "", "succeeded"),),
    "github/deployment__payload.json": (("deploy", "Hello-World", "", "started"),),
    "github/deployment_status__payload.json": (("deploy", "Hello-World", "", "succeeded"),),
    "github/release__published.json": (("deploy", "Hello-World", "", "succeeded"),),
    "gitlab/deployment.json": (("deploy", "test-deployment-webhooks", "", "succeeded"),),
    "gitlab/push.json": (("configuration", "diaspora", "", "succeeded"),),
    "gitlab/release.json": (("deploy", "example-project", "", "succeeded"),),
    "grafana_legacy/ok.json": (("alert", "", "", "resolved"),),
    "grafana_legacy/grafana6_tags.json": (("alert", "Physical", "warning", "firing"),),
    "grafana_unified/grafana9_mixed_firing_and_resolved.json": (
        ("alert", "rabbitmq", "", "resolved"),
        ("alert", "rabbitmq", "", "resolved"),
        ("alert", "", "", "firing"),
    ),
    "graylog/legacy_check_result.json": (("alert", "", "warning", "firing"),),
    "kubernetes/robusta_k8s_change_obj.json": (("deploy", "xxx", "", "succeeded"),),
    "libre_nms/libre_nms_alert.json": (("alert", "node", "info", "resolved"),),
    "netbox/netbox_alert.json": (("infrastructure", "Test", "", "succeeded"),),
    "newrelic/workflow_default_activated.json": (("alert", "zulip_app", "critical", "firing"),),
    "opsgenie/create.json": (("alert", "Server", "warning", "firing"),),
    "pagerduty/v3_incident_triggered.json": (("alert", "pig208", "high", "firing"),),
    "pagerduty/v3_incident_resolved.json": (("alert", "pig208", "high", "resolved"),),
    "pagerduty/v3_incident_priority_updated.json": (("alert", "Default Service", "high", "firing"),),
    "pingdom/down.json": (("alert", "Alerta API on OpenShift", "high", "firing"),),
    "pingdom/up.json": (("alert", "Alerta API on OpenShift", "high", "resolved"),),
    "sentry/legacy_plugin_server_overload.json": (("alert", "frontend-app", "high", "firing"),),
    "sentry/metric_alert_resolved.json": (("alert", "bar", "", "resolved"),),
    "signalfx/simulate.json": (("alert", "", "critical", "firing"),),
    "statuspage/incident_created.json": (("alert", "jb7j80lkgqvb", "info", "firing"),),
    "thousandeyes/thousandeyes_1.json": (("alert", "te", "info", "firing"),),
    "uptimerobot/monitor_down.json": (("alert", "ZUTesting", "high", "firing"),),
    "vmware_vrops/vrealize.json": (("alert", "sample-object-name", "warning", "firing"),),
    "zabbix/alert_disaster.json": (("alert", "www.example.com", "critical", "firing"),),
}

# Bodies that are in order and hold nothing, and words of the reason.
IGNORED: dict[str, str] = {
    "aws_cloudwatch_logs/powertools_cloudWatchLogEvent.json": "log lines",
    "aws_cloudwatch_sns/insufficient_data_sns_notification_signed.json": "without data",
    "aws_sns/subscription_confirmation.json": "confirm",
    "aws_sns/docs_UnsubscribeConfirmation.json": "subscription",
    f"{_EB}codedeploy_instance_event.json": "part of a deployment",
    f"{_EB}ecr_image_push_event.json": "ECR Image Action",
    f"{_SM}training_job_state_change__completed.json": "SageMaker",
    f"{_CD}artifact_published.json": "artifact.published",
    f"{_CD}ticket_created.json": "ticket.created",
    "github/ping__payload.json": "ping",
    "github/pull_request__closed.json": "not merged",
    "github/check_run__completed.json": "check_run",
    "gitlab/merge_request.json": "not just merged",
    "kubernetes/event_core_v1_roundtrip_fuzz.json": "no warning",
    "statuspage/component_status_update.json": "maintenance",
}

# Why an alert of these bodies (or folders) names no service.
WITHOUT_SERVICE: dict[str, str] = {
    "alertmanager/v4_single_no_fingerprint.json": "it has two labels, alertname and severity",
    "alertmanager/synthetic_v4_watchdog.json": "a watchdog is about the monitoring itself",
    "aws_cloudwatch_lambda": "a composite alarm has no dimensions",
    "aws_cloudwatch_sns/cloudwatch_alarm_sns_payload_multiple_metrics.json": "its dimension is an instance",
    "coralogix/coralogix_alert.json": "service, application and subsystem are placeholders",
    "grafana_legacy/ok.json": "the rule has no tags",
    "grafana_unified/grafana9_mixed_firing_and_resolved.json": "the third alert has no more than a name",
    "graylog/legacy_check_result.json": "it names a stream of messages",
    "newrelic/legacy_violation_test.json": "the test of a channel has no target",
    "opsgenie/close.json": "its entity is empty and it has no tags",
    "signalfx/simulate.json": "no dimensions but the organisation's",
}

# Why an alert says no severity; the rules count it as a warning.
WITHOUT_SEVERITY: dict[str, str] = {
    "aws_cloudwatch_lambda": "CloudWatch alarms have none",
    "aws_cloudwatch_sns": "CloudWatch alarms have none",
    "gcp_monitoring": "the policies set none",
    "grafana_legacy/ok.json": "the rule has no tags",
    "grafana_unified": "the rules set no label",
    "opsgenie/close.json": "closing says no priority",
    "pagerduty/v1_messages.json": "version 1 had neither priority nor urgency",
    "sentry/metric_alert_resolved.json": "resolving says none",
}

# What began and what ended it: the end must be of the same fingerprint.
PAIRS: tuple[tuple[str, str], ...] = (
    ("pingdom/down.json", "pingdom/up.json"),
    ("azure_monitor/common_metric_fired.json", "azure_monitor/common_metric_resolved.json"),
    ("gcp_monitoring/v1_1_open.json", "gcp_monitoring/v1_1_closed.json"),
    (f"{_CD}incident_reported.json", f"{_CD}incident_resolved.json"),
    ("pagerduty/v3_incident_triggered.json", "pagerduty/v3_incident_resolved.json"),
    (f"{_AM}01_firing_HighErrorRate.json", f"{_AM}03_resolved_HighErrorRate.json"),
    (f"{_AM}02_firing_InstanceDown.json", f"{_AM}04_resolved_InstanceDown.json"),
)
