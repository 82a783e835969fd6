"""The tracer: starts a program, follows all its threads and children, records and disturbs what they do to
files below one directory.

A traced thread stands still while its call is looked at, so an event is on record before the program can act
on the call's result.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tests.faults import kernel
from tests.faults.calls import CALLS, NAMES, numbers_of
from tests.faults.record import Event, Recorder, Rule, read_rules
from tests.faults.seen import Seen, finished, look

_NEVER_RAN = 127
_POLL_SECONDS = 0.001


def start(command: Sequence[str], calls: tuple[str, ...]) -> int:
    """The process, which stands still before its first instruction. Nothing but `calls` will stop it.

    Raises SystemExit where tracing is not allowed.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            raise SystemExit("no process may be traced here: ptrace is refused (a container may allow it)")
        kernel.ptrace(kernel.SETOPTIONS, child, 0, kernel.OPTIONS)
        return child
    try:
        kernel.ptrace(kernel.TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        kernel.stop_at(numbers_of(calls))
        os.execvp(command[0], list(command))  # noqa: S606 - a list, as everywhere
    finally:
        os._exit(_NEVER_RAN)


class Tracer:
    """`events`: a file to record into, or None; `rules`: where rules stand while it runs."""

    def __init__(self, child: int, root: Path, rules: Path, events: IO[bytes] | None) -> None:
        self._child, self._root, self._rules = child, str(root), rules
        self._places = {self._root, os.path.dirname(self._root)}
        self._recorder = Recorder(events) if events else None
        self._known, self._resting = {child}, dict[int, float]()
        self._seen: dict[int, Seen] = {}
        self._counts: Counter[Rule] = Counter()

    def run(self) -> int:
        """Until all have ended. The exit status of the program, as `waitpid` tells it."""
        outcome = 0
        kernel.ptrace(kernel.CONT, self._child)
        while True:
            try:
                tid, status = self._wait()
            except ChildProcessError:
                return outcome
            if not os.WIFSTOPPED(status):
                outcome = status if tid == self._child else outcome
                self._forget(tid)
                continue
            try:
                self._stopped(tid, status)
            except (ProcessLookupError, FileNotFoundError):
                self._forget(tid)  # It was killed meanwhile; its end is reported next.

    def _wait(self) -> tuple[int, int]:
        """The next that stopped or ended; meanwhile those whose delay is over go on."""
        while self._resting:
            tid, status = os.waitpid(-1, kernel.WAIT_ALL | os.WNOHANG)
            if tid:
                return tid, status
            for late in [one for one, until in self._resting.items() if until <= time.monotonic()]:
                del self._resting[late]
                self._resume(late)
            time.sleep(_POLL_SECONDS)
        return os.waitpid(-1, kernel.WAIT_ALL)

    def _stopped(self, tid: int, status: int) -> None:
        number = os.WSTOPSIG(status)
        if status >> 16 == kernel.EVENT_SECCOMP:
            self._entered(tid)
        elif number == signal.SIGTRAP | 0x80:
            self._returned(tid)
        elif status >> 16 or (number == signal.SIGSTOP and tid not in self._known):
            self._known.add(tid)
            kernel.ptrace(kernel.CONT, tid)
        else:
            kernel.ptrace(kernel.CONT, tid, 0, number)

    def _entered(self, tid: int) -> None:
        registers = kernel.Registers(tid)
        name = NAMES[registers.number()]
        seen = look(tid, name, registers.arguments())
        if seen is None or not any(self._is_ours(path) for path in (seen.path, seen.to)):
            kernel.ptrace(kernel.CONT, tid)
            return
        delay = 0.0
        for rule in read_rules(self._rules):
            if not rule.meets(name, seen.path.removeprefix(self._root)):
                continue
            self._counts[rule] += 1
            if rule.kill_at and self._counts[rule] >= rule.kill_at:
                os.kill(self._child, signal.SIGKILL)
                return
            if rule.holds(self._counts[rule]):
                delay = max(delay, rule.delay)
                if rule.error:
                    self._fail(tid, registers, seen, getattr(errno, rule.error))
                    return
        self._begin(tid, seen, delay)

    def _begin(self, tid: int, seen: Seen, delay: float) -> None:
        if self._recorder:
            self._seen[tid] = seen
            if CALLS[seen.name].kind == "sync":
                self._add(Event(_now(), "begin", seen.path, seen.file, flags=tid))
        if delay:
            self._resting[tid] = time.monotonic() + delay
        else:
            self._resume(tid)

    def _resume(self, tid: int) -> None:
        try:
            kernel.ptrace(kernel.SYSCALL if tid in self._seen else kernel.CONT, tid)
        except ProcessLookupError:
            self._forget(tid)

    def _fail(self, tid: int, registers: kernel.Registers, seen: Seen, error: int) -> None:
        """A sync that fails has begun and ended; what it should have written may be lost for good."""
        if CALLS[seen.name].kind == "sync":
            self._add(Event(_now(), "begin", seen.path, seen.file, flags=tid))
            self._add(Event(_now(), "sync", seen.path, seen.file, flags=tid, ok=False))
        registers.skip_call(error)
        kernel.ptrace(kernel.CONT, tid)

    def _returned(self, tid: int) -> None:
        seen = self._seen.pop(tid, None)
        if seen is not None and self._recorder:
            event = finished(tid, seen, kernel.Registers(tid).result(), _now())
            if event is not None:
                self._add(event)
        kernel.ptrace(kernel.CONT, tid)

    def _add(self, event: Event) -> None:
        if self._recorder:
            self._recorder.add(event)

    def _forget(self, tid: int) -> None:
        self._resting.pop(tid, None)
        self._seen.pop(tid, None)

    def _is_ours(self, path: str) -> bool:
        """The directory above counts as well: its sync makes our directory last."""
        return path in self._places or path.startswith(f"{self._root}/")


def _now() -> int:
    return time.monotonic_ns()
