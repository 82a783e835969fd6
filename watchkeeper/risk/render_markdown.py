"""The check as one comment on a pull request: what is risky, why, and what would clear it, in ten seconds.

A hidden marker lets whoever posts it find and edit its own comment. Foreign text is escaped or stands in a
code span: it makes no mention, link, picture or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.narrative.plain import one_line
from core.narrative.report.markdown import literal, own_link
from core.risk.assess import Suppressed
from core.risk.rules import Match
from watchkeeper.risk.logs import plain_for_logs
from watchkeeper.risk.report import Report, headline, percent, rule_of, size_of

MARKER = "<!-- watchkeeper-risk -->"
# Of the places, those that are shown open, and those that unfold.
_OPEN, _MOST = 5, 30
# GitHub takes 65,536.
_LONGEST = 60_000
_MOST_TERMS = 8
_SIGNS = {"critical": "🛑", "high": "🔴", "medium": "🟠", "low": "⚪"}
_ADDRESS = re.compile(r"https?://[^\s<>\\()\"']{1,500}")


def render_markdown(report: Report) -> str:
    """Under 60,000 characters, with the marker on the first line."""
    blocks = list(_blocks(report))
    while sum(len(block) + 2 for block in blocks) > _LONGEST - 200:
        # The last ones are the least important.
        blocks.pop()
    return "\n\n".join((MARKER, *blocks)) + "\n"


def _blocks(report: Report) -> Iterator[str]:
    found = report.assessment
    sign = _SIGNS.get(found.level or "", "✅")
    yield f"### {sign} {headline(report)}"
    shown = [match for match in found.matches[:_OPEN] if match.level != "low"]
    if shown:
        yield "\n".join(map(_row, shown))
    yield from _unfolding(report, len(shown))
    if report.unjudged:
        yield "**Not judged**\n\n" + _listing(report.unjudged)
    if report.chance is not None:
        yield _chance(report)
    if found.suppressed:
        rows = map(_accepted, found.suppressed[:_MOST])
        yield _folded(f"Accepted for a while: {len(found.suppressed)}", "\n".join(rows))
    if report.notes:
        yield _listing(report.notes)
    yield f"<sub>{_end(report)} {report.start[:12]}..{report.head[:12]}: {size_of(report.counts)}.</sub>"


def _unfolding(report: Report, shown: int) -> Iterator[str]:
    """Low ones too: they are no reason to stop."""
    rows = report.assessment.matches[shown:_MOST]
    beyond = report.matched - shown - len(rows)
    if rows:
        tail = f"\n\n{beyond:,} more are in the JSON form." if beyond > 0 else ""
        kind = "low" if rows[0].level == "low" else "more"
        yield _folded(f"{report.matched - shown:,} {kind}", "\n".join(map(_row, rows)) + tail)


def _row(match: Match) -> str:
    """Three lines of a list: what, where with the evidence, and what clears it."""
    rule = rule_of(match)
    source = _ADDRESS.search(rule.source) if rule else None
    name = own_link(match.rule, source[0].rstrip(".,;")) if source else f"`{match.rule}`"
    place = f"{_place(match)} " if match.path else ""
    evidence = f"  \n  {_code(match.evidence, 160)}" if match.evidence else ""
    return (
        f"- **{match.level}** {literal(match.what, 300)} {place}({name}){evidence}"
        f"  \n  Clears: {literal(match.clears, 300)}"
    )


def _accepted(one: Suppressed) -> str:
    why = f"{literal(one.reason)} ({literal(one.by, 60)}, until {one.expires})"
    return f"- `{one.match.rule}` {_place(one.match)}: {why}"


def _place(match: Match) -> str:
    if not match.path:
        return ""
    return _code(f"{one_line(match.path, 160)}:{match.line}" if match.line else match.path, 180)


def _code(text: str, limit: int) -> str:
    """A code span around foreign text: its fence is longer than any run of backticks in it."""
    # Whoever looks for the marker in the raw text finds ours alone.
    line = plain_for_logs(one_line(text, limit).replace("<!--", "<! --"))
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _chance(report: Report) -> str:
    chance = report.chance
    assert chance is not None  # noqa: S101 - the caller asked
    rows = [f"- {one.weight / 1_000:+.2f} {literal(one.value, 80)}" for one in chance.terms[:_MOST_TERMS]]
    head = f"Such a change was mended later in {percent(chance.probability)} of cases"
    return _folded(head, "\n".join([*rows, "", f"Learned from {literal(report.learned_from)}"]))


def _folded(head: str, body: str) -> str:
    """`head` is ours alone: nothing is escaped there."""
    return f"<details><summary>{head}</summary>\n\n{body}\n\n</details>"


def _listing(rows: tuple[str, ...]) -> str:
    return "\n".join(f"- {literal(row, 500)}" for row in rows[:20])


def _end(report: Report) -> str:
    if report.failed:
        return "The check fails."
    return "The check passes." if report.mode == "policy" else "Advisory."
