"""YAML of unknown people as plain values with their lines: many documents, bounded, and it never raises.

Read from the parser's events, not by its composer, which a file of brackets could overturn. Of a template
what is written plainly is read, of what nests too deep all that does not. What is no YAML or expands to too
much is None: then a rule reads lines, or says nothing.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from core.risk.rules.reading import current
from core.risk.rules.yamltemplates import is_template, plain_of

MAX_TEXT = 1_000_000
_MAX_DEPTH = 60
# Levels below those that are passed by; the parser takes longer the deeper it is.
_MAX_DEEPER = 200
# Values after aliases are expanded.
_MAX_NODES = 400_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,30})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?")
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


class Map(dict[str, Any]):
    """A map; its keys as they are written. `line` is where it begins, `lines` where each key is. `templated`:
    it is a document of a template, of which only what is written plainly is known."""

    def __init__(self) -> None:
        super().__init__()
        self.line = 0
        self.lines: dict[str, int] = {}
        self.templated = False


class Row(list[Any]):
    """A list; `lines` where each entry begins."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


class _TooMuch(Exception):
    """Larger than is read, or a form that is not followed."""


def documents(text: str | None) -> list[Any] | None:
    """The documents of a text, in order; None where there is no text or it is not read. Whoever gets them
    changes nothing: others get the same ones."""
    if text is None or len(text) > MAX_TEXT:
        return None
    now = current()
    return _documents(text) if now is None else now.once(text, _documents)


def _documents(text: str) -> list[Any] | None:
    try:
        return _Builder().build(text)
    except (yaml.YAMLError, _TooMuch, ValueError):
        return _of_template(text) if is_template(text) else None


def _of_template(text: str) -> list[Any] | None:
    try:
        found = _Builder().build(plain_of(text))
    except (yaml.YAMLError, _TooMuch, ValueError):
        return None
    for one in found:
        if isinstance(one, Map):
            one.templated = True
    return found


def fault_of(text: str) -> tuple[str, int] | None:
    """Why `documents` has nothing of a text, and in which line (0: not known); None where it was not asked
    for want of room."""
    now = current()
    if len(text) > MAX_TEXT or (now is not None and text in now.refused):
        return None
    try:
        _Builder().build(plain_of(text) if is_template(text) else text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return error.problem or "no YAML", mark.line + 1 if mark is not None else 0
    except (yaml.YAMLError, ValueError):
        return "a sign in it that YAML does not allow", 0
    except _TooMuch as error:
        return str(error), 0
    return None


def line_of(holder: Any, key: str) -> int:
    """The line of a key, else of its map, else 0."""
    return holder.lines.get(key, holder.line) if isinstance(holder, Map) else 0


def at(value: Any, *path: str) -> Any:
    """What is under keys, one below the other; None where a step is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def map_at(value: Any, *path: str) -> Map:
    """The map there, else an empty one."""
    found = at(value, *path)
    return found if isinstance(found, Map) else Map()


def rows_at(value: Any, *path: str) -> list[Map]:
    """The maps of the list there."""
    found = at(value, *path)
    return [row for row in found if isinstance(row, Map)] if isinstance(found, list) else []


def walk(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any, int]]:
    """Every scalar as (keys down to it, value, line). Rows that have a `name` stand under that name."""
    found: list[tuple[tuple[str, ...], Any, int]] = []
    stack: list[tuple[tuple[str, ...], Any, int]] = [(path, value, 0)]
    while stack:
        here, item, line = stack.pop()
        if isinstance(item, Map):
            stack += [((*here, key), item[key], item.lines.get(key, line)) for key in reversed(item)]
        elif isinstance(item, Row):
            names = [_name(row, number) for number, row in enumerate(item)]
            below = zip(names, item, item.lines, strict=True)
            stack += [((*here, name), row, at_line) for name, row, at_line in reversed(list(below))]
        else:
            found.append((here, item, line))
    return found


def _name(row: Any, number: int) -> str:
    name = row.get("name") if isinstance(row, Map) else None
    return name if isinstance(name, str) else str(number)


class _Builder:
    """Documents from events. `weights` are the sizes of open collections, `total` that of all, both with
    aliases expanded."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self.open: list[tuple[Map | Row, str | None]] = []
        self.keys: list[str | None] = []
        self.weights: list[int] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.total = 0
        # Collections that are open below the deepest that is read.
        self.deep = 0

    def build(self, text: str) -> list[Any]:
        for event in yaml.parse(text, Loader=_LOADER):
            self.take(event)
        return self.documents

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if self.deep:
            self.pass_by(event, line)
        elif isinstance(event, yaml.ScalarEvent):
            is_key = bool(self.open) and isinstance(self.open[-1][0], Map) and self.keys[-1] is None
            self.total += 1
            self.place(event.value if is_key else _scalar(event), line, 1, event.anchor)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self.begin(event, line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.end()
        elif isinstance(event, yaml.AliasEvent):
            value, weight = self.anchors.get(event.anchor or "", (None, 0))
            if not weight:
                raise _TooMuch("an alias of what is not known")
            self.total += weight
            self.place(value, line, weight, None)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()

    def pass_by(self, event: Any, line: int) -> None:
        """What is deeper than anything that a rule asks for is nothing, and hides nothing beside it."""
        opens = isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
        closes = isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
        self.deep += opens - closes
        if self.deep > _MAX_DEEPER:
            raise _TooMuch("it nests too deep")
        self.total += 1
        if not self.deep:
            self.place(None, line, 1, None)

    def begin(self, event: Any, line: int) -> None:
        if len(self.open) >= _MAX_DEPTH:
            self.deep = 1
            return
        made: Map | Row = Map() if isinstance(event, yaml.MappingStartEvent) else Row()
        if isinstance(made, Map):
            made.line = line
        self.lines_of_open(line)
        self.open.append((made, event.anchor))
        self.keys.append(None)
        self.weights.append(1)

    def lines_of_open(self, line: int) -> None:
        """Remember where a collection begins that is an entry of a list."""
        if self.open and isinstance(self.open[-1][0], Row):
            self.open[-1][0].lines.append(line)

    def end(self) -> None:
        made, anchor = self.open.pop()
        self.keys.pop()
        self.place(made, 0, self.weights.pop(), anchor)

    def place(self, value: Any, line: int, weight: int, anchor: str | None) -> None:
        if self.total > _MAX_NODES:
            raise _TooMuch("it expands to too many values")
        if anchor:
            self.anchors[anchor] = (value, weight)
        if not self.open:
            self.documents.append(value)
            return
        self.weights[-1] += weight
        holder = self.open[-1][0]
        if isinstance(holder, Row):
            holder.append(value)
            if line:
                holder.lines.append(line)
        else:
            self.pair(holder, value, line)

    def pair(self, holder: Map, value: Any, line: int) -> None:
        key = self.keys[-1]
        if key is None:
            if not isinstance(value, str):
                raise _TooMuch("a key in it is no word")
            self.keys[-1] = value
            holder.lines[value] = line
            return
        self.keys[-1] = None
        if key == "<<" and isinstance(value, Map):
            for name, item in value.items():
                holder.setdefault(name, item)
                holder.lines.setdefault(name, value.lines.get(name, 0))
        else:
            holder[key] = value


def _scalar(event: Any) -> Any:
    """Plain words as numbers, truths and nothing; what is quoted or long stays text."""
    text: str = event.value
    if event.style or (event.tag and not event.implicit[0]):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text.replace("_", ""))
    return float(text) if _FLOAT.fullmatch(text) else text
