"""Source alertmanager: the webhook of Prometheus Alertmanager, version 4 (0.6 and later).

Each alert of the group is an event with its own status: the group's `status` says `firing` while one of its
members fires. `endsAt` is year 1 while an alert fires. The body's fingerprint is not used: it covers labels
that differ between two replicas of one Prometheus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.inbound.source import as_object, decode, moment, nothing_usable, problem, text_map, type_name
from core.errors import BodyError
from core.model.events import AlertEvent, Event, Parsed, Problem

name = "alertmanager"
summary = "Alertmanager webhook (version 4)"
_MEND = "Send what Alertmanager's webhook_config sends"


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    document = as_object(decode(body), "body", _MEND)
    alerts = document.get("alerts")
    if not isinstance(alerts, list):
        raise BodyError(f"`alerts` is {type_name(alerts)}, not a list", where="alerts", mend=_MEND)
    events: list[Event] = []
    problems: list[Problem] = []
    for index, alert in enumerate(alerts):
        _add(alert, index, events, problems)
    if problems and not events:
        raise nothing_usable(problems)
    return Parsed(tuple(events), tuple(problems))


def _add(alert: Any, index: int, events: list[Event], problems: list[Problem]) -> None:
    where = f"alerts[{index}]"
    if not isinstance(alert, dict):
        problems.append(problem(where, f"is {type_name(alert)}, not an object", _MEND))
        return
    labels = text_map(alert.get("labels"))
    status = alert.get("status")
    if not labels:
        problems.append(problem(f"{where}.labels", "no labels", "Give at least `alertname`"))
    elif status not in ("firing", "resolved"):
        problems.append(problem(f"{where}.status", f"{status!r} is no status", "Use firing or resolved"))
    else:
        url = alert.get("generatorURL")
        events.append(
            AlertEvent(
                labels=labels,
                status=status,
                index=index,
                starts_at=moment(alert.get("startsAt")),
                ends_at=moment(alert.get("endsAt")) if status == "resolved" else None,
                annotations=text_map(alert.get("annotations")),
                generator_url=url if isinstance(url, str) else "",
            )
        )
