"""A small tolerant reader of SQL: statements of tokens, each with its line.

It knows comments, strings, quoted names, dollar quotes, routine bodies, `DELIMITER`, rows of `COPY` and
blocks of `DO`. It never fails: what is not closed ends with the text. One pass, linear in the text.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from core.risk.rules.sql.dialect import Dialect

Kind = Literal["word", "name", "text", "number", "sign"]


def word_set(text: str) -> frozenset[str]:
    """The words of a table in a program, with blanks between them."""
    return frozenset(text.split())


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
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT"})
_END_OF = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR", "CASE"})
_HEADS = frozenset({"BEGIN", "THEN", "ELSE", "LOOP"})


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


class Script(NamedTuple):
    """`cut`: there was more than is read."""

    statements: tuple[Statement, ...]
    cut: bool = False


def read_sql(text: str, dialect: Dialect = "postgres", line: int = 1) -> Script:
    """The statements of `text`, whose first line is `line`. Blocks of `DO` are opened."""
    if len(text) > MAX_TEXT:
        return Script((), cut=True)
    reader = _Reader(text, dialect, line)
    reader.read()
    found: list[Statement] = []
    for one in reader.found:
        found.append(one)
        found += _inside(one, dialect) if one.tokens[0].key == "DO" else ()
    return Script(tuple(found), reader.cut)


def _inside(block: Statement, dialect: Dialect) -> tuple[Statement, ...]:
    body = next((one for one in block.tokens if one.kind == "text"), None)
    if body is None:
        return ()
    reader = _Reader(body.text, dialect, body.line)
    reader.read()
    return tuple(one for one in map(_headless, reader.found) if one.tokens)


def _headless(one: Statement) -> Statement:
    """Without the `BEGIN`, `IF … THEN`, `LOOP` that stand before it in a block."""
    heads = [at for at, token in enumerate(one.tokens) if token.key in _HEADS]
    kept = one.tokens[heads[-1] + 1 :] if heads and one.tokens[0].key != "CREATE" else one.tokens
    return one._replace(tokens=kept, line=kept[0].line if kept else one.line)


class _Reader:
    def __init__(self, text: str, dialect: Dialect, line: int) -> None:
        self.text, self.dialect = text, dialect
        self.mysql = dialect == "mysql"
        self.at, self.line, self._counted = 0, line, 0
        self.found: list[Statement] = []
        self.cut = False
        # Turns of the loop: bounded by the signs of the text, whatever they are.
        self.turns = 0
        self._delimiter, self._words = ";", _WORD
        self._tokens: list[Token] = []
        self._more = self._routine = False
        self._depth = 0
        self._last = ""

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
        elif text.startswith("--", at) or (sign == "#" and self.mysql) or self._is_meta(sign):
            self._go(self._line_end(at))
        elif text.startswith("/*", at):
            self._comment()
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
        """A command to psql (`\\connect`)."""
        return sign == "\\" and (self.at == 0 or self.text[self.at - 1] == "\n")

    def _is_end(self) -> bool:
        return self.text.startswith(self._delimiter, self.at) and not (self._routine and self._depth > 0)

    def _comment(self) -> None:
        if self.mysql and self.text.startswith("/*!", self.at):
            # MySQL runs what is inside, from the version that stands there on.
            version = _NUMBER.match(self.text, self.at + 3)
            self._go(version.end() if version else self.at + 3)
            return
        depth, at = 0, self.at
        while edge := _COMMENT_EDGE.search(self.text, at):
            depth += 1 if edge.group() == "/*" else -1
            at = edge.end()
            if depth == 0 or (self.mysql and edge.group() == "*/"):
                break
        else:
            at = len(self.text)
        self._go(at)

    def _word(self, word: str) -> None:
        key, end = word.upper(), self.at + len(word)
        if not self._tokens and key == "DELIMITER":
            stop = self._line_end(end)
            self._delimiter = self.text[end : min(stop, end + 20)].strip() or ";"
            self._words = _WORD_ALONE if "$" in self._delimiter else _WORD
            self._go(stop)
        elif key == "GO" and self.dialect == "other" and self._fills_line(end):
            self._go(end)
            self._finish()
        elif key in ("E", "N", "B", "X") and self.text.startswith("'", end):
            self._go(end)
            self._quote("'", escapes=key == "E" or self.mysql)
        else:
            self._token("word", key, word, end)

    def _fills_line(self, end: int) -> bool:
        before = self.at == 0 or self.text[self.at - 1] == "\n"
        return before and self.text[end : end + 2].strip(" \r")[:1] in ("", "\n")

    def _quote(self, sign: str, escapes: bool) -> None:
        end = start = self.at + 1
        while True:
            end = self.text.find(sign, end)
            if end < 0:
                end = len(self.text)
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
        end = len(self.text) if end < 0 else end
        self._token("text", "'", self.text[start:end], end + len(tag))

    def _token(self, kind: Kind, key: str, text: str, end: int) -> None:
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
