"""A server, or a small script, under the tracer, beside a directory that only it writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.kernel import AVAILABLE
from tests.faults.record import Rule, write_rules
from tests.integration.server import Server, environment

_HERE = Path(__file__).parent
_PROGRAM = _HERE / "traced.py"


class Traced:
    """What stands in `folder`: `data`, the directory that is watched; `rules`; `events` when it `records`.

    `also_log`: the server's log, which stands beside `data`, is watched as well.
    """

    def __init__(
        self, folder: Path, *, records: bool = False, calls: tuple[str, ...] = (), also_log: bool = False
    ) -> None:
        if not AVAILABLE:
            pytest.skip("the tracer knows Linux on x86-64 and 64-bit Arm")
        self.data, self.rules, self.events = folder / "data", folder / "rules.json", folder / "events"
        self.variables = {
            "PYTHONPATH": str(_HERE.parent.parent),
            "TRACED_ROOT": str(folder if also_log else self.data),
            "TRACED_RULES": str(self.rules),
            "TRACED_CALLS": " ".join(calls),
            **({"TRACED_EVENTS": str(self.events)} if records else {}),
        }

    def server(self, extra: Mapping[str, str] | None = None) -> Server:
        return Server(self.data, extra={**self.variables, **(extra or {})}, program=_PROGRAM)

    def disturb(self, *rules: Rule) -> None:
        write_rules(self.rules, *rules)

    @contextmanager
    def script(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """`name`, a script of this package, given `data` and `arguments`; its lines come on `stdout`."""
        process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(_HERE / name), str(self.data), *arguments],
            env=environment({**self.variables, "TRACED_PYTHON": "1"}),
            cwd=self.data.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def pid(self) -> int:
        """Of the traced program."""
        return int(self.rules.with_suffix(".pid").read_text())

    def memory(self, which: str) -> int:
        """Bytes resident now (`VmRSS`) or at most so far (`VmHWM`)."""
        for line in Path(f"/proc/{self.pid()}/status").read_text().splitlines():
            if line.startswith(f"{which}:"):
                return int(line.split()[1]) * 1_024
        raise AssertionError(f"{which} is not told for {self.pid()}")
