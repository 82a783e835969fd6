"""The projection follows the engine in one-second batches, on a thread of its own.

A server that starts folds its whole journal, so the projection begins empty and is always what the journal
says. `rebuild` uses the same code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from core.document import incident_document, outside_document
from core.errors import ProjectionUnavailable
from core.ports import Document, Projection
from core.replay import Fold
from watchkeeper.engine_loop import EngineLoop

log = structlog.get_logger("projector")
INTERVAL = 1.0


class Changes:
    """Which incidents a projection has not seen in their present version."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def collect(self, fold: Fold, limit: int = 200) -> tuple[list[Document], list[str]]:
        """Documents to put (at most `limit` live ones), and the ids among them that have left memory."""
        forgotten = list(fold.forgotten)
        documents = list(forgotten)
        for incident in fold.engine.state.incidents.values():
            if self._seen.get(incident.id) != incident.version:
                self._seen[incident.id] = incident.version
                live = incident_document(fold.engine.world, incident)
                documents.append({**live, **outside_document(incident)})
                if len(documents) >= limit + len(forgotten):
                    break
        for document in forgotten:
            self._seen.pop(document["id"], None)
        return documents, [document["id"] for document in forgotten]

    def again(self, documents: list[Document]) -> None:
        """They could not be put."""
        for document in documents:
            self._seen.pop(document["id"], None)


def let_go(fold: Fold, forgotten: list[str]) -> None:
    """What has been put need not be held; until then readers find it in the fold."""
    del fold.forgotten[: len(forgotten)]


class Projector:
    """`also` is given the same documents, after the projection; it must not raise."""

    def __init__(
        self, engine: EngineLoop, projection: Projection, also: Callable[[list[Document]], None]
    ) -> None:
        self._engine, self._projection, self._also = engine, projection, also
        self._changes = Changes()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, then end."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL):
            self._follow()
        self._follow()

    def _follow(self) -> None:
        """One batch; the next is due a second later, however much changes meanwhile."""
        with self._engine.reading() as fold:
            documents, forgotten = self._changes.collect(fold)
        try:
            self._projection.put(documents, forgotten)
        except ProjectionUnavailable as error:
            # The next batch has them again; until then readers find them in the fold.
            log.warning("history_not_written", documents=len(documents), error=str(error))
            self._changes.again(documents)
            return
        self._also(documents)
        if forgotten:
            with self._engine.reading() as fold:
                let_go(fold, forgotten)
