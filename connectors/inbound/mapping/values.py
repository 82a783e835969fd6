"""Values that expressions find, as what events hold: texts, times in ms UTC, tags. Pure and total:
nothing that a body can hold makes one of these raise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from core.times import DAY, EPOCH

# The largest number that is still seconds, milliseconds, microseconds: about the year 5138 in each.
_SECONDS, _MILLIS, _MICROS = 10**11, 10**14, 10**17
_NUMBER = re.compile(r"(\d{1,20})(?:\.(\d{1,9}))?", re.ASCII)
_TAGS = 1_000
_NAME_KEYS = ("key", "name", "Key", "Name")
_VALUE_KEYS = ("value", "Value")


def plain(value: Any) -> str:
    """A text as it is, numbers as in JSON, booleans as true and false. Empty for null, objects and lists."""
    match value:
        case str():
            return value if value.strip() else ""
        case bool():
            return "true" if value else "false"
        case int():
            # Python refuses to write integers of more than 4,300 digits.
            return str(value) if value.bit_length() <= 1_024 else ""
        case float() if math.isfinite(value):
            return orjson.dumps(value).decode("utf-8")
    return ""


def readable(value: Any) -> str:
    """As `plain`, and objects and lists as JSON; empty when they are nested too deeply."""
    if not isinstance(value, (dict, list)):
        return plain(value)
    if not value:
        return ""
    try:
        return orjson.dumps(value).decode("utf-8")
    except TypeError:
        return ""


def is_there(value: Any) -> bool:
    """Neither null nor an empty text, list or object. False and 0 are there."""
    return value is not None and value not in ("", [], {})


def moment(text: str, form: str = "") -> int | None:
    """Milliseconds of an ISO 8601 text, of a number of s, ms, us or ns since 1970, or by `form` (strptime).

    A text without an offset is UTC. None for Go's zero time and for zero. Raises ValueError for nonsense.
    """
    text = text.strip()
    number = None if form else _NUMBER.fullmatch(text)
    if number:
        return _from_number(int(number[1]), number[2] or "")
    if text.startswith("0001-01-01"):
        return None
    # UTC is put in below where the text says no zone.
    found = datetime.strptime(text, form) if form else datetime.fromisoformat(text.removesuffix(" UTC"))  # noqa: DTZ007
    delta = (found if found.tzinfo else found.replace(tzinfo=UTC)) - EPOCH
    return delta.days * DAY + delta.seconds * 1_000 + delta.microseconds // 1_000


def _from_number(whole: int, fraction: str) -> int | None:
    if whole < _SECONDS:
        return whole * 1_000 + int(fraction.ljust(3, "0")[:3]) or None
    if whole < _MILLIS:
        return whole
    return whole // 1_000 if whole < _MICROS else whole // 1_000_000


def tags(value: Any) -> dict[str, str]:
    """Names and values of tags in any of the usual forms; several values of one name are joined by commas.

    One text with commas, a list of `name:value` or `name=value` texts, or of objects with a name and a value.
    What has no name or no value is left out. The order in which they came makes no difference.
    """
    items = value.split(",", _TAGS) if isinstance(value, str) else value if isinstance(value, list) else []
    found: dict[str, set[str]] = {}
    for name, text in _pairs(items):
        found.setdefault(name, set()).add(text)
    return {name: ",".join(sorted(texts)) for name, texts in found.items()}


def _pairs(items: list[Any]) -> Iterator[tuple[str, str]]:
    for item in items:
        if isinstance(item, dict):
            name, text = _first(item, _NAME_KEYS), _first(item, _VALUE_KEYS)
        else:
            name, text = _parted(plain(item))
        if name and text:
            yield name, text


def _first(item: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := plain(item.get(key)).strip())), "")


def _parted(text: str) -> tuple[str, str]:
    """Parted at whichever of `:` and `=` comes first."""
    places = [place for place in (text.find(":"), text.find("=")) if place > 0]
    if not places:
        return "", ""
    return text[: min(places)].strip(), text[min(places) + 1 :].strip()
