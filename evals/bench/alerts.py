"""Alerts and a catalogue for the benches, made from numbers: the same on every machine.

Alert `number` has labels that no other number has, so it is an alert of its own to whoever receives it.
Labels, annotations and sizes (about 600 bytes an alert) are those of an ordinary Kubernetes cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from core.times import MINUTE, format_rfc3339
from evals.bench.plan import Source

_NAMES = ("HighErrorRate", "HighLatency", "PodCrashLooping", "QueueBacklog", "DiskFillingUp", "TargetDown")
_SEVERITIES = ("critical", "high", "high", "high", *("warning",) * 6)
# Who calls whom in a group of ten services: one entrance, three tiers below it.
_CALLS = ((1, 2, 3), (4, 5), (5, 6), (6, 7), (8,), (8, 9), (8,), (9,), (), ())
_GROUP = len(_CALLS)
# Prometheus says that a firing alert holds for four times its resend delay of a minute.
_LEASE = 4 * MINUTE
_NEVER = "0001-01-01T00:00:00Z"


class Told(NamedTuple):
    """What a source says once: alert `number` fires, or has ended, at `at` (ms UTC)."""

    number: int
    starts_at: int
    at: int
    firing: bool = True


def catalogue(services: int) -> str:
    """A catalogue (YAML) of `services` services in groups of ten that call each other; groups do not."""
    entries = []
    for number in range(services):
        first = number - number % _GROUP
        called = [first + step for step in _CALLS[number % _GROUP] if first + step < services]
        entries.append(
            {
                "name": service(number),
                "tier": 1 + min(2, number % _GROUP),
                "team": f"team-{number // _GROUP}",
                "depends_on": [service(other) for other in called],
            }
        )
    # JSON is YAML.
    return orjson.dumps({"services": entries}).decode()


def service(number: int) -> str:
    return f"service-{number:04d}"


def labels(number: int, services: int) -> dict[str, str]:
    place = service(number % services)
    return {
        "alertname": _NAMES[number % len(_NAMES)],
        "cluster": "east-1",
        "environment": "production",
        "instance": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:9102",
        "namespace": f"{place}-prod",
        "pod": f"{place}-{number:08x}",
        "service": place,
        "severity": _SEVERITIES[number % len(_SEVERITIES)],
    }


def _common(told: Told, services: int) -> dict[str, Any]:
    place = service(told.number % services)
    return {
        "labels": labels(told.number, services),
        "annotations": {
            "summary": f"{place} has been outside its objective for 5 minutes",
            "description": f"Pod {place}-{told.number:08x} is at {told.number % 97}.4 %, limit 2 %.",
            "runbook_url": f"https://runbooks.example/{place}",
        },
        "startsAt": format_rfc3339(told.starts_at),
        "generatorURL": f"http://prometheus.example:9090/graph?g0.expr=errors%7Bservice%3D%22{place}%22%7D",
    }


def api_v2_body(told: Iterable[Told], services: int, lease: int = _LEASE) -> bytes:
    """What Prometheus posts to Alertmanager's API v2."""
    ends = [(one, one.at + lease if one.firing else one.at) for one in told]
    return orjson.dumps([{**_common(one, services), "endsAt": format_rfc3339(end)} for one, end in ends])


def webhook_body(told: Iterable[Told], services: int) -> bytes:
    """What Alertmanager's webhook (version 4) posts for one group of alerts."""
    members = [
        {
            **_common(one, services),
            "status": "firing" if one.firing else "resolved",
            "endsAt": _NEVER if one.firing else format_rfc3339(one.at),
            "fingerprint": f"{one.number:016x}",
        }
        for one in told
    ]
    firing = any(member["status"] == "firing" for member in members)
    group = {
        "version": "4",
        "groupKey": '{}:{cluster="east-1"}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "watchkeeper",
        "groupLabels": {"cluster": "east-1"},
        "commonLabels": {"cluster": "east-1", "environment": "production"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": members,
    }
    return orjson.dumps(group)


def body(source: Source, told: Iterable[Told], services: int) -> bytes:
    return api_v2_body(told, services) if source == "prometheus" else webhook_body(told, services)
