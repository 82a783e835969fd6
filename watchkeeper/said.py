"""What senders say of an incident's leading alerts, read from the journal when somebody looks.

A handful of records for each look; what was read is kept for the next one, within a bound. A record that is
gone, erased or not to be read says nothing: that is never a fault of what is shown or sent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any

from core.errors import WatchkeeperError
from core.journal import Record
from core.model.document import Document
from core.model.events import AlertEvent
from core.narrative.said import leading, said_json
from core.ports import Journal
from core.replay import Fold
from core.severity import Levels

# Each at most some kilobytes.
_KEPT = 512
_SILENT = AlertEvent({}, "firing")
_NOTHING = said_json(_SILENT)
Events = Callable[[], dict[int, AlertEvent]] | None


class Sayings:
    """`of` an incident's document. From any thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, int], Document] = OrderedDict()

    def of(self, fold: Fold, document: Document, most: int | None = None) -> list[Document]:
        """Of its leading alerts that say something, the probable origin's first: `line`, `index`, `name`,
        `service`, `summary`, `description`, `links`. `fold`: whose severity words and mappings hold; nothing
        is asked of it that changes."""
        world = fold.engine.world
        levels, mappings = Levels(world.rules.severity), world.config.mappings

        def rank(alert: Mapping[str, Any]) -> int:
            return levels.rank(alert["labels"], alert["status"])

        rows, told = [], dict[int, Events]()
        for alert in leading(document, rank)[:most]:
            line, index = alert["line"], alert["index"]
            if line not in told:
                told[line] = self._reader(fold, mappings, line)
            said = self._read(line, index, told[line])
            if said["summary"] or said["description"] or said["links"]:
                rows.append({key: alert[key] for key in ("line", "index", "name", "service")} | said)
        return rows

    def one(self, fold: Fold, line: int, index: int) -> Document:
        """Of one alert: `summary`, `description` and `links`."""
        return self._read(line, index, self._reader(fold, fold.engine.world.config.mappings, line))

    def _reader(self, fold: Fold, mappings: Mapping[str, str], line: int) -> Events:
        """The alerts of a record, read when first asked for; None where it is gone. Looked up each time:
        it may be erased by now."""
        try:
            found = self._journal.read(line - 1, 1)
        except WatchkeeperError:
            return None
        if not found or found[0].seq != line or found[0].kind != "ingest" or found[0].erased:
            return None
        return cache(lambda: _alerts(fold, mappings, found[0]))

    def _read(self, line: int, index: int, events: Events) -> Document:
        key = (line, index)
        with self._lock:
            if events is None:
                self._kept.pop(key, None)
                return _NOTHING
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        said = said_json(events().get(index, _SILENT))
        with self._lock:
            self._kept[key] = said
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return said


def _alerts(fold: Fold, mappings: Mapping[str, str], record: Record) -> dict[int, AlertEvent]:
    """By their place in the body; of a body that cannot be read none."""
    try:
        events = fold.engine.parse(record, mappings).events
    except WatchkeeperError:
        return {}
    return {event.index: event for event in events if isinstance(event, AlertEvent)}
