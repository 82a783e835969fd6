"""Programs of PHP, C#, Go, Java and Kotlin as chains of calls, as those of JavaScript are read. Nothing of
them is run.

`->` and `::` of PHP join a chain as a dot does; heredocs, `@"…"`, text blocks and raw strings are texts of
several lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from core.risk.rules.sql.javascript import MAX_SCRIPT, UNKNOWN, Script, Token

Language = Literal["php", "cs", "go", "jvm"]
_NEXT = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)|(?P<hash>\#(?!\[)[^\n]*)"
    r"|<<<['\"]?(?P<heredoc>\w{1,60})['\"]?[ \t]*\n|(?P<raw>\"\"\")|(?P<back>`)|(?P<verbatim>\$?@\$?\")"
    r"|(?P<word>\$?[^\W\d]\w*|\$\w+)|(?P<number>\d[\w.]*)|\$?(?P<text>['\"])|(?P<join>\?->|->|::|\?\.|\.)"
    r"|(?P<sign>=>|.)",
    re.DOTALL,
)
_EDGE = {"'": re.compile(r"['\\]"), '"': re.compile(r'["\\]')}
_FILLED = {
    "php": re.compile(r"\{?\$\w{1,80}(?:->\w{1,80}|\[[^\]\n]{0,80}\])?\}?"),
    "cs": re.compile(r"\{[^{}\n]{1,80}\}"),
    "go": re.compile(r"%(?:\[\d\])?[sdvqx]"),
    "jvm": re.compile(r"%(?:\d\$)?[sd]|\$\{[^{}\n]{1,80}\}|\$[A-Za-z_]\w{0,80}"),
}
# A break of a line in a text, which ends a comment of SQL.
_BREAKS = re.compile(r"\\[nr]")


_Text = Callable[[str, "re.Match[str]"], tuple[str, int]]


class Program(Script):
    """The same tokens, pairs and chains as a script has."""

    def __init__(self, text: str, language: Language) -> None:
        self.cut = len(text) > MAX_SCRIPT
        self.tokens = [] if self.cut else list(_tokens(text, language))
        self.pairs = self._paired()
        self.constants = {}

    def named(self, span: tuple[int, int]) -> tuple[str, tuple[int, int]]:
        """The name of an argument, "" where it has none, and its value."""
        if self.key(span[0] + 1) == ":" and span[1] - span[0] > 2 and self.tokens[span[0]].kind == "word":
            return self.tokens[span[0]].key, (span[0] + 2, span[1])
        return "", span


def _tokens(text: str, language: Language) -> Iterator[Token]:
    at, line = 0, 1
    while at < len(text):
        found = _NEXT.match(text, at)
        if found is None:
            return
        group = found.lastgroup or ""
        group = "sign" if group == "back" and language != "go" else group
        key, end = found.group(), found.end()
        if group in _TEXTS:
            key, end = _TEXTS[group](text, found)
            key = _BREAKS.sub("\n", key) if group == "text" and language in ("go", "jvm") else key
            key = _FILLED[language].sub(UNKNOWN, key)
        stop = line + text.count("\n", at, end)
        if group in _TEXTS:
            yield Token("text", key, line, stop)
        elif group == "word":
            yield Token("word", key, line, stop)
        elif group == "number":
            yield Token("number", key, line, stop)
        elif group == "join":
            # PHP puts texts together with a dot.
            sign = "+" if language == "php" and key == "." else "."
            yield Token("sign", sign, line, stop)
        elif group == "sign":
            yield Token("sign", key, line, stop)
        at, line = end, stop


def _quoted(text: str, found: re.Match[str]) -> tuple[str, int]:
    start = at = found.end()
    edge = _EDGE[found["text"]]
    while hit := edge.search(text, at):
        if hit.group() != "\\":
            return text[start : hit.start()].replace(f"\\{hit.group()}", hit.group()), hit.end()
        at = hit.start() + 2
    return text[start:], len(text)


def _until(sign: str) -> _Text:
    def reader(text: str, found: re.Match[str]) -> tuple[str, int]:
        start = found.end()
        end = text.find(sign, start)
        while sign == '"' and end >= 0 and text.startswith('""', end):
            end = text.find(sign, end + 2)
        return (text[start:end], end + len(sign)) if end >= 0 else (text[start:], len(text))

    return reader


def _heredoc(text: str, found: re.Match[str]) -> tuple[str, int]:
    """Up to the line that begins with its name. The texts of lines keep their places."""
    end = re.compile(rf"\n[ \t]*{found['heredoc']}\b").search(text, found.end() - 1)
    return (f"\n{text[found.end() : end.start()]}", end.end()) if end else (text[found.end() :], len(text))


_TEXTS: dict[str, _Text] = {
    "text": _quoted,
    "heredoc": _heredoc,
    "raw": _until('"""'),
    "back": _until("`"),
    "verbatim": _until('"'),
}
