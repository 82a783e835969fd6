"""Schemas of GraphQL read to types, fields and arguments: a small reader of our own.

Tolerant: what it does not understand it skips; operations (`query { … }`) define nothing; nothing raises.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

MAX_TEXT = 1_000_000
_TOKEN = re.compile(
    r'#[^\n]*|"""(?:[^"\\]|\\.|"(?!""))*(?:"""|\Z)|"(?:[^"\\\n]|\\.)*"?|[A-Za-z_]\w*|-?\d[\w.]*|\.\.\.|[^\s\w,]',
    re.DOTALL,
)
_KINDS = frozenset(("type", "interface", "input", "enum", "union", "scalar"))
_OPEN = frozenset("({[")
_CLOSED = frozenset(")}]")


class Token(NamedTuple):
    text: str
    line: int


class Argument(NamedTuple):
    """Also a field of an input. `type` as it is written, without spaces: `[ID!]!`."""

    type: str
    default: bool
    line: int

    @property
    def required(self) -> bool:
        return self.type.endswith("!") and not self.default


class Field(msgspec.Struct):
    type: str
    line: int
    arguments: dict[str, Argument] = {}
    default: bool = False
    deprecated: bool = False


class Type(msgspec.Struct):
    """`fields` are the values of an enum too, their type is empty; `members` of a union, or interfaces."""

    kind: str
    line: int
    fields: dict[str, Field] = {}
    members: set[str] = set()


def read(text: str | None) -> dict[str, Type] | None:
    """The types by name, what `extend` adds among them; None where there is no text or it is too long."""
    if text is None or len(text) > MAX_TEXT:
        return None
    reader = _Reader(text)
    reader.all()
    return reader.types


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[Token] = []
        line = place = 1
        place = 0
        for found in _TOKEN.finditer(text):
            line += text.count("\n", place, found.start())
            place = found.start()
            if not found[0].startswith(("#", '"""')):
                self.tokens.append(Token(found[0], line))
        self.at = 0
        self.types: dict[str, Type] = {}

    def sign(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead].text if self.at + ahead < len(self.tokens) else ""

    def take(self) -> Token:
        token = self.tokens[self.at] if self.at < len(self.tokens) else Token("", 0)
        self.at += 1
        return token

    def all(self) -> None:
        while self.at < len(self.tokens):
            if self.sign() in _KINDS and self.sign(1).isidentifier():
                self.define()
            elif self.sign() in _OPEN:
                self.skip()
            else:
                self.at += 1

    def skip(self) -> None:
        """Over a bracket and all in it."""
        depth = 0
        while self.at < len(self.tokens):
            sign = self.take().text
            depth += (sign in _OPEN) - (sign in _CLOSED)
            if depth <= 0:
                return

    def define(self) -> None:
        kind, name = self.take(), self.take().text
        found = self.types.setdefault(name, Type(kind.text, kind.line, {}, set()))
        while (
            (sign := self.sign()) and sign != "{" and sign not in _KINDS and sign not in ("extend", "schema")
        ):
            if sign == "directive" or (sign.startswith('"') and self.sign(1) != "="):
                return
            self.at += 1
            if sign == "@":
                self.at += 1
            elif sign == "(":
                self.at -= 1
                self.skip()
            elif sign.isidentifier() and sign != "implements":
                found.members.add(sign)
        if self.sign() == "{":
            self.at += 1
            self.fields(found)

    def fields(self, of: Type) -> None:
        while (sign := self.sign()) and sign != "}":
            if not sign.isidentifier():
                self.at += 1
                continue
            token = self.take()
            field = Field("", token.line, {})
            if self.sign() == "(":
                self.at += 1
                self.arguments(field)
            if self.sign() == ":":
                self.at += 1
                field.type = self.type()
            field.default = self.after(field)
            of.fields[token.text] = field
        self.at += 1

    def arguments(self, field: Field) -> None:
        while (sign := self.sign()) and sign != ")":
            token = self.take()
            if token.text.isidentifier() and self.sign() == ":":
                self.at += 1
                written = self.type()
                field.arguments[token.text] = Argument(written, self.after(), token.line)
        self.at += 1

    def type(self) -> str:
        parts: list[str] = []
        while self.sign() in ("[", "]", "!") or (
            self.sign().isidentifier() and (not parts or parts[-1] == "[")
        ):
            parts.append(self.take().text)
        return "".join(parts)

    def after(self, field: Field | None = None) -> bool:
        """Over a default and directives; whether there was a default."""
        default = False
        while self.sign() in ("=", "@"):
            if self.take().text == "=":
                default = True
                if self.sign() in _OPEN:
                    self.skip()
                else:
                    self.at += 1
                continue
            named = self.take().text
            if field is not None and named == "deprecated":
                field.deprecated = True
            if self.sign() == "(":
                self.skip()
        return default
