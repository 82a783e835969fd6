"""What the settings of a rule mean: their values as an operator would write them, their units, their words.

The words are the descriptions in the schema, so that they cannot be elsewhere than the setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.rules.schema import Rule
from core.rules.types import Unit
from core.times import duration_text, format_rfc3339

# They say which rule it is, not how it works.
_NAMES = frozenset({"rule", "summary"})
_WRITTEN = {"duration": duration_text, "time": format_rfc3339}
Fields = list[tuple[str, FieldInfo]]


class Key(NamedTuple):
    """A key inside a setting: `path` is written with dots, `*` for any entry."""

    path: str
    unit: str
    meaning: str


class Setting(NamedTuple):
    """`value` is plain data as it is written in the file; `keys` are those of maps inside it."""

    name: str
    value: Any
    unit: str
    meaning: str
    keys: tuple[Key, ...]


def settings_of(rule: Rule) -> list[Setting]:
    """Every setting of the rule, in the order of its schema."""
    return [
        Setting(name, _written(getattr(rule, field), info), _unit(info), info.description or "", _keys(info))
        for field, (name, info) in zip(type(rule).model_fields, fields_of(type(rule)), strict=True)
        if name not in _NAMES
    ]


def fields_of(model: type[BaseModel]) -> Fields:
    """The fields of a model by the key that is written for each."""
    return [(info.alias or name, info) for name, info in model.model_fields.items()]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that values of a type may hold, directly."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in models_in(part)]


def _keys(info: FieldInfo, above: str = "") -> tuple[Key, ...]:
    path = above + _many(info.annotation)
    return tuple(key for model in models_in(info.annotation) for key in _keys_of(model, path))


def _keys_of(model: type[BaseModel], path: str = "") -> Iterator[Key]:
    for name, info in fields_of(model):
        yield Key(path + name, _unit(info), info.description or "")
        yield from _keys(info, f"{path}{name}.")


def _many(annotation: Any) -> str:
    """`*.` where a list or a map stands between a setting and the keys inside."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (tuple, dict, list):
        return "*." + _many(parts[1] if origin is dict else parts[0])
    return next((_many(part) for part in parts if models_in(part)), "")


def _unit(info: FieldInfo) -> str:
    """Of the number at the bottom of a field, however deep it lies."""
    return next(_units(info.annotation, info.metadata), "")


def _units(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> Iterator[str]:
    yield from (one.name for one in metadata if isinstance(one, Unit))
    yield from (one.name for one in getattr(annotation, "__metadata__", ()) if isinstance(one, Unit))
    for part in get_args(annotation):
        if not models_in(part):
            yield from _units(part)


def _written(value: Any, info: FieldInfo) -> Any:
    return _plain(value, _WRITTEN.get(_unit(info)))


def _plain(value: Any, write: Any) -> Any:
    """Maps, lists, texts and numbers; durations and times as they are written."""
    if isinstance(value, BaseModel) and not any(key.unit for key in _keys_of(type(value))):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, BaseModel):
        names = zip(type(value).model_fields, fields_of(type(value)), strict=True)
        held = {name: _written(getattr(value, field), info) for field, (name, info) in names}
        return {name: one for name, one in held.items() if one is not None}
    if isinstance(value, dict):
        return {str(key): _plain(one, write) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one, write) for one in value]
    if write is not None and isinstance(value, int) and not isinstance(value, bool):
        return write(value)
    return value
