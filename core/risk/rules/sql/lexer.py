"""The lexer of SQL: statements of tokens, each with its line.

It knows comments, strings, quoted names, dollar quotes, routine bodies, `DELIMITER`, rows of `COPY` and
commands to the client. It never fails: what is not closed ends with the text, and is told. One pass.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from core.risk.rules.sql.dialect import Dialect

Kind = Literal["word", "name", "text", "number", "sign"]


MAX_TEXT = 1_000_000
MAX_STATEMENTS = 20_000
# Of one statement; a list of rows to insert has any number, and says nothing more.
MAX_TOKENS = 600
_SPACE = re.compile(r"\s+")
_LINE_END = re.compile(r"[\r\n]")
_WORD = re.compile(r"[^\W\d][\w$]*")
# Where `$` stands in the delimiter, it is in no word.
_WORD_ALONE = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"\d[\w.]*")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
# A name in brackets, as SQL Server and SQLite write it; `[1]` and `['a']` are places in a list.
_BRACKETED = re.compile(r"\[(?![\d'\"])((?:[^\[\]\n]|\]\]){1,200})\]")
# `q'[it's]'` of Oracle.
_OWN_QUOTE = re.compile(r"'([\[{(<!|#^~])")
_CLOSING = {"[": "]", "{": "}", "(": ")", "<": ">"}
_META = re.compile(r"\\(?:(?:ir?|include(?:_relative)?|\.)(?=[ \t]+\S)|!)|:r\s|@@?(?=[\w./])")
_META_RUN = re.compile(r"\\g(?:exec|set|desc)?\b")
_RUNS = re.compile(r"/\*M?!\d{0,6}")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT"})
_END_OF = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR", "CASE"})
# Lines of SQL*Plus that are for people.
_REMARKS = frozenset({"REM", "REMARK", "PROMPT"})


class Token(NamedTuple):
    """`key` is what is compared: a word in capitals, a name in small letters, a sign, `'` of a text."""

    kind: Kind
    key: str
    text: str
    line: int


class Statement(NamedTuple):
    """`line` and `end` count from 1. `cut`: not all tokens were kept. `alone`: it runs outside of the
    transaction around its migration."""

    tokens: tuple[Token, ...]
    line: int
    end: int
    cut: bool = False
    alone: bool = False

    def starts(self, *keys: str) -> bool:
        """Whether the statement begins with these words."""
        first = self.tokens[0].key == keys[0]
        return first and tuple([one.key for one in self.tokens[: len(keys)]]) == keys

    def has(self, *keys: str) -> bool:
        """Whether these stand in a row somewhere."""
        found = [one.key for one in self.tokens]
        return any(tuple(found[at : at + len(keys)]) == keys for at in range(len(found)))


class Unread(NamedTuple):
    """What is run from a place that is not at hand, so that nothing is said of it."""

    line: int
    what: str


class Reader:
    """`found` when it has read. `opened`: the line of a quote or comment that never ends, 0 where all end.
    `strange`: something begins as nothing of this dialect does. `turns` are bounded by the signs."""

    def __init__(self, text: str, dialect: Dialect, line: int) -> None:
        self.text, self.dialect = text, dialect
        self.mysql = dialect == "mysql"
        self.at, self.line, self._counted = 0, line, 0
        self.found: list[Statement] = []
        self.cut = self.strange = False
        self.opened = 0
        self.unread: list[Unread] = []
        self._endless: set[str] = set()
        self.turns = 0
        self._delimiter, self._words = ";", _WORD
        self._tokens: list[Token] = []
        self._more = self._routine = False
        # Whether comments stand in one another, and one that MySQL runs is open.
        self._nests, self._running = not self.mysql, False
        self._depth, self._last = 0, ""

    def read(self) -> None:
        while self.at < len(self.text) and not self.cut:
            self.turns += 1
            self._turn()
        self._finish()

    def _turn(self) -> None:
        text, at = self.text, self.at
        sign = text[at]
        if space := _SPACE.match(text, at):
            self._go(space.end())
        elif self._is_end():
            self._go(at + len(self._delimiter))
            self._finish()
        elif text.startswith("--", at) or (sign == "#" and self.mysql):
            self._go(self._line_end(at))
        elif sign in "\\:@" and self._is_meta(sign):
            self._meta()
        elif text.startswith("/*", at) or (self._running and text.startswith("*/", at)):
            self._comment()
        elif sign == "[" and self.dialect == "other" and (name := _BRACKETED.match(text, at)):
            self._token("name", name[1].lower(), name[1], name.end())
        elif word := self._words.match(text, at):
            self._word(word.group())
        elif sign in "'\"`":
            self._quote(sign, escapes=self.mysql)
        elif sign == "$" and (tag := _DOLLAR.match(text, at)):
            self._dollar(tag.group())
        elif number := _NUMBER.match(text, at):
            self._token("number", number.group(), number.group(), number.end())
        else:
            self._token("sign", sign, sign, at + 1)

    def _go(self, at: int) -> None:
        self.line += self.text.count("\n", self.at, at)
        self.at = at

    def _line_end(self, at: int) -> int:
        """For PostgreSQL a carriage return ends a line, and with it a comment."""
        end = _LINE_END.search(self.text, at) if not self.mysql else None
        found = end.start() if end else self.text.find("\n", at)
        return len(self.text) if found < 0 else found

    def _is_meta(self, sign: str) -> bool:
        """A command to the client (`\\connect` of psql, `:r` of sqlcmd, `@file` of SQL*Plus)."""
        first = self._begins_line()
        if sign == "\\":
            return first or bool(_META_RUN.match(self.text, self.at))
        here = first and not self._tokens and self.dialect == "other"
        return here and bool(_META.match(self.text, self.at))

    def _meta(self) -> None:
        """What is in another file, or what a query answers, is run and not seen here."""
        if _META_RUN.match(self.text, self.at):
            if self.text.startswith("\\gexec", self.at):
                self.unread.append(Unread(self.line, "Runs what a query answers (\\gexec)"))
            self._finish()
        elif _META.match(self.text, self.at):
            self.unread.append(Unread(self.line, "Runs what another file holds"))
        self._go(self._line_end(self.at))

    def _open(self) -> None:
        self.opened = self.opened or self.line

    def _is_end(self) -> bool:
        return self.text.startswith(self._delimiter, self.at) and not (self._routine and self._depth > 0)

    def _comment(self) -> None:
        text, at = self.text, self.at
        if text.startswith("*/", at):
            self._running = False
            self._go(at + 2)
        elif self.mysql and (runs := _RUNS.match(text, at)):
            # MySQL runs what is inside, from the version that stands there on.
            self._running = True
            self._go(runs.end())
        else:
            end = self._nested(at) if self._nests else -1
            if end < 0:
                self._nests = False
                end = text.find("*/", at + 2) + 2
            if end < 2:
                self._open()
            self._go(end if end >= 2 else len(text))

    def _nested(self, at: int) -> int:
        """The end of a comment with others inside; -1 when it has none, or is one that only MySQL ends."""
        depth = 0
        while edge := _COMMENT_EDGE.search(self.text, at):
            depth += 1 if edge.group() == "/*" else -1
            at = edge.end()
            if depth == 0:
                return at
        self.strange = True
        return -1

    def _word(self, word: str) -> None:
        key, end = word.upper(), self.at + len(word)
        if not self._tokens and key == "DELIMITER":
            stop = self._line_end(end)
            self._delimiter = self.text[end : min(stop, end + 20)].strip() or ";"
            self._words = _WORD_ALONE if "$" in self._delimiter else _WORD
            self._go(stop)
        elif key in _REMARKS and self.dialect == "other" and not self._tokens:
            self._go(self._line_end(end))
        elif key == "GO" and self.dialect == "other" and self._fills_line(end):
            self._go(end)
            self._finish()
        elif key in ("Q", "NQ") and (own := _OWN_QUOTE.match(self.text, end)) and self._own(own):
            pass
        elif key in ("E", "N", "B", "X") and self.text.startswith("'", end):
            self._go(end)
            self._quote("'", escapes=key == "E" or self.mysql)
        else:
            self._token("word", key, word, end)

    def _own(self, found: re.Match[str]) -> bool:
        """A text between signs of its own, when it ends."""
        sign = _CLOSING.get(found[1], found[1]) + "'"
        stop = -1 if sign in self._endless else self.text.find(sign, found.end())
        if stop < 0:
            self._endless.add(sign)
            return False
        self._token("text", "'", self.text[found.end() : stop], stop + 2)
        return True

    def _begins_line(self) -> bool:
        return self.at == 0 or self.text[self.at - 1] == "\n"

    def _fills_line(self, end: int) -> bool:
        return self._begins_line() and self.text[end : end + 2].strip(" \r")[:1] in ("", "\n")

    def _quote(self, sign: str, escapes: bool) -> None:
        end = start = self.at + 1
        while True:
            end = self.text.find(sign, end)
            if end < 0:
                end = len(self.text)
                self._open()
                break
            if self.text.startswith(sign, end + 1):
                end += 2
            elif escapes and sign != "`" and self._escaped(start, end):
                end += 1
            else:
                break
        inner = self.text[start:end]
        name = sign != "'"
        self._token("name" if name else "text", inner.lower() if name else "'", inner, end + 1)

    def _escaped(self, start: int, end: int) -> bool:
        at = end
        while at > start and self.text[at - 1] == "\\":
            at -= 1
        return (end - at) % 2 == 1

    def _dollar(self, tag: str) -> None:
        start = self.at + len(tag)
        end = self.text.find(tag, start)
        if end < 0:
            end = len(self.text)
            self._open()
        self._token("text", "'", self.text[start:end], end + len(tag))

    def _token(self, kind: Kind, key: str, text: str, end: int) -> None:
        self.strange = self.strange or (key == "#" and not self._tokens)
        if len(self._tokens) < MAX_TOKENS:
            self._tokens.append(Token(kind, key, text, self.line))
        else:
            self._more = True
        if kind == "word":
            self._follow(key)
        self._last = key
        self._go(min(end, len(self.text)))

    def _follow(self, key: str) -> None:
        """Whether this is inside the body of a routine, whose statements are not run now."""
        if key in _ROUTINES and len(self._tokens) < 9 and self._tokens[0].key in ("CREATE", "ALTER"):
            self._routine = True
        if key == "BEGIN" or (key == "CASE" and self._last != "END"):
            self._depth += 1
        elif key == "END":
            self._depth -= 1
        elif self._last == "END" and key in _END_OF - {"CASE"}:
            self._depth += 1

    def _finish(self) -> None:
        tokens = tuple(self._tokens)
        if tokens:
            self.found.append(Statement(tokens, tokens[0].line, self.line, self._more))
            self.cut = len(self.found) >= MAX_STATEMENTS
            if tokens[0].key == "COPY" and any(one.key == "STDIN" for one in tokens):
                end = self.text.find("\n\\.", self.at)
                self._go(len(self.text) if end < 0 else end + 3)
        self._tokens, self._more, self._routine, self._depth, self._last = [], False, False, 0, ""
