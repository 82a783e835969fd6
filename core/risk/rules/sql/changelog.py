"""Changelogs of Liquibase as elements, written in XML, YAML or JSON alike: bounded, and it never raises.

XML is read by expat alone: a document type, and with it every entity that a file could declare, is refused.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

import msgspec

from core.risk.rules import yamldocs

MAX_CHANGELOG = 1_000_000
_MAX_DEPTH = 40
_MAX_ELEMENTS = 50_000
_ROOT = "databaseChangeLog"
# Lists that stand around what XML writes without them.
_HOLDERS = frozenset({"changes", "columns", _ROOT})
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}\s*(?:#.*)?$")


class Element(msgspec.Struct):
    """`given` are its attributes. Its lines are `line` to `end`; `text` begins on `text_line`."""

    name: str
    line: int
    given: dict[str, str] = {}
    inside: list[Element] = []
    end: int = 0
    text: str = ""
    text_line: int = 0

    def child(self, name: str) -> Element | None:
        """The first element of that name inside."""
        return next((one for one in self.inside if one.name == name), None)

    def all(self, name: str) -> list[Element]:
        return [one for one in self.inside if one.name == name]

    def says(self, key: str, value: str) -> bool:
        return self.given.get(key, "").strip().lower() == value


def elements(text: str) -> list[Element] | None:
    """What stands in `databaseChangeLog`; None for what is not read, or declares a document type."""
    if len(text) > MAX_CHANGELOG:
        return None
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        root = _from_xml(text)
        return None if root is None else root.inside if root.name == _ROOT else []
    return _from_yaml(text)


class _Refused(Exception):
    """A document type, or more than is read."""


class _Xml:
    """Elements of the events of expat. Line numbers are those of a text whose lines end with `\\n` alone."""

    def __init__(self, text: str) -> None:
        self.raw = text.replace("\r", " ").encode("utf-8", "replace")
        self.root = Element("", 0)
        self.open = [self.root]
        self.said: list[list[str]] = [[]]
        self.made = 0
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self.refuse
        parser.ExternalEntityRefHandler = parser.SkippedEntityHandler = self.refuse
        parser.StartElementHandler, parser.EndElementHandler = self.begin, self.end
        parser.CharacterDataHandler = self.say

    def read(self) -> Element:
        self.parser.Parse(self.raw, True)
        return self.root.inside[0]

    def refuse(self, *_: object) -> int:
        raise _Refused

    def begin(self, name: str, given: dict[str, str]) -> None:
        self.made += 1
        if self.made > _MAX_ELEMENTS or len(self.open) > _MAX_DEPTH:
            raise _Refused
        plain = {key.rpartition(":")[2]: value for key, value in given.items()}
        made = Element(name.rpartition(":")[2], self.parser.CurrentLineNumber, plain, [])
        self.open[-1].inside.append(made)
        self.open.append(made)
        self.said.append([])

    def end(self, _: str) -> None:
        made = self.open.pop()
        made.text, made.end = "".join(self.said.pop()), self.parser.CurrentLineNumber

    def say(self, text: str) -> None:
        holder, at = self.open[-1], self.parser.CurrentLineNumber
        # `&#10;` ends no line of the file.
        if self.raw[self.parser.CurrentByteIndex] == ord("&"):
            text = text.replace("\n", " ")
        if not self.said[-1]:
            holder.text_line = holder.end = at
        elif holder.name == "sql":
            # A comment between holds lines that are not said.
            self.said[-1].append("\n" * (at - holder.end))
        self.said[-1].append(text)
        holder.end = at + text.count("\n")


def _from_xml(text: str) -> Element | None:
    try:
        return _Xml(text).read()
    except (expat.ExpatError, _Refused, ValueError):
        return None


def _from_yaml(text: str) -> list[Element] | None:
    """JSON is YAML but for its tabs, which stand in no text of it."""
    json = text.lstrip().startswith("{")
    documents = yamldocs.documents(text.replace("\t", " ") if json else text)
    if documents is None:
        return None
    lines = text.split("\n")
    root = Element("", 0)
    budget = [_MAX_ELEMENTS]
    try:
        for one in documents:
            if isinstance(one, yamldocs.Map) and _ROOT in one:
                root.inside += _list(one[_ROOT], lines, budget)
    except _Refused:
        return None
    return root.inside


def _list(value: Any, lines: list[str], budget: list[int]) -> list[Element]:
    """The elements of a list of maps, each of which has the element's name as its key."""
    rows = value if isinstance(value, yamldocs.Row) else [value]
    maps = [row for row in rows if isinstance(row, yamldocs.Map)]
    return [_element(row, key, lines, budget) for row in maps for key in row]


def _element(row: yamldocs.Map, key: str, lines: list[str], budget: list[int]) -> Element:
    budget[0] -= 1
    if budget[0] < 0:
        raise _Refused
    line, value = yamldocs.line_of(row, key), row[key]
    made = Element(key, line, {}, [], line)
    if isinstance(value, yamldocs.Map):
        for name, item in value.items():
            if name in _HOLDERS:
                made.inside += _list(item, lines, budget)
            else:
                made.inside.append(_element(value, name, lines, budget))
            if not isinstance(item, (dict, list)):
                made.given[name] = _words(item)
    elif isinstance(value, yamldocs.Row):
        made.inside = _list(value, lines, budget)
    else:
        block = 0 < line <= len(lines) and _BLOCK.search(lines[line - 1][-200:]) is not None
        made.text, made.text_line = _words(value), line + block
        made.end = line + (made.text.rstrip("\n").count("\n") + 1 if block else 0)
    made.end = max([made.end, *(one.end for one in made.inside)])
    return made


def _words(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
