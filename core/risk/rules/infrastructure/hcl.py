"""Terraform's language as far as rules need it: blocks with their attributes and lines; it never fails.

A line reader, not a parser: braces outside strings, comments and heredocs open and close blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

MAX_TEXT = 1_000_000
_LONGEST = 2_000
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_HEADER = re.compile(
    r'\s*([A-Za-z_][\w-]{0,80})((?:\s+(?:"[^"]{0,200}"|[A-Za-z_][\w-]{0,80})){0,4})\s{0,40}=?\s*\{'
)
_ATTRIBUTE = re.compile(r'\s*"?([A-Za-z_][\w.-]{0,80})"?\s*=\s*(?!=)(.*)', re.DOTALL)
_HEREDOC = re.compile(r"<<[-~]?\s*([A-Za-z_]\w{0,80})\s*$")
_WORD = re.compile(r'"([^"]{0,200})"|([A-Za-z_][\w-]{0,80})')
# Lines of one value at most.
_MOST_LINES = 60
_MAX_DEPTH = 40


class Attribute(msgspec.Struct, frozen=True):
    """A value as it is written, in one line."""

    text: str
    line: int

    @property
    def plain(self) -> str:
        """Without quotes, in small letters."""
        return self.text.strip().strip('"').lower()


class Block(msgspec.Struct):
    """`words` of its header: ("resource", "aws_db_instance", "main")."""

    words: tuple[str, ...]
    line: int
    attributes: dict[str, Attribute] = {}
    inner: list[Block] = []

    @property
    def address(self) -> str:
        return ".".join(self.words[1:] if self.words[0] == "resource" else self.words)

    @property
    def kind(self) -> str:
        """The type of a resource, else ""."""
        return self.words[1] if self.words[0] == "resource" and len(self.words) == 3 else ""

    def below(self) -> Iterator[Block]:
        """This block and all in it."""
        yield self
        for block in self.inner:
            yield from block.below()

    def value(self, *path: str) -> str:
        """The plain text of an attribute, in nested blocks by their names; "" where there is none."""
        *blocks, name = path
        here: Block | None = self
        for word in blocks:
            here = next((one for one in (here.inner if here else ()) if one.words[0] == word), None)
        found = here.attributes.get(name) if here else None
        return found.plain if found else ""


def blocks(text: str | None) -> list[Block]:
    """The blocks of a file, in order; none of what is no text or too long."""
    return whole_file(text).inner


def whole_file(text: str | None) -> Block:
    """A file as one block: what is set outside of blocks (`.tfvars`), and its blocks."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n") if text and len(text) <= MAX_TEXT else (), 1):
        reader.take(number, line[:_LONGEST])
    return reader.root


class _Reader:
    def __init__(self) -> None:
        self.root = Block(("",), 0, {}, [])
        self.stack = [self.root]
        self.heredoc = ""
        self.comment = False
        # The attribute whose list or call goes on over lines: its name, line, parts, open brackets.
        self.going: tuple[str, int, list[str]] | None = None
        self.brackets = 0

    def take(self, number: int, line: str) -> None:
        if self.heredoc:
            self.heredoc = "" if line.strip() == self.heredoc else self.heredoc
            return
        text = self.without_comment(line)
        if not text.strip():
            return
        found = _HEREDOC.search(text)
        self.heredoc = found[1] if found else ""
        bare = _STRING.sub('""', text)
        if self.going:
            self.go_on(text, bare)
        else:
            self.begin(number, text, bare)

    def without_comment(self, line: str) -> str:
        if self.comment:
            _, end, rest = line.partition("*/")
            self.comment = not end
            return rest if end else ""
        bare = _STRING.sub(lambda found: "x" * len(found[0]), line)
        cuts = [place for sign in ("#", "//", "/*") if (place := bare.find(sign)) >= 0]
        cut = min(cuts, default=len(line))
        self.comment = bare.startswith("/*", cut) and "*/" not in bare[cut:]
        return line[:cut]

    def begin(self, number: int, text: str, bare: str) -> None:
        header = _HEADER.match(text)
        if header:
            self.open(number, header)
            rest, bare_rest = text[header.end() :], _STRING.sub('""', text[header.end() :])
            if rest.strip() and rest.strip() != "}":
                self.attribute(number, rest.rsplit("}", 1)[0], bare_rest.replace("}", ""))
            self.close(bare_rest.count("}") - bare_rest.count("{"))
            return
        self.attribute(number, text, bare)
        if not self.going:
            self.close(bare.count("}") - bare.count("{"))

    def open(self, number: int, header: re.Match[str]) -> None:
        words = (header[1], *(one[1] or one[2] for one in _WORD.finditer(header[2])))
        made = Block(words, number, {}, [])
        if len(self.stack) < _MAX_DEPTH:
            self.stack[-1].inner.append(made)
        self.stack.append(made)

    def close(self, count: int) -> None:
        for _ in range(max(0, min(count, len(self.stack) - 1))):
            self.stack.pop()

    def attribute(self, number: int, text: str, bare: str) -> None:
        found = _ATTRIBUTE.match(text)
        if not found:
            return
        self.brackets = sum(bare.count(sign) for sign in "[({") - sum(bare.count(sign) for sign in "])}")
        if self.brackets > 0:
            self.going = (found[1], number, [found[2]])
        else:
            self.stack[-1].attributes[found[1]] = Attribute(found[2].strip(), number)

    def go_on(self, text: str, bare: str) -> None:
        assert self.going
        name, number, parts = self.going
        if len(parts) < _MOST_LINES:
            parts.append(text.strip())
        self.brackets += sum(bare.count(sign) for sign in "[({") - sum(bare.count(sign) for sign in "])}")
        if self.brackets <= 0:
            self.stack[-1].attributes[name] = Attribute(" ".join(part.strip() for part in parts), number)
            self.going = None
