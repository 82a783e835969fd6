"""Why, in a terminal: who was paged and for which reason, why so severe, what joins the alerts, where it
began, what it nearly joined, what changed.

The words come from the server or the journal; what is foreign in them goes through `one_line`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from core.explain_words import FLAGS, missed_by
from core.model.document import Document
from core.narrative.plain import one_line
from core.narrative.why import clock, links_of
from watchkeeper.cli.ask import answers
from watchkeeper.cli.output import print_json
from watchkeeper.cli.show import suppressed_line

_DEPTH, _CHILDREN, _FIRINGS, _PAGES = 3, 14, 5, 12
_QUESTIONS = (
    ("told", "Why were people paged?"),
    ("severity", "Why is it so severe?"),
    ("joined", "What joins its alerts?"),
    ("origin", "Where did it begin?"),
    ("nearly", "What did it nearly join?"),
    ("changed", "What changed?"),
)
# What is said behind the answer.
_MORE = {"told": "routed", "severity": "means"}
_NEARLY_NONE = "Nothing: no other incident began near it that rules could have joined, here or elsewhere."


def explain(name: str, data: Path | None, url: str | None, as_json: bool, why_not: str = "") -> None:
    document = answers(data, url).explain(name, why_not)
    if as_json:
        print_json(document)
        return
    lines = apart_lines(document) if why_not else explanation_lines(document)
    for line in lines:
        typer.echo(line)


def explanation_lines(document: Document) -> Iterator[str]:
    """Of what `explain` answers, for an incident or for an alert."""
    if "incident" in document:
        yield from _incident(document)
        return
    alerts = document["alerts"]
    earlier = document.get("earlier", 0) + max(0, len(alerts) - _FIRINGS)
    if earlier:
        yield f"It fired {earlier} time{'s' * (earlier != 1)} before these."
    for place, alert in enumerate(alerts[-_FIRINGS:]):
        yield from ([""] if place or earlier else [])
        yield from _alert(alert)


def _incident(document: Document) -> Iterator[str]:
    found = document["incident"]
    yield f"{found['id']}  {found['severity']}  {found['status']}  {one_line(found['title'])}"
    below = {"told": _pages, "joined": _joined, "origin": _terms, "nearly": _misses}
    paged = any(row["what"] == "paged" and row["detail"] for row in document["told"])
    for key, question in _QUESTIONS:
        yield f"\n{question if paged or key != 'told' else 'Why was nobody paged?'}"
        more = document["said"].get(_MORE.get(key, ""), ())
        for sentence in [*document["said"][key], *more] or [_NEARLY_NONE]:
            yield f"  {one_line(sentence, 500)}"
        if key in below:
            yield from below[key](document)


def _pages(document: Document) -> Iterator[str]:
    """Every page and every one not sent, where there is more than the sentences say."""
    if len(document["told"]) > 1:
        yield from _rows(document["told"])


def _rows(told: Sequence[Document]) -> Iterator[str]:
    if len(told) > _PAGES:
        yield f"    {len(told) - _PAGES} earlier ones are left out"
    for row in told[-_PAGES:]:
        yield f"    {row['at'][:19]}Z  {one_line(row['words'], 300)}"


def _joined(document: Document) -> Iterator[str]:
    links = links_of(document["incident"])
    if links is not None and len(links["children"]) > 1:
        yield from _branches(links["children"], 2)


def _terms(document: Document) -> Iterator[str]:
    origin = document["incident"]["origin"]
    if origin is not None:
        terms = ", ".join(f"{name} {worth}" for name, worth in origin["terms"].items())
        yield f"    score {origin['score']} of 1000: {terms}"


def _misses(document: Document) -> Iterator[str]:
    for miss in document["nearly_joined"] or ():
        yield f"    - {miss['incident']}: [{miss['why']['rule']}] {one_line(miss['why']['summary'], 300)}"
        yield f"        {one_line(miss['words'], 300)}"


def _alert(alert: Document) -> Iterator[str]:
    name = one_line(alert["name"]) or "Unnamed alert"
    service = one_line(alert["service"]) or "no known service"
    since = clock(alert["starts_at"])
    yield f"{name} of {service} [{one_line(alert['fingerprint'], 80)}], {alert['status']}, began {since}"
    for flag in alert.get("flags", ()):
        yield f"  It {FLAGS.get(flag) or one_line(flag, 60)}."
    yield f"  It is in {alert['incident']}, because:"
    yield from _branches(alert["joined"], 2)
    if alert["suppressed"]:
        yield "  What fires pages nobody for now:"
        yield from (f"    {suppressed_line(by)}" for by in alert["suppressed"])
    yield "  Who was told of its incident:"
    yield from _rows(alert["told"])
    if not alert["told"]:
        yield "    Nobody so far."
    yield f"  Severity {one_line(alert['severity']['summary'], 200)}"
    if alert["nearly_joined"]:
        yield "  What it nearly joined:"
    for miss in alert["nearly_joined"]:
        yield f"    - {miss['incident']}: {one_line(missed_by(miss['why']), 300)}"


def apart_lines(document: Document) -> Iterator[str]:
    yield one_line(document["words"], 600)
    if document["why"] is not None:
        yield from _branches([document["why"]], 1)


def _branches(nodes: Sequence[Document], indent: int, depth: int = 1) -> Iterator[str]:
    """Nodes of a why-tree; below `_DEPTH` and after `_CHILDREN` it says how many more there are."""
    for node in nodes[:_CHILDREN]:
        yield f"{'  ' * indent}{_node(node)}"
        if depth < _DEPTH:
            yield from _branches(node["children"], indent + 1, depth + 1)
        elif node["children"]:
            yield f"{'  ' * (indent + 1)}and {len(node['children'])} more below"
    if len(nodes) > _CHILDREN:
        yield f"{'  ' * indent}and {len(nodes) - _CHILDREN} more"


def _node(node: Document) -> str:
    if "more" in node["terms"]:
        return one_line(node["summary"], 100)
    hint = one_line(node["hint"], 300)
    rule = "" if node["rule"] == "links" else f"[{one_line(node['rule'], 60)}] "
    said = f"{'+' if node['counted'] else '-'} {rule}{one_line(node['summary'], 300)}"
    if not hint:
        return said
    return f"{said}  ({hint})" if node["counted"] else f"{said}  (did not count: {hint})"
