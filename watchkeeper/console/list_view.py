"""What the list of incidents shows: its rows, its filters, and what to do when there is nothing yet."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

from core.model.document import Document
from core.narrative.page import titled
from watchkeeper.console.clocks import Stamp, lasted, stamp
from watchkeeper.console.due import Due, due
from watchkeeper.console.text import plural, shorten

LIMIT = 100
# What a filter is called in the address, on the page, and to Watch.
FILTERS: tuple[tuple[str, str, str | None], ...] = (
    ("open", "Open", "open"),
    ("resolved", "Resolved", "resolved"),
    ("closed", "Closed", "closed"),
    ("all", "All", None),
)
_SERVICES = 6
_OVER, _OPEN_FILTERS = ("resolved", "closed"), ("open", "all")
_NONE_OPEN: Document = {"total": 0, "severities": {}, "unacknowledged": 0}
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}", re.ASCII)


class Row(NamedTuple):
    id: str
    title: str
    severity: str
    status: str
    acknowledged_by: str
    started: Stamp | None
    resolved: Stamp | None
    lasted: str
    alerts: str
    services: str
    origin: str
    merged: int
    seen_before: bool
    due: list[Due]


def status_of(name: str) -> str | None:
    """What Watch calls a filter; other statuses pass, for Watch to judge."""
    return next((status for key, _, status in FILTERS if key == name), name)


def list_view(page: Document, name: str, cursor: str | None, now: int) -> dict[str, Any]:
    """The template's variables. What needs somebody comes first, on the first page and over all of them."""
    incidents, standing = page["incidents"], page.get("open") or _NONE_OPEN
    of_open = name in _OPEN_FILTERS
    return {
        "rows": [_row(row, now) for row in incidents],
        "filters": [(list_link(key), label, key == name) for key, label, _ in FILTERS],
        "next_link": list_link(name, page["next_cursor"]) if page["next_cursor"] else None,
        "first_link": list_link(name),
        "first_page": cursor is None,
        "by_need": name not in _OVER,
        "severities": _severities(standing, name) if of_open else "",
        "waiting": standing["unacknowledged"] if of_open else 0,
        "heading": _heading(page.get("total", len(incidents)), len(incidents), name),
        "storm": shorten((page.get("storm") or {"text": ""})["text"], 300),
    }


def said(view: dict[str, Any]) -> str:
    """Where the list stands, in the one short sentence that is read out when it changes."""
    first = next((row for row in view["rows"] if row.status == "triggered"), None)
    waiting = f"; {view['waiting']} not acknowledged" if first else ""
    newest = f", first {first.severity} {shorten(first.title, 120)}" if first else ""
    return f"{view['heading']}{waiting}{newest}"


def _severities(standing: Document, name: str) -> str:
    """`: 1 P0, 130 P2`, of what is open; under other filters than that it says so."""
    by = ", ".join(f"{count:,} {key}" for key, count in standing["severities"].items() if count)
    if not by:
        return ""
    return f": {by}" if name == "open" else f"; {standing['total']:,} open: {by}"


def _heading(total: int, shown: int, name: str) -> str:
    kind = "" if name == "all" else f"{shorten(name, 40)} "
    return plural(total, f"{kind}incident") + (f" ({shown:,} on this page)" if shown < total else "")


def _row(row: Document, now: int) -> Row:
    names = list(dict.fromkeys(shorten(entity["service"], 60) for entity in row["services"]))
    more = f" and {len(names) - _SERVICES} more" if len(names) > _SERVICES else ""
    firing = f", {row['alerts_firing']:,} not resolved" if row["alerts_firing"] else ", all resolved"
    return Row(
        row["id"],
        shorten(titled(row), 300),
        row["severity"],
        row["status"],
        shorten(row["acknowledged_by"], 80),
        stamp(row["started_at"], now),
        stamp(row["resolved_at"], now),
        lasted(row["started_at"], row["resolved_at"]),
        plural(row["alerts_total"], "alert") + firing + _quiet(row, now),
        ", ".join(names[:_SERVICES]) + more,
        shorten(row["origin"]["service"], 80) if row["origin"] else "",
        len(row["merged_from"]),
        bool(row["recurrence_of"]),
        due(row, now)[:1],
    )


def _quiet(row: Document, now: int) -> str:
    """Where nobody is paged for now, or not for some of the alerts."""
    snoozed, held = stamp(row.get("snoozed_until"), now), row.get("alerts_suppressed", 0)
    if snoozed:
        return f", dismissed until {snoozed.shown} UTC"
    return f", {held:,} suppressed" if held else ""


def list_link(name: str, cursor: str | None = None, refresh: str | None = None) -> str:
    """The address of the list with a filter, a place in it, and whether it refreshes itself."""
    asked = {"status": name, "cursor": cursor, "refresh": refresh}
    return "/?" + urlencode({key: value for key, value in asked.items() if value})


def own_address(host: str, scheme: str) -> tuple[str, str]:
    """This server's address for copying into a configuration. The Host header is anybody's word: only what
    looks like a host gets into a command line."""
    known = host if _HOST.fullmatch(host) else "127.0.0.1:8080"
    return f"{'https' if scheme == 'https' else 'http'}://{known}", known
