"""Findings and why-trees: what a rule concluded, from which evidence, and what it looked at in vain."""

from __future__ import annotations

from typing import Any

import msgspec

Terms = dict[str, int | str]


class Why(msgspec.Struct, frozen=True):
    """A node of a why-tree. `counted` is False for what was considered and did not count; the `hint`
    then says which term failed. Evidence: episode ids and change ids."""

    rule: str
    summary: str
    counted: bool = True
    hint: str = ""
    terms: Terms = {}
    evidence: tuple[str, ...] = ()
    children: tuple[Why, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """`confidence` is in thousandths. `subject` is a service, an edge `caller>callee` or a change id."""

    id: str
    kind: str
    subject: str
    summary: str
    confidence: int
    evidence: tuple[str, ...]
    why: Why


def why_json(why: Why) -> dict[str, Any]:
    """The why-tree as plain JSON values, every node with the same keys."""
    return {
        "rule": why.rule,
        "summary": why.summary,
        "counted": why.counted,
        "hint": why.hint,
        "terms": dict(why.terms),
        "evidence": list(why.evidence),
        "children": [why_json(child) for child in why.children],
    }
