"""Operators' YAML, read strictly: every fault with file, line, path and how to mend it.

Unknown keys, wrong types and broken YAML are refused; anchors that expand without end are not followed.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from core.errors import InputError
from core.yamlmarks import Marks, Written, keys_at, meant, words_in

MAX_BYTES = 16 * 1024 * 1024
# Faults of one document that are told; of a file that is something else there may be any number.
_MOST = 100
_MENDS = {
    "extra_forbidden": "Remove it, or correct its spelling",
    "missing": "Add it",
    "list_type": "Write a list (lines that begin with '- ')",
    "string_type": "Write a text; put quotes around numbers and yes/no",
    "int_type": "Write a whole number",
    "int_parsing": "Write a whole number",
    "int_from_float": "Write a whole number",
    "bool_type": "Write true or false",
    "bool_parsing": "Write true or false",
    "tuple_type": "Write a list (lines that begin with '- ')",
    "too_short": "Write one at least",
    "dict_type": "Write keys and values",
    "invalid_key": "Put quotes around it, or remove it",
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
    "invalid_key": "YAML does not read this key as a text",
    "int_type": "not a whole number",
    "int_parsing": "not a whole number",
    "int_from_float": "not a whole number",
    "bool_type": "neither true nor false",
    "bool_parsing": "neither true nor false",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be {le} at most",
    "too_long": "the list has more than {max_length} entries",
    "string_too_long": "longer than {max_length} characters",
    "literal_error": "it is none of {expected}",
    "enum": "it is none of {expected}",
}


class Strict(BaseModel):
    """Base of every operator-written document: frozen, and no key passes unread."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Document = TypeVar("Document", bound=BaseModel)
Kind = TypeVar("Kind", bound=InputError)


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
    """Plain values from YAML text; the map at the top keeps the text. Raises `error` with line and column."""
    if len(text) > MAX_BYTES:
        raise error("larger than 16 MiB", where=where, mend="Split the file")
    try:
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a stricter SafeLoader
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        raise error(f"not valid YAML: {problem.problem}", where=place, mend="Correct that line") from None
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise error(f"not valid YAML: {problem}", where=where, mend="Correct the file") from None
    return Written(values, text) if isinstance(values, dict) else values


def checked(model: type[Document], data: Any, error: type[InputError], where: str) -> Document:
    """`data` as a `model`. Raises `error` for the first fault, with its line and its path in the document."""
    found = _read(model, data, where)
    if not isinstance(found, list):
        return found
    first, more = found[0], found[0].others
    tail = f" (and {more} more fault{'s' * (more > 1)})" if more else ""
    raise error(f"{first.what}{tail}", where=first.where, mend=first.mend)


def problems(model: type[BaseModel], data: Any, error: type[Kind], where: str) -> list[Kind]:
    """The faults of `data` as a `model`, by line, 100 at most; none when it is well formed."""
    found = _read(model, data, where)
    if not isinstance(found, list):
        return []
    found.sort(key=lambda fault: fault.line or 0)
    return [error(fault.what, where=fault.where, mend=fault.mend) for fault in found]


class _Fault(NamedTuple):
    where: str
    line: int | None
    what: str
    mend: str
    others: int = 0


def _read(model: type[Document], data: Any, where: str) -> Document | list[_Fault]:
    """The document, or its faults; misspelt keys first."""
    if not isinstance(data, dict):
        keys = ", ".join(model.model_fields)
        return [_Fault(where, None, "not a map of keys", f"Write a document with the keys {keys}")]
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        errors, marks = problem.errors(include_url=False), Marks(data)
    errors.sort(key=lambda one: one["type"] != "extra_forbidden")
    errors = [one for one in errors if one["type"] != "too_short" or not _bad_entry(one, errors)]
    told = [(one, _guess(one, model)) for one in errors[:_MOST]]
    # A key that is misspelt is missing too: the one that is there says more.
    meant_by = {(*one["loc"][:-1], guess) for one, guess in told if guess}
    told = [pair for pair in told if pair[0]["type"] != "missing" or pair[0]["loc"] not in meant_by]
    others = len(told) + max(0, len(errors) - _MOST) - 1
    return [
        _fault(one, marks, where, guess, _keys(one, model))._replace(others=others) for one, guess in told
    ]


def _bad_entry(short: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list is only short because an entry of it is wrong: pydantic does not count those."""
    place = short["loc"]
    return any(len(one["loc"]) > len(place) and one["loc"][: len(place)] == place for one in errors)


def _fault(one: ErrorDetails, marks: Marks, where: str, guess: str, keys: tuple[str, ...]) -> _Fault:
    kind, place = one["type"], one["loc"]
    said, mend = _words(one), _MENDS.get(kind, "Correct the value")
    if guess:
        mend = f"{mend}: did you mean `{guess}`?"
    elif keys:
        mend = f"{mend}; the keys here are {', '.join(keys)}"
    path = marks.path(place)
    return _Fault(marks.where(where, place), marks.line(place), f"{path}: {said}" if path else said, mend)


def _words(one: ErrorDetails) -> str:
    form = _SAYS.get(one["type"])
    return form.format_map(one.get("ctx", {})) if form else str(one["msg"]).removeprefix("Value error, ")


def _keys(one: ErrorDetails, model: type[BaseModel]) -> tuple[str, ...]:
    """Those that may stand where one is that may not."""
    return keys_at(model, one["loc"]) if one["type"] == "extra_forbidden" else ()


def _guess(one: ErrorDetails, model: type[BaseModel]) -> str:
    """What a misspelt key, or a misspelt word of a list of words, may have meant."""
    if one["type"] == "extra_forbidden":
        return meant(str(one["loc"][-1]), keys_at(model, one["loc"])) or ""
    if one["type"] == "literal_error" and isinstance(one["input"], str):
        return meant(one["input"], words_in(one["ctx"]["expected"])) or ""
    return ""
