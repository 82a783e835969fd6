"""Configuration in force. It enters as `config` records only, each with a document's full content.

A record's payload is `{"name", "hash", "content"}`. Names: `catalogue`, `routes` and `levels` (YAML
text), `rules`, `runbooks` and `sources` (a bundle's name and its files; of sources, the mappings that read
bodies), `program` (the version that writes it).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from core.canonical import canonical_json, sha256_hex
from core.environments import Environments
from core.errors import InputError
from core.journal import Draft, Record, json_draft
from core.model.catalogue import Catalogue, parse_catalogue
from core.remediation.levels import Levels, parse_levels
from core.remediation.runbook import Runbooks, parse_runbooks
from core.routing import Routes, parse_routes
from core.rules.loader import parse_rules
from core.rules.schema import RuleSet

CONFIG_NAMES = ("program", "rules", "catalogue", "routes", "runbooks", "levels", "sources")
# These name environments, or say which names mean the same.
_OF_PLACES = frozenset({"rules", "catalogue", "routes", "runbooks", "levels"})


class Config:
    """The documents in force, parsed. `documents` keeps their raw content, by name."""

    def __init__(self, documents: dict[str, Any] | None = None) -> None:
        self.documents: dict[str, Any] = {}
        self.catalogue = Catalogue()
        self.routes = self._routes = Routes()
        self.runbooks = self._runbooks = Runbooks()
        self.levels = self._levels = Levels()
        self.mappings: Mapping[str, str] = {}
        self.version = ""
        self._rules: RuleSet | None = None
        for name, content in (documents or {}).items():
            self.put(name, content)

    @property
    def has_rules(self) -> bool:
        return self._rules is not None

    @property
    def rules(self) -> RuleSet:
        if self._rules is None:
            raise InputError(
                "no rules are in force", where="journal", mend="Begin it with a `config` record named rules"
            )
        return self._rules

    @property
    def environments(self) -> Environments:
        """By the rules and the catalogue in force; a journal of before rules knows no names."""
        names = self._rules.identity.environment_names if self._rules is not None else {}
        return Environments(names, self.catalogue.environments)

    def put(self, name: str, content: Any) -> None:
        """Put a document in force. Raises an InputError and changes nothing when it is invalid."""
        match name:
            case "catalogue":
                self.catalogue = parse_catalogue(content)
            case "routes":
                self._routes = parse_routes(content)
            case "runbooks":
                self._runbooks = parse_runbooks(content["files"], bundle=content["bundle"])
            case "levels":
                self._levels = parse_levels(content)
            case "rules":
                self._rules = parse_rules(content["files"], bundle=content["bundle"])
            case "sources":
                self.mappings = _mappings(content["files"])
            case "program":
                self.version = str(content)
            case _:
                known = ", ".join(CONFIG_NAMES)
                raise InputError(f"unknown document {name!r}", where="config", mend=f"Known names: {known}")
        self.documents[name] = content
        if name in _OF_PLACES:
            self._name_places()

    def _name_places(self) -> None:
        """Alerts have one name for an environment; who writes of it may use another."""
        name = self.environments.name
        severity = self._rules.severity if self._rules is not None else None
        self.routes = self._routes.with_environments(
            name, severity.in_production if severity is not None else lambda environment: False
        )
        self.runbooks = self._runbooks.with_environments(name)
        self.levels = self._levels.with_environments(name)


class ConfigTold(NamedTuple):
    """What a config record says: a document's name and content, and where it says so."""

    name: str
    content: Any
    where: str


def _mappings(files: Mapping[str, str]) -> dict[str, str]:
    """Mapping texts by the source they read; whoever parses bodies reads them."""
    return {str(name).removesuffix(".yaml"): str(text) for name, text in files.items()}


def config_draft(name: str, content: Any) -> Draft:
    """The record that puts `content` in force."""
    digest = sha256_hex(canonical_json(content))
    return json_draft("config", name, {"name": name, "hash": digest, "content": content})


def apply_config(config: Config, record: Record) -> None:
    """Raises InputError when the record is no configuration or its content does not match its hash."""
    put_told(config, config_told(record))


def config_told(record: Record) -> ConfigTold:
    """What the record says. Raises InputError when it is no configuration or does not match its hash."""
    document, where = json_payload(record), f"config record {record.seq}"
    name, content = document.get("name"), document.get("content")
    if sha256_hex(canonical_json(content)) != document.get("hash"):
        mend = "Write the record again from its document: somebody changed one of the two"
        raise InputError("the content does not match its hash", where=where, mend=mend)
    return ConfigTold(str(name), content, where)


def put_told(config: Config, told: ConfigTold) -> None:
    """Raises InputError, and changes nothing, when the document is invalid."""
    try:
        config.put(told.name, told.content)
    except (KeyError, TypeError, AttributeError) as error:
        what = f"document {told.name!r} has the wrong shape ({error})"
        mend = "Write it as `config` records are written: a text, or a bundle's name and its files"
        raise InputError(what, where=told.where, mend=mend) from None


def json_payload(record: Record) -> Mapping[str, Any]:
    """The payload of a record of ours as a map. Raises InputError."""
    try:
        value = json.loads(record.payload)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        where = f"{record.kind} record {record.seq}"
        mend = "Its payload must be one JSON object, as Watchkeeper writes it"
        raise InputError("the payload is not a JSON object", where=where, mend=mend)
    return value


def typed_payload(record: Record, shape: type[msgspec.Struct]) -> Any:
    """The payload as `shape`. Raises InputError naming the key at fault."""
    where, mend = f"{record.kind} record {record.seq}", f"Its payload must be a {shape.__name__} as JSON"
    try:
        return msgspec.json.decode(record.payload, type=shape)
    except msgspec.ValidationError as error:
        raise InputError(str(error), where=where, mend=mend) from None
    except (msgspec.DecodeError, RecursionError):
        raise InputError("the payload is not JSON", where=where, mend=mend) from None
