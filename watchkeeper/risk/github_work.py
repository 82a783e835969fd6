"""The App's work: follows the journal's deliveries of GitHub, judges what they name, and publishes it.

It has a thread of its own, so that GitHub's limits and outages hold up nothing else. What is to be done is in
a file before it is begun and leaves it when it is done: after a crash it is done again, and ends the same.
Failures are tried again over hours; then they are given up, counted and shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from connectors.outbound.github_app import GitHubApp
from core.errors import JournalError, RemoteError, RemoteLater, WatchkeeperError
from core.model.document import Document
from core.narrative.plain import one_line
from core.ports import Journal
from watchkeeper.beside import Beside
from watchkeeper.risk import github_tasks
from watchkeeper.risk.github_doing import do, give_up
from watchkeeper.risk.github_judge import Knowing
from watchkeeper.risk.github_tasks import Left, Task

log = structlog.get_logger("github")


class Patience(NamedTuple):
    """Seconds: pauses between tries, doubled up to `most`; one task; when it is given up; of looking."""

    first: float = 15.0
    most: float = 1_800.0
    task: float = 600.0
    give_up: float = 86_400.0
    poll: float = 1.0
    # Of one task, tries that a fault of ours may end.
    faults: int = 3

    def pause(self, tries: int) -> float:
        return min(self.most, self.first * float(1 << min(tries, 20)))


class _Counts(NamedTuple):
    done: int = 0
    given_up: int = 0
    retried: int = 0


class GitHubWork:
    """`make` makes the client on the thread that uses it. `start`, then `stop`."""

    def __init__(
        self,
        journal: Journal,
        data: Path,
        app_id: int,
        make: Callable[[], GitHubApp],
        knowing: Knowing,
        patience: Patience = Patience(),  # noqa: B008 - a tuple of numbers
        at_once: int = 2,
    ) -> None:
        self._journal, self._path, self._app_id = journal, data / github_tasks.FILE, app_id
        self._make, self._knowing, self._patience = make, knowing, patience
        self._at_once = at_once
        self._left = Left()
        self._tasks: dict[str, Task] = {}
        self._busy: set[str] = set()
        self._counts, self._fault = _Counts(), ""
        self._beside = Beside("github", self._work)

    def start(self) -> None:
        """Raises InputError when the file of what is to be done cannot be read."""
        known = github_tasks.load(self._path)
        if known is None or known.read_to > self._journal.head():
            tasks = known.tasks if known is not None else ()
            known = Left(github_tasks.first_record(self._journal, self._knowing.now()), tasks)
        self._left = known
        self._tasks = {task.key: task for task in self._left.tasks}
        self._beside.start()

    def stop(self) -> None:
        """What is under way is left; it is done again after the next start."""
        self._beside.stop()

    def wake(self) -> None:
        """The journal has grown. From any thread."""
        self._beside.wake()

    def state(self) -> Document:
        """For people who ask how it goes."""
        waiting = list(self._tasks.values())
        now = self._knowing.now()
        return {
            "read_to": self._left.read_to,
            "waiting": len(waiting),
            "oldest_seconds": max(0, now - min((task.first_at for task in waiting), default=now)) // 1_000,
            **self._counts._asdict(),
            "last_fault": self._fault,
        }

    async def _work(self) -> None:
        api = self._make()
        try:
            while True:
                self._take_up()
                for task in self._due() if self._knowing.ready() else ():
                    self._busy.add(task.key)
                    self._beside.begin(self._perform(api, task))
                await self._beside.news(self._patience.poll)
        finally:
            await self._beside.cut_off()
            await api.close()

    def _take_up(self) -> None:
        try:
            self._look()
        except (JournalError, OSError) as error:
            self._failed("look_failed", error)
        except Exception:  # The other outermost loop: the next look may succeed.
            log.exception("look_failed")

    def _look(self) -> None:
        """Take up what the journal has got; its tasks are on disk before any is begun."""
        read_to = self._left.read_to
        while records := self._journal.read(read_to, 256):
            for record in records:
                read_to = record.seq
                task = github_tasks.task_of(record, self._app_id)
                if task is not None:
                    self._tasks.pop(task.key, None)
                    self._tasks[task.key] = task
            self._save(read_to)

    def _save(self, read_to: int) -> None:
        """Only when a task came or went: what held none is soon read again."""
        for key in list(self._tasks)[: max(0, len(self._tasks) - github_tasks.MOST_TASKS)]:
            log.error("task_given_up", task=key, why="too many wait")
            self._counts = self._counts._replace(given_up=self._counts.given_up + 1)
            del self._tasks[key]
        left = Left(read_to, tuple(self._tasks.values()))
        if left.tasks != self._left.tasks or read_to - self._saved_to > 1_000:
            github_tasks.save(self._path, left)
            self._saved_to = read_to
        self._left = left

    _saved_to = -1_001

    def _due(self) -> list[Task]:
        now, free = self._knowing.now(), self._at_once - len(self._busy)
        ready = [one for key, one in self._tasks.items() if one.due <= now and key not in self._busy]
        return sorted(ready, key=lambda one: (one.tries, one.due))[: max(0, free)]

    async def _perform(self, api: GitHubApp, task: Task) -> None:
        after: Task | None = None
        try:
            fault = await self._tried(api, task)
            if fault is not None:
                after = self._put_off(task, fault)
            if fault is not None and after is None:
                await self._give_up(api, task, fault)
        finally:
            self._busy.discard(task.key)
        self._finish(task, after)

    async def _tried(self, api: GitHubApp, task: Task) -> Exception | None:
        """Why it was not done."""
        try:
            async with asyncio.timeout(self._patience.task):
                await do(api, task, self._knowing)
        except (RemoteError, TimeoutError) as error:
            return error
        except (
            Exception
        ) as error:  # One of the outermost loops: a fault of ours costs this task, not the others.
            log.exception("task_fault", task=task.key)
            return error
        self._counts = self._counts._replace(done=self._counts.done + 1)
        log.info("judged", task=task.key)
        return None

    def _finish(self, task: Task, after: Task | None) -> None:
        """Unless a newer delivery of the same has come meanwhile."""
        if self._tasks.get(task.key) is task:
            if after is None:
                del self._tasks[task.key]
            else:
                self._tasks[task.key] = after
            try:
                self._save(self._left.read_to)
            except OSError as error:
                self._failed("not_saved", error)

    def _put_off(self, task: Task, error: Exception) -> Task | None:
        """The task at a later time; None when it is given up."""
        now, later = self._knowing.now(), isinstance(error, (RemoteLater, TimeoutError))
        patient = now - task.first_at < self._patience.give_up * 1_000
        known = isinstance(error, RemoteError)
        if not (patient and (later or (not known and task.tries + 1 < self._patience.faults))):
            return None
        wait = max(getattr(error, "after", 0.0), self._patience.pause(task.tries))
        self._counts = self._counts._replace(retried=self._counts.retried + 1)
        self._failed("put_off", error, task=task.key, again_in_s=round(wait, 1))
        return msgspec.structs.replace(task, tries=task.tries + 1, due=now + int(wait * 1_000))

    async def _give_up(self, api: GitHubApp, task: Task, error: Exception) -> None:
        self._counts = self._counts._replace(given_up=self._counts.given_up + 1)
        self._failed("given_up", error, task=task.key)
        try:
            async with asyncio.timeout(self._patience.task):
                await give_up(api, task, _words(error))
        except (RemoteError, TimeoutError) as again:
            self._failed("not_said", again, task=task.key)
        except Exception:  # As in `_tried`; otherwise the task would begin anew at once, for ever.
            log.exception("task_fault", task=task.key)

    def _failed(self, event: str, error: Exception, **told: object) -> None:
        self._fault = _words(error)
        log.warning(event, error=self._fault, **told)


def _words(error: Exception) -> str:
    words = str(error) if isinstance(error, WatchkeeperError) else f"a fault inside ({type(error).__name__})"
    return one_line(words, 300)
