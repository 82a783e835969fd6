"""Protocol buffer definitions read to messages, enums and services: a small reader of our own.

Tolerant: what it does not understand it skips to the next `;` or bracket; nothing raises for a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

MAX_TEXT = 300_000
_TOKEN = re.compile(
    r"//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?"
    r"|[A-Za-z_.][\w.]*|-?\d\w*|[^\s\w]"
)
_LABELS = frozenset(("optional", "required", "repeated"))
_HIGHEST = 536_870_911
_DEEPEST = 60
# Of one message or enum.
_MOST_RANGES = 200


class Token(NamedTuple):
    text: str
    line: int


class ProtoField(NamedTuple):
    name: str
    number: int
    type: str
    repeated: bool
    line: int


class Rpc(NamedTuple):
    """`takes` and `gives` with `stream ` before them where they stream."""

    name: str
    takes: str
    gives: str
    line: int


class Block(msgspec.Struct):
    """A message, enum or service. `fields` are the values of an enum, their type is empty."""

    kind: str
    name: str
    line: int
    fields: list[ProtoField] = []
    rpcs: list[Rpc] = []
    reserved: set[int] = set()
    ranges: list[tuple[int, int]] = []

    def keeps(self, number: int) -> bool:
        """Whether the number is reserved."""
        return number in self.reserved or any(low <= number <= high for low, high in self.ranges)


class Proto(msgspec.Struct):
    """One file. `blocks` by their names within the package, `Outer.Inner`."""

    package: str = ""
    package_line: int = 0
    blocks: dict[str, Block] = {}


def read(text: str | None) -> Proto | None:
    """The definitions; None without a text or with one that is too long."""
    if text is None or len(text) > MAX_TEXT:
        return None
    found = Proto()
    # The block that each open bracket is in: its own, or that around it.
    open_blocks: list[Block | None] = []
    for statement, end in _statements(text):
        inner = open_blocks[-1] if open_blocks else None
        if end == "{":
            made = _opened(statement, inner, len(open_blocks), found)
            open_blocks.append(made or inner)
        if statement and end != "}":
            _take(statement, inner, found)
        if end == "}" and open_blocks:
            open_blocks.pop()
    return found


def _tokens(text: str) -> Iterator[Token]:
    line, last = 1, 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", last, found.start())
        last = found.start()
        if not found.group().startswith(("//", "/*")):
            yield Token(found.group(), line)


def _statements(text: str) -> Iterator[tuple[list[Token], str]]:
    """Tokens up to `;`, `{` or `}`, without options in square brackets. A bracket within an option's value
    opens a block that nobody reads."""
    said: list[Token] = []
    square = 0
    for token in _tokens(text):
        if token.text == "[":
            square += 1
        elif token.text == "]":
            square = max(0, square - 1)
        elif token.text in "{};" and (not square or token.text == ";"):
            yield said, token.text
            said, square = [], 0
        elif not square:
            said.append(token)


def _opened(said: list[Token], outer: Block | None, depth: int, found: Proto) -> Block | None:
    """The block that a `{` begins; None for a oneof, the options of an rpc, and what is deeper than read."""
    words = [token.text for token in said]
    if len(words) != 2 or words[0] not in ("message", "enum", "service") or depth > _DEEPEST:
        return None
    name = f"{outer.name}.{words[1]}" if outer else words[1]
    block = Block(words[0], name, said[0].line)
    return found.blocks.setdefault(name, block)


def _take(said: list[Token], block: Block | None, found: Proto) -> None:
    words = [token.text for token in said]
    if words[0] == "package" and len(words) == 2:
        found.package, found.package_line = words[1], said[0].line
    elif block is None:
        return
    elif words[0] == "reserved":
        _reserve(block, words[1:])
    elif words[0] == "rpc":
        _rpc(said, words, block)
    elif block.kind in ("message", "enum") and words[0] not in ("option", "extensions", "extend", "oneof"):
        _field(said, words, block)


def _rpc(said: list[Token], words: list[str], block: Block) -> None:
    text = " ".join(words)
    shape = re.fullmatch(r"rpc (\S+) \( (stream )?(\S+) \) returns \( (stream )?(\S+) \)", text)
    if shape:
        name, asks, takes, answers, gives = shape.groups()
        block.rpcs.append(Rpc(name, f"{asks or ''}{takes}", f"{answers or ''}{gives}", said[0].line))


def _field(said: list[Token], words: list[str], block: Block) -> None:
    if "=" not in words:
        return
    place = words.index("=")
    number = _number(words[place + 1]) if len(words) == place + 2 else None
    if number is None or place < 1:
        return
    name, kind = words[place - 1], words[: place - 1]
    if block.kind == "enum":
        if not kind:
            block.fields.append(ProtoField(name, number, "", False, said[0].line))
        return
    repeated = bool(kind) and kind[0] == "repeated"
    kind = kind[1:] if kind and kind[0] in _LABELS else kind
    if kind:
        block.fields.append(ProtoField(name, number, "".join(kind), repeated, said[0].line))


def _reserve(block: Block, words: list[str]) -> None:
    """`2, 15, 9 to 11`; names stand for nothing here."""
    for part in " ".join(words).split(" , "):
        first, _, last = part.partition(" to ")
        low = _number(first)
        high = _HIGHEST if last == "max" else _number(last or first)
        if low is not None and low == high:
            block.reserved.add(low)
        elif low is not None and high is not None and len(block.ranges) < _MOST_RANGES:
            block.ranges.append((low, high))


def _number(word: str) -> int | None:
    try:
        return int(word[:20], 0)
    except ValueError:
        return None
