"""A backtest as one HTML page: no script, nothing from elsewhere, everything foreign escaped."""

from __future__ import annotations

from typing import Any, NamedTuple

from core.backtest.model import GroupExample, PageExample
from core.narrative.plain import one_line
from core.times import spoken
from watchkeeper.cli.backtest_picture import LABEL, RIGHT, WIDTH, Picture, picture
from watchkeeper.cli.backtest_report import Report
from watchkeeper.cli.backtest_text import GROUPS, PAGES, PROPERTIES, property_rows
from watchkeeper.console.pages import Pages
from watchkeeper.version import VERSION

_PICTURES = 5
_DAYS = 62


class Row(NamedTuple):
    """Of the summary; `part` rows are parts of the one above. None stays empty."""

    words: str
    before: int | None
    after: int | None
    part: bool = False


class Drawn(NamedTuple):
    example: GroupExample
    picture: Picture | None


def page(report: Report) -> str:
    """The whole document."""
    comparison = report.comparison
    return Pages().render(
        "backtest.html",
        {
            "report": report,
            "comparison": comparison,
            "version": VERSION,
            "rows": _rows(report),
            "groups": [_group(report, kind, words) for kind, words in GROUPS.items()],
            "page_groups": [
                (kind, words, comparison.pages.counts[kind], comparison.pages.examples[kind])
                for kind, words in PAGES.items()
            ],
            "properties": [(words, getattr(comparison, key)) for key, words in PROPERTIES.items()],
            "page_words": _page_words,
            "days": list(comparison.pages.by_day.items())[-_DAYS:],
            "geometry": {"width": WIDTH, "label": LABEL, "right": RIGHT},
            "one_line": one_line,
        },
    )


def _group(report: Report, kind: str, words: str) -> tuple[str, str, int, list[Drawn]]:
    """The largest of those that regroup alerts are drawn."""
    examples = report.comparison.examples[kind]
    drawn = [
        Drawn(one, picture(one) if place < _PICTURES and kind not in ("new", "gone") else None)
        for place, one in enumerate(examples)
    ]
    return kind, words, report.comparison.groups[kind].groups, drawn


def _rows(report: Report) -> list[Row]:
    comparison = report.comparison
    rows = [Row("Incidents", comparison.incidents["before"], comparison.incidents["after"])]
    for kind, words in (("same", "the same"), *GROUPS.items()):
        tally = comparison.groups[kind]
        if tally.groups:
            rows.append(Row(words, tally.before, tally.after, True))
    rows.append(Row("Alerts", comparison.alerts["before"], comparison.alerts["after"]))
    if comparison.alerts["moved"]:
        rows.append(Row("in another incident", None, comparison.alerts["moved"], True))
    rows.append(Row("Pages", comparison.pages.before, comparison.pages.after))
    for kind, words in PAGES.items():
        count = comparison.pages.counts[kind]
        if count:
            gone = kind in ("lost", "saved")
            rows.append(Row(words, count if gone else None, None if gone else count, True))
    return rows + [Row(words, None, count, True) for words, count in property_rows(comparison)]


def _page_words(example: PageExample) -> dict[str, Any]:
    moved = f"{spoken(example.by)} {example.kind}" if example.kind in ("later", "earlier") else ""
    return {
        "at": example.at_before or example.at_after,
        "incident": example.incident_before or example.incident_after,
        "to": example.receiver_before if example.at_before else example.receiver_after,
        "moved": f"now to {example.receiver_after or 'no receiver'}" if example.kind == "receiver" else moved,
    }
