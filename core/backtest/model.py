"""What a backtest reports: frozen, and the same for the same two documents.

Times are RFC 3339 texts as in the documents, durations integer milliseconds. Examples come biggest first;
`counts` are of everything, examples of the first few.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

GroupKind = Literal["same", "merged", "split", "changed", "new", "gone"]
GROUP_KINDS: tuple[GroupKind, ...] = ("same", "merged", "split", "changed", "new", "gone")
PageKind = Literal["same", "saved", "lost", "extra", "earlier", "later", "receiver"]
PAGE_KINDS: tuple[PageKind, ...] = ("same", "saved", "lost", "extra", "earlier", "later", "receiver")


class Link(msgspec.Struct, frozen=True):
    """A node of a why-tree that says why: of the side `seen`, as that side's rules wrote it."""

    seen: Literal["before", "after"]
    rule: str
    summary: str
    counted: bool
    hint: str = ""


class Span(msgspec.Struct, frozen=True):
    """An alert with the incident that holds it on each side, "" for none."""

    name: str
    service: str
    starts_at: str
    ends_at: str
    before: str
    after: str


class Brief(msgspec.Struct, frozen=True):
    id: str
    title: str
    severity: str
    opened_at: str
    services: tuple[str, ...]
    alerts: int
    pages: int


class GroupExample(msgspec.Struct, frozen=True):
    """Incidents that share alerts. `moved` alerts are in an incident that is not the counterpart of theirs;
    `spans` are of at most the first few hundred alerts."""

    kind: GroupKind
    before: tuple[Brief, ...]
    after: tuple[Brief, ...]
    moved: int
    why: tuple[Link, ...]
    spans: tuple[Span, ...] = ()


class PageExample(msgspec.Struct, frozen=True):
    """`by` is how much later it comes, in ms; `why` is in words, from what the documents say."""

    kind: PageKind
    reason: str
    incident_before: str
    incident_after: str
    title: str
    services: tuple[str, ...]
    at_before: str
    at_after: str
    receiver_before: str
    receiver_after: str
    by: int
    why: str


class Differing(msgspec.Struct, frozen=True):
    """One property of two counterparts that differs: a severity, an origin, an end, a finding."""

    what: str
    incident_before: str
    incident_after: str
    title: str
    before: str
    after: str
    why: str


class Tally(msgspec.Struct, frozen=True):
    """Groups of a kind, and the incidents in them on each side."""

    groups: int = 0
    before: int = 0
    after: int = 0


class Pages(msgspec.Struct, frozen=True):
    """`by_receiver` and `by_day` hold {name: {before, after, and each kind}}; "" is nobody's receiver."""

    before: int
    after: int
    counts: dict[str, int]
    by_receiver: dict[str, dict[str, int]]
    by_day: dict[str, dict[str, int]]
    examples: dict[str, tuple[PageExample, ...]]


class Properties(msgspec.Struct, frozen=True):
    """What differs between counterparts: `counts` by change (`P1 > P2`), with examples."""

    counts: dict[str, int]
    examples: tuple[Differing, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class Comparison(msgspec.Struct, frozen=True):
    """`incidents` and `alerts` hold `before` and `after`; `alerts` also `moved`, `only_before`,
    `only_after`."""

    since: str
    until: str
    incidents: dict[str, int]
    alerts: dict[str, int]
    groups: dict[str, Tally]
    examples: dict[str, tuple[GroupExample, ...]]
    pages: Pages
    severities: Properties
    origins: Properties
    endings: Properties
    findings: Properties

    @property
    def different(self) -> bool:
        """Whether anything at all would have been different."""
        regrouped = any(tally.groups for kind, tally in self.groups.items() if kind != "same")
        repaged = any(count for kind, count in self.pages.counts.items() if kind != "same")
        unlike = (self.severities, self.origins, self.endings, self.findings)
        return regrouped or repaged or any(one.total for one in unlike)


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(comparison)
    return {"different": comparison.different, **made}
