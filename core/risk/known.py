"""What is known beside the change itself: the services that it touches, their state, and the team's history.

All of it is given; where nothing is known a rule that needs it says nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec


class OpenIncident(msgspec.Struct, frozen=True):
    id: str
    severity: str
    title: str
    opened_at: int


class Budget(msgspec.Struct, frozen=True):
    """Of one objective of the service: the share of its error budget that is left, in thousandths; negative
    when overspent."""

    slo: str
    left: int


class HotFile(msgspec.Struct, frozen=True):
    """A file that changes which caused incidents touched: how many, of how many changes to it, and which."""

    path: str
    incidents: tuple[str, ...]
    changes: int = 0


class PastChange(msgspec.Struct, frozen=True):
    """A change that caused an incident, with the files that it touched and the rules that it matched."""

    id: str
    incident: str
    at: int
    title: str = ""
    files: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


class Freeze(msgspec.Struct, frozen=True):
    """A freeze that holds now: its name, why, and until when (ms UTC, None: not known)."""

    name: str
    reason: str
    until: int | None = None


class ServiceKnown(msgspec.Struct, frozen=True):
    """A service that the change touches."""

    name: str
    tier: int | None = None
    dependants: int = 0
    incidents: tuple[OpenIncident, ...] = ()
    budgets: tuple[Budget, ...] = ()


class Experience(msgspec.Struct, frozen=True):
    """Of the author of the newest commit, before this change: commits in the repository, in the directories
    that it touches, and on the files; how many people changed the files, and how many days ago the last
    did, on average. `owner` is who changed them most; None where the history does not say."""

    commits: int = 0
    here: int = 0
    on_files: int = 0
    people: int = 0
    days_since: float | None = None
    owner: str = ""
    owner_share: int = 0


class Known(msgspec.Struct, frozen=True):
    """`now` in ms UTC. `server`: whether a running Watchkeeper was asked, and "" or why it did not answer."""

    now: int = 0
    services: tuple[ServiceKnown, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    # Those of the repository's own policy, which alone it may lift.
    own_freezes: tuple[Freeze, ...] = ()
    hot_files: tuple[HotFile, ...] = ()
    past_changes: tuple[PastChange, ...] = ()
    experience: Experience | None = None
    # Paths of the repository at the base that conventions join to what the change touches: the lock file
    # beside a manifest, the tests of a module (core/risk/beside.py). Empty where nobody looked.
    beside: tuple[str, ...] = ()
    # The rules that matched this change, each with its worst level; only late rules are told.
    matched: dict[str, str] = {}
    # Of each of them the path, the line and the evidence of its worst place.
    places: dict[str, tuple[str, int, str]] = {}
    # What other programs said of this change (squawk), by their name.
    tools: dict[str, Any] = {}
    server: str = ""
