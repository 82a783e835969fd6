"""Why incidents were merged, split or left apart: the nodes of their why-trees that name the link.

Nothing is derived anew. A node says it when its evidence lies in two incidents of the other side: counted,
it is the link that is new or gone; not counted, it is the link that did not hold, with its hint. Where no
node says it, the incident's history tells when it grew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from core.backtest.groups import Group
from core.backtest.model import Link
from core.findings import RULES, dependency_edge, same_entity
from core.model.document import Document

Side = Literal["before", "after"]
# Findings that say something else than what joins alerts.
_NO_LINKS = frozenset(kind for kind, _ in RULES) - {same_entity.kind, dependency_edge.kind}
_SHOWN = 4
# Moments of a history by which an incident grows.
JOINED = {"merged": "was merged into", "service_joined": "joined"}


def link_nodes(why: Document | None) -> list[Document]:
    """The nodes under the root that tell what joins alerts."""
    return [child for child in why["children"] if child["rule"] not in _NO_LINKS] if why else []


def links(group: Group) -> tuple[Link, ...]:
    """One that joins each set of incidents of the other side, and one that did not; those that hold first."""
    before = {name: one.before for one in group.held for name in one.names}
    after = {name: one.after for one in group.held for name in one.names}
    sides: list[tuple[Side, list[Document], Mapping[str, str]]] = [
        ("after", group.after, before),
        ("before", group.before, after),
    ]
    found: list[tuple[tuple[bool, int], Side, frozenset[str], Document]] = []
    for side, incidents, owners in sides:
        for node in (node for incident in incidents for node in _nodes(incident["why"])):
            joined = frozenset(owners[name] for name in node["evidence"] if owners.get(name))
            if len(joined) > 1:
                # The tightest evidence names the link itself; wider nodes sum several up.
                found.append(((not node["counted"], len(node["evidence"])), side, joined, node))
    found.sort(key=lambda row: row[0])
    covered: dict[tuple[Side, bool], list[frozenset[str]]] = {}
    chosen: list[Link] = []
    for _, side, joined, node in found:
        sets = covered.setdefault((side, node["counted"]), [])
        if joined not in sets and not joined <= frozenset().union(*(one for one in sets if one < joined)):
            sets.append(joined)
            chosen.append(Link(side, node["rule"], node["summary"], node["counted"], node["hint"]))
    return tuple(chosen[:_SHOWN]) or tuple(_grown(group))[:_SHOWN]


def _grown(group: Group) -> Iterator[Link]:
    """How the incident that holds what is apart on the other side came to hold it, from its history."""
    sides: tuple[tuple[Side, list[Document], str], ...] = (
        ("after", group.after, "merged"),
        ("before", group.before, "split"),
    )
    for side, incidents, kind in sides:
        for incident in incidents if group.kind in (kind, "changed") else ():
            rows = [row for row in incident["history"] if row["what"] in JOINED]
            rows.sort(key=lambda row: list(JOINED).index(row["what"]))
            for row in rows:
                summary = f"{row['detail']} {JOINED[row['what']]} {incident['id']} at {row['at']}"
                yield Link(side, "history", summary, True, row["reason"])


def _nodes(why: Document | None) -> Iterator[Document]:
    """On links, in the order of the tree."""
    stack = list(reversed(link_nodes(why)))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node["children"]))
