"""A process that dies at each step of what the journal does to files, and what is left each time.

Run as a program: DIRECTORY ACTION. For each step a copy of DIRECTORY is made, and a child process does ACTION
on it and ends, as by kill -9, before its n-th step (a file opened, renamed, deleted, copied; a connection
made). Then the copy is read, opened to write, read again and verified. Prints a JSON object: how many steps
there were, and the faults found. A program of its own, because a test that has threads must not fork.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from connectors.storage.sqlite_journal import SqliteJournal
from core.errors import JournalCorrupt, WatchkeeperError
from core.journal import Draft
from core.ports import read_all

_STEPS = {"open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect", "shutil.copyfile"}
_APPENDED = [f"appended {n} ".encode() * 200 for n in range(2)]


def _open(directory: Path, acknowledge: Callable[[], int]) -> None:
    SqliteJournal(directory).close()


def _append(directory: Path, acknowledge: Callable[[], int]) -> None:
    journal = SqliteJournal(directory, segment_bytes=1)
    for payload in _APPENDED:
        journal.append([Draft("ingest", "a", payload)], 0)
        acknowledge()
    journal.close()


def _drop(directory: Path, acknowledge: Callable[[], int]) -> None:
    journal = SqliteJournal(directory)
    journal.drop(journal.head())
    journal.close()


_ACTIONS = {"open": _open, "append": _append, "drop": _drop}


def main(directory: Path, action: str) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    # What a process wrote survives its end in memory as well, and there syncs cost nothing.
    memory = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as scratch:
        steps, faults = _each_step(directory, action, Path(scratch))
    print(json.dumps({"steps": steps, "faults": faults}))


def _each_step(directory: Path, action: str, scratch: Path) -> tuple[int, list[str]]:
    before = _started(shutil.copytree(directory, scratch / "undisturbed"))
    faults: list[str] = []
    for number in range(1, 1_000):
        copy = shutil.copytree(directory, scratch / str(number))
        died, acknowledged = _child(copy, _ACTIONS[action], number)
        expected = before + _APPENDED[:acknowledged]
        faults += [f"step {number}: {fault}" for fault in _look(copy, expected, action)]
        shutil.rmtree(copy)
        if not died:
            return number, faults
    return number, [*faults, "it does not end"]


def _child(copy: Path, action: Callable[[Path, Callable[[], int]], None], number: int) -> tuple[bool, int]:
    """Whether the child died at its step, and how many appends it had seen acknowledged."""
    mine, its = os.pipe()
    child = os.fork()
    if child == 0:
        left = number

        def hook(event: str, _: object) -> None:
            nonlocal left
            if event in _STEPS:
                left -= 1
                if not left:
                    os._exit(9)

        sys.addaudithook(hook)
        action(copy, lambda: os.write(its, b"x"))
        os._exit(0)
    os.close(its)
    with os.fdopen(mine, "rb") as told:
        acknowledged = len(told.read())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9, acknowledged


def _look(copy: Path, expected: list[bytes], action: str) -> list[str]:
    faults = []
    for name, look in (("read", _readable), ("started", _started), ("read again", _readable)):
        try:
            found = look(copy)
        except WatchkeeperError as error:
            faults.append(f"{name}: {error}")
            continue
        # Before a start, a reader may still meet what the start will put aside.
        more = 1 if look is _started else len(found)
        if not _as_expected(found, expected, action, more):
            faults.append(f"{name}: {len(found)} records instead of {len(expected)}")
    return faults


def _as_expected(found: list[bytes], expected: list[bytes], action: str, more: int) -> bool:
    """A drop leaves an end; an append that nobody was told of may be there or not."""
    if action == "drop":
        return bool(found) and found == expected[-len(found) :]
    return found[: len(expected)] == expected and len(found) <= len(expected) + more


def _readable(directory: Path) -> list[bytes]:
    """What a reader finds before the first fault, if there is one."""
    found: list[bytes] = []
    with suppress(JournalCorrupt), closing(SqliteJournal(directory, read_only=True)) as journal:
        found.extend(record.payload for record in read_all(journal))
    return found


def _started(directory: Path) -> list[bytes]:
    with closing(SqliteJournal(directory)) as journal:
        for _ in journal.verify():
            pass
        return [record.payload for record in read_all(journal)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
