"""Where in an operator's YAML a value stands, and what a misspelt word may have meant.

A document that was read keeps its text. Lines are looked up only when something is wrong with it: they cost
a valid document nothing, and its values are what they are without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

Place = Sequence[int | str]
_BRANCH = re.compile(r"str|int|bool|float|(constrained|function)-.*|.*[\[(].*|[A-Z]\w*", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'")
_BOOL = "tag:yaml.org,2002:bool"
# Text that was read once already; the quick one where the library was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Written(dict[Any, Any]):
    """The map at the top of a document, and the text that it was read from."""

    def __init__(self, values: dict[Any, Any], text: str) -> None:
        super().__init__(values)
        self.text = text


class _Step(NamedTuple):
    mark: yaml.Mark
    node: yaml.Node
    word: str


class Marks:
    """Lines of a document. For what was not read from a text no place has one."""

    def __init__(self, data: object) -> None:
        self._root = _composed(data.text) if isinstance(data, Written) else None

    def line(self, place: Place) -> int | None:
        """From 1: of the value at `place`, or of the nearest around it that is there."""
        if self._root is None:
            return None
        marks = [self._root.start_mark, *(step.mark for step in self._steps(place) if step)]
        return int(marks[-1].line) + 1

    def path(self, place: Place) -> str:
        """`steps.2.action`, counted from 1 as people do, without what pydantic puts in between."""
        steps = zip(place, self._steps(place), strict=True)
        words = (step.word if step else _word(part) for part, step in steps)
        return ".".join(word for word in words if word)

    def where(self, where: str, place: Place) -> str:
        """`where`, with the line."""
        line = self.line(place)
        return where if line is None else f"{where}, line {line}"

    def _steps(self, place: Place) -> Iterator[_Step | None]:
        """Of each part of `place`; None for one that is not in the document."""
        node = self._root
        for part in place:
            step = _step(node, part)
            node = step.node if step else node
            yield step


def _word(part: int | str) -> str:
    """As people write it; nothing for what pydantic says of the branch of a union, or of a key."""
    if isinstance(part, int):
        return str(part + 1)
    return "" if _BRANCH.fullmatch(part) else part


def _composed(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _step(node: yaml.Node | None, part: int | str) -> _Step | None:
    """What `part` names in `node`. Of a key its own mark: values of many lines begin on the next one."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            # Of a key that YAML reads as yes or no, pydantic says the number 1 or 0.
            switch = key.tag == _BOOL and part == (key.value.lower() in ("true", "yes", "on"))
            if switch or key.value == str(part):
                return _Step(key.start_mark, value, str(key.value))
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return _Step(node.value[part].start_mark, node.value[part], str(part + 1))
    return None


def line_of(data: object, place: Place) -> int | None:
    """The line of what is at `place` (keys, and numbers from 0) in a document that `read_yaml` gave."""
    return Marks(data).line(place)


def placed(text: str, where: str, *place: int | str) -> str:
    """`where` with the line of `place` in the YAML `text`: for faults that are found after reading."""
    return Marks(Written({}, text)).where(where, place)


def keys_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    """The keys that the document `model` knows in the map around `place`."""
    models = [model]
    for part in place[:-1]:
        fields = [field for one in models for key, field in _fields(one) if key == part]
        if fields:
            models = [found for field in fields for found in _models_in(field.annotation)]
    return tuple(dict.fromkeys(key for one in models for key, _ in _fields(one)))


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(field.alias or name, field) for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def meant(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `word`, if one is like it."""
    wanted = word.lower().replace("-", "_")
    by_form = {one.lower().replace("-", "_"): one for one in known}
    found = get_close_matches(wanted, by_form, n=1, cutoff=0.6)
    return by_form[found[0]] if found else None


def words_in(expected: str) -> list[str]:
    """The words that pydantic says it expected, as in `'a', 'b' or 'c'`."""
    return _QUOTED.findall(expected)
