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


class AlertEvent(msgspec.Struct, frozen=True):
    """`index` is the alert's place in its body. `starts_at` None: the source did not say.

    `lease_until`: the source will say it again before then, or it has ended (API v2's `endsAt`).
    """

    labels: dict[str, str]
    status: AlertStatus
    index: int = 0
    starts_at: int | None = None
    ends_at: int | None = None
    lease_until: int | None = None
    annotations: dict[str, str] = {}
    generator_url: str = ""


class ChangeEvent(msgspec.Struct, frozen=True):
    """Something a team changed. Empty `environment` or `cluster`: in each of them."""

    kind: ChangeKind
    service: str
    at: int
    environment: str = ""
    cluster: str = ""
    version: str = ""
    author: str = ""
    url: str = ""
    index: int = 0


Event = AlertEvent | ChangeEvent


class Problem(msgspec.Struct, frozen=True):
    """A part of a body that could not be used: `where` in it, `what` is wrong, how to `mend` it."""

    where: str
    what: str
    mend: str


class Parsed(NamedTuple):
    """What a parser found: the usable events, in the body's order, and what it had to leave out."""

    events: tuple[Event, ...]
    problems: tuple[Problem, ...] = ()
