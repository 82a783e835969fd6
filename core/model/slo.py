"""What is known of a service level objective (SLO): its latest telling, those just before, and its alerts.

Ratios are integers in parts per billion (`BILLION` is all of it), burns in thousandths of the pace that
spends the budget in exactly its window, times in ms. What it comes to is a function of the set of tellings.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from core.model.entity import Entity
from core.model.events import SignalEvent

BILLION = 1_000_000_000


class Mark(NamedTuple):
    """A telling: of two of one time the one with the greater content counts. `held` names the alerts whose
    condition held in it; `event` is kept only where there are any."""

    at: int
    content: str
    held: tuple[str, ...] = ()
    event: SignalEvent | None = None


class Point(NamedTuple):
    """How much of the budget was spent at `at`, for the picture of it."""

    at: int
    content: str
    spent: int


class Raised(msgspec.Struct):
    """An alert of ours: from the first telling in which the condition held to the first in which it did not.

    `told` is the latest telling in which it held, `peak` its highest burn. `gone`: it was ended because
    nothing was told any more.
    """

    start: int
    told: SignalEvent
    content: str
    peak: int = 0
    ended: int | None = None
    gone: bool = False


class Slo(msgspec.Struct):
    """`marks` are of the time just before the latest telling, in order; `history` is for the picture;
    `raised` is by the alert's name, in order of start; `stale_since` is set while nothing is told of it."""

    id: str
    entity: Entity
    source: str
    latest: SignalEvent
    content: str
    marks: list[Mark] = []
    history: list[Point] = []
    raised: dict[str, list[Raised]] = {}
    stale_since: int | None = None


def slo_key(entity: Entity, name: str) -> str:
    """`domain/environment/cluster/service/slo`; a slash inside a part is written %2F."""
    parts = (entity.domain, entity.environment, entity.cluster, entity.service, name)
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)
