"""What a backtest says of a page or a property that differs: sentences from what the two documents hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.backtest.groups import Group, Held
from core.backtest.pages import Matched
from core.model.document import Document
from core.times import format_rfc3339

# What the history says of a page that was not sent.
NOT_PAGED = "not_paged"
_SHOWN = 3


def page_words(
    one: Matched, group: Group, sides: tuple[Mapping[str, Document], Mapping[str, Document]]
) -> str:
    """`sides`: incidents by id, before and after."""
    before = sides[0].get(one.before.incident) if one.before else None
    after = sides[1].get(one.after.incident) if one.after else None
    match one.kind:
        case "lost":
            return _lost(one, group, before, sides[1])
        case "saved" | "receiver" if before and after and one.after:
            if group.counterparts.get(before["id"]) == after["id"] and one.kind == "receiver":
                return origin_words(before, after)
            return (
                f"its alerts are told by {after['id']} at {format_rfc3339(one.after.at)} ({one.after.reason})"
            )
        case "earlier" | "later" if before and after:
            return severity_words(before, after) or f"{after['id']} opened at {after['opened_at']}"
        case "extra" if after:
            return _extra(after, group, sides[0])
        case _:
            return ""


def severity_words(before: Document, after: Document) -> str:
    """Empty where nothing of it differs."""
    mine, theirs = (f"{one['severity']} ({one['severity_reason']})" for one in (before, after))
    return "" if mine == theirs else f"severity {mine} before, {theirs} after"


def origin_words(before: Document, after: Document) -> str:
    return f"origin {_origin(before)} before, {_origin(after)} after"


def _origin(incident: Document) -> str:
    origin = incident["origin"]
    if origin is None:
        return "unknown"
    terms = ", ".join(f"{name} {value}" for name, value in origin["terms"].items())
    return f"{origin['service']} (score {origin['score']}: {terms})"


def _lost(one: Matched, group: Group, before: Document | None, after: Mapping[str, Document]) -> str:
    if one.after is not None:
        return "no route names a receiver for it"
    mine = [held for held in group.held if before is not None and held.before == before["id"]]
    reasons = list(dict.fromkeys(_silences(mine, after)))
    return "; ".join(reasons[:_SHOWN]) + (
        f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    )


def _silences(held: list[Held], after: Mapping[str, Document]) -> Iterator[str]:
    """Why the incidents that hold the alerts say nothing."""
    for one in held:
        incident = after.get(one.after)
        if incident is None:
            yield f"{one.row['name']} is in no incident"
            continue
        moments = [row for row in incident["history"] if row["what"] == NOT_PAGED]
        if moments:
            detail = f": {moments[-1]['detail']}" if moments[-1]["detail"] else ""
            yield f"{incident['id']} was not paged: {moments[-1]['reason']}{detail}"
        else:
            yield f"{incident['id']} is {incident['severity']} and was not paged"


def _extra(after: Document, group: Group, before: Mapping[str, Document]) -> str:
    mine = [name for name, other in group.counterparts.items() if other == after["id"]]
    if not mine:
        return f"{after['id']} is an incident of its own"
    return severity_words(before[mine[0]], after)
