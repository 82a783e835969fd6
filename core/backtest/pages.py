"""Which pages of two replays stand for each other, and what became of the others.

Inside a group a page is looked for at the counterpart of its incident: as it was, then with the same reason,
or kind of reason, to the same receiver, to any receiver, or to its receiver at the same moment; then anywhere
in the group, of that kind, receiver and moment. A page without another is

    saved     its alerts are told to its receiver all the same, in another page
    receiver  its alerts are told, to others
    lost      of some of its alerts nobody is told
    extra     it is there after only
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from core.backtest.groups import Group
from core.backtest.model import PageKind
from core.model.document import Document
from core.times import SECOND, parse_rfc3339

# A page that moves by less than this is the same page.
MOVED = 30 * SECOND


class Page(NamedTuple):
    """A notify decision. `incident` is the id that its incident goes by now."""

    id: str
    incident: str
    reason: str
    at: int
    receiver: str


class Matched(NamedTuple):
    """`untold` alerts are in no page after (of a lost page). `elsewhere`: `after` is the page of another
    that tells of it too, so it does not stand for this one."""

    kind: PageKind
    before: Page | None
    after: Page | None
    untold: int = 0
    elsewhere: bool = False

    @property
    def page(self) -> Page:
        """The page before, or else the one that is there after only."""
        page = self.before or self.after
        assert page is not None, "one of the two is there"
        return page


def pages_of(document: Document) -> dict[str, list[Page]]:
    """By incident, in order of time."""
    owner: dict[str, str] = {}
    for incident in document["incidents"]:
        owner |= dict.fromkeys((incident["id"], *incident["merged_from"]), incident["id"])
    found: dict[str, list[Page]] = {}
    for row in document["decisions"]:
        if row["kind"] == "notify" and row["subject"] in owner:
            name = owner[row["subject"]]
            page = Page(row["id"], name, row["reason"], parse_rfc3339(row["at"]), row["receiver"])
            found.setdefault(name, []).append(page)
    for pages in found.values():
        pages.sort(key=lambda page: (page.at, page.id))
    return found


def matched(group: Group, before: dict[str, list[Page]], after: dict[str, list[Page]]) -> list[Matched]:
    """Every page of the group once, in order of time."""
    left = [page for one in group.before for page in before.get(one["id"], ())]
    right = [page for one in group.after for page in after.get(one["id"], ())]
    found: list[Matched] = []
    for same in (_as_it_was, _reason_to, _kind_to, _reason, _kind_of_reason, _moment):
        pairs, left, right = _paired(left, right, same, group.counterparts)
        found += pairs
    pairs, left, right = _paired(left, right, _moment_and_kind, None)
    found += pairs
    told = _told(group, after)
    found += [_gone(page, told) for page in left]
    found += [Matched("extra", None, page) for page in right]
    return sorted(found, key=_when)


def _when(one: Matched) -> tuple[int, str]:
    return (one.page.at, one.page.id)


def _as_it_was(page: Page) -> tuple[Any, ...]:
    return (page.reason, page.receiver, page.at)


def _reason_to(page: Page) -> tuple[Any, ...]:
    return (page.reason, page.receiver)


def _kind_to(page: Page) -> tuple[Any, ...]:
    return (*_kind_of_reason(page), page.receiver)


def _reason(page: Page) -> tuple[Any, ...]:
    return (page.reason,)


def _kind_of_reason(page: Page) -> tuple[Any, ...]:
    return (page.reason.partition(":")[0],)


def _moment(page: Page) -> tuple[Any, ...]:
    """Told the same people at the same moment, for another reason."""
    return (page.receiver, page.at)


def _moment_and_kind(page: Page) -> tuple[Any, ...]:
    return (*_moment(page), *_kind_of_reason(page))


def _paired(
    left: list[Page],
    right: list[Page],
    same: Callable[[Page], tuple[Any, ...]],
    counterparts: dict[str, str] | None,
) -> tuple[list[Matched], list[Page], list[Page]]:
    """Pairs by `same`, first with first, and what is left over of each side. With `counterparts` only pages
    of counterparts are paired."""
    waiting: dict[tuple[Any, ...], deque[Page]] = {}
    for page in right:
        place = page.incident if counterparts is not None else None
        waiting.setdefault((place, *same(page)), deque()).append(page)
    pairs, rest = [], []
    for page in left:
        place = counterparts.get(page.incident, "") if counterparts is not None else None
        others = waiting.get((place, *same(page)))
        if others:
            pairs.append(_pair(page, others.popleft()))
        else:
            rest.append(page)
    unused = [page for others in waiting.values() for page in others]
    return pairs, rest, sorted(unused, key=lambda page: (page.at, page.id))


def _pair(before: Page, after: Page) -> Matched:
    if before.receiver and not after.receiver:
        return Matched("lost", before, after)
    if before.receiver != after.receiver:
        return Matched("receiver", before, after)
    if abs(after.at - before.at) <= MOVED:
        return Matched("same", before, after)
    return Matched("later" if after.at > before.at else "earlier", before, after)


def _told(group: Group, after: dict[str, list[Page]]) -> dict[str, list[list[Page]]]:
    """By incident of before: of each of its alerts, the pages that tell of it after."""
    found: dict[str, list[list[Page]]] = {}
    for one in group.held:
        if one.before:
            found.setdefault(one.before, []).append(after.get(one.after, []))
    return found


def _gone(page: Page, told: dict[str, list[list[Page]]]) -> Matched:
    rows = told.get(page.incident, [])
    heard = [[other for other in pages if other.receiver or not page.receiver] for pages in rows]
    untold = sum(not others for others in heard)
    if untold:
        return Matched("lost", page, None, untold)
    by = {other.receiver: other for other in _flat(heard)}
    if not by:
        return Matched("lost", page, None)
    if page.receiver not in by:
        first = min(by.values(), key=lambda other: (other.at, other.id))
        return Matched("receiver", page, first, elsewhere=True)
    return Matched("saved", page, by[page.receiver], elsewhere=True)


def _flat(rows: Iterable[list[Page]]) -> Iterable[Page]:
    """Latest first, so that a map of them keeps the earliest."""
    return sorted({page for row in rows for page in row}, key=lambda page: (page.at, page.id), reverse=True)
