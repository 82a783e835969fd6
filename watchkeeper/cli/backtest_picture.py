"""The picture of a regrouping: a lane for every incident before, and one for every incident after, over the
same time. An alert has the colour and the number of its lane on the side that holds more lanes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from core.backtest.model import Brief, GroupExample, Span
from core.narrative.plain import one_line
from core.times import format_rfc3339, parse_rfc3339

_LANES, _ROWS, _COLOURS = 8, 8, 6
WIDTH, LABEL, RIGHT = 760, 210, 740
_ROW, _PAD, _LEAST, _GAP = 7, 8, 34, 14


class Bar(NamedTuple):
    """`colour` is 1 to 6; `title` is for those who point at it."""

    x: int
    y: int
    width: int
    colour: int
    title: str


class Lane(NamedTuple):
    """`holds` in short, `parts` in full."""

    name: str
    holds: str
    parts: str
    y: int
    height: int
    bars: list[Bar]


class Picture(NamedTuple):
    """In units of the view box, `WIDTH` by `height`. `says` is the picture in words."""

    lanes: list[Lane]
    titles: list[tuple[int, str]]
    height: int
    begins: str
    ends: str
    says: str


def picture(example: GroupExample) -> Picture | None:
    """None where there is nothing to draw."""
    times = [_times(span) for span in example.spans]
    if not times:
        return None
    low, high = min(start for start, _ in times), max(end for _, end in times)
    numbers = _numbers(example)
    lanes: list[Lane] = []
    titles: list[tuple[int, str]] = []
    y = 0
    for side, briefs in (("before", example.before), ("after", example.after)):
        titles.append((y + _GAP, f"{side.capitalize()}: {len(briefs)} incident{'s' * (len(briefs) != 1)}"))
        y += _GAP + _PAD
        for brief in briefs[:_LANES]:
            lane = _lane(brief, side, example, numbers, y, (low, max(high, low + 1)))
            lanes.append(lane)
            y += lane.height + 2
        if len(briefs) > _LANES:
            titles.append((y + _GAP, f"and {len(briefs) - _LANES} more"))
            y += _GAP + _PAD
        y += _PAD
    says = "; ".join(f"{lane.name}: {lane.parts}" for lane in lanes)
    return Picture(lanes, titles, y + _GAP, _clock(low), _clock(high), says)


def _clock(at: int) -> str:
    return format_rfc3339(at)[:19].replace("T", " ")


def _times(span: Span) -> tuple[int, int]:
    start = parse_rfc3339(span.starts_at)
    return start, max(start, parse_rfc3339(span.ends_at)) if span.ends_at else start


def _numbers(example: GroupExample) -> dict[str, int]:
    """Numbers of the lanes on the side that gives the colours."""
    side = example.before if len(example.before) >= len(example.after) else example.after
    return {brief.id: place for place, brief in enumerate(side, 1)}


def _number(span: Span, example: GroupExample, numbers: dict[str, int]) -> int:
    """0 for an alert that the side does not hold."""
    by_before = len(example.before) >= len(example.after)
    return numbers.get(span.before if by_before else span.after, 0)


def _lane(
    brief: Brief, side: str, example: GroupExample, numbers: dict[str, int], y: int, reach: tuple[int, int]
) -> Lane:
    mine = [span for span in example.spans if (span.before if side == "before" else span.after) == brief.id]
    bars = []
    for place, span in enumerate(mine):
        number = _number(span, example, numbers)
        top = y + _PAD // 2 + (place % _ROWS) * _ROW
        bars.append(_bar(span, number, top, reach))
    rows = min(len(mine), _ROWS)
    height = max(_LEAST, rows * _ROW + _PAD)
    own = numbers.get(brief.id, 0) if brief in _numbered(example) else 0
    held = Counter(_number(span, example, numbers) for span in mine)
    parts = ", ".join(f"{count} of {f'lane {one}' if one else 'none'}" for one, count in sorted(held.items()))
    holds = f"{brief.alerts} alert{'s' * (brief.alerts != 1)}"
    if not own and len(held) > 1:
        holds += f", of {len(held)} lanes"
    return Lane(f"{own}  {brief.id}" if own else brief.id, holds, parts, y, height, bars)


def _numbered(example: GroupExample) -> tuple[Brief, ...]:
    return example.before if len(example.before) >= len(example.after) else example.after


def _bar(span: Span, number: int, y: int, reach: tuple[int, int]) -> Bar:
    start, end = _times(span)
    low, high = reach
    x = LABEL + (start - low) * (RIGHT - LABEL) // (high - low)
    width = max(3, (end - start) * (RIGHT - LABEL) // (high - low))
    colour = (number - 1) % _COLOURS + 1 if number else 0
    title = f"{one_line(span.name, 80)} of {one_line(span.service, 80) or 'no known service'}"
    moved = "" if span.before == span.after else f", {span.before or 'nowhere'} > {span.after or 'nowhere'}"
    return Bar(x, y, width, colour, f"{title}, {span.starts_at}{moved}")
