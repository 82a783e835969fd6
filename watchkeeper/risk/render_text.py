"""The check as people read it in a terminal: the verdict, the worst places, what would clear them."""

from __future__ import annotations

from collections.abc import Iterator

from core.narrative.plain import one_line
from watchkeeper.risk.logs import plain_for_logs
from watchkeeper.risk.report import Report, apart, estimated, headline, size_of
from watchkeeper.risk.rows import Row, beyond, clears, others_of, place, rows_of, weight

# Rows that are shown; a reviewer acts on the worst.
MOST_ROWS = 10
_MOST_TERMS = 6
_MOST_EVIDENCE = 120


def render_text(report: Report) -> str:
    """Ends with a line's end. Foreign text is on one line each, without control characters."""
    return plain_for_logs("\n".join(_lines(report)) + "\n")


def _lines(report: Report) -> Iterator[str]:
    yield headline(report)
    ends = f"{report.start[:12]}..{report.head[:12]}"
    yield f"{ends}  {size_of(report.counts)}  {one_line(report.title, 80)}".rstrip()
    rows = rows_of(report.assessment.matches)
    for row in rows[:MOST_ROWS]:
        yield from ("", *_row(row))
    if more := beyond(report.matched, rows[:MOST_ROWS], rows):
        yield from ("", f"and {more}; --format json or markdown lists them")
    yield from _accepted(report)
    yield from _chance(report)
    yield from _section("Not judged", report.unjudged)
    yield from _section("Note", (*report.notes, *filter(None, (apart(report),))))
    yield from ("", _end(report))


def _row(row: Row) -> Iterator[str]:
    match = row.match
    yield f"{match.level.upper():<8} {place(match)}  {match.rule}"
    yield f"    {one_line(match.what, 300)}"
    if match.evidence:
        yield f"    > {one_line(match.evidence, _MOST_EVIDENCE)}"
    yield f"    Clears: {clears(match)}"
    if row.others:
        head, named = others_of(row)
        tail = " …" if len(named) < len(row.others) else ""
        yield f"    {head}: {', '.join(map(place, named))}{tail}"


def _accepted(report: Report) -> Iterator[str]:
    rows = report.assessment.suppressed
    if rows:
        yield from ("", "Accepted for a while:")
    for one in rows[:MOST_ROWS]:
        why = f"{one_line(one.reason, 120)} ({one_line(one.by, 60)}, until {one.expires})"
        yield f"    {one.match.rule} {place(one.match)}: {why}"
    if len(rows) > MOST_ROWS:
        yield f"    and {len(rows) - MOST_ROWS} more"


def _chance(report: Report) -> Iterator[str]:
    if report.chance is None:
        return
    yield ""
    yield f"{estimated(report.chance)} (learned from {report.learned_from})"
    for term in report.chance.terms[:_MOST_TERMS]:
        yield f"    {weight(term)}: {one_line(term.value, 80)}"
    if (more := len(report.chance.terms) - _MOST_TERMS) > 0:
        yield f"    and {more} lighter ones"


def _section(title: str, rows: tuple[str, ...]) -> Iterator[str]:
    if rows:
        yield from ("", f"{title}:", *(f"    {one_line(row, 500)}" for row in rows))


def _end(report: Report) -> str:
    if report.failed:
        return "The check fails."
    if report.mode == "policy":
        return "The check passes."
    return "Advisory: the check passes whatever it finds."
