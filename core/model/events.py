"""Events: what a parser makes of a record's bytes. Times are integer milliseconds UTC.

An alert event is one *observation*: a source said, once, that an alert fires or is resolved. Annotations
and URLs are carried for people to read; nothing that decides looks at them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

AlertStatus = Literal["firing", "resolved"]
ChangeKind = Literal["deploy", "configuration", "flag", "infrastructure"]
CHANGE_KINDS: tuple[ChangeKind, ...] = ("deploy", "configuration", "flag", "infrastructure")
ChangeState = Literal["", "started", "succeeded", "failed", "rolled_back"]


class AlertEvent(msgspec.Struct, frozen=True):
    """`index` is the alert's place in its body. `starts_at` None: the source did not say.

    `lease_until`: the source will say it again before then, or it has ended (API v2's `endsAt`). A firm lease
    ends it in any case: the source tells of no end, so that quiet is all there is to go by.
    `occurrence`: the source's own id of this one firing, where its start does not tell firings apart.
    `identity`: names of the labels that say which alert this is; none named, all of them do. Service,
    environment, cluster and `alertname` always count. `flags`: what is odd about it, for people.
    `fingerprint`: made before labels had to go; "" where none had.
    """

    labels: dict[str, str]
    status: AlertStatus
    index: int = 0
    starts_at: int | None = None
    ends_at: int | None = None
    lease_until: int | None = None
    firm_lease: bool = False
    annotations: dict[str, str] = {}
    generator_url: str = ""
    occurrence: str = ""
    identity: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    fingerprint: str = ""


class ChangeEvent(msgspec.Struct, frozen=True):
    """Something a team changed. Empty `environment` or `cluster`: in each of them.

    `at` is when it began to take effect. With a `ref` (the source's own id of it) it is one change however
    often it is told: `state` is that of the latest telling, by the source's time `told_at` (0: not known).
    """

    kind: ChangeKind
    service: str
    at: int
    environment: str = ""
    cluster: str = ""
    version: str = ""
    author: str = ""
    url: str = ""
    index: int = 0
    ref: str = ""
    state: ChangeState = ""
    told_at: int = 0


class SignalEvent(msgspec.Struct, frozen=True):
    """What a service level objective stands at, as told once, at `at`. Ratios are in parts per billion.

    `objective` is the share that is to be good over `window` (ms); `rates` are shares of errors by the length
    of time they are over, shortest first. `spent`: the share of the error budget that the source says is
    spent, more than all of it where it is overspent; None where it does not say.
    """

    slo: str
    service: str
    objective: int
    window: int
    at: int
    environment: str = ""
    cluster: str = ""
    rates: tuple[tuple[int, int], ...] = ()
    spent: int | None = None
    index: int = 0


# As core/risk says them, which is not needed to read them.
RISK_LEVELS = ("low", "medium", "high", "critical")
RISK_VERDICTS = ("allow", "warn", "hold")


class RiskMatch(NamedTuple):
    """A place of a change at which a risk rule matched; `line` 0: no line of the new file says it."""

    rule: str
    level: str
    path: str = ""
    line: int = 0
    what: str = ""


class RiskEvent(msgspec.Struct, frozen=True):
    """How a change was judged before it went out. Nothing that decides looks at it.

    `head` is the id of its newest commit, `merged_as` that of the commit it became; `verdict` is allow, warn
    or hold, `level` that of the worst match ("": none matched), `probability` in thousandths. `files` are
    paths. All texts are bounded by who read them.
    """

    repository: str
    head: str
    verdict: str
    at: int
    level: str = ""
    base: str = ""
    merged_as: str = ""
    services: tuple[str, ...] = ()
    probability: int | None = None
    matches: tuple[RiskMatch, ...] = ()
    files: tuple[str, ...] = ()
    title: str = ""
    url: str = ""
    index: int = 0


Event = AlertEvent | ChangeEvent | SignalEvent | RiskEvent


class Problem(msgspec.Struct, frozen=True):
    """A part of a body that could not be used: `where` in it, `what` is wrong, how to `mend` it."""

    where: str
    what: str
    mend: str


class Parsed(NamedTuple):
    """What a parser found: the usable events, in the body's order, and what it had to leave out.

    `delivery` is the source's id of this delivery; the same one again is folded once. `ignored` says why a
    body that is in order holds no event.
    """

    events: tuple[Event, ...]
    problems: tuple[Problem, ...] = ()
    delivery: str = ""
    ignored: str = ""
