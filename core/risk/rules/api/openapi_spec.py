"""OpenAPI 2 and 3 descriptions read to operations and the fields of what they take and give.

Tolerant and bounded: references inside the file are followed, others and what is too deep or too large are
left out; nothing raises for a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from core.risk.rules.yamldocs import MAX_TEXT, documents, line_of

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
LIMITS = ("maximum", "maxLength", "maxItems", "minimum", "minLength", "minItems")
_DEEPEST, _HOPS = 8, 10
# Fields of all operations of one description.
_MOST_FIELDS = 50_000
_NAMED = re.compile(r"\{[^{}]*\}")


class Field(NamedTuple):
    """`type` such as `string` or `array`; "" where it is not said or one of several. `line`: where it stands,
    0 where the text has no lines."""

    type: str
    format: str = ""
    enum: frozenset[str] | None = None
    required: bool = False
    limits: tuple[tuple[str, float], ...] = ()
    line: int = 0


Fields = dict[str, Field]


class Operation(NamedTuple):
    """`body` and `answers` by media type, and by status code before; `*` where none is named (OpenAPI 2).
    `security`: the ways to be let in, each the schemes and scopes it needs; none or an empty one: open."""

    name: str
    line: int
    deprecated: bool
    parameters: Fields
    body_required: bool
    body: dict[str, Fields]
    answers: dict[str, dict[str, Fields]]
    security: frozenset[frozenset[str]]


def load(text: str | None) -> dict[str, Any] | None:
    """The description; None where the text is none."""
    found = documents(text)
    if found is None and text is not None and len(text) <= MAX_TEXT:
        try:
            found = [json.loads(text)]
        except (ValueError, RecursionError):
            return None
    first = found[0] if found else None
    fits = isinstance(first, dict) and ("openapi" in first or "swagger" in first)
    return first if isinstance(first, dict) and fits and isinstance(first.get("paths"), dict) else None


def operations(text: str | None) -> dict[str, Operation] | None:
    """All operations by method and path, the names of path parameters left out."""
    document = load(text)
    return None if document is None else dict(_Reader(document).operations())


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.left = _MOST_FIELDS

    def operations(self) -> Iterator[tuple[str, Operation]]:
        for path, written in self.document["paths"].items():
            item = self.resolve(written)
            for method in METHODS:
                operation = item.get(method)
                if isinstance(operation, dict):
                    name = f"{method.upper()} {path}"
                    made = self.operation(name, item, operation, line_of(item, method))
                    yield _NAMED.sub("{}", name), made

    def operation(self, name: str, item: dict[str, Any], said: dict[str, Any], line: int) -> Operation:
        written = [*_list(item.get("parameters")), *_list(said.get("parameters"))]
        parameters = [self.resolve(one) for one in written]
        body = self.resolve(said.get("requestBody"))
        old_body = [one for one in parameters if one.get("in") == "body"]
        needed = body.get("required") is True or any(one.get("required") is True for one in old_body)
        content = self.content(body) or ({"*": self.fields(old_body[0].get("schema"))} if old_body else {})
        responses = {str(code): self.resolve(one) for code, one in _map(said.get("responses")).items()}
        return Operation(
            name,
            line,
            said.get("deprecated") is True,
            {_spelled(one): self.parameter(one) for one in parameters if one.get("in") != "body"},
            needed,
            content,
            {code: self.content(one) for code, one in responses.items()},
            _security(said.get("security", self.document.get("security"))),
        )

    def parameter(self, one: dict[str, Any]) -> Field:
        schema = self.resolve(one.get("schema")) or one
        return _field(schema, one.get("required") is True, line_of(one, "name"))

    def content(self, holder: dict[str, Any]) -> dict[str, Fields]:
        by_type = _map(holder.get("content"))
        found = {str(kind): self.fields(_map(one).get("schema")) for kind, one in by_type.items()}
        return found or ({"*": self.fields(holder["schema"])} if "schema" in holder else {})

    def fields(self, schema: Any) -> Fields:
        """Every field below a schema, by its path; the schema itself under ""."""
        found: Fields = {}
        waiting = [("", schema, True, 0, 0)]
        while waiting:
            path, written, required, line, depth = waiting.pop()
            if depth > _DEEPEST or self.left <= 0:
                continue
            self.left -= 1
            one = self.merged(self.resolve(written))
            found[path] = _field(one, required, line)
            needs = {str(name) for name in _list(one.get("required"))}
            properties = _map(one.get("properties"))
            for name, below in properties.items():
                place = f"{path}.{name}" if path else str(name)
                waiting.append((place, below, name in needs, line_of(properties, name), depth + 1))
            if isinstance(one.get("items"), dict):
                waiting.append((f"{path}[]", one["items"], True, line, depth + 1))
        return found

    def merged(self, one: dict[str, Any]) -> dict[str, Any]:
        """With what `allOf` adds, one level deep."""
        parts = [self.resolve(part) for part in _list(one.get("allOf"))]
        if not parts:
            return one
        whole = {key: value for part in parts for key, value in part.items()} | dict(one)
        rows = [*parts, one]
        whole["required"] = [name for part in rows for name in _list(part.get("required"))]
        whole["properties"] = {
            key: value for part in rows for key, value in _map(part.get("properties")).items()
        }
        return whole

    def resolve(self, written: Any) -> dict[str, Any]:
        """The map itself or the one that its reference names; empty where there is none."""
        for _ in range(_HOPS):
            reference = written.get("$ref") if isinstance(written, dict) else None
            if not isinstance(reference, str):
                break
            written = self.named(reference)
        return written if isinstance(written, dict) else {}

    def named(self, reference: str) -> Any:
        value: Any = self.document
        for step in reference.removeprefix("#/").split("/")[:20] if reference.startswith("#/") else ("",):
            value = value.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
        return value


def _field(schema: dict[str, Any], required: bool, line: int) -> Field:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [one for one in kind if one not in ("null", None)]
        kind = kinds[0] if len(kinds) == 1 else ""
    implied = "object" if "properties" in schema else ""
    values = schema.get("enum")
    limits = ((name, schema.get(name)) for name in LIMITS)
    return Field(
        kind if isinstance(kind, str) else implied,
        str(schema.get("format") or ""),
        frozenset(map(str, values)) if isinstance(values, list) else None,
        required,
        tuple((name, value) for name, value in limits if isinstance(value, int | float)),
        line,
    )


def _security(said: Any) -> frozenset[frozenset[str]]:
    ways = [one for one in _list(said) if isinstance(one, dict)]
    return frozenset(
        frozenset(word for scheme, scopes in way.items() for word in _words(str(scheme), scopes))
        for way in ways
    )


def _words(scheme: str, scopes: Any) -> Iterator[str]:
    yield scheme
    yield from (f"{scheme}:{scope}" for scope in _list(scopes))


def _spelled(parameter: dict[str, Any]) -> str:
    """Path parameters count by their path alone."""
    return f"{parameter.get('in', '')} {parameter.get('name', '')}"


def _map(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
