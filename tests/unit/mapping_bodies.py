"""Small bodies of senders that sign nothing, written for the tests after what each sender documents.

BODIES: source, body, and what must be read out of it (fields of the event, or its labels and annotations).
IGNORED: bodies that are in order and hold no event. REFUSED: bodies that cannot be read.
"""

from __future__ import annotations

from typing import Any

from core.times import parse_rfc3339

Body = tuple[str, Any, dict[str, Any]]
TWO = parse_rfc3339("2026-11-21T02:00:00Z")

# Laid out as tables by hand.
# fmt: off
_ZABBIX = {
    "hostname": "db1", "severity": "5", "status": "1", "trigger": "Disk of db1 is full",
        "name": "Disk /data is 97 % full",
    "trigger_name": "Disk of {HOST.NAME} is full", "triggerid": "14", "eventid": "88",
        "link": "https://zabbix.example/x",
    "tags": [{"tag": "service", "value": "orders"}, {"tag": "env", "value": "production"}],
}
_KIBANA = {
    "rule": "5xx rate", "rule_id": "r1", "alert_id": "host-a", "alert_uuid": "u1",
        "action_group": "threshold met",
    "severity": "critical", "tags": "service:checkout,environment:production,web", "reason": "9 > 5",
        "message": "",
    "url": "https://kibana.example/r1", "date": "2026-11-21T02:00:00Z",
}
_PINGDOM = {
    "check_id": 7, "check_name": "shop", "current_state": "DOWN", "previous_state": "UP",
        "importance_level": "LOW",
    "state_changed_timestamp": 1795226400, "check_params": {"hostname": "shop.example"},
        "tags": ["service:web"],
    "description": "HTTP Error 503",
}
_ROBOT = {
    "monitorID": "9", "monitorFriendlyName": "shop", "monitorURL": "https://shop.example", "alertType": "1",
    "alertDateTime": "1795226400", "alertDetails": "HTTP 502",
        "alertFriendlyDuration": "*alertFriendlyDuration*",
}
_BEAT = {"monitorID": 3, "status": 0, "time": "2026-11-21 02:00:00.000", "msg": "timeout", "duration": 60}
_KUMA = {
    "heartbeat": _BEAT, "msg": "[shop] [Down] timeout",
    "monitor": {"id": 3, "name": "shop", "hostname": None, "url": "https://shop.example", "type": "http",
        "tags": [
        {"tag_id": 1, "name": "service", "value": "web"}, {"tag_id": 2, "name": "env", "value": "prod"}]},
}
_HEALTHCHECKS = {
    "status": "down", "name": 'back"up\n', "slug": "$SLUG", "at": "2026-11-21T02:00:00+00:00", "service": "",
    "environment": "production", "severity": "",
}
_FALCO = {
    "rule": "Terminal shell in container", "priority": "Alert", "output": 'A shell "sh"\nwas spawned',
        "hostname": "n1",
    "time": "2026-11-21T02:00:00.000000003Z", "source": "syscall", "tags": ["shell"], "output_fields": {
        "k8s.ns.name": "shop", "k8s.pod.name": "cart-1", "container.name": "cart", "proc.tty": 34816,
        "container.id": "abc", "k8s.deployment.name": "cart-web"},
}
_FAN = {
    "EventType": "Alert", "EventId": "1", "MemberId": "0", "EventTimestamp": "2026-11-21T02:00:00Z",
    "MessageId": "ResourceEvent.1.3.ResourceStatusChangedCritical", "MessageSeverity": "Critical",
    "Message": "Fan 3 failed", "OriginOfCondition": {"@odata.id": "/redfish/v1/Chassis/1/Thermal"},
}
_FAN_OK = {**_FAN, "MessageId": "ResourceEvent.1.3.ResourceStatusChangedOK", "MessageSeverity": "OK"}
_REDFISH = {"@odata.type": "#Event.v1_7_0.Event", "Id": "1", "Context": "orders-db-1", "Events": [_FAN]}
_K8S = {
    "kind": "Event", "apiVersion": "v1", "metadata": {"name": "e", "namespace": "shop", "uid": "uid-1"},
        "type": "Warning",
    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "cart-1", "labels": {"app": "cart"}},
    "reason": "BackOff", "message": "Back-off restarting", "firstTimestamp": "2026-11-21T02:00:00Z",
        "eventTime": None,
    "lastTimestamp": "2026-11-21T02:10:00Z", "count": 5, "source": {"component": "kubelet", "host": "n1"},
}
_NEW_K8S = {
    "kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "e", "uid": "uid-2"},
        "type": "Warning",
    "regarding": {"kind": "Deployment", "namespace": "shop", "name": "cart"},
        "reason": "ReplicaSetCreateError",
    "note": "quota", "eventTime": "2026-11-21T02:00:00.000000Z",
}
_DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "cart", "namespace": "shop", "uid": "u", "generation": 30,
        "labels": {"app.kubernetes.io/name": "cart"},
            "annotations": {"deployment.kubernetes.io/revision": "7"}},
    "spec": {"template": {"spec": {"containers": [{"name": "cart", "image": "shop/cart:2.4"}]}}},
    "status": {"conditions": [
        {"type": "Progressing", "reason": "ProgressDeadlineExceeded",
            "lastUpdateTime": "2026-11-21T02:00:00Z"}]},
}
_GRAYLOG = {
    "event_definition_id": "d1", "event_definition_type": "aggregation-v1",
        "event_definition_title": "Too many 5xx",
    "event": {"id": "01", "priority": 4, "message": "12 > 10", "key": "gateway",
        "timestamp": "2026-11-21T02:00:00.000Z",
        "fields": {"service": "gateway", "environment": "production"}},
    "backlog": [],
}
_ARGO = {
    "about": "sync", "name": "cart-eu", "labels": {"app": "cart", "env": "production"}, "cluster": "eu1",
    "revision": "4c4f40d", "phase": "Running", "started_at": "2026-11-21T02:00:00Z", "finished_at": None,
    "url": "https://argocd.example/applications/cart-eu",
}
_HEALTH = {
    "about": "health", "name": "cart-eu", "namespace": "argocd", "labels": None, "health": "Degraded",
        "cluster": None,
}
_JENKINS = {
    "job": "deploy-cart", "build": "81", "result": "STARTED", "service": "cart", "environment": "production",
    "version": "2.4", "author": None, "url": "https://jenkins.example/81/", "started_at": 1795226400000,
    "told_at": 1795226400500,
}
_PLUGIN = {"name": "deploy-cart", "url": "job/deploy-cart/", "build": {
    "number": 81, "phase": "COMPLETED", "status": "FAILURE", "timestamp": 1795226400000,
    "full_url": "https://jenkins.example/81/", "scm": {"commit": "4c4f40d"},
        "parameters": {"ENVIRONMENT": "production"}}}


def _cd(kind: str, content: dict[str, Any], subject: str = "cart") -> dict[str, Any]:
    about = {"id": "c1", "source": "/pipeline", "timestamp": "2026-11-21T02:00:00Z"}
    return {"context": {**about, "type": f"dev.cdevents.{kind}"}, "subject": {"id": subject,
        "content": content}}


_PROD = {"environment": {"id": "production"}}
_CD_INCIDENT = {**_PROD, "description": "slow", "service": {"id": "cart"}}
_CODEDEPLOY = {
    "region": "eu-west-1", "applicationName": "cart", "deploymentId": "d-1", "deploymentGroupName": "g",
    "createTime": "1795226400.595", "completeTime": "1795226460.1", "status": "SUCCEEDED",
}
_OPEN = {
    "id": "i1", "name": "API errors", "status": "investigating", "impact": "major",
        "created_at": "2026-11-21T02:00:00Z",
    "resolved_at": None, "updated_at": "2026-11-21T02:05:00Z", "shortlink": "https://stspg.example/1",
    "incident_updates": [{"body": "We look into it"}], "components": [],
}
_INCIDENT = {"page": {"id": "p1"}, "incident": _OPEN}
_ENDED = {**_OPEN, "status": "resolved", "resolved_at": "2026-11-21T02:00:00Z"}
_COMPONENT = {
    "page": {"id": "p1"}, "component": {"id": "k1", "name": "API", "status": "partial_outage"},
    "component_update": {"new_status": "partial_outage", "created_at": "2026-11-21T02:00:00Z"},
}
_OPERATIONAL = {"new_status": "operational", "created_at": "2026-11-21T02:00:00Z"}
_CHECKLY = {
    "event": "cart API has failed", "alert_type": "ALERT_FAILURE", "check_name": "cart API", "check_id": "c",
    "group_name": "", "started_at": "2026-11-21T02:00:00Z", "tags": "web,service:cart",
        "link": "https://c.example",
}
_CORALOGIX = {"name": "5xx", "alert_action": "resolve", "alert_id": "a", "service": "$SERVICE", "fields": [
    {"key": "application", "value": "shop"}, {"key": "priority", "value": "P1"}, {"key": "Group-by Value1",
        "value": "eu1"},
    {"key": "timestampISO", "value": "2026-11-21T02:00:00.000Z"}, {"key": "metaLabelsList",
        "value": ["a:b"]}]}
_LIBRENMS = {
    "name": "Devices up/down", "hostname": "10.0.0.7", "sysName": "sw1", "state": "1", "severity": "critical",
    "rule_id": "13", "title": "sw1 down",
}
_NETBOX = {
    "event": "deleted", "model": "vlan", "timestamp": "2026-11-21T02:00:00+00:00", "username": "ana",
    "request_id": "q", "data": {"id": 4, "name": "shop-vlan", "display_url": "/ipam/vlans/4/"},
}
_SIGNALFX = {
    "severity": "Major", "statusExtended": "ok", "detector": "cart", "rule": "5xx", "detectorId": "D",
        "incidentId": "I",
    "timestamp": "2026-11-21T02:00:00Z", "dimensions": {"service": "cart", "sf_environment": "production"},
}
_THOUSANDEYES = {"eventType": "ALERT_NOTIFICATION_CLEAR", "eventId": "e", "alert": {
    "ruleName": "Loss", "ruleId": 3, "alertId": 9, "testId": 2, "testName": "shop", "severity": "Major",
    "dateStart": "2026-11-21 01:00:00", "dateEnd": "2026-11-21 02:00:00"}}
_VROPS = {
    "alertId": "a", "status": "ACTIVE", "criticality": "ALERT_CRITICALITY_LEVEL_IMMEDIATE",
        "resourceName": "vm1",
    "resourceId": "r", "subType": "ALERT_SUBTYPE_PERFORMANCE", "startDate": 1795226400000, "cancelDate": 0,
}

BODIES: list[Body] = [
    ("zabbix", _ZABBIX, {"alertname": "Disk of {HOST.NAME} is full", "service": "orders",
        "environment": "production",
        "severity": "critical", "status": "firing", "occurrence": "88", "instance": "db1"}),
    ("zabbix", {**_ZABBIX, "status": "0", "severity": "0", "trigger_name": "*UNKNOWN*",
        "triggerid": "{TRIGGER.ID}",
        "tags": [], "eventid": "{EVENT.ID}"},
     {"alertname": "Disk of db1 is full", "service": "db1", "severity": "low", "status": "resolved",
         "trigger_id": "",
        "occurrence": ""}),
    ("zabbix", {**_ZABBIX, "status": "PROBLEM", "severity": "Not classified"}, {"severity": "low",
        "status": "firing"}),
    ("zabbix", {**_ZABBIX, "status": "OK", "severity": "Average"}, {"severity": "warning",
        "status": "resolved"}),
    ("kibana", _KIBANA, {"alertname": "5xx rate", "service": "checkout", "environment": "production",
        "severity": "critical", "status": "firing", "occurrence": "u1",
            "generator_url": "https://kibana.example/r1"}),
    ("kibana", {**_KIBANA, "action_group": "recovered", "tags": "", "reason": ""}, {"status": "resolved",
        "service": ""}),
    ("pingdom", _PINGDOM, {"alertname": "shop", "service": "web", "severity": "warning", "status": "firing",
        "starts_at": TWO, "ends_at": None, "instance": "shop.example"}),
    ("pingdom", {**_PINGDOM, "current_state": "SUCCESS"},
     {"status": "resolved", "starts_at": None, "ends_at": TWO, "service": "web"}),
    ("uptimerobot", _ROBOT, {"alertname": "shop", "service": "shop", "severity": "high", "status": "firing",
        "description": "", "starts_at": TWO, "summary": "HTTP 502"}),
    ("uptimerobot", {**_ROBOT, "alertType": 2, "monitorFriendlyName": "*monitorFriendlyName*"},
     {"alertname": "https://shop.example", "status": "resolved", "starts_at": None, "ends_at": TWO}),
    ("uptimerobot", {**_ROBOT, "alertType": "3"},
     {"alertname": "CertificateExpires", "service": "shop", "severity": "warning", "starts_at": None}),
    ("uptime_kuma", _KUMA, {"alertname": "shop", "service": "web", "environment": "prod", "severity": "high",
        "status": "firing", "starts_at": None, "summary": "timeout"}),
    ("uptime_kuma", {**_KUMA, "heartbeat": {**_BEAT, "status": 1}},
     {"status": "resolved", "ends_at": TWO, "monitor_id": "3"}),
    ("healthchecks", _HEALTHCHECKS,
     {"alertname": 'back"up\n', "service": 'back"up\n', "severity": "high", "status": "firing",
         "starts_at": TWO}),
    ("healthchecks", {"status": "up", "name": "backup", "slug": "backup", "at": "$NOW", "severity": "info"},
     {"service": "backup", "status": "resolved", "ends_at": None, "severity": "info"}),
    ("falco", _FALCO, {"alertname": "Terminal shell in container", "service": "cart-web",
        "severity": "critical",
        "status": "firing", "namespace": "shop", "starts_at": None, "container": "cart"}),
    ("redfish", _REDFISH, {"alertname": "ResourceStatusChanged", "service": "orders-db-1",
        "severity": "critical",
        "status": "firing", "origin": "/redfish/v1/Chassis/1/Thermal"}),
    ("redfish", {**_REDFISH, "Events": [_FAN_OK]}, {"status": "resolved",
        "alertname": "ResourceStatusChanged"}),
    ("redfish", {**_REDFISH, "Events": [{**_FAN, "MessageId": "ResourceEvent.1.3.0.ResourceErrorsDetected"}]},
     {"alertname": "ResourceErrors", "status": "firing"}),
    ("redfish", {**_REDFISH, "Events": [{**_FAN, "MessageId": "ResourceEvent.1.0.ResourceErrorsCorrected"}]},
     {"alertname": "ResourceErrors", "status": "resolved"}),
    ("redfish", {"Context": "c", "Events": [{"MessageId": "Alert.1.0.LanDisconnect",
        "OriginOfCondition": "/x"}]},
     {"alertname": "Alert.1.0.LanDisconnect", "severity": "warning", "status": "firing", "origin": "/x"}),
    ("kubernetes", _K8S, {"alertname": "BackOff", "service": "cart", "severity": "warning",
        "status": "firing",
        "starts_at": TWO, "occurrence": "uid-1", "object": "cart-1"}),
    ("kubernetes", {"items": [_NEW_K8S]}, {"alertname": "ReplicaSetCreateError", "service": "cart",
        "starts_at": TWO,
        "occurrence": "uid-2", "status": "firing"}),
    ("kubernetes", {"type": "MODIFIED", "object": _DEPLOYMENT}, {"service": "cart", "kind": "deploy",
        "version": "shop/cart:2.4", "state": "failed", "ref": "u@7", "at": TWO}),
    ("kubernetes", {"kind": "ConfigMap", "metadata": {"name": "cart-flags", "uid": "u",
        "resourceVersion": "9"}},
     {"kind": "configuration", "service": "cart-flags", "ref": "u@9"}),
    ("graylog", _GRAYLOG, {"alertname": "Too many 5xx", "service": "gateway", "severity": "critical",
        "status": "firing", "key": "gateway"}),
    ("argocd", _ARGO, {"kind": "deploy", "service": "cart", "state": "started", "version": "4c4f40d",
        "environment": "production", "ref": "cart-eu@2026-11-21T02:00:00Z", "at": TWO, "told_at": TWO}),
    ("argocd", {**_ARGO, "phase": "Failed", "finished_at": "2026-11-21T02:00:01Z"},
     {"state": "failed", "told_at": TWO + 1_000}),
    ("argocd", _HEALTH, {"alertname": "ArgoCDApplicationUnhealthy", "service": "cart-eu", "severity": "high",
        "status": "firing"}),
    ("jenkins", _JENKINS, {"service": "cart", "kind": "deploy", "state": "started", "ref": "deploy-cart#81",
        "at": TWO}),
    ("jenkins", _PLUGIN, {"service": "deploy-cart", "state": "failed", "ref": "deploy-cart#81",
        "environment": "production", "version": "4c4f40d"}),
    ("cdevents", _cd("service.deployed.v1", {**_PROD, "artifactId": "pkg:oci/cart@1"}), {"kind": "deploy",
        "service": "cart", "state": "succeeded", "environment": "production", "version": "pkg:oci/cart@1"}),
    ("cdevents", {"specversion": "1.0", "type": "x", "data": _cd("service.rolledback.0.3.0", _PROD)},
     {"state": "rolled_back"}),
    ("cdevents", [_cd("service.removed.0.1.1", _PROD)], {"kind": "infrastructure", "service": "cart"}),
    ("cdevents", _cd("incident.detected.0.3.0", _CD_INCIDENT, "i1"),
     {"service": "cart", "status": "firing", "occurrence": "i1", "severity": "high", "starts_at": TWO}),
    ("cdevents", _cd("incident.resolved.0.3.0", _CD_INCIDENT, "i1"),
     {"status": "resolved", "ends_at": TWO, "starts_at": None, "severity": "info"}),
    ("codedeploy", _CODEDEPLOY, {"service": "cart", "state": "succeeded", "ref": "d-1", "at": TWO + 595}),
    ("statuspage", _INCIDENT, {"alertname": "StatuspageIncident", "service": "p1", "severity": "high",
        "status": "firing", "occurrence": "i1", "starts_at": TWO}),
    ("statuspage", {**_INCIDENT, "incident": _ENDED}, {"status": "resolved", "ends_at": TWO}),
    ("statuspage", _COMPONENT, {"service": "API", "severity": "high", "status": "firing", "starts_at": None}),
    ("statuspage", {**_COMPONENT, "component_update": _OPERATIONAL},
     {"status": "resolved", "ends_at": TWO, "severity": "info"}),
    ("checkly", _CHECKLY, {"alertname": "cart API", "service": "cart", "severity": "high", "status": "firing",
        "starts_at": None}),
    ("checkly", {**_CHECKLY, "alert_type": "ALERT_DEGRADED_RECOVERY"}, {"status": "resolved",
        "ends_at": TWO}),
    ("checkly", {**_CHECKLY, "alert_type": "ALERT_SSL"}, {"alertname": "CertificateExpires",
        "severity": "warning"}),
    ("coralogix", _CORALOGIX, {"alertname": "5xx", "service": "shop", "severity": "critical",
        "status": "resolved",
        "ends_at": TWO, "group_1": "eu1"}),
    ("librenms", _LIBRENMS, {"alertname": "Devices up/down", "service": "sw1", "severity": "critical",
        "status": "firing"}),
    ("librenms", {**_LIBRENMS, "state": 0, "severity": "ok"}, {"status": "resolved", "severity": "info"}),
    ("netbox", _NETBOX, {"kind": "infrastructure", "service": "shop-vlan", "author": "ana", "ref": "q/vlan/4",
        "url": "", "at": TWO}),
    ("signalfx", _SIGNALFX, {"alertname": "5xx", "service": "cart", "environment": "production",
        "severity": "high",
        "status": "resolved", "ends_at": TWO, "occurrence": "I"}),
    ("thousandeyes", _THOUSANDEYES, {"alertname": "Loss", "service": "shop", "severity": "high",
        "status": "resolved",
        "ends_at": TWO, "occurrence": "9"}),
    ("vrops", _VROPS, {"alertname": "ALERT_SUBTYPE_PERFORMANCE", "service": "vm1", "severity": "high",
        "status": "firing", "starts_at": TWO}),
    ("vrops", {**_VROPS, "status": "CANCELED", "cancelDate": 1795226400000}, {"status": "resolved",
        "ends_at": TWO}),
]

IGNORED: list[tuple[str, Any]] = [
    ("pingdom", {**_PINGDOM, "current_state": "UNCONFIRMED_DOWN"}),
    ("uptime_kuma", {"heartbeat": None, "monitor": None, "msg": "Test"}),
    ("uptime_kuma", {**_KUMA, "heartbeat": {"status": 3}}),
    ("redfish", {"Events": [{"MessageId": "iLOEvents.3.2.UserLogin", "Severity": "OK"}]}),
    ("kubernetes", {**_K8S, "type": "Normal"}),
    ("kubernetes", {"kind": "Secret", "metadata": {"name": "s"}}),
    ("graylog", {**_GRAYLOG, "event_definition_type": "test-dummy-v1"}),
    ("argocd", {**_HEALTH, "health": "Progressing"}),
    ("jenkins", {"name": "j", "build": {"phase": "QUEUED"}}),
    ("cdevents", _cd("pipelinerun.finished.0.3.0", {})),
    ("codedeploy", {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-west-1:1:t"}),
    ("codedeploy", {"instanceId": "i", "instanceStatus": "Succeeded"}),
    ("statuspage", {"page": {"id": "p"}, "incident": {"id": "i", "status": "scheduled"}}),
    ("statuspage", {"component": {"id": "k"}, "component_update": {"new_status": "under_maintenance"}}),
    ("netbox", {"event": "job_started", "model": "job"}),
    ("thousandeyes", {"eventType": "WEBHOOK_TEST"}),
]

REFUSED: list[tuple[str, Any]] = [
    *((name, {}) for name in sorted({name for name, _, _ in BODIES})),
    ("zabbix", {**_ZABBIX, "status": "{EVENT.VALUE}"}),
    ("kibana", {**_KIBANA, "alert_id": ""}),
    ("uptimerobot", {**_ROBOT, "alertType": "*alertType*"}),
    ("uptimerobot", {**_ROBOT, "monitorFriendlyName": "*monitorFriendlyName*", "monitorURL": "*monitorURL*"}),
    ("healthchecks", {"status": "$STATUS", "name": "backup"}),
    ("uptimerobot", {**_ROBOT, "alertType": "4"}),
    ("redfish", {"MetricValues": []}),
    ("checkly", {"alert_type": "ALERT_SOMETHING", "check_name": "c"}),
    ("coralogix", {**_CORALOGIX, "alert_action": "$ALERT_ACTION"}),
]
# fmt: on
