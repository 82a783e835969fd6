"""Source alertmanager: the webhook of Prometheus Alertmanager, versions 3 and 4 (0.5 and later).

Each alert of the group is an event with its own status: the group's `status` says `firing` while one of its
members fires. `endsAt` is year 1 while an alert fires. The body's fingerprint is not used: it covers labels
that differ between two replicas of one Prometheus. Nor is `groupKey`, which was a number in version 3. Bodies
as version 4 writes them are read straight into their types; every other one is looked at part by part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from connectors.inbound.limits import bounded
from connectors.inbound.source import (
    as_object,
    decode,
    labels_of,
    moment,
    nothing_usable,
    odd,
    problem,
    text_map,
    type_name,
)
from connectors.inbound.tokens import PROOF, verify_token
from connectors.inbound.typed import Labels, Link, Said, one_moment, texts
from core.errors import BodyError
from core.model.events import AlertEvent, AlertStatus, Event, Parsed, Problem

name = "alertmanager"
summary = "Alertmanager webhook (versions 3 and 4)"
kept: tuple[str, ...] = ()
proof = PROOF
verify = verify_token
_MEND = "Send what Alertmanager's webhook_config sends"


class _Alert(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    labels: Labels
    status: AlertStatus
    annotations: Said = {}
    starts_at: str = msgspec.field(default="", name="startsAt")
    ends_at: str = msgspec.field(default="", name="endsAt")
    url: Link = msgspec.field(default="", name="generatorURL")
    fingerprint: str = ""


class _Group(msgspec.Struct, forbid_unknown_fields=True, gc=False, rename="camel"):
    alerts: list[_Alert]
    version: Literal["4"] = "4"
    group_key: str = ""
    truncated_alerts: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] = 0
    status: str = ""
    receiver: str = ""
    group_labels: dict[str, str] = {}
    common_labels: dict[str, str] = {}
    common_annotations: Said = {}
    external_url: Link = msgspec.field(default="", name="externalURL")


_typed = msgspec.json.Decoder(_Group).decode


def count(body: bytes) -> int | None:
    """How many events `parse` makes of a body that is in order throughout; None: ask `parse`."""
    try:
        return len(_typed(body).alerts)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    try:
        alerts = _typed(body).alerts
    except (msgspec.DecodeError, UnicodeDecodeError):
        return bounded(_parse_any(body))
    return Parsed(tuple([_event(alert, index) for index, alert in enumerate(alerts)]))


def _event(alert: _Alert, index: int) -> AlertEvent:
    return AlertEvent(
        labels=alert.labels,
        status=alert.status,
        index=index,
        starts_at=one_moment(alert.starts_at),
        ends_at=one_moment(alert.ends_at) if alert.status == "resolved" else None,
        annotations=texts(alert.annotations),
        generator_url=alert.url,
    )


def _parse_any(body: bytes) -> Parsed:
    """The events of any body. Raises BodyError."""
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
    labels = labels_of(alert)
    status = alert.get("status")
    if labels is None:
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
                flags=odd(labels),
            )
        )
