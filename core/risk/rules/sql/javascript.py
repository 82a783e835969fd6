"""JavaScript and TypeScript as chains of calls with their lines: `a.b("x").c()`. Nothing of it is run.

One pass over the text, and one over what stands between two brackets. What is not understood is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

MAX_SCRIPT = 300_000
UNKNOWN = "unknown_value"
Kind = Literal["word", "text", "number", "sign", "pattern"]
_KINDS: dict[str, Kind] = {"word": "word", "number": "number", "text": "text", "sign": "sign"}
_MOST_BODIES = 20
_NEXT = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)|(?P<word>[^\W\d][\w$]*|[$#@][\w$]*)"
    r"|(?P<number>\d[\w.]*)|(?P<text>['\"`])|(?P<sign>\?\.|=>|.)",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,80}\]){1,300}/\w{0,9}")
# After these a `/` begins a pattern.
_BEFORE_REGEX = frozenset({"", "(", ",", "=", ":", "[", "!", "&", "|", "?", "{", "}", ";", "=>", "return"})
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "b": " ", "f": " ", "v": " ", "0": " ", "\n": ""}
_EDGES = {"'": re.compile(r"['\\\n]"), '"': re.compile(r'["\\\n]'), "`": re.compile(r"[`\\]|\$\{")}
_IN_PLACE = re.compile(r"[{}`'\"]")
_LONGEST_FILLED = 500
# What is filled into a text, where it is a name: resolved when all names are known.
_NAMED = re.compile(r"\0([\w$]{1,200})\0")
_CLOSES = {")": "(", "]": "[", "}": "{"}


class Token(NamedTuple):
    """`key`: the word, the sign or the decoded text. `line` and `end` are those of the file."""

    kind: Kind
    key: str
    line: int
    end: int


class Link(NamedTuple):
    """One name of a chain. `args`: where each argument begins and ends, None where it is not called."""

    name: str
    line: int
    end: int
    args: tuple[tuple[int, int], ...] | None


class Script:
    """The tokens of a text; `pairs` holds where each bracket closes. `cut`: not all of it was read."""

    def __init__(self, text: str) -> None:
        self.cut = len(text) > MAX_SCRIPT
        self.tokens: list[Token] = [] if self.cut else list(_tokens(text))
        self.pairs = self._paired()
        self.constants = self._constants()

    def chains(self) -> Iterator[tuple[int, tuple[Link, ...]]]:
        """Every chain with its place, inner ones too."""
        for at, token in enumerate(self.tokens):
            if token.kind == "word" and self.key(at - 1) not in (".", "?."):
                yield at, self._chain(at)

    def text(self, span: tuple[int, int] | None) -> tuple[str, int] | None:
        """The text of an argument and its line: a constant, one put together with `+`, a named one."""
        parts: list[str] = []
        for at in range(*span) if span is not None else ():
            token = self.tokens[at]
            if token.kind == "text":
                parts.append(token.key)
            elif token.kind == "word":
                parts.append(self.constants.get(token.key, UNKNOWN))
            elif token.key != "+":
                break
        if span is None or all(one == UNKNOWN for one in parts):
            return None
        return self._resolved("".join(parts)), self.tokens[span[0]].line

    def _resolved(self, text: str) -> str:
        return _NAMED.sub(lambda found: self.constants.get(found[1], UNKNOWN), text)

    def fields(self, span: tuple[int, int] | None) -> dict[str, tuple[int, int]]:
        """Of an object, also one that `new X({…})` is given: where the value of each key stands."""
        if span is None:
            return {}
        ahead = 6 if self.key(span[0]) == "new" else 1
        at = next((one for one in range(span[0], min(span[0] + ahead, span[1])) if self.key(one) == "{"), -1)
        if at not in self.pairs:
            return {}
        return {
            self.tokens[one].key: (one + 2, end)
            for one, end in self.split(at)
            if self.key(one + 1) == ":" and one + 2 < end
        }

    def items(self, span: tuple[int, int] | None) -> tuple[tuple[int, int], ...]:
        """Of a list, where each item stands; of anything else itself."""
        if span is None:
            return ()
        return self.split(span[0]) if self.key(span[0]) == "[" and span[0] in self.pairs else (span,)

    def split(self, opening: int) -> tuple[tuple[int, int], ...]:
        """What stands between a bracket and its end, at the commas."""
        found, start, at, stop = [], opening + 1, opening + 1, self.pairs[opening]
        while at < stop:
            if self.key(at) == ",":
                found.append((start, at))
                start = at + 1
            at = self.pairs.get(at, at) + 1
        return tuple(one for one in (*found, (start, stop)) if one[0] < one[1])

    def key(self, at: int) -> str:
        """The word or sign there; "" of a text, which is neither."""
        token = self.tokens[at] if 0 <= at < len(self.tokens) else None
        return token.key if token is not None and token.kind != "text" else ""

    def bodies_of(self, name: str) -> list[tuple[int, int]]:
        """Where functions of that name stand, however they are given."""
        named = (at for at, token in enumerate(self.tokens) if token.key == name and token.kind == "word")
        return [(at, self._end_of(at)) for at in islice(filter(self._defines, named), _MOST_BODIES)]

    def _defines(self, at: int) -> bool:
        before, after = self.key(at - 1), self.key(at + 1)
        if before == ".":
            return self.key(at - 2) == "exports" and after == "="
        beyond = self.key(self.pairs[at + 1] + 1) if after == "(" and at + 1 in self.pairs else ""
        return after in ("=", ":") or beyond in ("{", ":")

    def _end_of(self, at: int) -> int:
        """After the first block, or where the statement or the pair ends."""
        at += 1
        while at < len(self.tokens):
            sign = self.key(at)
            if sign == "{":
                return self.pairs.get(at, len(self.tokens)) + 1
            if sign in (";", ",", ")", "}", "exports", "module", "export"):
                return at
            at = self.pairs.get(at, at) + 1
        return at

    def _chain(self, at: int) -> tuple[Link, ...]:
        links = []
        while True:
            token, beyond = self.tokens[at], at + 1
            if self.key(beyond) == "<":
                # `query<Row>(…)` of TypeScript.
                ends = (one for one in range(beyond, beyond + 12) if self.key(one) == ">")
                closed = next(ends, beyond)
                beyond = closed + 1 if self.key(closed + 1) == "(" else beyond
            args = None
            if self.key(beyond) == "(" and beyond in self.pairs:
                args, beyond = self.split(beyond), self.pairs[beyond] + 1
            elif token.key == "sql" and beyond < len(self.tokens) and self.tokens[beyond].kind == "text":
                args, beyond = ((beyond, beyond + 1),), beyond + 1
            links.append(Link(token.key, token.line, self.tokens[beyond - 1].end, args))
            beyond += self.key(beyond) == "!"
            if self.key(beyond) not in (".", "?.") or beyond + 1 >= len(self.tokens):
                return tuple(links)
            at = beyond + 1
            if self.tokens[at].kind != "word":
                return tuple(links)

    def _paired(self) -> dict[int, int]:
        open_ones: list[int] = []
        pairs = {}
        for at, token in enumerate(self.tokens):
            if token.kind != "sign":
                continue
            if token.key in "([{":
                open_ones.append(at)
            elif open_ones and self.tokens[open_ones[-1]].key == _CLOSES.get(token.key):
                pairs[open_ones.pop()] = at
        self.cut = self.cut or bool(open_ones)
        return pairs

    def _constants(self) -> dict[str, str]:
        """Texts that the program names once: `const TABLE = "orders"`."""
        found: dict[str, str] = {}
        for at in range(len(self.tokens) - 3):
            if self.tokens[at].key == "const" and self.tokens[at + 2].key == "=":
                value, after = self.tokens[at + 3], self.key(at + 4)
                if value.kind == "text" and after not in ("+", ".") and "\0" not in value.key:
                    found[self.tokens[at + 1].key] = value.key
        return found


def _tokens(text: str) -> Iterator[Token]:
    at, line, last = 0, 1, ""
    while at < len(text):
        found = _NEXT.match(text, at)
        if found is None:
            return
        kind, key, end = _KINDS.get(found.lastgroup or ""), found.group(), found.end()
        if kind == "text":
            key, end = _quoted(text, at)
        elif key == "/" and last in _BEFORE_REGEX and (pattern := _REGEX.match(text, at)):
            kind, end = "pattern", pattern.end()
        stop = line + text.count("\n", at, end)
        if kind is not None:
            yield Token(kind, key, line, stop)
            last = key if kind in ("sign", "word") else "'"
        at, line = end, stop


def _quoted(text: str, at: int) -> tuple[str, int]:
    """The text that begins there, and where it ends; what is filled into it is not known."""
    sign, parts = text[at], []
    edge = _EDGES[sign]
    start = at = at + 1
    while found := edge.search(text, at):
        stop = found.start()
        if found.group() == "\\":
            at = stop + 2
        elif found.group() == "${":
            at = _filled(text, stop + 2)
            parts += [_plain(text[start:stop]), _place(text[stop + 2 : at - 1])]
            start = at
        else:
            return "".join((*parts, _plain(text[start:stop]))), stop + (found.group() == sign)
    return "".join((*parts, _plain(text[start:]))), len(text)


def _place(filled: str) -> str:
    named = filled.strip()
    return f"\0{named}\0" if len(named) < 200 and named.isidentifier() else UNKNOWN


def _filled(text: str, at: int) -> int:
    """Where `${…}` ends, which may hold further texts."""
    depth = 1
    while depth and (found := _IN_PLACE.search(text, at)):
        at, sign = found.end(), found.group()
        if sign in "{}":
            depth += 1 if sign == "{" else -1
        else:
            inner = text.find(sign, at, at + _LONGEST_FILLED)
            at = at if inner < 0 else inner + 1
    return at if depth == 0 else len(text)


def _plain(text: str) -> str:
    return _ESCAPE.sub(_sign, text) if "\\" in text else text


def _sign(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else " "
    return _SIGNS.get(found[4], found[4])
