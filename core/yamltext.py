"""Operators' YAML, read strictly: one error with the place in it and how to mend it.

Unknown keys, wrong types and broken YAML are refused; anchors that expand without end are not followed.
"""

from __future__ import annotations

from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import InputError

MAX_BYTES = 16 * 1024 * 1024
_MENDS = {
    "extra_forbidden": "Remove it, or correct its spelling",
    "missing": "Add it",
    "list_type": "Write a list (lines that begin with '- ')",
    "string_type": "Write a text; put quotes around numbers and yes/no",
    "int_type": "Write a whole number",
    "bool_type": "Write true or false",
    "tuple_type": "Write a list (lines that begin with '- ')",
    "too_short": "Write one at least",
    "dict_type": "Write keys and values",
}
# What pydantic says in words of its own trade.
_SAYS = {
    "extra_forbidden": "no such key",
    "missing": "it is missing",
    "tuple_type": "not a list",
    "list_type": "not a list",
    "string_type": "not a text",
    "too_short": "the list is empty",
    "dict_type": "not a map of keys",
}


class Strict(BaseModel):
    """Base of every operator-written document: frozen, and no key passes unread."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Document = TypeVar("Document", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases (a small file could expand to gigabytes) and without silent duplicates."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not supported", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (str, int)) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} is there twice", problem_mark=key_node.start_mark
                )
            if isinstance(key, (str, int)):
                seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(text: str, error: type[InputError], where: str) -> Any:
    """Plain values from YAML text. Raises `error` with line and column."""
    if len(text) > MAX_BYTES:
        raise error("larger than 16 MiB", where=where, mend="Split the file")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a stricter SafeLoader
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        raise error(f"not valid YAML: {problem.problem}", where=place, mend="Correct that line") from None
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise error(f"not valid YAML: {problem}", where=where, mend="Correct the file") from None


def checked(model: type[Document], data: Any, error: type[InputError], where: str) -> Document:
    """`data` as a `model`. Raises `error` for the first fault, with its path in the document."""
    if not isinstance(data, dict):
        keys = ", ".join(model.model_fields)
        raise error("not a map of keys", where=where, mend=f"Write a document with the keys {keys}")
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        # A key that is misspelt is missing too: the one that is there says more.
        faults = sorted(problem.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        first = faults[0]
        message = _SAYS.get(first["type"], str(first["msg"]).removeprefix("Value error, "))
        path = _path(first["loc"])
        more = problem.error_count() - 1
        tail = f" (and {more} more fault{'s' * (more > 1)})" if more else ""
        mend = _MENDS.get(first["type"], "Correct the value")
        raise error(f"{path}{message}{tail}", where=where, mend=mend) from None


def _path(place: tuple[int | str, ...]) -> str:
    """`steps.2.action: `, counted from 1 as people do; nothing for the document itself."""
    parts = [str(part + 1) if isinstance(part, int) else part for part in place]
    return f"{'.'.join(parts)}: " if parts else ""
