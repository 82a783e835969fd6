"""Hot reload: files of the operator that changed come into force by `config` records, while the server runs.

A document that is well formed comes into force; of one that is not the old content stays, and the reason is
kept to be shown until it is mended. What asks for it: SIGHUP, `POST /v1/reload`, or the files themselves:
they are looked at every few seconds and taken up once they stand still.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import structlog

from core.canonical import sha256_hex
from core.config import Config, json_payload
from core.errors import InputError, JournalError, WatchkeeperError
from core.journal import Draft, Record
from core.model.document import Document
from core.ports import Clock
from core.times import optional_rfc3339

log = structlog.get_logger("reload")
_APPLY_SECONDS = 30.0
_YAML = (".yaml", ".yml")
Print = tuple[tuple[str, int, int, int], ...]


class Loaded(NamedTuple):
    """A document as it is in the files now; `take` puts in force what no record may hold, such as secrets."""

    draft: Draft
    take: Callable[[], None] | None = None


class Part(NamedTuple):
    """A document and the file, or directory, that holds it. `load` raises InputError."""

    name: str
    path: Path
    load: Callable[[], Loaded]


class Problem(NamedTuple):
    """Why the files of a document are not in force."""

    document: str
    where: str
    what: str
    mend: str


class Reloader:
    """`in_force` are the drafts of the start, `submit` commits drafts, `applied` waits for a record.

    Parts are looked at every `seconds`; 0 for never. `seen` is how they looked before the start read them.
    `then` is told the names of the documents that have come into force.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        in_force: Iterable[Draft],
        submit: Callable[[Sequence[Draft]], Sequence[Future[int]]],
        applied: Callable[[int, float], bool],
        clock: Clock,
        seconds: float,
        seen: tuple[Print, ...] | None = None,
        then: Callable[[Sequence[str]], None] = lambda names: None,
    ) -> None:
        self._parts, self._submit, self._applied = parts, submit, applied
        self._clock, self._seconds, self._then = clock, seconds, then
        self._in_force = {draft.source: draft.payload for draft in in_force}
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._one_at_a_time = threading.Lock()
        self._problems: tuple[Problem, ...] = ()
        self._reloads = self._failures = 0
        self._changed_at: int | None = None
        self._empty = self._look_empty()
        self._seen = self._last_look = look(parts) if seen is None else seen
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is being reloaded is finished."""
        self._asked.put("")
        self._thread.join()

    def ask(self) -> None:
        """Soon. Safe in a signal handler: it takes no lock."""
        self._asked.put("signal")

    def reload(self, why: str) -> tuple[Document, bool]:
        """Now: what came of it, and whether all files are in force. Blocks; from any thread but the loop's.

        Raises JournalUnavailable; then nothing new is in force.
        """
        with self._one_at_a_time:
            self._seen = look(self._parts)
            self._empty = self._look_empty()
            drafts, problems = self._load_all()
            try:
                self._put_in_force(drafts)
            except JournalError:
                self._failures += 1
                raise
            self._reloads += 1
            self._problems, self._failures = problems, self._failures + bool(problems)
        changed = [draft.source for draft in drafts]
        for problem in problems:
            log.error("not_in_force", **problem._asdict(), kept="what held before")
        log.info("reloaded", why=why, changed=", ".join(changed) or "nothing", problems=len(problems))
        return {"changed": changed, **self.state()}, not problems

    def state(self) -> Document:
        """For people and probes: how the last reload went, and what keeps files out of force."""
        problems = self._problems
        return {
            "ok": not problems,
            "reloads": self._reloads,
            "failures": self._failures,
            "changed_at": optional_rfc3339(self._changed_at),
            "problems": [problem._asdict() for problem in problems],
            "warnings": [warning._asdict() for warning in self._empty],
        }

    def documents(self) -> Document:
        """The state, and the hash of every document in force by its name."""
        hashes = {name: sha256_hex(payload) for name, payload in sorted(self._in_force.items())}
        files = {part.name: str(part.path) for part in self._parts}
        return {**self.state(), "documents": hashes, "files": files}

    def _look_empty(self) -> tuple[Problem, ...]:
        """Directories without a file: what ships is in force, which may not be what somebody meant."""
        mend = "Put your files there, or leave the option out"
        what = "no files in it, so what ships is in force"
        dirs = [part for part in self._parts if part.path.is_dir() and not fingerprint(part.path)]
        found = tuple(Problem(part.name, str(part.path), what, mend) for part in dirs)
        for warning in found:
            log.warning("empty_directory", **warning._asdict())
        return found

    def _load_all(self) -> tuple[list[Draft], tuple[Problem, ...]]:
        """What is to be committed, and what cannot be. Secrets and addresses are taken up here: a receiver
        must be there before a route names it."""
        drafts, problems = [], []
        for part in self._parts:
            try:
                loaded = part.load()
                if loaded.draft.payload != self._in_force.get(part.name):
                    _try_out(loaded.draft)
                    drafts.append(loaded.draft)
                if loaded.take is not None:
                    loaded.take()
            except InputError as error:
                problems.append(Problem(part.name, error.where, error.what, error.mend))
        return drafts, tuple(problems)

    def _put_in_force(self, drafts: Sequence[Draft]) -> None:
        if not drafts:
            return
        seqs = [done.result() for done in self._submit(drafts)]
        self._in_force |= {draft.source: draft.payload for draft in drafts}
        self._changed_at = self._clock.now()
        if not self._applied(seqs[-1], _APPLY_SECONDS):
            log.warning("reloaded_late", record=seqs[-1], mend="the engine is behind: see its lag")
        self._then([draft.source for draft in drafts])

    def _run(self) -> None:
        while (why := self._next()) is not None:
            if not why:
                continue
            try:
                self.reload(why)
            except WatchkeeperError as error:
                log.error("reload_failed", why=why, error=str(error))
            except Exception:
                # An outermost loop: a fault of ours must not end the watch over the files.
                log.exception("reload_failed", why=why)

    def _next(self) -> str | None:
        """Why to reload; empty for not now, None for no more."""
        try:
            return self._asked.get(timeout=self._seconds or None) or None
        except queue.Empty:
            now, before = look(self._parts), self._last_look
            self._last_look = now
            # A file that is still being written changes from look to look.
            return "files" if now != self._seen and now == before else ""


def look(parts: Sequence[Part]) -> tuple[Print, ...]:
    """How the files of each part look now, without reading them."""
    return tuple(fingerprint(part.path) for part in parts)


def fingerprint(path: Path) -> Print:
    """Names, times, sizes and inodes of a file, or of the YAML files in a directory; empty for what is not
    there. Links are followed, so that a volume that is switched by a link counts as changed."""
    try:
        paths = sorted(one for one in path.iterdir() if one.suffix in _YAML) if path.is_dir() else [path]
    except OSError:
        return ()
    found = []
    for one in paths:
        try:
            status = one.stat()
        except OSError:
            continue
        found.append((one.name, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def _try_out(draft: Draft) -> None:
    """As the engine will read it. What was parsed is kept for it: it need not stop for a large document."""
    payload = json_payload(Record(0, 0, "config", draft.source, draft.payload))
    Config().put(str(payload["name"]), payload["content"])
