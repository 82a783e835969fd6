"""Resources of a cloud in templates: CloudFormation and its kin (SAM, Serverless), ARM, YAML of Pulumi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.risk.rules.infrastructure.cloud_things import Setting, Thing, plain
from core.risk.rules.yamldocs import Map, documents, line_of, map_at, rows_at, walk

_ENDS = (".yaml", ".yml", ".json", ".template")
_MARKS = ("AWS::", "deploymentTemplate.json", "pulumi", "runtime: yaml")
_MOST_THINGS = 1_000


def is_template(path: str) -> bool:
    """Whether a template may stand there; its text says whether it does."""
    return path.lower().endswith(_ENDS)


def is_of_cloud(text: str) -> bool:
    """Whether a text speaks of resources of a cloud."""
    return any(mark in text for mark in _MARKS)


def things_of(path: str, text: str | None) -> Iterator[Thing]:
    if not text or not is_of_cloud(text):
        return
    for document in documents(text) or ():
        for count, (name, body, line) in enumerate(_resources(document)):
            kind = body.get("Type", body.get("type"))
            if isinstance(kind, str) and count < _MOST_THINGS:
                settings = dict(_settings(body))
                yield Thing(plain(kind), name[:100], settings, path, text, line)


def _resources(document: Any) -> Iterator[tuple[str, Map, int]]:
    held = map_at(document, "Resources") or map_at(document, "resources", "Resources")
    for name, body in (held or map_at(document, "resources")).items():
        if isinstance(body, Map):
            yield name, body, body.line
    for body in rows_at(document, "resources"):
        yield str(body.get("name")), body, body.line


def _settings(body: Map) -> Iterator[tuple[str, Setting]]:
    for path, value, line in reversed(walk(body)):
        word = path[-1] if path else ""
        yield plain(word), Setting(_value(value), line, word)
    keys = map_at(body, "Properties").get("KeySchema")
    if isinstance(keys, list):
        yield "keyschema", Setting(repr(keys), line_of(map_at(body, "Properties"), "KeySchema"), "KeySchema")


def _value(value: Any) -> str | None:
    """None of what a function of the template works out."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return None if "${" in text or text.startswith("[") else text.lower()
