"""What is over goes into memory, and is found again by likeness. Follows the engine as the projection does.

Memory is made anew at every start from what the journal says, so it cannot disagree with it. The store is
opened at its first use: a start does not wait for it.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from core.errors import MemoryUnavailable
from core.model.document import Document
from core.ports import Memory, Recalled, Remembered
from core.remediation.runbook import SLOT, Runbooks

log = structlog.get_logger("memory")
FOLDER = "memory"
_KEPT = 1_000
_OVER = frozenset({"resolved", "closed"})
# What a runbook's title says for no incident in particular.
_UNFILLED = {
    "service": "the service",
    "environment": "its environment",
    "cluster": "its cluster",
    "version": "the version",
}


class Remembering:
    """`runbooks` gives those in force. `put` is for one thread (the projector's); the rest is for any."""

    def __init__(self, data: Path, runbooks: Callable[[], Runbooks]) -> None:
        self._folder, self._runbooks = data / FOLDER, runbooks
        self._opening = threading.Lock()
        self._store: Memory | None = None
        self._closing: Callable[[], None] = lambda: None
        self._known: set[str] = set()
        self._again: dict[str, Document] = {}
        self._closed = False
        self._books: tuple[str, ...] = ()
        self._new_books = False

    def runbooks_changed(self) -> None:
        """Others are in force: they are found after the next `put`. From any thread."""
        self._new_books = True

    def put(self, documents: Sequence[Document]) -> None:
        """Incidents that are over are remembered; reopened and merged ones are not any more."""
        if self._new_books:
            self._learn_books()
        over = [document for document in documents if document["status"] in _OVER]
        live = {document["id"] for document in documents if document["status"] not in _OVER}
        merged = {name for document in documents for name in document["merged_from"]}
        gone = sorted((live | merged) & self._known)
        if gone:
            self._memory().forget(gone)
            self._known.difference_update(gone)
        if over:
            from retrieval.documents import remembered_incident

            self._memory().put([remembered_incident(document) for document in over])
            self._known.update(document["id"] for document in over)

    def _learn_books(self) -> None:
        """A store that is not open yet begins with those in force."""
        with self._opening:
            opened = self._store is not None
        if opened:
            books, memory = self._runbooks(), self._memory()
            memory.forget(sorted(set(self._books) - {one.runbook for one in books.runbooks}))
            memory.put(_remembered(books))
            self._books = tuple(one.runbook for one in books.runbooks)
        self._new_books = False

    def follow(self, documents: Sequence[Document]) -> None:
        """`put` for the projector's thread, which goes on whatever happens to memory."""
        waiting = {**self._again, **{document["id"]: document for document in documents}}
        try:
            self.put(list(waiting.values()))
            self._again = {}
        except Exception as error:  # noqa: BLE001 - memory helps people; history must not stop for it
            # Kept for the next turn, up to a bound: the next start remembers what is left out here.
            self._again = dict(list(waiting.items())[-_KEPT:])
            log.error("memory_failed", error=f"{type(error).__name__}: {error}"[:300])

    def like(self, document: Document, limit: int = 5) -> list[Recalled]:
        """Incidents that are over and like this one, most alike first."""
        from retrieval.documents import remembered_incident

        return self._memory().recall(remembered_incident(document), "incident", limit)

    def search(self, text: str, limit: int) -> Document:
        """`incidents` and `runbooks` by words, most alike first."""
        wanted, memory = Remembered("", "incident", text, text=text), self._memory()
        return {
            "incidents": [_found(one) for one in memory.recall(wanted, "incident", limit)],
            "runbooks": [_found(one) for one in memory.recall(wanted, "runbook", limit)],
        }

    def close(self) -> None:
        with self._opening:
            self._closed = True
            self._closing()
            self._store, self._closing = None, lambda: None

    def _memory(self) -> Memory:
        with self._opening:
            if self._closed:
                raise MemoryUnavailable("shutting down", where=str(self._folder), mend="Ask after the start")
            if self._store is None:
                from retrieval.edge import EdgeMemory

                shutil.rmtree(self._folder, ignore_errors=True)
                store = EdgeMemory(self._folder)
                books = self._runbooks()
                store.put(_remembered(books))
                self._books = tuple(one.runbook for one in books.runbooks)
                self._store, self._closing = store, store.close
            return self._store


def _found(recalled: Recalled) -> Document:
    found = recalled.remembered
    return {
        "id": found.id,
        "title": found.title,
        "at": found.at,
        "match": recalled.match,
        "shared": list(recalled.shared),
        "ending": found.ending,
    }


def _without_slots(text: str) -> str:
    """`Roll back the change` of `Roll back the {change}`."""
    return text.replace("{", "").replace("}", "")


def _remembered(runbooks: Runbooks) -> list[Remembered]:
    from retrieval.documents import remembered_runbook

    return [
        remembered_runbook(
            one.runbook,
            _in_words(one.title),
            _without_slots(" ".join(one.texts())),
            tuple(one.when.symptoms or ()),
        )
        for one in runbooks.runbooks
    ]


def _in_words(title: str) -> str:
    """`Bring the service back`: what no incident fills yet."""
    return SLOT.sub(lambda slot: _UNFILLED.get(slot[1], slot[1]), title)
