"""The projection follows the engine in one-second batches, on a thread of its own.

A server that starts folds its whole journal, so the projection begins empty and is always what the journal
says. `rebuild` uses the same code.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import islice

import structlog

from core.document import incident_document, outside_document
from core.errors import ProjectionUnavailable
from core.ports import Document, Projection
from core.replay import Fold
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.pace import Pace

log = structlog.get_logger("projector")
INTERVAL = 1.0
_BATCH, _PIECE = 200, 4


class Changes:
    """Which incidents a projection has not seen in their present version."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def live(self, fold: Fold, limit: int) -> list[Document]:
        """Of incidents in memory that have changed, at most `limit`."""
        incidents = fold.engine.state.incidents.values()
        changed = (one for one in incidents if self._seen.get(one.id) != one.version)
        documents = []
        for incident in islice(changed, limit):
            self._seen[incident.id] = incident.version
            live = incident_document(fold.engine.world, incident)
            documents.append({**live, **outside_document(incident)})
        return documents

    def past(self, fold: Fold) -> list[Document]:
        """Of incidents that have left memory."""
        for document in fold.forgotten:
            self._seen.pop(document["id"], None)
        return list(fold.forgotten)

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
        self._changes, self._pace = Changes(), Pace()
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
            past = self._changes.past(fold)
        documents, forgotten = [*past, *self._live()], [document["id"] for document in past]
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

    def _live(self) -> list[Document]:
        """A few at a time, resting between them while the rest of the program is at work."""
        documents: list[Document] = []
        while len(documents) < _BATCH:
            with self._engine.reading() as fold:
                piece = self._changes.live(fold, _PIECE)
            documents += piece
            if len(piece) < _PIECE:
                break
            time.sleep(self._pace.pause(0))
        return documents
