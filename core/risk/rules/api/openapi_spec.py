"""OpenAPI 2 and 3 descriptions read to operations and the fields of what they take and give.

Tolerant and bounded: references inside the file are followed; what others name, and what is too deep or too
large, is left out and marked so. Nothing raises for a text.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from core.risk.rules.api.openapi_types import DEEPEST, Field, Fields, Operation, Operations
from core.risk.rules.yamldocs import MAX_TEXT, documents, line_of

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
LIMITS = ("maximum", "maxLength", "maxItems", "minimum", "minLength", "minItems")
_HOPS = 10
# Fields of all operations of one description, of one schema, and of one once another was too large: what
# names itself by ten references, level by level, has a hundred million.
_MOST_FIELDS, _MOST_OF_ONE, _MOST_LATER = 50_000, 2_000, 100
_NAMED = re.compile(r"\{[^{}]*\}")


def document_of(text: str | None) -> dict[str, Any] | None:
    """The map of a text of JSON or YAML, the first of several; None where it holds none."""
    found = documents(text)
    if found is None and text is not None and len(text) <= MAX_TEXT:
        try:
            found = [json.loads(text)]
        except (ValueError, RecursionError):
            return None
    first = found[0] if found else None
    return first if isinstance(first, dict) else None


def load(text: str | None) -> dict[str, Any] | None:
    """The description of an HTTP API; None where the text is none."""
    first = document_of(text)
    if first is None or not ("openapi" in first or "swagger" in first):
        return None
    return first if isinstance(first.get("paths"), dict) else None


def operations(text: str | None) -> Operations | None:
    """All operations by method and path, the names of path parameters left out."""
    document = load(text)
    if document is None:
        return None
    found = Operations(Reader(document).operations())
    away = (str(path) for path, item in document["paths"].items() if is_outside(item))
    found.outside = frozenset(_NAMED.sub("{}", path) for path in away)
    return found


def is_outside(written: Any) -> bool:
    """Whether it is a reference to what is not in this file."""
    reference = written.get("$ref") if isinstance(written, dict) else None
    return isinstance(reference, str) and not reference.startswith("#")


class _Waiting(NamedTuple):
    """A schema at its path. `above`: the schemas that it stands in."""

    path: str
    written: Any
    required: bool
    line: int
    level: int
    above: tuple[dict[str, Any], ...]


class Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.left, self.most = _MOST_FIELDS, _MOST_OF_ONE
        self.known: dict[str, Fields] = {}

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
            frozenset(_outside(said, written)),
        )

    def parameter(self, one: dict[str, Any]) -> Field:
        schema = self.resolve(one.get("schema")) or one
        return _field(schema, one.get("required") is True, line_of(one, "name"))

    def content(self, holder: dict[str, Any]) -> dict[str, Fields]:
        by_type = _map(holder.get("content"))
        found = {str(kind): self.fields(_map(one).get("schema")) for kind, one in by_type.items()}
        return found or ({"*": self.fields(holder["schema"])} if "schema" in holder else {})

    def fields(self, schema: Any) -> Fields:
        """Every field below a schema, by its path; the schema itself under "". A schema inside of itself is
        not opened again. Of one that is too large the levels that could be read as a whole."""
        name = schema.get("$ref") if isinstance(schema, dict) else None
        known = self.known.get(name) if isinstance(name, str) else None
        if known is None:
            known = self.opened(schema)
            if isinstance(name, str):
                self.known[name] = known
        self.left -= len(known)
        return known

    def opened(self, schema: Any) -> Fields:
        found, most = Fields(), min(self.most, self.left)
        waiting: deque[_Waiting] = deque([_Waiting("", schema, True, 0, 0, ())])
        while waiting:
            at = waiting.popleft()
            if at.level > DEEPEST or len(found) >= most:
                self.most = _MOST_LATER if len(found) >= most else self.most
                found = found.down_to(at.level - 1)
                found.cut = True
                return found
            raw = self.resolve(at.written)
            one = self.merged(raw)
            found[at.path] = _field(one, at.required, at.line, at.level)
            if self.leaves(at.written) or any(map(self.leaves, _list(raw.get("allOf")))):
                found.outside |= {at.path}
            if not any(raw is other for other in at.above):
                waiting.extend(_below(one, at, (*at.above, raw)))
        return found

    def leaves(self, written: Any) -> bool:
        """Whether its references end in another file."""
        for _ in range(_HOPS):
            if is_outside(written) or not isinstance(written, dict) or "$ref" not in written:
                break
            written = self.named(written["$ref"]) if isinstance(written["$ref"], str) else None
        return is_outside(written)

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


def _outside(said: dict[str, Any], parameters: list[Any]) -> Iterator[str]:
    if any(map(is_outside, parameters)):
        yield "parameters"
    if is_outside(said.get("requestBody")):
        yield "body"
    yield from (str(code) for code, one in _map(said.get("responses")).items() if is_outside(one))


def _below(one: dict[str, Any], at: _Waiting, above: tuple[dict[str, Any], ...]) -> Iterator[_Waiting]:
    needs = {str(name) for name in _list(one.get("required"))}
    properties = _map(one.get("properties"))
    for name, below in properties.items():
        place = f"{at.path}.{name}" if at.path else str(name)
        line = line_of(properties, name)
        yield _Waiting(place, below, name in needs, line, at.level + 1, above)
    if isinstance(one.get("items"), dict):
        yield _Waiting(f"{at.path}[]", one["items"], True, at.line, at.level + 1, above)


def _field(schema: dict[str, Any], required: bool, line: int, level: int = 0) -> Field:
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
        level,
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
