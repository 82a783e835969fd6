"""A backtest in a terminal: what was compared, a table, then examples with the reasons."""

from __future__ import annotations

from collections.abc import Iterator

from core.backtest.model import Brief, Comparison, Differing, GroupExample, PageExample, Properties
from core.narrative.plain import one_line
from core.times import spoken
from watchkeeper.cli.backtest_report import Report
from watchkeeper.console.text import plural

GROUPS = {
    "merged": "merged into one",
    "split": "split into several",
    "changed": "with alerts moved between",
    "new": "there after only",
    "gone": "there before only",
}
PAGES = {
    "lost": "lost: nobody is told",
    "receiver": "told to others",
    "extra": "there after only",
    "saved": "saved: told in another page",
    "later": "later",
    "earlier": "earlier",
}
PROPERTIES = {"severities": "Severity", "origins": "Origin", "endings": "End", "findings": "Finding"}
_ALERTS = {"moved": "moved", "only_before": "before only", "only_after": "after only"}
_WIDE, _LISTED = 34, 4


def text_lines(report: Report) -> Iterator[str]:
    comparison = report.comparison
    for name, value in report.heading.items():
        yield f"{name:<18} {one_line(value)}"
    for note in report.notes:
        yield f"Note: {one_line(note, 1_000)}"
    yield ""
    yield from _table(comparison)
    if not comparison.different:
        yield "Nothing would have been different."
        return
    for kind, words in GROUPS.items():
        yield from _section(f"Incidents {words}", comparison.groups[kind].groups, comparison.examples[kind])
    for kind, words in PAGES.items():
        counts, examples = comparison.pages.counts, comparison.pages.examples
        yield from _section(f"Pages {words}", counts[kind], examples[kind])
    for key, words in PROPERTIES.items():
        found: Properties = getattr(comparison, key)
        yield from _section(words, found.total, found.examples)


def _table(comparison: Comparison) -> Iterator[str]:
    yield f"{'':<{_WIDE}} {'before':>8} {'after':>8}"
    yield _row("incidents", comparison.incidents["before"], comparison.incidents["after"])
    for kind, words in (("same", "the same"), *GROUPS.items()):
        tally = comparison.groups[kind]
        if tally.groups:
            yield _row(f"  {words}", tally.before, tally.after)
    yield _row("alerts", comparison.alerts["before"], comparison.alerts["after"])
    for kind, words in _ALERTS.items():
        if comparison.alerts[kind]:
            yield _row(f"  {words}", comparison.alerts[kind])
    yield _row("pages", comparison.pages.before, comparison.pages.after)
    for kind, words in PAGES.items():
        if comparison.pages.counts[kind]:
            yield _row(f"  {words}", comparison.pages.counts[kind])
    if list(comparison.pages.by_receiver) != [""]:
        for name, counts in comparison.pages.by_receiver.items():
            yield _row(f"  to {one_line(name, 24) or 'no receiver'}", counts["before"], counts["after"])
    for label, number in property_rows(comparison):
        yield _row(label, number)
    yield ""


def property_rows(comparison: Comparison) -> Iterator[tuple[str, int]]:
    """What is counted of severities and their like: each change, or all of them where there are many."""
    for key, words in PROPERTIES.items():
        found: Properties = getattr(comparison, key)
        if len(found.counts) > _LISTED:
            yield f"{words.lower()}: {len(found.counts)} kinds of change", found.total
            continue
        for change, number in found.counts.items():
            yield f"{words.lower()}: {one_line(change, 60)}", number


def _row(words: str, *numbers: int) -> str:
    return f"{words:<{_WIDE}} " + " ".join(f"{number:>8,}" for number in numbers)


def _section(
    heading: str, count: int, examples: tuple[GroupExample | PageExample | Differing, ...]
) -> Iterator[str]:
    if not count:
        return
    yield f"{heading} ({count:,})"
    for example in examples:
        match example:
            case GroupExample():
                yield from _group(example)
            case PageExample():
                yield from _page(example)
            case Differing():
                yield from _differing(example)
    if count > len(examples):
        yield f"  and {count - len(examples):,} more"
    yield ""


def _group(example: GroupExample) -> Iterator[str]:
    for sign, briefs in (("-", example.before), ("+", example.after)):
        for brief in briefs[:_LISTED]:
            yield f"  {sign} {_brief(brief)}"
        if len(briefs) > _LISTED:
            yield f"  {sign} and {len(briefs) - _LISTED} more"
    for link in example.why:
        kept = "holds" if link.counted else "does not hold"
        hint = f" ({one_line(link.hint, 300)})" if link.hint else ""
        yield f"      {link.seen} [{link.rule}] {kept}: {one_line(link.summary, 300)}{hint}"
    if not example.why:
        yield "      no node of their why-trees names the link"


def _brief(brief: Brief) -> str:
    services = one_line(", ".join(brief.services), 80)
    head = f"{brief.id}  {brief.severity}  {brief.opened_at}  {one_line(brief.title, 120)}"
    return f"{head}  [{services}]  {plural(brief.alerts, 'alert')}, {plural(brief.pages, 'page')}"


def _page(example: PageExample) -> Iterator[str]:
    at = example.at_before or example.at_after
    to = one_line(example.receiver_before or example.receiver_after, 60) or "no receiver"
    moved = f"  {spoken(example.by)} {example.kind}" if example.kind in ("later", "earlier") else ""
    if example.kind == "receiver":
        moved = f"  now to {one_line(example.receiver_after, 60) or 'no receiver'}"
    name = example.incident_before or example.incident_after
    yield f"  {at}  {name}  {one_line(example.reason, 80)} to {to}{moved}  {one_line(example.title, 120)}"
    if example.why:
        yield f"      {one_line(example.why, 400)}"


def _differing(example: Differing) -> Iterator[str]:
    before, after = (one_line(text, 200) or "not there" for text in (example.before, example.after))
    yield f"  {example.incident_before}  {example.what}: {before} > {after}  {one_line(example.title, 120)}"
    if example.why:
        yield f"      {one_line(example.why, 400)}"
