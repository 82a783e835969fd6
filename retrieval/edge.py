"""Memory on disk, in the embedded Qdrant engine. What it holds is derived: the journal brings it back.

So a folder that cannot be read is emptied and begun anew, with a line in the log. The engine is imported when
a memory is opened.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import structlog

from core.errors import MemoryUnavailable
from core.ports import Recalled, Remembered
from retrieval import bm25
from retrieval.likeness import domain_of, rank

if TYPE_CHECKING:
    from retrieval.shard import Shard

log = structlog.get_logger("memory")
# Raise it when tokens or weights of a stored vector change: what was stored before is then begun anew.
FORMAT = "1"
_FLUSH_AFTER = 1_000


class EdgeMemory:
    """Owns `folder`; one opener at a time. Puts and recalls may come from any thread.

    Opens what is missing, empty, or was left by a process that was killed. Raises MemoryUnavailable when the
    folder cannot be made or another process has it open.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock_file = _locked(folder)
        self._writing = threading.Lock()
        self._unflushed = 0
        try:
            self._shard: Shard | None = _opened(folder)
        except MemoryUnavailable:
            os.close(self._lock_file)
            raise

    def put(self, remembered: Sequence[Remembered]) -> None:
        from retrieval.shard import Entry

        latest = {one.id: one for one in remembered}
        entries = [
            Entry(one.id, bm25.tokens(one), one.kind, _domain(one), json.dumps(one))
            for one in latest.values()
        ]
        if entries:
            with self._writing, self._engine() as shard:
                shard.put(entries)
                self._count(shard, len(entries))

    def forget(self, ids: Sequence[str]) -> None:
        if ids:
            with self._writing, self._engine() as shard:
                shard.delete(ids)
                self._count(shard, len(ids))

    def recall(self, like: Remembered, kind: Literal["incident", "runbook"], limit: int) -> list[Recalled]:
        with self._engine() as shard:
            return rank(like, self._candidates(shard, like, kind, bm25.kept(limit)), limit)

    def close(self) -> None:
        """Write everything down. A closed memory refuses; closing it again does nothing."""
        from retrieval.shard import EngineFailed

        with self._writing:
            shard, self._shard = self._shard, None
            if shard is None:
                return
            try:
                shard.flush()
                shard.close()
            except EngineFailed as error:
                log.warning("memory_not_closed", folder=str(self._folder), error=str(error))
            finally:
                os.close(self._lock_file)

    def _candidates(self, shard: Shard, like: Remembered, kind: str, wanted: int) -> list[Remembered]:
        """At least `wanted` where there are as many, and all that score as the last of them does."""
        weights, own, size = bm25.weights(like), _domain(like), wanted
        while True:
            hits = shard.search(weights, kind, (own, "") if own else (), like.id, size)
            least = bm25.threshold([hit.score for hit in hits], wanted)
            if len(hits) < size or hits[-1].score < least:
                return [_remembered(hit.body) for hit in hits if hit.score >= least]
            size *= 4

    def _count(self, shard: Shard, changed: int) -> None:
        self._unflushed += changed
        if self._unflushed >= _FLUSH_AFTER:
            shard.flush()
            self._unflushed = 0

    @contextmanager
    def _engine(self) -> Iterator[Shard]:
        from retrieval.shard import EngineFailed

        shard = self._shard
        if shard is None:
            raise MemoryUnavailable("memory is closed", where=str(self._folder), mend="Open it again")
        try:
            yield shard
        except EngineFailed as error:
            raise MemoryUnavailable(
                f"memory failed ({error})",
                where=str(self._folder),
                mend="See that the disk is not full, then restart: the journal brings memory back",
            ) from error


def _domain(remembered: Remembered) -> str:
    term = domain_of(remembered)
    return bm25.term_token(term) if term else ""


def _remembered(body: str) -> Remembered:
    name, kind, title, at, terms, text, ending = json.loads(body)
    return Remembered(name, kind, title, at, tuple(terms), text, ending)


def _locked(folder: Path) -> int:
    """The system releases the lock when the process dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise MemoryUnavailable(
            "another process has this memory open", where=str(folder), mend="Stop it first"
        ) from None
    return lock


def _opened(folder: Path) -> Shard:
    from retrieval.shard import EngineFailed, Shard

    place, stamp = folder / "shard", folder / "format"
    reason = "another version wrote it, or it was never finished"
    try:
        if stamp.is_file() and stamp.read_text("utf-8", "replace") == FORMAT:
            return Shard(place)
    except (EngineFailed, OSError) as error:
        reason = str(error)[:300]
    if place.exists():
        log.warning("memory_begun_anew", folder=str(folder), reason=reason)
    try:
        _emptied(place)
        shard = Shard(place)
        stamp.write_text(FORMAT, "utf-8")
    except (EngineFailed, OSError) as error:
        raise _unusable(folder, error) from error
    return shard


def _emptied(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    place.mkdir()


def _unusable(folder: Path, error: Any) -> MemoryUnavailable:
    return MemoryUnavailable(
        f"memory cannot be opened ({getattr(error, 'strerror', None) or error})",
        where=str(folder),
        mend="Give another --data DIR, or mend the folder's rights",
    )
