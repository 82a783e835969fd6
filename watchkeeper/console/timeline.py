"""The timeline as a picture: one inline SVG, made from a document and `now` by a pure function.

A lane per service with its alerts as bars, changes above, what people and rules did below. Positions along
time are percentages and everything else is pixels, so that one picture fits a desk and a phone with text of
one size. Colours come from the stylesheet by class; no style attribute, no script.
"""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup, escape

from core.model.document import Document
from watchkeeper.console.axis import Axis, axis_over
from watchkeeper.console.clocks import clock, day, milliseconds
from watchkeeper.console.lanes import Bar, Lane, bar_of, lanes
from watchkeeper.console.moments import change_name
from watchkeeper.console.text import harmless, plural, shorten

MAX_LANES, _MAX_CHANGES, _MAX_MARKS = 15, 6, 8
_ROW, _LANE, _BAR, _EDGE = 20, 36, 12, 4
_MARKED = {
    "opened": "opened",
    "acknowledged": "acknowledged",
    "mitigated": "mitigated",
    "resolved": "resolved",
    "reopened": "reopened",
}
_LABEL = 44


class Mark(NamedTuple):
    at: int
    label: str


def timeline_svg(document: Document, now: int) -> Markup:
    """The picture, or nothing when the document holds no instant to draw."""
    bars = [bar for alert in document["alerts"] if (bar := bar_of(alert)) is not None]
    changes, marks = _changes(document), _marks(document)
    axis = axis_over(_instants(bars, [*changes, *marks], now))
    if axis is None:
        return Markup("")
    rows = lanes(document, (axis.high - axis.low) // 200)
    shown, more = rows[:MAX_LANES], len(rows) - MAX_LANES
    top = _EDGE + _ROW * len(changes)
    bottom = top + _LANE * len(shown) + (_ROW if more > 0 else 0)
    open_ended = any(bar.end is None for bar in bars)
    body = [
        _tag("title", {"id": "timeline-title"}, "Timeline of the incident"),
        _tag("desc", {"id": "timeline-desc"}, describe(axis, bars, len(rows), changes)),
        *_scale(axis, top, bottom, open_ended),
        *_changes_drawn(axis, changes, bottom),
        *_marks_drawn(axis, marks, top, bottom),
    ]
    for number, lane in enumerate(shown):
        body += _lane(axis, lane, top + _LANE * number)
    if more > 0:
        label = f"and {plural(more, 'more service')}, in the table below"
        body.append(_text("tl-more", "0", bottom - 6, label))
    height = bottom + _ROW + _ROW * len(marks) + _EDGE
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "timeline",
        "width": "100%",
        "height": str(height),
        "role": "img",
        "aria-labelledby": "timeline-title timeline-desc",
    }
    return _tag("svg", attributes, Markup("").join(body))


def describe(axis: Axis, bars: list[Bar], services: int, changes: list[Mark]) -> str:
    """What the picture shows, for those who do not see it."""
    firing = sum(bar.status == "firing" for bar in bars)
    what = f"{plural(len(bars), 'alert')} on {plural(services, 'service')}, {firing} firing"
    span = f"{day(axis.low)} {clock(axis.low)} to {day(axis.high)} {clock(axis.high)} UTC"
    return f"{what}, and {plural(len(changes), 'change')}, from {span}. The table below says the same."


def _instants(bars: list[Bar], marks: list[Mark], now: int) -> list[int]:
    """What must be on the picture. Now is, while something has not ended."""
    ends = [now if bar.end is None else bar.end for bar in bars]
    return [*(bar.start for bar in bars), *ends, *(mark.at for mark in marks)]


def _changes(document: Document) -> list[Mark]:
    found = [
        Mark(at, f"{shorten(change['kind'], 20)} {change_name(change)}")
        for change in document["changes"][:_MAX_CHANGES]
        if (at := milliseconds(change["at"])) is not None
    ]
    return sorted(found)


def _marks(document: Document) -> list[Mark]:
    """The incident's turns. Of many the last ones, but always its opening."""
    found = []
    for entry in document["history"]:
        at = milliseconds(entry["at"])
        if entry["what"] in _MARKED and at is not None:
            who = "" if entry["actor"] == "rule" else f" by {shorten(entry['actor'], 30)}"
            found.append(Mark(at, f"{_MARKED[entry['what']]}{who}"))
    return found if len(found) <= _MAX_MARKS else [found[0], *found[1 - _MAX_MARKS :]]


def _scale(axis: Axis, top: int, bottom: int, open_ended: bool) -> list[Markup]:
    drawn = []
    for at, label in axis.ticks():
        x = axis.percent(at)
        drawn.append(_line("tl-grid", _pct(x), top, bottom))
        if x < 4 or x > 90:
            continue  # it would be cut at the edge, or lie under "now"
        drawn.append(_text("tl-tick", _pct(x), bottom + 15, label, "middle"))
    drawn.append(_line("tl-edge", "100%", top, bottom))
    last = "now" if open_ended else clock(axis.high, seconds=False)
    drawn.append(_text("tl-tick", "100%", bottom + 15, last, "end"))
    return drawn


def _changes_drawn(axis: Axis, changes: list[Mark], bottom: int) -> list[Markup]:
    drawn = []
    for row, mark in enumerate(changes):
        y = _EDGE + _ROW * row
        x = axis.percent(mark.at)
        drawn.append(_line("tl-change", _pct(x), y, bottom))
        drawn.append(_beside("tl-change-label", x, y + 14, f"{clock(mark.at)} {mark.label}"))
    return drawn


def _marks_drawn(axis: Axis, marks: list[Mark], top: int, bottom: int) -> list[Markup]:
    drawn = []
    for row, mark in enumerate(marks):
        y = bottom + _ROW * (row + 1)
        x = axis.percent(mark.at)
        drawn.append(_line("tl-mark", _pct(x), top, y + 16))
        drawn.append(_beside("tl-mark-label", x, y + 14, f"{clock(mark.at)} {mark.label}"))
    return drawn


def _lane(axis: Axis, lane: Lane, y: int) -> list[Markup]:
    origin = " (probable origin)" if lane.origin else ""
    drawn = [
        _tag("rect", {"class": "tl-track", "x": "0", "y": str(y + 19), "width": "100%", "height": str(_BAR)}),
        _text("tl-name", "0", y + 14, lane.label + origin),
        _text("tl-standing", "100%", y + 14, lane.standing, "end"),
    ]
    drawn += [_bar(axis, bar, y + 19) for bar in lane.bars]
    if any(bar.end is None and bar.status == "firing" for bar in lane.bars):
        drawn.append(_text("tl-open", "100%", y + 29, "»", "end", -4))
    return drawn


def _bar(axis: Axis, bar: Bar, y: int) -> Markup:
    start = axis.percent(bar.start)
    end = 100.0 if bar.end is None else axis.percent(bar.end)
    width = max(0.8, end - start)
    attributes = {
        "class": f"tl-bar tl-{bar.status}",
        "x": _pct(min(start, 100 - width)),
        "y": str(y),
        "width": _pct(width),
        "height": str(_BAR),
    }
    until = "not ended" if bar.end is None else f"to {clock(bar.end)}"
    tip = f"{plural(bar.alerts, 'alert')} {bar.status}, {clock(bar.start)} {until} UTC"
    return _tag("rect", attributes, _tag("title", {}, tip))


def _beside(name: str, x: float, y: int, label: str) -> Markup:
    """A label on the side of `x` that has more room."""
    right = x <= 50
    return _text(name, _pct(x), y, shorten(label, _LABEL), "start" if right else "end", 6 if right else -6)


def _text(name: str, x: str, y: int, text: str, anchor: str = "start", dx: int = 0) -> Markup:
    attributes = {"class": name, "x": x, "y": str(y), "text-anchor": anchor}
    return _tag("text", attributes | ({"dx": str(dx)} if dx else {}), text)


def _line(name: str, x: str, y1: int, y2: int) -> Markup:
    return _tag("line", {"class": name, "x1": x, "x2": x, "y1": str(y1), "y2": str(y2)})


def _pct(value: float) -> str:
    return f"{value:.2f}%"


def _tag(name: str, attributes: dict[str, str], body: str | Markup = "") -> Markup:
    """One element; texts are cleaned and escaped, Markup is taken as it is."""
    written = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, escape(harmless(body)))
