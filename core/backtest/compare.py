"""`compare`: what two replays of the same records have in common, and what not.

It takes replay documents as they are and decides nothing anew. Of documents without `since` and `until` all
is compared; else the groups in which an incident opened in that time, with all their pages.
"""

from __future__ import annotations

from core.backtest import properties
from core.backtest.groups import Group, Held, groups
from core.backtest.links import links
from core.backtest.model import GROUP_KINDS, Brief, Comparison, GroupExample, Span, Tally
from core.backtest.page_counts import page_counts
from core.backtest.pages import Page, matched, pages_of
from core.model.document import Document

# Pages by incident, before and after.
Paged = tuple[dict[str, list[Page]], dict[str, list[Page]]]
SHOWN = 10
_SPANS = 300
_BRIEFS = 40


def compare(
    before: Document, after: Document, *, since: str = "", until: str = "", shown: int = SHOWN
) -> Comparison:
    """`since` and `until` are RFC 3339 texts as the documents hold them; `shown` examples of each kind."""
    chosen = [
        group
        for group in groups(before["incidents"], after["incidents"])
        if any(_inside(one, since, until) for one in (*group.before, *group.after))
    ]
    sides = (_by_id(before), _by_id(after))
    paged = (pages_of(before), pages_of(after))
    rows = [(group, one) for group in chosen for one in matched(group, *paged)]
    pairs = [
        (sides[0][mine], sides[1][theirs])
        for group in chosen
        for mine, theirs in sorted(group.counterparts.items(), key=lambda pair: _opened(sides[0][pair[0]]))
    ]
    return Comparison(
        since=since,
        until=until,
        incidents={
            "before": sum(len(group.before) for group in chosen),
            "after": sum(len(group.after) for group in chosen),
        },
        alerts=_alerts(chosen),
        groups={kind: _tally(chosen, kind) for kind in GROUP_KINDS},
        examples={
            kind: _examples([one for one in chosen if one.kind == kind], paged, shown)
            for kind in GROUP_KINDS
            if kind != "same"
        },
        pages=page_counts(rows, sides, shown),
        severities=properties.severities(pairs, shown),
        origins=properties.origins(pairs, shown),
        endings=properties.endings(pairs, shown),
        findings=properties.findings(pairs, shown),
    )


def _inside(incident: Document, since: str, until: str) -> bool:
    return since <= incident["opened_at"] and (not until or incident["opened_at"] < until)


def _by_id(document: Document) -> dict[str, Document]:
    return {incident["id"]: incident for incident in document["incidents"]}


def _opened(incident: Document) -> tuple[str, str]:
    return (incident["opened_at"], incident["id"])


def _alerts(chosen: list[Group]) -> dict[str, int]:
    held = [one for group in chosen for one in group.held]
    return {
        "before": sum(bool(one.before) for one in held),
        "after": sum(bool(one.after) for one in held),
        "moved": sum(len(group.moved) for group in chosen),
        "only_before": sum(not one.after for one in held),
        "only_after": sum(not one.before for one in held),
    }


def _tally(chosen: list[Group], kind: str) -> Tally:
    found = [group for group in chosen if group.kind == kind]
    return Tally(len(found), sum(len(one.before) for one in found), sum(len(one.after) for one in found))


def _examples(found: list[Group], paged: Paged, shown: int) -> tuple[GroupExample, ...]:
    """Those that moved most alerts first, then the largest; ties in order of opening."""
    ranked = sorted(found, key=lambda group: (-len(group.moved), -len(group.held)))
    return tuple(_example(group, paged) for group in ranked[:shown])


def _example(group: Group, paged: Paged) -> GroupExample:
    return GroupExample(
        kind=group.kind,
        before=tuple(_brief(one, paged[0]) for one in group.before[:_BRIEFS]),
        after=tuple(_brief(one, paged[1]) for one in group.after[:_BRIEFS]),
        moved=len(group.moved),
        why=links(group),
        spans=tuple(_span(one) for one in group.held[:_SPANS]),
    )


def _brief(incident: Document, paged: dict[str, list[Page]]) -> Brief:
    services = tuple(dict.fromkeys(row["service"] for row in incident["services"]))
    return Brief(
        incident["id"],
        incident["title"],
        incident["severity"],
        incident["opened_at"],
        services,
        len(incident["alerts"]),
        len(paged.get(incident["id"], ())),
    )


def _span(one: Held) -> Span:
    row = one.row
    ended = row["ends_at"] or ""
    return Span(row["name"], row["service"], row["starts_at"], ended, one.before, one.after)
