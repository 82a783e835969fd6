"""Times for people: how long ago, and the absolute time in UTC beside it. `now` is always a parameter."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from core.times import DAY, EPOCH, SECOND, parse_rfc3339, spoken

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_JUST_NOW = 5 * SECOND
_YEAR_1, _YEAR_9999 = -62_135_596_800_000, 253_402_300_799_999


class Stamp(NamedTuple):
    """`machine` for the datetime attribute, `shown` in UTC, `ago` relative to now."""

    machine: str
    shown: str
    ago: str


def milliseconds(text: Any) -> int | None:
    """Of an RFC 3339 text; None when there is none, or it is broken."""
    if not isinstance(text, str):
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        return None


def stamp(text: Any, now: int) -> Stamp | None:
    at = milliseconds(text)
    return None if at is None else Stamp(str(text), absolute(at, now), ago(at, now))


def ago(at: int, now: int) -> str:
    """`12 min ago`. A sender's clock may be ahead of ours: then it says so instead of inventing an order."""
    age = now - at
    if abs(age) < _JUST_NOW:
        return "just now"
    return f"{spoken(age)} ago" if age > 0 else f"in {spoken(age)}"


def lasted(start: Any, end: Any) -> str:
    """The time between two RFC 3339 texts, or nothing when one is missing."""
    first, last = milliseconds(start), milliseconds(end)
    return "" if first is None or last is None else spoken(max(0, last - first))


def absolute(at: int, now: int) -> str:
    """`21 Nov 04:08:53`, without the date when it is today's and with the year when it is not this year's."""
    if at // DAY == now // DAY:
        return clock(at)
    year = "" if moment(at).year == moment(now).year else f" {moment(at).year}"
    return f"{day(at)}{year} {clock(at)}"


def clock(at: int, *, seconds: bool = True) -> str:
    return moment(at).strftime("%H:%M:%S" if seconds else "%H:%M")


def day(at: int) -> str:
    """English month names, whatever the locale of the process."""
    when = moment(at)
    return f"{when.day} {MONTHS[when.month - 1]}"


def moment(at: int) -> datetime:
    return EPOCH + timedelta(milliseconds=max(_YEAR_1, min(at, _YEAR_9999)))
