"""What deliveries of GitHub ask of the App, and the file that remembers what is still to be done.

A task names a pull request or a deployment, never its contents: those are read when it is done. The newest
delivery of one takes the place of those before it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from core.errors import InputError
from core.journal import Record
from core.ports import Journal
from watchkeeper.risk.github_change import is_commit
from watchkeeper.risk.github_publish import NAME, number_of

FILE = "github-work.json"
# Tasks that may wait; of more, the oldest are given up.
MOST_TASKS = 5_000
# At the very first start, deliveries of so long before count too (ms).
_BEFORE_THE_START = 600_000
_PULL = frozenset({"opened", "synchronize", "reopened", "ready_for_review"})
_CALLBACK = re.compile(r"/actions/runs/([0-9]{1,18})/deployment_protection_rule")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}", re.ASCII)
_MOST_NAME = 255


class Task(msgspec.Struct, frozen=True):
    """`first_at` and `due` in ms UTC. `again`: the delivery by which somebody asked for another run."""

    kind: Literal["pull", "deployment"]
    installation: int
    repository: str
    first_at: int
    due: int
    number: int = 0
    head: str = ""
    environment: str = ""
    run: int = 0
    again: str = ""
    domain: str = "default"
    tries: int = 0

    @property
    def key(self) -> str:
        what = f"#{self.number}" if self.kind == "pull" else f"/run/{self.run}/{self.environment}"
        return f"{self.domain}:{self.repository.lower()}{what}"


class Left(msgspec.Struct, frozen=True):
    """What is left to do. `read_to` is the last record whose task, if any, is in here or done."""

    read_to: int = 0
    tasks: tuple[Task, ...] = ()
    format: int = 1


def task_of(record: Record, app_id: int) -> Task | None:
    """The task that a record of the source `github` asks for. What does not read as one asks for none."""
    if record.kind != "ingest" or record.source != "github":
        return None
    reader = _READERS.get(record.headers.get("x-github-event", ""))
    if reader is None:
        return None
    try:
        content = json.loads(record.payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    repository, installation = _at(content, "repository", "full_name"), _at(content, "installation", "id")
    if not isinstance(repository, str) or not _REPOSITORY.fullmatch(repository):
        return None
    if not isinstance(installation, int) or installation <= 0:
        return None
    at = record.received_at
    plain = Task("pull", installation, repository, at, at, domain=record.domain)
    return reader(content, plain, record.headers.get("x-github-delivery", "")[:64], app_id)


def _pull(content: Mapping[str, Any], plain: Task, delivery: str, app_id: int) -> Task | None:
    action, number = content.get("action"), _at(content, "pull_request", "number")
    rebased = action == "edited" and _at(content, "changes", "base") is not None
    merged = action == "closed" and _at(content, "pull_request", "merged") is True
    if action not in _PULL and not (rebased or merged):
        return None
    return _numbered(plain, number)


def _check_run(content: Mapping[str, Any], plain: Task, delivery: str, app_id: int) -> Task | None:
    """Somebody asked for ours again. Of a fork GitHub names no pull request, but our own id of it does."""
    if content.get("action") != "rerequested" or _at(content, "check_run", "name") != NAME:
        return None
    if _at(content, "check_run", "app", "id") != app_id:
        return None
    number = number_of(str(_at(content, "check_run", "external_id") or ""))
    found = _numbered(plain, number)
    return msgspec.structs.replace(found, again=delivery) if found is not None else None


def _deployment(content: Mapping[str, Any], plain: Task, delivery: str, app_id: int) -> Task | None:
    callback = _CALLBACK.search(str(content.get("deployment_callback_url") or "")[-300:])
    head, environment = _at(content, "deployment", "sha"), content.get("environment")
    if content.get("action") != "requested" or callback is None or not is_commit(head):
        return None
    if not isinstance(environment, str) or not 0 < len(environment) <= _MOST_NAME:
        return None
    run = int(callback[1])
    return msgspec.structs.replace(plain, kind="deployment", head=head, environment=environment, run=run)


def _numbered(plain: Task, number: Any) -> Task | None:
    fits = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**12
    return msgspec.structs.replace(plain, number=number) if fits else None


def _at(content: Any, *names: str) -> Any:
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content


_READERS: dict[str, Callable[[Mapping[str, Any], Task, str, int], Task | None]] = {
    "pull_request": _pull,
    "check_run": _check_run,
    "deployment_protection_rule": _deployment,
}


def load(path: Path) -> Left | None:
    """What was left; None where nothing was written yet. Raises InputError for what nobody wrote so."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Left)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        what = f"cannot be read ({type(error).__name__})"
        mend = "Move it away: deliveries of the last ten minutes are then looked at again"
        raise InputError(what, where=str(path), mend=mend) from None


def save(path: Path, left: Left) -> None:
    """All or nothing; it survives a power cut."""
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(left))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def first_record(journal: Journal, now: int) -> int:
    """The record before the first that came in the last ten minutes: where to begin when nothing is known."""
    low, high = journal.first() - 1, journal.head()
    while low < high:
        middle = (low + high) // 2
        found = journal.read(middle, 1)
        if found and found[0].received_at < now - _BEFORE_THE_START:
            low = found[0].seq
        else:
            high = middle
    return low
