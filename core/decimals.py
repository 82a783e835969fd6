"""Integers that stand for fractions, as people write them: no float is ever made of one."""

from __future__ import annotations


def decimal(value: int, scale: int) -> str:
    """`value` / `scale` (a power of ten), without zeros at its end: 999 / 10 is `99.9`."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    whole, rest = divmod(value, scale)
    digits = str(rest).rjust(len(str(scale)) - 1, "0").rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def percent(thousandths: int) -> str:
    """`43.1 %`."""
    return f"{decimal(thousandths, 10)} %"


def times(thousandths: int, limit: int | None = None) -> str:
    """A burn, with a digit after the point, below 1 with two: `14.4`, `0.06`; with as many more as tell it
    from a limit that it stands beside: `14.41`."""
    said = decimal(thousandths // 100, 10) if thousandths >= 1_000 else decimal(thousandths // 10, 100)
    if limit is None or limit == thousandths or said != times(limit):
        return said
    step = 10 if thousandths // 10 != limit // 10 else 1
    return decimal(thousandths // step, 1_000 // step)
