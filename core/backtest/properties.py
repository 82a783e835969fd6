"""What differs between an incident and its counterpart: severity, origin, end, findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from core.backtest.model import Differing, Properties
from core.backtest.pages import MOVED
from core.backtest.words import origin_words, severity_words
from core.findings import dependency_edge, probable_origin, same_entity
from core.model.document import Document
from core.times import parse_rfc3339

Pair = tuple[Document, Document]
_ORIGIN = ("service", "environment", "cluster")
_TOLD = frozenset({same_entity.kind, dependency_edge.kind, probable_origin.kind})


class Found(NamedTuple):
    """`change` is what is counted."""

    change: str
    differing: Differing


def severities(pairs: list[Pair], shown: int) -> Properties:
    return _properties(
        [
            _found("severity", pair, pair[0]["severity"], pair[1]["severity"], severity_words(*pair))
            for pair in pairs
            if pair[0]["severity"] != pair[1]["severity"]
        ],
        shown,
    )


def origins(pairs: list[Pair], shown: int) -> Properties:
    return _properties(
        [
            _found("origin", pair, _service(pair[0]), _service(pair[1]), origin_words(*pair))
            for pair in pairs
            if _origin(pair[0]) != _origin(pair[1])
        ],
        shown,
    )


def endings(pairs: list[Pair], shown: int) -> Properties:
    """Resolutions that come earlier or later, or on one side only."""
    found = []
    for before, after in pairs:
        mine, theirs = before["resolved_at"], after["resolved_at"]
        change = _moved(mine, theirs)
        if change:
            differing = _differing("end", (before, after), mine or "not over", theirs or "not over", "")
            found.append(Found(change, differing))
    return _properties(found, shown)


def findings(pairs: list[Pair], shown: int) -> Properties:
    """Findings that are there on one side only, but for those that grouping and origin tell already."""
    return _properties([found for pair in pairs for found in _findings(pair)], shown)


def _moved(mine: str | None, theirs: str | None) -> str:
    if mine is None or theirs is None:
        return "" if mine == theirs else "resolved only after" if mine is None else "resolved only before"
    by = parse_rfc3339(theirs) - parse_rfc3339(mine)
    return "" if abs(by) <= MOVED else "later" if by > 0 else "earlier"


def _findings(pair: Pair) -> Iterator[Found]:
    mine, theirs = (
        {(f["kind"], f["subject"]): f for f in side["findings"] if f["kind"] not in _TOLD} for side in pair
    )
    for key in sorted(mine.keys() ^ theirs.keys()):
        gone = key in mine
        finding = mine[key] if gone else theirs[key]
        summary = finding["summary"]
        before, after = (summary, "") if gone else ("", summary)
        sign = "gone" if gone else "new"
        yield Found(f"{key[0]} {sign}", _differing(key[0], pair, before, after, finding["why"]["hint"]))


def _found(what: str, pair: Pair, before: str, after: str, why: str) -> Found:
    return Found(f"{before} > {after}", _differing(what, pair, before, after, why))


def _differing(what: str, pair: Pair, before: str, after: str, why: str) -> Differing:
    mine, theirs = pair
    return Differing(what, mine["id"], theirs["id"], mine["title"], before, after, why)


def _origin(incident: Document) -> tuple[str, ...]:
    origin = incident["origin"]
    return tuple(origin[key] for key in _ORIGIN) if origin else ()


def _service(incident: Document) -> str:
    return str(incident["origin"]["service"]) if incident["origin"] else "unknown"


def _properties(found: list[Found], shown: int) -> Properties:
    """The commonest change first, with at least one example of each as far as there is room."""
    counts = Counter(one.change for one in found)
    order = {change: place for place, (change, _) in enumerate(_commonest(counts))}
    nth: Counter[str] = Counter()
    ranked = []
    for one in found:
        ranked.append((nth[one.change], order[one.change], one.differing))
        nth[one.change] += 1
    ranked.sort(key=lambda row: row[:2])
    return Properties(dict(_commonest(counts)), tuple(row[2] for row in ranked[:shown]))


def _commonest(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))
