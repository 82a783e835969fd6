"""What senders of the built-in mappings tell of one firing, or of one change, folds to the same in any order.

Where a sender gives neither an id of the firing nor its start (docs/sources says where), order counts; then
only what comes in order is tested.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import orjson
import pytest

from core.journal import Draft
from tests.timeline import START, Timeline, time
from watchkeeper.files import sources_content

_TWO = {"fires": time(0), "ends": time(120)}
_S = {name: at // 1000 for name, at in {"fires": START, "ends": START + 120_000}.items()}


def _cd(kind: str, at: str) -> dict[str, Any]:
    context = {"id": at, "source": "/monitor", "type": f"dev.cdevents.incident.{kind}.0.3.0", "timestamp": at}
    told = {"context": context, "subject": {"id": "i1", "content": {"service": {"id": "cart"}}}}
    return {**told, "customData": {"severity": "low"}} if kind == "detected" else told


def _zabbix(status: str) -> dict[str, Any]:
    return {"hostname": "db1", "severity": "5", "status": status, "trigger": "Disk full", "eventid": "88"}


def _kibana(group: str) -> dict[str, Any]:
    return {"rule": "5xx", "rule_id": "r", "alert_id": "a", "alert_uuid": "u", "action_group": group}


def _statuspage(status: str, ended: str | None) -> dict[str, Any]:
    incident = {"id": "i", "status": status, "impact": "major", "created_at": time(0), "resolved_at": ended}
    return {"page": {"id": "p"}, "incident": incident}


def _signalfx(status: str, at: str) -> dict[str, Any]:
    return {"rule": "5xx", "statusExtended": status, "incidentId": "I", "timestamp": at, "severity": "Major"}


def _thousandeyes(kind: str, ended: str | None) -> dict[str, Any]:
    told = {
        "ruleName": "Loss",
        "ruleId": 3,
        "alertId": 9,
        "testName": "shop",
        "dateStart": time(0),
        "dateEnd": ended,
    }
    return {"eventType": f"ALERT_NOTIFICATION_{kind}", "alert": told}


def _vrops(status: str) -> dict[str, Any]:
    told = {"alertId": "a", "resourceName": "vm1", "resourceId": "r", "subType": "CPU", "status": status}
    return {**told, "startDate": START, "cancelDate": START + 120_000}


def _pingdom(state: str, at: int) -> dict[str, Any]:
    return {"check_id": 7, "check_name": "shop", "current_state": state, "state_changed_timestamp": at}


def _robot(kind: str, at: int) -> dict[str, Any]:
    return {"monitorID": "9", "monitorFriendlyName": "shop", "alertType": kind, "alertDateTime": str(at)}


def _check(status: str, at: str) -> dict[str, Any]:
    return {"status": status, "name": "backup", "at": at, "severity": "high"}


ALERTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cdevents": (_cd("detected", _TWO["fires"]), _cd("resolved", _TWO["ends"])),
    "healthchecks": (_check("down", _TWO["fires"]), _check("up", _TWO["ends"])),
    "kibana": (_kibana("query matched"), _kibana("recovered")),
    "pingdom": (_pingdom("DOWN", _S["fires"]), _pingdom("UP", _S["ends"])),
    "signalfx": (_signalfx("anomalous", _TWO["fires"]), _signalfx("ok", _TWO["ends"])),
    "statuspage": (_statuspage("investigating", None), _statuspage("resolved", _TWO["ends"])),
    "thousandeyes": (_thousandeyes("TRIGGER", None), _thousandeyes("CLEAR", _TWO["ends"])),
    "uptimerobot": (_robot("1", _S["fires"]), _robot("2", _S["ends"])),
    "vrops": (_vrops("ACTIVE"), _vrops("CANCELED")),
    "zabbix": (_zabbix("1"), _zabbix("0")),
}


def _kuma(status: int) -> dict[str, Any]:
    return {
        "heartbeat": {"monitorID": 3, "status": status, "time": time(0)},
        "monitor": {"id": 3, "name": "shop"},
    }


def _health(health: str) -> dict[str, Any]:
    return {"about": "health", "name": "cart", "namespace": "argocd", "health": health}


def _checkly(kind: str) -> dict[str, Any]:
    return {"alert_type": kind, "check_name": "cart", "check_id": "c", "started_at": time(120)}


IN_ORDER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "argocd": (_health("Degraded"), _health("Healthy")),
    "checkly": (_checkly("ALERT_DEGRADED"), _checkly("ALERT_DEGRADED_RECOVERY")),
    "librenms": (
        {"name": "Down", "hostname": "h", "state": "1"},
        {"name": "Down", "hostname": "h", "state": "0"},
    ),
    "uptime_kuma": (_kuma(0), _kuma(1)),
}


def fold(name: str, bodies: tuple[dict[str, Any], ...]) -> Timeline:
    timeline = Timeline()
    timeline.configure(0, "sources", sources_content(None))
    for place, body in enumerate(bodies):
        timeline._append(130 + place, Draft("ingest", name, orjson.dumps(body)))
    timeline.wait(1_200)
    return timeline


def alerts(timeline: Timeline) -> list[tuple[str, str]]:
    """Of all incidents: the incident's status and the alert's."""
    return [
        (incident["status"], alert["status"])
        for incident in timeline.incidents()
        for alert in incident["alerts"]
    ]


@pytest.mark.parametrize("name", ALERTS)
def test_a_firing_and_its_end_in_any_order(name: str) -> None:
    fires, ends = ALERTS[name]
    for bodies in sorted(set(permutations((0, 0, 1)))):
        told = tuple((fires, ends)[which] for which in bodies)
        assert alerts(fold(name, told)) == [("resolved", "resolved")], bodies


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_firing_told_twice_and_then_its_end(name: str) -> None:
    fires, ends = IN_ORDER[name]
    assert alerts(fold(name, (fires, fires, ends))) == [("resolved", "resolved")]
    assert alerts(fold(name, (fires,))) == [("triggered", "firing")]


@pytest.mark.parametrize("name", [*ALERTS, *IN_ORDER])
def test_an_end_makes_nothing_worse(name: str) -> None:
    fires, ends = {**ALERTS, **IN_ORDER}[name]
    [before], [after] = fold(name, (fires,)).incidents(), fold(name, (fires, ends)).incidents()
    assert before["severity"] == after["severity"]


@pytest.mark.parametrize("name", [*ALERTS, *IN_ORDER])
def test_an_end_alone_pages_nobody(name: str) -> None:
    """It opens nothing, or, where it says when the alert began, what is over already."""
    ends = {**ALERTS, **IN_ORDER}[name][1]
    timeline = fold(name, (ends,))
    tells_its_start = name in ("statuspage", "thousandeyes", "vrops")
    assert alerts(timeline) == ([("resolved", "resolved")] if tells_its_start else [])
    assert timeline.pages() == []


def _sync(phase: str, finished: str | None) -> dict[str, Any]:
    told = {
        "about": "sync",
        "name": "cart",
        "revision": "4c4f40d",
        "started_at": time(0),
        "finished_at": finished,
    }
    return {**told, "phase": phase}


def _build(result: str, at: int) -> dict[str, Any]:
    return {
        "job": "deploy",
        "build": "81",
        "result": result,
        "service": "cart",
        "started_at": START,
        "told_at": at,
    }


def _plugin(phase: str, status: str, at: int) -> dict[str, Any]:
    return {"name": "cart", "build": {"number": 81, "phase": phase, "status": status, "timestamp": at}}


def _deployment(reason: str, at: str) -> dict[str, Any]:
    metadata = {"name": "cart", "uid": "u", "annotations": {"deployment.kubernetes.io/revision": "7"}}
    condition = {"type": "Progressing", "reason": reason, "lastUpdateTime": at}
    return {"kind": "Deployment", "metadata": metadata, "status": {"conditions": [condition]}}


def _codedeploy(status: str, ended: str | None) -> dict[str, Any]:
    told = {"applicationName": "cart", "deploymentId": "d-1", "createTime": str(_S["fires"])}
    return {**told, "completeTime": ended, "status": status}


CHANGES: list[tuple[str, str, tuple[dict[str, Any], ...]]] = [
    ("argocd", "failed", (_sync("Running", None), _sync("Failed", time(90)))),
    ("codedeploy", "succeeded", (_codedeploy("CREATED", None), _codedeploy("SUCCEEDED", str(_S["ends"])))),
    ("jenkins", "succeeded", (_build("STARTED", START), _build("SUCCESS", START + 90_000))),
    (
        "jenkins",
        "failed",
        (
            _plugin("STARTED", "SUCCESS", START),
            _plugin("COMPLETED", "FAILURE", START + 90_000),
            _plugin("FINALIZED", "FAILURE", START + 90_000),
        ),
    ),
    (
        "kubernetes",
        "succeeded",
        (_deployment("ReplicaSetUpdated", time(0)), _deployment("NewReplicaSetAvailable", time(90))),
    ),
]


@pytest.mark.parametrize(("name", "state", "told"), CHANGES)
def test_a_change_told_in_parts_is_one(name: str, state: str, told: tuple[dict[str, Any], ...]) -> None:
    for bodies in permutations((*told, told[0])):
        changes = fold(name, bodies).engine.state.changes.values()
        assert [(one.event.service, one.event.state, one.event.at) for one in changes] == [
            ("cart", state, START)
        ]
