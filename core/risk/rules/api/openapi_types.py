"""What is compared of an OpenAPI description: operations, fields and limits; nothing is read here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

DEEPEST = 8


class Field(NamedTuple):
    """`type` such as `string` or `array`; "" where it is not said or one of several. `line`: where it stands,
    0 where the text has no lines. `level`: how many fields are around it."""

    type: str
    format: str = ""
    enum: frozenset[str] | None = None
    required: bool = False
    limits: tuple[tuple[str, float], ...] = ()
    line: int = 0
    level: int = 0


class Fields(dict[str, Field]):
    """By their paths. `whole`: the levels that were read; `cut`: there are more. `outside`: the paths whose
    schema, or a part of it, is in another file."""

    whole: int = DEEPEST
    cut: bool = False
    outside: frozenset[str] = frozenset()

    def down_to(self, level: int) -> Fields:
        """Those of the first levels."""
        if level >= self.whole:
            return self
        found = Fields({path: field for path, field in self.items() if field.level <= level})
        found.whole, found.outside = level, self.outside
        return found


class Operation(NamedTuple):
    """`body` and `answers` by media type, and by status code before; `*` where none is named (OpenAPI 2).
    `security`: the ways to be let in, each the schemes and scopes it needs; none or an empty one: open.
    `outside`: of `parameters`, `body` and the status codes those that another file describes."""

    name: str
    line: int
    deprecated: bool
    parameters: dict[str, Field]
    body_required: bool
    body: dict[str, Fields]
    answers: dict[str, dict[str, Fields]]
    security: frozenset[frozenset[str]]
    outside: frozenset[str] = frozenset()

    @property
    def schemas(self) -> tuple[Fields, ...]:
        given = (fields for kinds in self.answers.values() for fields in kinds.values())
        return (*self.body.values(), *given)

    @property
    def cut(self) -> bool:
        """Whether one of its schemas was not read to its end."""
        return any(fields.cut for fields in self.schemas)

    @property
    def is_elsewhere(self) -> bool:
        """Whether some of it is in another file."""
        return bool(self.outside) or any(fields.outside for fields in self.schemas)


class Operations(dict[str, Operation]):
    """By method and path. `outside`: the paths that another file describes."""

    outside: frozenset[str] = frozenset()


def tighter(old: Field, new: Field) -> Iterator[str]:
    before = dict(old.limits)
    for name, value in new.limits:
        was = before.get(name)
        if was is None or (value < was if name.startswith("max") else value > was):
            yield f"{name} {'none' if was is None else was} to {value}"


def written(field: Field) -> str:
    return f"{field.type} ({field.format})" if field.format else field.type


def parent(path: str) -> str:
    """The field that holds this one; "" is the whole."""
    if path.endswith("[]"):
        return path[:-2]
    return path.rpartition(".")[0]
