"""Why-trees made ready to be shown: terms in words, evidence by name, long branches cut with a count.

What did not count stays in the tree with its hint: that is what the tree is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from core.model.document import Document
from watchkeeper.console.evidence import RULE_WORDS, Ref, refs
from watchkeeper.console.text import score, shorten, term, words

_DEPTH, _CHILDREN, _EVIDENCE, _TERMS = 8, 40, 6, 12


class Node(NamedTuple):
    rule: str
    summary: str
    counted: bool
    hint: str
    terms: list[tuple[str, str]]
    evidence: list[Ref]
    more_evidence: int
    children: list[Node]
    more_children: int


class Finding(NamedTuple):
    kind: str
    summary: str
    score: str
    anchor: str
    why: Node


def finding(document: Document, names: Mapping[str, Ref]) -> Finding:
    kind = document["kind"]
    return Finding(
        RULE_WORDS.get(kind, words(kind).capitalize()),
        shorten(document["summary"], 400),
        score(document["confidence"]),
        document["id"],
        node(document["why"], names),
    )


def node(why: Document, names: Mapping[str, Ref], depth: int = 0) -> Node:
    children = why["children"] if depth < _DEPTH else []
    evidence = why["evidence"]
    return Node(
        RULE_WORDS.get(why["rule"], words(why["rule"]).capitalize()),
        shorten(why["summary"], 400),
        bool(why["counted"]),
        shorten(why["hint"], 300),
        [term(name, value) for name, value in list(why["terms"].items())[:_TERMS]],
        refs(evidence[:_EVIDENCE], names),
        max(0, len(evidence) - _EVIDENCE),
        [node(child, names, depth + 1) for child in children[:_CHILDREN]],
        max(0, len(why["children"]) - len(children[:_CHILDREN])),
    )


def did_not_count(tree: Node) -> Iterator[Node]:
    """The highest nodes that did not count, from the top: enough to see what was looked at in vain."""
    for child in tree.children:
        if child.counted:
            yield from did_not_count(child)
        else:
            yield child
