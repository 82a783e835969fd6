"""What a backtest's report says beside the comparison: what was compared, what is not known; and what a
build may fail on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from core.backtest import Comparison
from core.backtest.side import Notes
from core.errors import InputError
from core.model.incident import SEVERITIES
from watchkeeper.cli.backtest_source import Source
from watchkeeper.console.text import plural
from watchkeeper.version import VERSION


class Asked(NamedTuple):
    file: Path | None
    data: Path | None
    rules: Path | None
    catalogue: Path | None
    baseline: Path | None = None
    baseline_catalogue: Path | None = None
    sources: Path | None = None
    since: str = ""
    until: str = ""
    examples: int = 10


class Report(NamedTuple):
    """`heading` says what was compared: names and values, in order. `notes` are sentences."""

    comparison: Comparison
    heading: dict[str, str]
    notes: list[str]


def heading(asked: Asked, source: Source) -> dict[str, str]:
    rules = "those in force" if source.exported else "built in"
    catalogue = "those in force" if source.exported else "none"
    mine, theirs = asked.baseline_catalogue, asked.catalogue
    if not source.exported:
        mine, theirs = mine or theirs, theirs or mine
    return {
        "records": f"{source.records:,} of {source.path}",
        "rules before": str(asked.baseline or rules),
        "rules after": str(asked.rules or rules),
        "catalogue before": str(mine or catalogue),
        "catalogue after": str(theirs or catalogue),
    }


def notes(mine: Notes, theirs: Notes, *, history: bool) -> list[str]:
    """Sentences on what the comparison does not know. `mine` are before's; `history`: as it was in force."""
    found = []
    if mine.from_record != 1:
        found.append(
            "The oldest records are gone: what was open when they went is not known, on neither side."
            if mine.from_record == 0
            else f"It begins at record {mine.from_record}: what was open then is not known, on neither side."
        )
    others = [version for version in mine.versions if version != VERSION]
    if others and history:
        found.append(
            f"Written by version {', '.join(others)} too; `before` is what version {VERSION} makes of it."
        )
    if theirs.not_applicable:
        found.append(
            f"{plural(theirs.not_applicable, 'action')} of people could not be applied after: "
            "the incident is not there, or stands otherwise."
        )
    if mine.not_applicable:
        found.append(f"{plural(mine.not_applicable, 'action')} of people could not be applied before.")
    if mine.erased:
        found.append(f"{plural(mine.erased, 'record')} erased: neither side knows what was said there.")
    if mine.set_aside or theirs.set_aside:
        found.append(
            f"Records that could not be read: {mine.set_aside} before, {theirs.set_aside} after; "
            f"the first is {theirs.first_error or mine.first_error}"
        )
    return found


def _pages(kind: str) -> Callable[[Comparison], int]:
    return lambda comparison: comparison.pages.counts[kind]


def _groups(kind: str) -> Callable[[Comparison], int]:
    return lambda comparison: comparison.groups[kind].groups


def _severities(sign: int) -> Callable[[Comparison], int]:
    """`sign` 1 for lower ones: P0 is the highest."""

    def count(comparison: Comparison) -> int:
        rows = [(change.split(" > "), number) for change, number in comparison.severities.counts.items()]
        ranks = [(SEVERITIES.index(b) - SEVERITIES.index(a), number) for (a, b), number in rows]
        return sum(number for by, number in ranks if by * sign > 0)

    return count


CONDITIONS: dict[str, Callable[[Comparison], int]] = {
    "any": lambda comparison: int(comparison.different),
    **{f"pages-{kind}": _pages(kind) for kind in ("lost", "saved", "extra", "earlier", "later")},
    "pages-moved": _pages("receiver"),
    **{f"incidents-{kind}": _groups(kind) for kind in ("merged", "split", "changed", "new", "gone")},
    "severity-lowered": _severities(1),
    "severity-raised": _severities(-1),
    "origin-changed": lambda comparison: comparison.origins.total,
}


def condition(name: str) -> Callable[[Comparison], int]:
    """What counts what `--fail-on` names. Raises InputError."""
    if name not in CONDITIONS:
        known = ", ".join(CONDITIONS)
        raise InputError(f"unknown condition {name!r}", where="--fail-on", mend=f"Known: {known}")
    return CONDITIONS[name]
