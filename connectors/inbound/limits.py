"""How much of an alert or change is taken in, whoever sends it: one event must not fill memory or history.

What decides (labels, ids, services) is refused where it is too long, since a part of it would be another
thing; what people read is cut, and says so. The journal keeps all of it as it came.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.inbound.source import nothing_usable, problem
from core.model.events import AlertEvent, ChangeEvent, Event, Parsed, Problem, RiskEvent, SignalEvent

LABELS = 500
LABEL_CHARS = 16_384
_NAME_CHARS = 1_024
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
    return len(texts) > LABELS or max(map(len, texts), default=0) > _NAME_CHARS


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
    if isinstance(event, RiskEvent):
        return None
    if isinstance(event, SignalEvent):
        mend = f"Send names of at most {_NAME_CHARS} characters"
        too_long = max(map(len, _named(event))) > _NAME_CHARS
        return problem(f"[{event.index}]", "a name that is too long", mend) if too_long else None
    mend = f"Send at most {LABELS} labels, names of {_NAME_CHARS} characters, values of {LABEL_CHARS}"
    if isinstance(event, ChangeEvent):
        names = [event.service, event.environment, event.cluster, event.ref]
        too_long = max(map(len, names)) > _NAME_CHARS
        where, what = f"[{event.index}]", "a service, environment, cluster or ref that is too long"
    else:
        names = [*event.labels, event.occurrence]
        too_long = max(map(len, names)) > _NAME_CHARS or len(event.labels) > LABELS
        too_long = too_long or max(map(len, event.labels.values()), default=0) > LABEL_CHARS
        where, what = f"[{event.index}].labels", "too many labels, or one that is too long"
    return problem(where, what, mend) if too_long else None


def _cut(event: Event) -> Event:
    if isinstance(event, (SignalEvent, RiskEvent)):
        return event
    if isinstance(event, ChangeEvent):
        said = {name: _shorter(getattr(event, name), _NAME_CHARS) for name in ("version", "author", "url")}
        return msgspec.structs.replace(event, **said)
    kept = list(event.annotations.items())[:LABELS]
    return msgspec.structs.replace(
        event,
        annotations={name[:_NAME_CHARS]: _shorter(text, SAID_CHARS) for name, text in kept},
        generator_url=event.generator_url if len(event.generator_url) <= LABEL_CHARS else "",
    )


def _shorter(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
