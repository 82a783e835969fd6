"""The check as one comment on a pull request: what is risky, why, and what would clear it, in ten seconds.

A hidden marker lets whoever posts it find and edit its own comment. Foreign text is escaped or stands in a
code span: it makes no mention, link, picture or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.narrative.plain import one_line
from core.narrative.report.markdown import literal, own_link
from core.risk.assess import Suppressed
from core.risk.rules import Match
from watchkeeper.risk.logs import plain_for_logs
from watchkeeper.risk.report import Report, apart, estimated, headline, rule_of, size_of
from watchkeeper.risk.rows import Row, beyond, clears, others_of, rows_of, weight

MARKER = "<!-- watchkeeper-risk -->"
# Of the rows, those that are shown open, and those that unfold.
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
    sign = _SIGNS.get(found.level or "", "⚪" if report.counts.unread else "✅")
    yield f"### {sign} {headline(report)}"
    rows = rows_of(found.matches)
    shown = [row for row in rows[:_OPEN] if row.match.level != "low"]
    if shown:
        yield "\n".join(map(_row, shown))
    yield from _unfolding(report, rows, len(shown))
    if report.unjudged:
        yield "**Not judged**\n\n" + _listing(report.unjudged)
    if report.chance is not None:
        yield _chance(report)
    if found.suppressed:
        listed = map(_accepted, found.suppressed[:_MOST])
        yield _folded(f"Accepted for a while: {len(found.suppressed)}", "\n".join(listed))
    if notes := (*report.notes, *filter(None, (apart(report),))):
        yield _listing(notes)
    yield f"<sub>{_end(report)} {report.start[:12]}..{report.head[:12]}: {size_of(report.counts)}.</sub>"


def _unfolding(report: Report, rows: Sequence[Row], shown: int) -> Iterator[str]:
    """Low ones too: they are no reason to stop."""
    more = rows[shown:_MOST]
    if more:
        left = beyond(report.matched, rows[:_MOST], rows)
        tail = f"\n\n{left}: see the JSON form." if left else ""
        head = beyond(report.matched, rows[:shown], rows)
        kind = head.replace("more", "low") if more[0].match.level == "low" else head
        yield _folded(kind, "\n".join(map(_row, more)) + tail)


def _row(row: Row) -> str:
    """Lines of a list: what, where with the evidence, what clears it, and the further places."""
    match = row.match
    rule = rule_of(match)
    source = _ADDRESS.search(rule.source) if rule else None
    name = own_link(match.rule, source[0].rstrip(".,;")) if source else f"`{match.rule}`"
    place = f"{_place(match)} " if match.path else ""
    evidence = f"  \n  {_code(match.evidence, 160)}" if match.evidence else ""
    return (
        f"- **{match.level}** {_spans(one_line(match.what, 300))} {place}({name}){evidence}"
        f"  \n  Clears: {_spans(clears(match))}{_others(row)}"
    )


def _others(row: Row) -> str:
    if not row.others:
        return ""
    head, named = others_of(row)
    places = ", ".join(_place(one) or "the change" for one in named)
    return f"  \n  {head}: {places}{' …' if len(named) < len(row.others) else ''}"


def _spans(line: str) -> str:
    """Escaped, but for what stands between a pair of backticks: a code span again, of ours or of anybody."""
    parts = line.split("`")
    if len(parts) % 2 == 0:
        parts[-2:] = [f"{parts[-2]}`{parts[-1]}"]
    last = len(parts) - 1
    return "".join(
        # Two spans side by side would be one.
        _code(part, 300) if at % 2 else _outside(part) or " " * (0 < at < last)
        for at, part in enumerate(parts)
    )


def _outside(text: str) -> str:
    """Escaped, with the spaces at its ends."""
    words = literal(text, 300)
    return f"{' ' * text.startswith(' ')}{words}{' ' * (text.endswith(' ') and bool(words))}"


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
    rows = [f"- {weight(one)}: {literal(one.value, 80)}" for one in chance.terms[:_MOST_TERMS]]
    return _folded(estimated(chance), "\n".join([*rows, "", f"Learned from {literal(report.learned_from)}"]))


def _folded(head: str, body: str) -> str:
    """`head` is ours alone: nothing is escaped there."""
    return f"<details><summary>{head}</summary>\n\n{body}\n\n</details>"


def _listing(rows: tuple[str, ...]) -> str:
    return "\n".join(f"- {literal(row, 500)}" for row in rows[:20])


def _end(report: Report) -> str:
    if report.failed:
        return "The check fails."
    return "The check passes." if report.mode == "policy" else "Advisory."
