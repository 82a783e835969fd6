"""The page of service level objectives: what is left of each error budget as a bar, and what that means.

Pictures are inline SVG made by pure functions from the API's documents: colours come from the stylesheet by
class, no style attribute, no script. What a bar shows stands beside it in words. Names are foreign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from core.decimals import percent
from core.model.document import Document
from core.slo_words import band_words, condition_words, goal_words, left_words, pace_words
from watchkeeper.console.clocks import Stamp, absolute, milliseconds, stamp
from watchkeeper.console.text import place, shorten

LIMIT = 200
_HEIGHT, _ON_INCIDENT = 16, 6


class Condition(NamedTuple):
    """`urgent`: it holds, or its alert has not ended."""

    text: str
    urgent: bool


class Row(NamedTuple):
    """`level` is `burning`, `low` (a band is reached), `fine` or `unknown`; `name` is the whole of what
    `service` shows."""

    name: str
    service: str
    domain: str
    place: str
    slo: str
    goal: str
    level: str
    left: str
    pace: str
    band: str
    conditions: list[Condition]
    told: Stamp | None
    stale: Stamp | None
    bar: Markup
    trend: Markup


def slos_view(found: Document, service: str | None, now: int) -> dict[str, Any]:
    """The template's variables."""
    rows = [row_view(row, now) for row in found["slos"]]
    return {
        "rows": rows,
        "more_rows": max(0, found["total"] - len(rows)),
        "of_service": None if service is None else shorten(service, 100),
        "burning": sum(row.level == "burning" for row in rows),
        "stale": sum(row.stale is not None for row in rows),
    }


def incident_budgets(document: Document, now: int) -> dict[str, Any]:
    """Of the incident's services; nothing for one that has left memory."""
    found = document.get("budgets", [])
    rows = [row_view(row, now) for row in found[:_ON_INCIDENT]]
    return {"budgets": rows, "more_budgets": max(0, len(found) - _ON_INCIDENT)}


def row_view(row: Document, now: int) -> Row:
    shown = [one for one in row["conditions"] if one["firing"] or one["holds"] or one["missing_ms"]]
    return Row(
        row["service"],
        shorten(row["service"], 100),
        "" if row["domain"] == "default" else shorten(row["domain"], 64),
        place(row),
        shorten(row["slo"], 100),
        goal_words(row),
        _level(row),
        left_words(row),
        pace_words(row),
        band_words(row),
        [Condition(condition_words(one), one["firing"] or one["holds"]) for one in shown],
        stamp(row["told_at"], now),
        stamp(row["stale_since"], now),
        bar_svg(row["left"], [band["spent"] for band in row["bands"]], _level(row)),
        trend_svg(row.get("history", ()), now),
    )


def _level(row: Document) -> str:
    if any(one["firing"] for one in row["conditions"]):
        return "burning"
    if row["left"] is None:
        return "unknown"
    return "low" if any(band["reached"] for band in row["bands"]) else "fine"


def bar_svg(left: int | None, bands: Sequence[int], level: str) -> Markup:
    """What is left, from the left; a tick where each band begins."""
    said = "What is left is not known" if left is None else f"{percent(left)} of the error budget is left"
    drawn = [Markup('<rect class="bar-back" width="100%" height="{}"></rect>').format(_HEIGHT)]
    if left is not None:
        fill = Markup('<rect class="slo-{}" width="{}%" height="{}"></rect>')
        drawn.append(fill.format(level, _tenths(left), _HEIGHT))
    tick = Markup('<line class="slo-tick" x1="{0}%" x2="{0}%" y1="0" y2="{1}"></line>')
    drawn += [tick.format(_tenths(1_000 - spent), _HEIGHT) for spent in bands if 0 < spent < 1_000]
    body = Markup("").join(drawn)
    return Markup('<svg class="slo-bar" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        _HEIGHT, said, body
    )


def trend_svg(history: Sequence[Document], now: int) -> Markup:
    """What was left over the last times told, as a line; nothing for fewer than two."""
    points = [(at, one["spent"]) for one in history if (at := milliseconds(one["at"])) is not None]
    if len(points) < 2:
        return Markup("")
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)
    line = " ".join(
        f"{100 * (at - first) / (last - first):.2f},{min(spent, 1_000) / 10:.1f}" for at, spent in points
    )
    ends = [absolute(points[0][0], now), absolute(points[-1][0], now)]
    said = (
        f"From {ends[0]} to {ends[1]}: {percent(points[0][1])} of the budget was spent,"
        f" then {percent(points[-1][1])}"
    )
    return Markup(
        '<svg class="slo-trend" viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="60"'
        ' role="img" aria-label="{}"><polyline class="slo-line" points="{}"></polyline></svg>'
    ).format(said, line)


def _tenths(thousandths: int) -> str:
    return f"{thousandths / 10:.1f}"
