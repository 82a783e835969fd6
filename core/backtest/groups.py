"""Which incidents of two replays stand for each other, found by the alerts that they share.

An alert is the same on both sides by its episode, or else by the place where it came in (line and index):
rules that change identity change episodes, not places. A *group* is a set of incidents that share alerts,
directly or by way of others. Inside it each incident has at most one *counterpart*: the one of the same id
(it opened with the same alert) where they share any, else the pair that shares most comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from core.backtest.model import GroupKind
from core.model.document import Document


class Held(NamedTuple):
    """An alert and who holds it: incident ids, "" for nobody."""

    row: Document
    before: str
    after: str
    # Of its episode on each side, to find it in why-trees.
    names: tuple[str, ...]


class Group(NamedTuple):
    """`counterparts` maps ids of `before` to ids of `after`. All in a stable order."""

    kind: GroupKind
    before: list[Document]
    after: list[Document]
    held: list[Held]
    counterparts: dict[str, str]

    @property
    def moved(self) -> list[Held]:
        """Alerts that are not in the counterpart of their incident."""
        return [
            one
            for one in self.held
            if one.before and one.after and self.counterparts.get(one.before) != one.after
        ]


def groups(before: list[Document], after: list[Document]) -> list[Group]:
    """In order of their first opening."""
    held = _held(before, after)
    parent: dict[tuple[str, str], tuple[str, str]] = {}
    for side, incidents in (("b", before), ("a", after)):
        parent |= {(side, one["id"]): (side, one["id"]) for one in incidents}
    for one in held:
        if one.before and one.after:
            _join(parent, ("b", one.before), ("a", one.after))
    for name in _empty(before) & _empty(after):
        _join(parent, ("b", name), ("a", name))
    alerts: dict[tuple[str, str], list[Held]] = {}
    for one in held:
        alerts.setdefault(_root(parent, _place(one)), []).append(one)
    members: dict[tuple[str, str], tuple[list[Document], list[Document]]] = {}
    for number, (side, incidents) in enumerate((("b", before), ("a", after))):
        for incident in sorted(incidents, key=_order):
            found = members.setdefault(_root(parent, (side, incident["id"])), ([], []))
            found[number].append(incident)
    made = [_group(*sides, alerts.get(root, [])) for root, sides in members.items()]
    return sorted(made, key=lambda group: _order((group.before or group.after)[0]))


def _empty(incidents: list[Document]) -> set[str]:
    """Ids of those that hold no alert: they stand for each other by name."""
    return {incident["id"] for incident in incidents if not incident["alerts"]}


def _order(incident: Document) -> tuple[str, str]:
    return (incident["opened_at"], incident["id"])


def _place(one: Held) -> tuple[str, str]:
    return ("b", one.before) if one.before else ("a", one.after)


def _held(before: list[Document], after: list[Document]) -> list[Held]:
    """Every alert of both sides once."""
    there = {row["episode"]: (incident["id"], row) for incident in after for row in incident["alerts"]}
    found: list[Held] = []
    unpaired: list[tuple[str, Document]] = []
    for incident in before:
        for row in incident["alerts"]:
            other = there.pop(row["episode"], None)
            if other is None:
                unpaired.append((incident["id"], row))
            else:
                found.append(Held(row, incident["id"], other[0], (row["episode"],)))
    places = {_came(row): (name, row) for name, row in there.values() if row["index"] >= 0}
    for name, row in unpaired:
        other = places.pop(_came(row), None) if row["index"] >= 0 else None
        if other is None:
            found.append(Held(row, name, "", (row["episode"],)))
        else:
            del there[other[1]["episode"]]
            found.append(Held(row, name, other[0], (row["episode"], other[1]["episode"])))
    found += [Held(row, "", name, (row["episode"],)) for name, row in there.values()]
    return sorted(found, key=lambda one: (one.row["starts_at"], one.row["episode"]))


def _came(row: Document) -> tuple[int, int]:
    return (row["line"], row["index"])


def _root(parent: dict[tuple[str, str], tuple[str, str]], node: tuple[str, str]) -> tuple[str, str]:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def _join(parent: dict[tuple[str, str], tuple[str, str]], a: tuple[str, str], b: tuple[str, str]) -> None:
    first, second = sorted((_root(parent, a), _root(parent, b)))
    parent[second] = first


def _group(before: list[Document], after: list[Document], held: list[Held]) -> Group:
    counterparts = _counterparts(before, after, held)
    return Group(_kind(before, after, held), before, after, held, counterparts)


def _kind(before: list[Document], after: list[Document], held: list[Held]) -> GroupKind:
    if not before or not after:
        return "gone" if before else "new"
    if len(before) == len(after) == 1:
        return "same" if all(one.before and one.after for one in held) else "changed"
    if len(after) == 1:
        return "merged"
    return "split" if len(before) == 1 else "changed"


def _counterparts(before: Iterable[Document], after: Iterable[Document], held: list[Held]) -> dict[str, str]:
    """Pairs of the same id first, then those that share most, then the earliest."""
    shared = Counter((one.before, one.after) for one in held if one.before and one.after)
    rank = {one["id"]: _order(one) for one in (*after, *before)}
    ordered = sorted(
        shared, key=lambda pair: (pair[0] != pair[1], -shared[pair], rank[pair[0]], rank[pair[1]])
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for mine, other in ordered:
        if mine not in found and other not in taken:
            found[mine] = other
            taken.add(other)
    return found
