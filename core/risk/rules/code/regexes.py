"""Patterns that some texts take for ever: a repetition of repetitions, or two wildcards side by side.

Only what is written as a pattern where it is used, in languages whose engines try every way (Go, Rust and RE2
do not), and only kinds that are plain to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.beside import is_code
from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Match
from core.risk.rules.touched import finder, fresh, gone, is_comment, judged, rules_of, shown

_STEADY = (".go", ".rs", ".sh", ".bash", ".lua", ".zig", ".vue")
_MADE = finder(
    r"\bre\.(?:compile|match|search|fullmatch|sub|subn|split|findall"
    r"|finditer)\(\s{0,3}[rbu]{0,2}([\"'].{3,1500})"
    r"|(?:\bPattern\.(?:compile|matches)|\bnew\s{1,3}Regex|\bRegexp?(?:\.new)?|\bnew\s{1,3}RegExp"
    r"|\.(?:matches|replaceAll|replaceFirst)"
    r"|\bpreg_\w{2,20}|\bRegex\.\w{3,12}|\bpathPattern)\(\s{0,3}[@r]{0,2}([\"'`].{3,1500})"
    r"|(?:[=(,:\[!&|?]|=~|^|\breturn)\s{0,80}(/(?![/*\s]).{3,1500}/[a-z]{0,7})(?=[\s,;).\]}]|$)"
    r"|%r\{(.{3,1500})\}|([\"'].{0,40}[\"'])\.(?:toRegex|r)\b"
)
_OFTEN = re.compile(r"([*+?]|\{\d{0,6},?\d{0,6}\})([?+]?)")
_OPENS = re.compile(r"\((?:\?(?:[:=!>]|<[=!]|P?<\w{1,60}>))?")
_WILD = re.compile(r"(?<!\\)\.[*+](?:\((?:\?:)?){0,4}(?<!\\)\.[*+]")
_MOST = 1_500

_BACKTRACKS = (
    "Some texts take this pattern minutes, each sign twice as long as the one before: one request can "
    "hold a core."
)
_CLEARS = (
    "Say each repetition once (no (a+)+, no .*.*), bound the text first, or use an engine without "
    "backtracking (RE2)."
)


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, lambda path: is_code(path) and not path.endswith(_STEADY), gone=False):
        if any(backtracks(text) for line in gone(file) if (text := _pattern(line.text))):
            continue
        yield from _in(file)


def _in(file: TouchedFile) -> Iterator[Match]:
    for line in fresh(file):
        text = "" if is_comment(line.text) else _pattern(line.text)
        if text and backtracks(text):
            text = shown(line.text)
            yield Match("code-regex-backtracks", "medium", _BACKTRACKS, _CLEARS, file.path, line.number, text)
            return


def _pattern(text: str) -> str:
    """The text of the pattern that a line makes; "" where it makes none."""
    if not any(sign in text for sign in "*+") and ",}" not in text:
        return ""
    found = _MADE(text)
    raw = next((one for one in found.groups() if one), "") if found else ""
    if raw[:1] in "\"'`" and raw:
        end = raw.find(raw[0], 1)
        while end > 0 and raw[end - 1] == "\\":
            end = raw.find(raw[0], end + 1)
        raw = raw[1:end] if end > 0 else raw[1:]
    return raw[:_MOST]


def backtracks(pattern: str) -> bool:
    """Whether it has two wildcards side by side, or repeats a group that repeats. One pass over it."""
    return _WILD.search(pattern) is not None or _nested(pattern)


def _nested(pattern: str) -> bool:
    """A repeated group of which one part is repeated, and all others may be empty."""
    above: list[_Branch] = []
    now = _Branch()
    for kind, times in _parts(pattern):
        if kind == "(":
            above.append(now)
            now = _Branch()
        elif kind == "|":
            now = _Branch(any_risky=now.any_risky or now.risky)
        elif kind == ")":
            inner, now = now.any_risky or now.risky, above.pop() if above else _Branch()
            if inner and times in ("*", "+"):
                return True
            now = now.then("" if times in ("", "+") else "?")
        else:
            now = now.then(times)
    return False


class _Branch(NamedTuple):
    """Of a branch of a group: whether something in it is repeated, how many parts must be there that are
    repeated, whether one must that is not, and whether a branch before it was risky."""

    repeats: bool = False
    must: int = 0
    firm: bool = False
    any_risky: bool = False

    @property
    def risky(self) -> bool:
        return self.repeats and not self.firm and self.must <= 1

    def then(self, times: str) -> _Branch:
        return _Branch(
            self.repeats or times in ("*", "+"),
            self.must + (times == "+"),
            self.firm or not times,
            self.any_risky,
        )


def _parts(pattern: str) -> Iterator[tuple[str, str]]:
    """What begins or ends a group, `|`, or else `a`; and how often: once (""), `?`, `*`, `+`."""
    at, size = 0, len(pattern)
    while at < size:
        sign = pattern[at]
        if sign == "(":
            opens = _OPENS.match(pattern, at)
            at = opens.end() if opens else at + 1
            yield "(", ""
            continue
        at = _atom(pattern, at)
        often = _OFTEN.match(pattern, at)
        at = often.end() if often else at
        if sign in "|)":
            yield sign, _times(often)
        elif sign not in "^$":
            yield "a", _times(often)


def _times(often: re.Match[str] | None) -> str:
    # Possessive (`a++`): it gives nothing back.
    if often is None or often[2] == "+":
        return ""
    counts = often[1]
    if counts in "?*+":
        return counts
    if counts.endswith(",}"):
        return "*" if counts in ("{,}", "{0,}") else "+"
    return "?" if counts.startswith(("{0,", "{,")) else ""


def _atom(pattern: str, at: int) -> int:
    """Where the sign, the escape or the class that begins here ends."""
    if pattern[at] == "\\":
        return at + 2
    if pattern[at] != "[":
        return at + 1
    end = at + 1
    while end < len(pattern) and (pattern[end] != "]" or end == at + 1):
        end += 2 if pattern[end] == "\\" else 1
    return end + 1


_rule = rules_of(_matches, lambda path: False)

rules = (
    _rule(
        "code-regex-backtracks",
        "A pattern that some texts take for ever",
        "One such pattern in a firewall took the CPUs of a whole network for half an hour.",
        "OWASP, Regular expression denial of service: "
        "https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS",
    ),
)
