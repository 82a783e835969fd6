"""Time as integer milliseconds since 1970-01-01 UTC, and its RFC 3339 form.

No floats (they round) and no local time zone (it differs between machines).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Of all ways to write a time the quickest, by far: a large incident has many.
_NAIVE = EPOCH.replace(tzinfo=None)
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_PART = re.compile(r"(\d+)(ms|[smhdw])", re.ASCII)
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdw]))+", re.ASCII)


def parse_rfc3339(text: str) -> int:
    """Milliseconds for a timestamp such as `2026-11-21T01:55:36.234Z`.

    Digits below a millisecond are cut off. Raises ValueError when the text is no timestamp or has no
    UTC offset (RFC 3339, section 5.6, requires one).
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no UTC offset")
    delta = moment - EPOCH
    return delta.days * DAY + delta.seconds * SECOND + delta.microseconds // 1_000


def format_rfc3339(ms: int) -> str:
    """`2026-11-21T01:55:36.234Z`, always with three digits; clamped to years 1 to 9999."""
    ms = max(-62_135_596_800_000, min(ms, 253_402_300_799_999))
    return (_NAIVE + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def optional_rfc3339(ms: int | None) -> str | None:
    return None if ms is None else format_rfc3339(ms)


def parse_duration(text: str) -> int:
    """Milliseconds for `90s`, `5m`, `1h30m`, `2d` (Prometheus' notation). Raises ValueError otherwise."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m or 1h30m")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def duration_text(ms: int) -> str:
    """What `parse_duration` reads as `ms` (0 or more): `5m`, `1h30m`, `0s`."""
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, ms = divmod(ms, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def compared(*values: int) -> list[str]:
    """Durations (ms) that stand beside each other, for people: exact, and all in the largest unit in which
    all are whole, else in seconds, from ten minutes on with their minutes: `100 s`, `75 s`; `2 h`, `1 h`;
    `75.25 s`, `75 s`; `33 min 10 s`, `15 min`."""
    for name, unit in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if max(values) >= 2 * unit and not any(ms % unit for ms in values):
            return [f"{ms // unit:,} {name}" for ms in values]
    long = max(values) >= 10 * MINUTE
    return [_exact(ms) if long else f"{_seconds(ms)} s" for ms in values]


def _exact(ms: int) -> str:
    parts = []
    rest = abs(ms)
    for name, unit in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        count, rest = divmod(rest, unit)
        parts += [f"{count:,} {name}"] * (count > 0)
    parts += [f"{_seconds(rest)} s"] * (rest > 0 or not parts)
    return "-" * (ms < 0) + " ".join(parts)


def _seconds(ms: int) -> str:
    whole, rest = divmod(abs(ms), SECOND)
    return f"{'-' * (ms < 0)}{whole:,}" + (f".{rest:03d}".rstrip("0") if rest else "")


def beside(gap: int, window: int) -> tuple[str, str]:
    """A gap that is within a window or beyond it, and the window: what is beyond it is exact."""
    if gap <= window:
        gap -= gap % SECOND
        return (spoken(gap) if gap < 90 * SECOND else compared(gap, window)[0]), spoken(window)
    apart, within = compared(gap, window)
    return apart, within


def spoken(ms: int) -> str:
    """A duration for people: `45 s`, `4 min`, `2 h 5 min`, `3 d 2 h`."""
    seconds = abs(ms) // SECOND
    if seconds < 90:
        return f"{seconds} s"
    minutes = (seconds + 30) // 60
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
