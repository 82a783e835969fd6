"""How much of an alert or change is taken in, whoever sends it: one event must not fill memory or history.

An alert is always taken in: labels beyond the limits are flagged, and clamped when they are folded
(core/clamping.py, which knows the rules). What decides about a change or an objective is refused where it is
too long, since a part of it would be another thing; what people read is cut, and says so. The journal keeps
all of it as it came.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.inbound.source import nothing_usable, problem
from core.clamping import CLAMPED, LABEL_CHARS, LABELS, NAME_CHARS, cut, too_large
from core.model.events import AlertEvent, ChangeEvent, Event, Parsed, Problem, RiskEvent, SignalEvent

SAID_CHARS = 65_536
_CUT = "… [cut]"


def bounded(parsed: Parsed) -> Parsed:
    """`parsed` within the limits. Raises BodyError when nothing of it is."""
    if not any(map(_large, parsed.events)):
        return parsed
    events: list[Event] = []
    problems = list(parsed.problems)
    for event in parsed.events:
        fault = _fault(event)
        if fault is None:
            events.append(_cut(event))
        else:
            problems.append(fault)
    if not events:
        raise nothing_usable(problems)
    return parsed._replace(events=tuple(events), problems=tuple(problems))


def _large(event: Event) -> bool:
    """Quick, and right for nearly all: no part is longer than the shortest limit."""
    texts = _texts(event)
    return len(texts) > LABELS or max(map(len, texts), default=0) > NAME_CHARS


def _texts(event: Event) -> Sequence[str]:
    if isinstance(event, AlertEvent):
        said = event.annotations.values()
        return [*event.labels, *event.labels.values(), *said, event.generator_url, event.occurrence]
    if isinstance(event, SignalEvent):
        return _named(event)
    if isinstance(event, RiskEvent):
        return []  # Its source holds limits of its own.
    return [
        event.service,
        event.environment,
        event.cluster,
        event.version,
        event.author,
        event.url,
        event.ref,
    ]


def _named(event: SignalEvent) -> list[str]:
    return [event.slo, event.service, event.environment, event.cluster]


def _fault(event: Event) -> Problem | None:
    if isinstance(event, (AlertEvent, RiskEvent)):
        return None
    if isinstance(event, SignalEvent):
        names, what = _named(event), "a name that is too long"
    else:
        names = [event.service, event.environment, event.cluster, event.ref]
        what = "a service, environment, cluster or ref that is too long"
    if max(map(len, names)) <= NAME_CHARS:
        return None
    return problem(f"[{event.index}]", what, f"Send names of at most {NAME_CHARS} characters")


def _cut(event: Event) -> Event:
    if isinstance(event, (SignalEvent, RiskEvent)):
        return event
    if isinstance(event, ChangeEvent):
        said = {name: _shorter(getattr(event, name), NAME_CHARS) for name in ("version", "author", "url")}
        return msgspec.structs.replace(event, **said)
    kept = list(event.annotations.items())[:LABELS]
    clamped = too_large(event.labels) or len(event.occurrence) > NAME_CHARS
    return msgspec.structs.replace(
        event,
        annotations={name[:NAME_CHARS]: _shorter(text, SAID_CHARS) for name, text in kept},
        generator_url=event.generator_url if len(event.generator_url) <= LABEL_CHARS else "",
        occurrence=cut(event.occurrence, NAME_CHARS),
        flags=(*event.flags, *([CLAMPED] if clamped and CLAMPED not in event.flags else [])),
    )


def _shorter(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
