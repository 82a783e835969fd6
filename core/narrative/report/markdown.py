"""Markdown in which foreign text stays text: in CommonMark, in GitHub's tables, mentions, references and
autolinks.

Signs that open markup are escaped. What renderers find in the finished text, where no escape helps (an
address, a mention, a reference to an issue), is taken apart the way pages do it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from core.narrative.plain import one_line

# Replaced before escaping: no renderer can be told by an escape to leave these alone.
_APART = (
    (re.compile(r"://"), ": //"),
    (re.compile(r"@"), "(at)"),
    (re.compile(r"(?i)\bwww\."), "www ."),
    (re.compile(r"#(?=[0-9A-Za-z])"), "# "),
    (re.compile(r"(?i)\bgh-(?=[0-9])"), "GH "),
)
_ESCAPED = {sign: f"\\{sign}" for sign in "\\`*_[]<>#!~&$"} | {"|": "&#124;"}
_TABLE = str.maketrans(_ESCAPED)
# At the start of a block these begin a list, a heading, a quote or a rule.
_START = re.compile(r"^(?:[-+=>]|[0-9]{1,9}[.)])")


def literal(text: object, limit: int = 200) -> str:
    """Foreign text on one line, at most `limit` characters before escaping, that renders as itself."""
    line = one_line(str(text), limit)
    for pattern, apart in _APART:
        line = pattern.sub(apart, line)
    return line.translate(_TABLE)


def code(text: object, limit: int = 200) -> str:
    """Foreign text as a code span, in which no renderer finds markup, a mention or a link; to be copied."""
    line = one_line(str(text), limit).replace("`", "'").strip()
    return f"`{line}`" if line else ""


def paragraph(text: str) -> str:
    """Markdown that may begin a block and yet begins no list, rule, quote or underlined heading."""
    start = _START.match(text)
    return f"{text[: start.end() - 1]}\\{text[start.end() - 1 :]}" if start else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, and an empty one. Cells are Markdown already."""
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines), ""]


def bullets(items: Iterable[str]) -> list[str]:
    """Lines of a list, and an empty one. Items are Markdown already."""
    found = [f"- {paragraph(item)}" for item in items]
    return [*found, ""] if found else []


def section(title: str, body: Sequence[str]) -> list[str]:
    """A heading and its lines; nothing when there are none."""
    return [f"## {title}", "", *body] if body else []


def cut(rows: Sequence[Sequence[str]], most: int, what: str) -> list[Sequence[str]]:
    """At most `most` rows: the first ones and the last third, and between them how many are missing."""
    if len(rows) <= most:
        return list(rows)
    last = most // 3
    first = most - last
    gone = len(rows) - most
    return [*rows[:first], ["", f"({gone} more {what} left out)", *[""] * (len(rows[0]) - 2)], *rows[-last:]]


def own_link(text: str, url: str) -> str:
    """A link of our own: the text is escaped; an address that could break out of it is no link."""
    if re.fullmatch(r"https?://[^\s<>\\]{1,1000}", url) is None:
        return literal(text)
    return f"[{literal(text)}](<{url}>)"
