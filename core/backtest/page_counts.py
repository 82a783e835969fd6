"""Pages of a backtest, counted by what became of them, by receiver and by day (UTC), with examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from core.backtest.groups import Group
from core.backtest.model import PAGE_KINDS, PageExample, Pages
from core.backtest.pages import Matched, Page
from core.backtest.words import page_words
from core.model.document import Document
from core.times import format_rfc3339

Row = tuple[Group, Matched]
Sides = tuple[dict[str, Document], dict[str, Document]]
_COUNTED = ("before", "after", *PAGE_KINDS[1:])
_DAY = 10


def page_counts(rows: list[Row], sides: Sides, shown: int) -> Pages:
    """`sides`: incidents by id, before and after."""
    receivers: dict[str, Counter[str]] = {}
    days: dict[str, Counter[str]] = {}
    for _, one in rows:
        _count(one, receivers, lambda page: page.receiver)
        _count(one, days, lambda page: format_rfc3339(page.at)[:_DAY])
    kinds = Counter(one.kind for _, one in rows)
    return Pages(
        before=sum(counts["before"] for counts in receivers.values()),
        after=sum(counts["after"] for counts in receivers.values()),
        counts={kind: kinds[kind] for kind in PAGE_KINDS},
        by_receiver=_tables(receivers),
        by_day=_tables(days),
        examples={kind: _examples(rows, kind, sides, shown) for kind in PAGE_KINDS[1:]},
    )


def _count(one: Matched, tables: dict[str, Counter[str]], key: Callable[[Page], str]) -> None:
    """A page counts where it was before; what is there after only, where it is."""
    if one.before is not None:
        tables.setdefault(key(one.before), Counter())["before"] += 1
    if one.after is not None and not one.elsewhere:
        tables.setdefault(key(one.after), Counter())["after"] += 1
    tables.setdefault(key(one.page), Counter())[one.kind] += 1


def _tables(found: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {name: {key: counts[key] for key in _COUNTED} for name, counts in sorted(found.items())}


def _examples(rows: list[Row], kind: str, sides: Sides, shown: int) -> tuple[PageExample, ...]:
    """Most untold alerts first, then those that move furthest; ties in order of time."""
    found = [row for row in rows if row[1].kind == kind]
    found.sort(key=lambda row: (-row[1].untold, -abs(_by(row[1]))))
    return tuple(_example(group, one, sides) for group, one in found[:shown])


def _by(one: Matched) -> int:
    return one.after.at - one.before.at if one.before and one.after else 0


def _example(group: Group, one: Matched, sides: Sides) -> PageExample:
    before, after = one.before, one.after
    told = sides[0 if before else 1][one.page.incident]
    return PageExample(
        kind=one.kind,
        reason=one.page.reason,
        incident_before=before.incident if before else "",
        incident_after=after.incident if after else "",
        title=told["title"],
        services=tuple(dict.fromkeys(row["service"] for row in told["services"])),
        at_before=format_rfc3339(before.at) if before else "",
        at_after=format_rfc3339(after.at) if after else "",
        receiver_before=before.receiver if before else "",
        receiver_after=after.receiver if after else "",
        by=0 if one.elsewhere else _by(one),
        why=page_words(one, group, sides),
    )
