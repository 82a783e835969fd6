"""Source prometheus: Alertmanager's API v2 (`POST /api/v2/alerts`), which every Prometheus speaks.

There is no status: an alert whose `endsAt` has passed is resolved, and one that fires carries an `endsAt` in
the future, until when it holds unless it is sent again. Without `endsAt` it holds for five minutes, as in
Alertmanager (`resolve_timeout`). Bodies as Prometheus writes them are read straight into their types; every
other one is looked at part by part, with the same outcome where both succeed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.inbound.limits import bounded
from connectors.inbound.source import (
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
from core.model.events import AlertEvent, Event, Parsed, Problem
from core.times import MINUTE

name = "prometheus"
summary = "Prometheus as an Alertmanager target (API v2)"
kept: tuple[str, ...] = ()
proof = PROOF
verify = verify_token
RESOLVE_TIMEOUT = 5 * MINUTE
_MEND = "Send a list of alerts as POST /api/v2/alerts of Alertmanager takes it"


class _Alert(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    labels: Labels
    annotations: Said = {}
    starts_at: str = msgspec.field(default="", name="startsAt")
    ends_at: str = msgspec.field(default="", name="endsAt")
    url: Link = msgspec.field(default="", name="generatorURL")


_typed = msgspec.json.Decoder(list[_Alert]).decode


def count(body: bytes) -> int | None:
    """How many events `parse` makes of a body that is in order throughout; None: ask `parse`."""
    try:
        return len(_typed(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    try:
        alerts = _typed(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return bounded(_parse_any(body, received_at))
    return Parsed(tuple([_event(alert, index, received_at) for index, alert in enumerate(alerts)]))


def _event(alert: _Alert, index: int, received_at: int) -> AlertEvent:
    ends_at = one_moment(alert.ends_at)
    resolved = ends_at is not None and ends_at <= received_at
    return AlertEvent(
        labels=alert.labels,
        status="resolved" if resolved else "firing",
        index=index,
        starts_at=one_moment(alert.starts_at),
        ends_at=ends_at if resolved else None,
        lease_until=None if resolved else (ends_at or received_at + RESOLVE_TIMEOUT),
        annotations=texts(alert.annotations),
        generator_url=alert.url,
    )


def _parse_any(body: bytes, received_at: int) -> Parsed:
    """The events of any body. Raises BodyError."""
    alerts = decode(body)
    if not isinstance(alerts, list):
        raise BodyError(f"expected a list, found {type_name(alerts)}", where="body", mend=_MEND)
    events: list[Event] = []
    problems: list[Problem] = []
    for index, alert in enumerate(alerts):
        _add(alert, index, received_at, events, problems)
    if problems and not events:
        raise nothing_usable(problems)
    return Parsed(tuple(events), tuple(problems))


def _add(alert: Any, index: int, received_at: int, events: list[Event], problems: list[Problem]) -> None:
    where = f"[{index}]"
    if not isinstance(alert, dict):
        problems.append(problem(where, f"is {type_name(alert)}, not an object", _MEND))
        return
    labels = labels_of(alert)
    if labels is None:
        problems.append(problem(f"{where}.labels", "no labels", "Give at least `alertname`"))
        return
    ends_at = moment(alert.get("endsAt"))
    resolved = ends_at is not None and ends_at <= received_at
    url = alert.get("generatorURL")
    events.append(
        AlertEvent(
            labels=labels,
            status="resolved" if resolved else "firing",
            index=index,
            starts_at=moment(alert.get("startsAt")),
            ends_at=ends_at if resolved else None,
            lease_until=None if resolved else (ends_at or received_at + RESOLVE_TIMEOUT),
            annotations=text_map(alert.get("annotations")),
            generator_url=url if isinstance(url, str) else "",
            flags=odd(labels),
        )
    )
