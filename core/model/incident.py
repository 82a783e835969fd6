"""The mutable heart of the engine's state: episodes, incidents, and what is known of each source.

An *episode* is one firing of one entity: (domain, fingerprint, starts_at). What was observed of it is
folded as a set, so the order in which observations arrive cannot matter. An *incident* is a connected
component of episodes with an id, a lifecycle and a severity.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from core.model.clocks import Clocks
from core.model.entity import Entity
from core.model.events import ChangeEvent
from core.model.finding import Finding, Why
from core.model.note import Note
from core.model.risk import Cause

EpisodeStatus = Literal["firing", "resolved", "unknown"]
IncidentStatus = Literal["triggered", "acknowledged", "mitigated", "resolved", "closed"]
OPEN: frozenset[IncidentStatus] = frozenset({"triggered", "acknowledged", "mitigated"})
Severity = Literal["P0", "P1", "P2", "P3"]
SEVERITIES: tuple[Severity, ...] = ("P0", "P1", "P2", "P3")


class Episode(msgspec.Struct, gc=False):
    id: str
    fingerprint: str
    starts_at: int
    entity: Entity
    labels: dict[str, str]
    alert_rank: int
    source: str
    seq: int
    index: int
    received_at: int
    last_heard: int
    status: EpisodeStatus = "firing"
    ends_at: int | None = None
    silent_end: bool = False
    loose_end: bool = False
    lease_until: int | None = None
    firm_lease: bool = False
    unknown_since: int | None = None
    heard: int = 1
    flags: tuple[str, ...] = ()
    incident: str = ""
    # Where it was when it had settled, and when that was; before that not decided.
    first_incident: str = ""
    decided_at: int | None = None
    occurrence: str = ""
    # Fires again: it goes where its last firing is, and links nothing.
    again: bool = False
    # Of an alert whose other labels may change while it fires: those that do not. Links read these.
    fixed: dict[str, str] | None = None

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")

    @property
    def linking(self) -> dict[str, str]:
        """The labels that link rules may read: they are the same in every telling."""
        return self.labels if self.fixed is None else self.fixed


class Moment(msgspec.Struct, frozen=True):
    """An entry of the history. `actor` is a person's name or `rule`; `detail` may be their words."""

    at: int
    what: str
    actor: str
    reason: str
    detail: str = ""


class Delivery(msgspec.Struct, frozen=True):
    """What became of a notify decision: `delivered`, `failed`, or `no_receiver`."""

    decision: str
    at: int
    status: str
    receiver: str
    attempts: int
    detail: str = ""


class Remark(msgspec.Struct, frozen=True):
    """A comment. Nothing that decides reads it."""

    at: int
    author: str
    kind: str
    text: str


class Origin(msgspec.Struct, frozen=True):
    """The service the trouble probably comes from. `score` and `terms` are in thousandths; `explained` counts
    the other services that suffer from it."""

    entity: Entity
    score: int
    terms: dict[str, int]
    explained: int = 0


class InhibitionPlace(NamedTuple):
    """Where sources of a rule of inhibition stand: while one does, none of its targets there pages. `values`
    are those of the labels that must be equal; `both`: sources that fit the target side too count, as they
    do for targets that do not fit the source side."""

    rule: str
    domain: str
    values: tuple[str, ...]
    both: bool


class Held(msgspec.Struct, frozen=True):
    """A page that is held back; see core/suppression/holding.py. `reason` is the page's, `by` and `names` are
    what holds it back, `until` the next time to look (ms UTC). It may end earlier by the changes in
    `waits_for`, or once nothing stands in one of `places`. Of the members the first `seen` were looked at;
    `whole`: nothing fired of them that was free, and `last` is the last of them. `deploys`: a hash of what
    was told of each change waited for."""

    reason: str
    by: str
    until: int | None
    names: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    seen: int = 0
    whole: bool = False
    last: str = ""
    deploys: dict[str, str] = {}
    places: tuple[InhibitionPlace, ...] = ()


class Snooze(msgspec.Struct, frozen=True):
    """A dismissal: nobody is paged until `until` (ms UTC), or until it gets worse than it was then."""

    by: str
    reason: str
    at: int
    until: int
    severity: Severity
    services: int


class Incident(msgspec.Struct):
    """`entities`, `worst_rank` (0 is worst), `tier` and `production` sum up the members and never shrink.

    `version` grows with every change, so that a reader can tell whether to look again.
    """

    id: str
    domain: str
    opened_at: int
    opened_seq: int
    members: list[str]
    status: IncidentStatus = "triggered"
    severity: Severity = "P3"
    severity_reason: str = ""
    worst_rank: int = 99
    production: bool = False
    tier: int | None = None
    entities: set[Entity] = msgspec.field(default_factory=set)
    firing: int = 0
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    resolved_at: int | None = None
    closed_at: int | None = None
    version: int = 0
    changes: list[str] = []
    merged_from: list[str] = []
    recurrence_of: str = ""
    history: list[Moment] = []
    # Record, time and receivers (with commas between) of the last page; and all who were ever told.
    told: tuple[int, int, str] | None = None
    told_to: list[str] = []
    notified: int = 0
    notified_services: int = 0
    findings: list[Finding] = []
    why: Why | None = None
    origin: Origin | None = None
    dirty: bool = True
    # When the agents were last asked: how many services and changes, whether it fired, severity, alerts.
    explained: tuple[int | bool | str, ...] | None = None
    # Not part of what is hashed: what happened outside, and what was said.
    deliveries: tuple[Delivery, ...] = ()
    remarks: tuple[Remark, ...] = ()
    # What the agents were asked and have not answered (decision ids), what they said last, by author, and the
    # last record that they knew then.
    asked: list[str] = []
    notes: dict[str, Note] = {}
    noted_at: int = 0
    read_to: int = 0
    held: Held | None = None
    snooze: Snooze | None = None
    # Pairs of alerts (episode ids) by which a person has merged incidents into this one.
    ties: tuple[tuple[str, str], ...] = ()
    split_from: str = ""
    split_into: tuple[str, ...] = ()
    mitigated_at: int | None = None
    mitigated_by: str = ""
    # While mitigated: how many alerts fired at the least. One more than that, and the effect is back.
    calm: int = 0
    clocks: Clocks = msgspec.field(default_factory=Clocks)
    # What people were told of since somebody has it, see core/spread.py; and when they were.
    spread: list[str] = []
    spread_at: int | None = None
    # What people say of changes: that they caused it, or did not. Nothing that decides reads it.
    causes: list[Cause] = []


class Telling(NamedTuple):
    """Which telling of a change counts: that of the source's latest time, then the one whose state is the
    furthest along; ties go by a hash of its content."""

    told_at: int
    along: int
    content: str


class Change(msgspec.Struct, frozen=True):
    """A change with its content-hash id and the record that brought it.

    `tellings`: of each field of `event`, the telling that its value is from. Empty while all are from one.
    """

    id: str
    domain: str
    seq: int
    event: ChangeEvent
    tellings: dict[str, Telling] = {}


class SourceLife(msgspec.Struct):
    """When a source was last heard, since when it has been heard without a long gap, and, while it is
    silent although it was to be heard, when that was found.

    `first_heard`: when it was first counted as heard, 0 for not yet. A source that was expected and never
    heard has no `records`, its times are 0, and `expected_since` says since when it is waited for.
    """

    last_heard: int
    heard_since: int
    records: int = 0
    silent_since: int | None = None
    first_heard: int = 0
    expected_since: int | None = None
