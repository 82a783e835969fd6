"""Lanes of the picture: the alerts of one service as a few bars. Bars that touch become one, with a count."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from core.model.document import Document
from watchkeeper.console.clocks import milliseconds
from watchkeeper.console.text import shorten

Place = tuple[str, str, str]
# Drawn in this order: what fires lies on top.
STATUSES = ("resolved", "unknown", "firing")
_NAME = 36


class Bar(NamedTuple):
    """`end` is None while the alert has not ended."""

    start: int
    end: int | None
    status: str
    alerts: int


class Lane(NamedTuple):
    label: str
    origin: bool
    bars: list[Bar]

    @property
    def standing(self) -> str:
        """What the lane comes to, in words: the picture does not speak by colour alone."""
        counts = dict.fromkeys(STATUSES, 0)
        for bar in self.bars:
            counts[bar.status] += bar.alerts
        if counts["firing"]:
            return f"{counts['firing']} firing"
        return f"{counts['unknown']} unknown" if counts["unknown"] else "resolved"


def bar_of(alert: Document) -> Bar | None:
    """None when it has no start to draw it from."""
    start, end = milliseconds(alert["starts_at"]), milliseconds(alert["ends_at"])
    if start is None:
        return None
    status = alert["status"] if alert["status"] in STATUSES else "unknown"
    if end is None and status == "resolved":
        end = start
    return Bar(start, None if end is None else max(start, end), status, 1)


def lanes(document: Document, touching: int) -> list[Lane]:
    """The probable origin first, then by first alert. Bars closer than `touching` ms are drawn as one."""
    groups: dict[Place, list[Bar]] = {}
    for alert in document["alerts"]:
        bar = bar_of(alert)
        if bar is not None:
            groups.setdefault(_place(alert), []).append(bar)
    origin = _place(document["origin"]) if document["origin"] else None
    first = {place: min(bar.start for bar in bars) for place, bars in groups.items()}
    order = sorted(groups, key=lambda place: (place != origin, first[place], place))
    services = [place[0] for place in order]
    alike = {service for service, count in Counter(services).items() if count > 1}
    return [
        Lane(_label(place, place[0] in alike), place == origin, _joined(groups[place], touching))
        for place in order
    ]


def _place(document: Document) -> Place:
    return (document["service"] or "", document["environment"] or "", document["cluster"] or "")


def _label(place: Place, alike: bool) -> str:
    """The service; where it runs only if two lanes would read the same."""
    name = place[0] or "no service known"
    where = ", ".join(part for part in place[1:] if part)
    return shorten(f"{name} ({where})" if alike and where else name, _NAME)


def _joined(bars: list[Bar], touching: int) -> list[Bar]:
    return [one for status in STATUSES for one in _joined_of(bars, status, touching)]


def _joined_of(bars: list[Bar], status: str, touching: int) -> list[Bar]:
    found: list[Bar] = []
    for bar in sorted((bar for bar in bars if bar.status == status), key=lambda bar: bar.start):
        last = found[-1] if found else None
        if last is not None and (last.end is None or bar.start <= last.end + touching):
            end = None if last.end is None or bar.end is None else max(last.end, bar.end)
            found[-1] = Bar(last.start, end, status, last.alerts + bar.alerts)
        else:
            found.append(bar)
    return found
