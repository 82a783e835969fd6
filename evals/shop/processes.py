"""Child processes that are always stopped: each is known by its own pid and ended last in, first out.

Nothing is ever ended by name. Children run in sessions of their own, so that Ctrl-C reaches only the
parent, which then stops them in order.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 5.0


class ChildDied(Exception):
    """A child ended although nobody asked it to; the message carries the end of its log."""


class Children:
    """The processes this one has started. Logs go to `logs`, one file a child."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str]) -> int:
        """Start `command` in the project folder and return its pid."""
        with (self._logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[name] = child
        return child.pid

    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._running.items()}

    def kill(self, name: str) -> None:
        """End one child at once with SIGKILL, as a crash would."""
        child = self._running.pop(name)
        child.kill()
        child.wait()

    def check(self) -> None:
        """Raise `ChildDied` if a child has ended by itself."""
        for name, child in self._running.items():
            if child.poll() is not None:
                raise ChildDied(
                    f"{name} stopped by itself (exit {child.returncode}): {self._last_words(name)}"
                )

    def stop(self) -> None:
        """End all children, the youngest first, and wait until they are gone."""
        last_in_first = list(reversed(self._running.items()))
        for _, child in last_in_first:
            child.send_signal(signal.SIGTERM)
        for name, child in last_in_first:
            _bury(child)
            del self._running[name]

    def _last_words(self, name: str) -> str:
        lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"


def _bury(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
