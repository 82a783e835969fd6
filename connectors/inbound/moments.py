"""Times as senders write them, as integer milliseconds UTC. What is no time, or has no offset, is None."""

from __future__ import annotations

import math
import re
from typing import Any

from core.times import parse_rfc3339

_LAST = 253_402_300_799_999
# `2016-08-12 15:23:28 UTC` and `2021-04-28 21:50:00 +0200`.
_SPACED = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ?(UTC|Z|[+-]\d\d:?\d\d)", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,19}")
# (at least, divisor, factor) of ns, us, ms and s: a number of seconds stays below 10**11 until the year 5138.
_MAGNITUDES = ((10**17, 1_000_000, 1), (10**14, 1_000, 1), (10**11, 1, 1), (0, 1, 1_000))


def instant(value: Any) -> int | None:
    """Of an RFC 3339 text, or of a number of s, ms, us or ns (told apart by magnitude), also as a text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _number(value)
    if not isinstance(value, str) or value.startswith("0001-01-01"):
        return None
    text = value.strip()
    if _DIGITS.fullmatch(text):
        return _number(int(text))
    spaced = _SPACED.fullmatch(text)
    if spaced:
        offset = "Z" if spaced[3] in ("UTC", "Z") else spaced[3]
        text = f"{spaced[1]}T{spaced[2]}{offset}"
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        return None


def first_instant(*values: Any) -> int | None:
    """Of the first value that is a time."""
    return next((found for value in values if (found := instant(value)) is not None), None)


def _number(value: float) -> int | None:
    if not math.isfinite(value) or value <= 0:
        return None
    for least, divisor, factor in _MAGNITUDES:
        if value >= least:
            ms = int(value * factor) // divisor
            return ms if ms <= _LAST else None
    return None
