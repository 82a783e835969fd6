"""The watchdogs on the page Intake: alerts that always fire, when each was last heard, and what is wrong.

Names and labels are foreign: shortened here, escaped by the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from core.journal import DEFAULT_DOMAIN
from core.model.watchdog import Watchdog
from core.times import format_rfc3339
from watchkeeper.console.clocks import Stamp, stamp
from watchkeeper.console.text import shorten

MAX_ROWS = 100
_TROUBLES = {"silent": "Silent", "resolved": "Resolved by its sender"}


class WatchdogRow(NamedTuple):
    """`trouble` is empty while it is told; `where` are its labels of environment and cluster. `heard` is None
    for one of which only an end came."""

    name: str
    source: str
    domain: str
    where: str
    heard: Stamp | None
    times: int
    trouble: str
    since: Stamp | None


def watchdog_rows(watchdogs: Iterable[Watchdog], now: int) -> list[WatchdogRow]:
    """Those in trouble first, then by name; at most MAX_ROWS."""
    rows = sorted((_row(one, now) for one in watchdogs), key=lambda row: (not row.trouble, row[:4]))
    return rows[:MAX_ROWS]


def _row(one: Watchdog, now: int) -> WatchdogRow:
    domain, _, source = one.source.partition("/")
    places = [f"{name}={value}" for name, value in sorted(one.labels.items()) if name != "alertname"]
    return WatchdogRow(
        shorten(one.labels.get("alertname", ""), 80),
        shorten(source, 60),
        "" if domain == DEFAULT_DOMAIN else shorten(domain, 64),
        shorten(", ".join(places), 120),
        stamp(format_rfc3339(one.last_heard), now) if one.times else None,
        one.times,
        _TROUBLES.get(one.trouble, ""),
        stamp(format_rfc3339(one.since), now) if one.trouble else None,
    )
