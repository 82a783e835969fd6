"""The list of incidents: what needs somebody comes first, over all that are open, however many.

By need: what is open by severity, then by who has it, the newest first; then what is over, newest first. A
cursor is a place in that order, so that on going through the pages nothing that stays as it is comes twice
or is left out. A cursor of before, of a list that was newest first, goes on so.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from typing import Any, Literal, NamedTuple, get_args

from core.document import incident_summary, summary_of
from core.errors import InputError
from core.model.document import Document
from core.model.incident import OPEN, SEVERITIES, Incident, IncidentStatus
from core.narrative.plain import one_line
from core.ports import Projection
from core.replay import Fold
from core.storm import burst, burst_json
from core.times import format_rfc3339, parse_rfc3339

Order = Literal["need", "newest"]
ORDERS: tuple[Order, ...] = get_args(Order)
STATUSES = (*get_args(IncidentStatus), "open")
MOST = 500
_URGENCY = {"triggered": 0, "acknowledged": 1, "mitigated": 2}
Rank = tuple[int, str, int]
_SAME: Rank = (0, "", 0)
_OVER: Rank = (1, "", 0)


class Place(NamedTuple):
    """After which row a page begins; of one rank the newest come first. `opened_at` is RFC 3339."""

    rank: Rank
    opened_at: str
    id: str


class Asked(NamedTuple):
    """A page of the list. `status` None is all, `after` None the beginning."""

    status: str | None
    after: Place | None
    order: Order
    limit: int

    def rank(self, status: str, severity: str) -> Rank:
        if self.order == "newest":
            return _SAME
        return (0, severity, _URGENCY[status]) if status in OPEN else _OVER

    @property
    def over(self) -> bool:
        """Whether what has left memory may be among it."""
        return self.status != "open" and self.status not in OPEN


class InMemory(NamedTuple):
    """What the engine has of a page: one row more than fits, where there are more; documents that are about
    to leave it; how many there are, and how it stands with all that is open."""

    rows: list[Document]
    leaving: list[Document]
    total: int
    open: Document
    storm: Document | None


def asked(status: str | None, cursor: str | None, limit: int, order: str = "need") -> Asked:
    """Raises InputError for what does not exist, or a broken cursor."""
    check_status(status)
    if order not in ORDERS:
        what = f"unknown order {one_line(order, 40)!r}"
        raise InputError(what, where="order", mend=f"Use {' or '.join(ORDERS)}")
    after = _decoded(cursor) if cursor else None
    if after is not None:
        order = "newest" if after.rank == _SAME else "need"
    return Asked(status, after, order, max(1, min(limit, MOST)))  # type: ignore[arg-type]


def check_status(status: str | None) -> None:
    """Raises InputError for one that does not exist."""
    if status not in (None, *STATUSES):
        what = f"unknown status {one_line(status or '', 40)!r}"
        raise InputError(what, where="status", mend=f"Use {', '.join(STATUSES)}")


def in_memory(fold: Fold, page: Asked) -> InMemory:
    """Call it while the state stands still."""
    world = fold.engine.world
    live = [one for one in world.state.incidents.values() if _has(one.status, page.status)]
    found = [one for one in live if _comes(page, one)]
    found.sort(key=lambda one: (one.opened_at, one.id), reverse=True)
    found.sort(key=lambda one: page.rank(one.status, one.severity))
    return InMemory(
        [incident_summary(world, one) for one in found[: page.limit + 1]],
        [one for one in fold.forgotten if _has(one["status"], page.status)] if page.over else [],
        len(live),
        _standing(fold),
        burst_json(burst(world)),
    )


def whole(memory: InMemory, page: Asked, projection: Projection | None) -> Document:
    """The page: `incidents`, `next_cursor`, `total` under this filter, `open` (all that is), and `storm`."""
    rows, total = list(memory.rows), memory.total + len(memory.leaving)
    if page.over:
        before = _before(page)
        past = {}
        if projection is not None:
            past = {one["id"]: one for one in projection.page(page.status, before, page.limit + 1)}
            total += projection.count(page.status, [one["id"] for one in memory.leaving])
        past |= {
            one["id"]: one
            for one in memory.leaving
            if before is None or (one["opened_at"], one["id"]) < before
        }
        rows += [summary_of(one) for one in past.values()]
        rows.sort(key=lambda row: (row["opened_at"], row["id"]), reverse=True)
        rows.sort(key=lambda row: page.rank(row["status"], row["severity"]))
    more, rows = len(rows) > page.limit, rows[: page.limit]
    return {
        "incidents": rows,
        "next_cursor": _encoded(page, rows[-1]) if more else None,
        "total": total,
        "open": memory.open,
        "storm": memory.storm,
    }


def _standing(fold: Fold) -> Document:
    found = [one for one in fold.engine.state.incidents.values() if one.status in OPEN]
    counts = Counter(one.severity for one in found)
    return {
        "total": len(found),
        "unacknowledged": sum(one.status == "triggered" for one in found),
        "severities": {severity: counts[severity] for severity in SEVERITIES},
    }


def _has(status: str, wanted: str | None) -> bool:
    return wanted is None or status == wanted or (wanted == "open" and status in OPEN)


def _comes(page: Asked, one: Incident) -> bool:
    if page.after is None:
        return True
    rank = page.rank(one.status, one.severity)
    if rank != page.after.rank:
        return rank > page.after.rank
    return (format_rfc3339(one.opened_at), one.id) < page.after[1:]


def _before(page: Asked) -> tuple[str, str] | None:
    """Where what is over goes on."""
    if page.after is None or page.after.rank != page.rank("closed", ""):
        return None
    return page.after.opened_at, page.after.id


def _encoded(page: Asked, row: dict[str, Any]) -> str:
    parts = [row["opened_at"], row["id"]]
    if page.order == "need":
        parts += [str(part) for part in page.rank(row["status"], row["severity"])]
    return base64.urlsafe_b64encode(" ".join(parts).encode()).decode()


def _decoded(cursor: str) -> Place:
    try:
        parts = base64.b64decode(cursor.encode(), b"-_", validate=True).decode().split(" ")
        parse_rfc3339(parts[0])
        # Of two parts it is of a list that is newest first.
        rank = (int(parts[2]), parts[3], int(parts[4])) if len(parts) == 5 else _SAME
        known = len(parts) in (2, 5) and bool(parts[1])
    except (ValueError, IndexError, binascii.Error):
        known = False
    if not known:
        mend = "Take `next_cursor` of the page before, or leave it out"
        raise InputError("broken", where="cursor", mend=mend)
    return Place(rank, parts[0], parts[1])
