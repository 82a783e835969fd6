"""All inbound sources, by name. A record's `source` names the parser that reads it, now and in any replay."""

from __future__ import annotations

from typing import cast

from connectors.inbound import alertmanager, change, prometheus
from connectors.inbound.source import Source
from core.errors import InputError
from core.journal import Record
from core.model.events import Parsed

SOURCES: dict[str, Source] = {
    module.name: cast(Source, module) for module in (alertmanager, prometheus, change)
}


def source(name: str) -> Source:
    """Raises InputError, naming those that exist."""
    found = SOURCES.get(name)
    if found is None:
        raise InputError(
            f"unknown source {name!r}", where="source", mend=f"Known sources: {', '.join(SOURCES)}"
        )
    return found


def parse(record: Record) -> Parsed:
    """What the engine is given to read ingest records with."""
    return source(record.source).parse(record.headers, record.payload, record.received_at)
