"""All inbound sources, by name. A record's `source` names what reads it, now and in any replay: a module of
ours, or a mapping (a text in force by configuration) run by the one generic source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from connectors.inbound import (
    alertmanager,
    change,
    flux,
    github,
    gitlab,
    grafana,
    incident_io,
    jira,
    langfuse,
    launchdarkly,
    pagerduty,
    prometheus,
    risk,
    sentry,
    slo,
    sns,
    terraform,
)
from connectors.inbound.limits import bounded
from connectors.inbound.mapping import compiled
from connectors.inbound.source import Source
from core.dead_letters import came_at
from core.errors import BodyError, InputError, SourceError
from core.journal import Record
from core.model.events import Parsed

MAPPINGS = "builtin@2026-11-21"
_MODULES = (
    alertmanager, prometheus, change, grafana, sns, github, gitlab, pagerduty, sentry, terraform,
    launchdarkly, langfuse, incident_io, jira, flux, slo, risk,
)  # fmt: skip
# These hold the limits while they read, which costs less.
_BOUNDED = frozenset({alertmanager.name, prometheus.name})
SOURCES: dict[str, Source] = {module.name: cast(Source, module) for module in _MODULES}


def source(name: str, mappings: Mapping[str, str]) -> Source:
    """A source by its name. Raises InputError, naming those that exist."""
    found = SOURCES.get(name)
    if found is not None:
        return found
    if name in mappings:
        return compiled(mappings[name], f"{name}.yaml")
    known = ", ".join(sorted([*SOURCES, *mappings]))
    raise InputError(f"unknown source {name!r}", where="source", mend=f"Known sources: {known}")


def parse(record: Record, mappings: Mapping[str, str]) -> Parsed:
    """What the engine is given to read ingest records with."""
    return read(source(record.source, mappings), record.headers, record.payload, came_at(record))


def read(reader: Source, headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    """What `reader` makes of a body, within the limits that hold for all. Raises BodyError."""
    try:
        parsed = reader.parse(headers, body, received_at)
    except BodyError:
        # Kept as it came, because it could not be unpacked: that is what is wrong with it.
        if "content-encoding" in headers:
            what = "packed, and it cannot be unpacked"
            raise BodyError(what, where="body", mend="Send it again, in gzip or uncompressed") from None
        raise
    return parsed if reader.name in _BOUNDED else bounded(parsed)


def check_mapping(text: str, where: str) -> None:
    """Raises SourceError for a mapping file that cannot be put in force."""
    name = compiled(text, where).name
    if name in SOURCES:
        what = f"{name!r} is a source of its own"
        raise SourceError(what, where=where, mend="Give the mapping another name")
