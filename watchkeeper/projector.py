"""The projection follows the engine in one-second batches, on a thread of its own.

A server that starts folds its whole journal, so the projection begins empty and is always what the journal
says. `rebuild` uses the same code. The document of an incident with very many alerts takes long to make: the
longer, the more seldom it is made anew. Readers find what is in memory in the engine, never late.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import structlog

from core.document import incident_document, outside_document
from core.errors import ProjectionUnavailable
from core.model.document import Document
from core.model.incident import OPEN
from core.ports import Projection
from core.replay import Fold
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.pace import Pace

log = structlog.get_logger("projector")
INTERVAL = 1.0
# Documents at most: of a batch, and of what is made while the engine stands still.
_BATCH, _PIECE = 200, 4
# CPU seconds after which a piece ends, and a batch while the rest of the program needs the processor.
_PIECE_SECONDS, _BATCH_SECONDS = 0.005, 0.1
# An incident is made anew at the earliest after so many times what its document took.
_PATIENCE = 20
_SLACK = 1_000


class Changes:
    """Which incidents a projection has not seen in their present version, and from when on each may be made
    anew. `seen`: versions that it has seen, by incident."""

    def __init__(
        self,
        seen: dict[str, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        # Those that were made last come last.
        self._seen = seen or {}
        self._resting: dict[str, float] = {}
        self._clock, self._cpu = clock, cpu

    def due(self, fold: Fold, *, rested: bool = True) -> list[str]:
        """Ids of incidents in memory that have changed: first what is over, then what has waited longest.
        Without `rested`, those too whose document was made shortly before."""
        incidents, now = fold.engine.state.incidents, self._clock()
        self._resting = {name: until for name, until in self._resting.items() if until > now}
        if len(self._seen) > 2 * len(incidents) + _SLACK:
            self._seen = {name: version for name, version in self._seen.items() if name in incidents}
        changed = [name for name in incidents if name not in self._seen]
        for name, version in self._seen.items():
            incident = incidents.get(name)
            if incident is not None and incident.version != version:
                changed.append(name)
        found = [name for name in changed if not rested or name not in self._resting]
        return sorted(found, key=lambda name: incidents[name].status in OPEN)

    def make(self, fold: Fold, names: deque[str], limit: int) -> list[Document]:
        """Documents of the first of `names`, which are taken out: at most `limit`, fewer where one takes
        long."""
        documents: list[Document] = []
        began = before = self._cpu()
        while names and len(documents) < limit and before - began < _PIECE_SECONDS:
            name = names.popleft()
            incident = fold.engine.state.incidents.get(name)
            if incident is None:
                continue
            self._seen.pop(name, None)
            self._seen[name] = incident.version
            live = incident_document(fold.engine.world, incident)
            documents.append({**live, **outside_document(incident)})
            after = self._cpu()
            self._rest(name, after - before)
            before = after
        return documents

    def _rest(self, name: str, took: float) -> None:
        if period(took) > INTERVAL:
            self._resting[name] = self._clock() + period(took)

    def live(self, fold: Fold, limit: int) -> list[Document]:
        """Of incidents in memory that have changed, at most `limit`, however long it takes."""
        names, documents = deque(self.due(fold, rested=False)[:limit]), list[Document]()
        while names:
            documents += self.make(fold, names, limit)
        return documents

    def past(self, fold: Fold) -> list[Document]:
        """Of incidents that have left memory."""
        self.again(fold.forgotten)
        return list(fold.forgotten)

    def again(self, documents: list[Document]) -> None:
        """They could not be put."""
        for document in documents:
            self._seen.pop(document["id"], None)


def period(took: float) -> float:
    """Seconds from one document of an incident to the next, at the least, when one takes so many of CPU."""
    return max(INTERVAL, _PATIENCE * took)


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
        self._follow(last=True)

    def _follow(self, *, last: bool = False) -> None:
        """One batch; the next is due a second later, however much changes meanwhile."""
        if not self._engine.begun:
            return
        with self._engine.reading() as fold:
            past = self._changes.past(fold)
        documents, forgotten = [*past, *self._live(last)], [document["id"] for document in past]
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

    def _live(self, last: bool) -> list[Document]:
        """A few at a time, resting between them while the rest of the program is at work. The `last` time all
        that have changed, whenever they were made."""
        with self._engine.reading() as fold:
            names = deque(self._changes.due(fold, rested=not last)[:_BATCH])
        documents: list[Document] = []
        began = time.thread_time()
        while names:
            with self._engine.reading() as fold:
                documents += self._changes.make(fold, names, _PIECE)
            rest = 0.0 if last else self._pace.pause(0)
            if rest and time.thread_time() - began >= _BATCH_SECONDS:
                break
            time.sleep(rest)
        return documents
