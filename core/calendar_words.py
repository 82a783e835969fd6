"""The words of a calendar, in Alertmanager's form: `09:00`, `monday:friday`, `-3:-1`, `may:august`, `2027`.

Each becomes a pair of whole numbers (both ends belong to it) and is written back in the same form.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from core.zones import zone

Pair = tuple[int, int]
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_WEEKDAY = {name: number for number, name in enumerate(WEEKDAYS)}
_MONTH = {name: number for number, name in enumerate(MONTHS, 1)}
_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,4}", re.ASCII)


def clock(minutes: int) -> str:
    """`09:30` of 570."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _text(value: object) -> str:
    """YAML reads an unquoted 17:00 or 1:15 as a number in base 60: back to what was written."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("write it in quotes")  # noqa: TRY004 - pydantic turns only this into a message
    if isinstance(value, int):
        return f"{value // 60}:{value % 60:02d}" if value >= 60 else str(value)
    return value.strip().lower()


def _clock(value: object) -> int:
    found = _CLOCK.fullmatch(text := _text(value))
    minutes = int(found[1]) * 60 + int(found[2]) if found else -1
    if not 0 <= minutes <= 24 * 60:
        raise ValueError(f"{text[:40]!r} is no time of day; write 09:00, up to 24:00")
    return minutes


def _ends(text: str, what: str) -> tuple[str, str]:
    parts = text.split(":")
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise ValueError(f"{text[:40]!r} is no {what}")
    return parts[0], parts[-1]


def _weekdays(value: object) -> Pair:
    low, high = (_named(part, _WEEKDAY, "weekday") for part in _ends(_text(value), "weekday"))
    return _in_order(low, high, "write two, such as saturday and sunday")


def _months(value: object) -> Pair:
    low, high = (_named(part, _MONTH, "month") for part in _ends(_text(value), "month"))
    return _in_order(low, high, "write two, such as november:december and january")


def _years(value: object) -> Pair:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)
    low, high = (_number(part, 1970, 9999, "year") for part in _ends(text, "year"))
    return _in_order(low, high, "write the earlier one first")


def _days(value: object) -> Pair:
    low, high = (_number(part, -31, 31, "day of a month") for part in _ends(_text(value), "day of a month"))
    if low == 0 or high == 0:
        raise ValueError("a month has no day 0; write 1 for the first and -1 for the last")
    if low < 0 < high:
        raise ValueError("counts from the month's end into its beginning; write two")
    first, last = (day if day > 0 else day + 32 for day in (low, high))
    if first > last:
        raise ValueError(f"{low}:{high} is in no month; write the earlier one first")
    return low, high


def _named(word: str, names: dict[str, int], what: str) -> int:
    numbers = names.values()
    if word in names:
        return names[word]
    if what == "month" and word.isascii() and word.isdigit() and len(word) < 4 and int(word) in numbers:
        return int(word)
    raise ValueError(f"{word[:40]!r} is no {what}; write {next(iter(names))}")


def _number(word: str, low: int, high: int, what: str) -> int:
    if not _NUMBER.fullmatch(word) or not low <= int(word) <= high:
        raise ValueError(f"{word[:40]!r} is no {what}; write {low} to {high}")
    return int(word)


def _in_order(low: int, high: int, mend: str) -> Pair:
    if low > high:
        raise ValueError(f"ends before it begins; {mend}")
    return low, high


def _written(pair: Pair) -> str:
    return f"{pair[0]}:{pair[1]}"


def _weekdays_written(pair: Pair) -> str:
    return f"{WEEKDAYS[pair[0]]}:{WEEKDAYS[pair[1]]}"


def _zone_name(name: str) -> str:
    zone(name)
    return name


Clock = Annotated[int, BeforeValidator(_clock), PlainSerializer(clock)]
Weekdays = Annotated[Pair, BeforeValidator(_weekdays), PlainSerializer(_weekdays_written)]
Days = Annotated[Pair, BeforeValidator(_days), PlainSerializer(_written)]
Months = Annotated[Pair, BeforeValidator(_months), PlainSerializer(_written)]
Years = Annotated[Pair, BeforeValidator(_years), PlainSerializer(_written)]
ZoneName = Annotated[str, AfterValidator(_zone_name)]
