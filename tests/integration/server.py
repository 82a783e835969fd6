"""The program as its users run it: `watchkeeper serve` as a process of its own, and the other commands.

A server is known by its pid and is always ended, also when a test fails. Its environment holds none of the
settings of whoever runs the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from evals.shop import wire

READY_SECONDS = 20.0
STOP_SECONDS = 20.0


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether `holds` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not (true := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return true


class ServerDied(AssertionError):
    """It ended, or did not become ready; the message carries the end of its log."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WATCHKEEPER_")}
    return {**kept, **(extra or {})}


def watchkeeper(
    *arguments: str | Path, cwd: Path, extra: Mapping[str, str] | None = None, timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """One command, run to its end. `cwd` is a scratch folder, so that defaults write nowhere else."""
    return subprocess.run(
        [sys.executable, "-m", "watchkeeper", *map(str, arguments)],
        cwd=cwd,
        env=environment(extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Server:
    """`watchkeeper serve --no-demo` on a free loopback port, which it keeps over restarts.

    As a context it is started and ended. `crashes` counts SIGKILLs. `program` is a script that wraps
    `watchkeeper`.
    """

    def __init__(
        self,
        data: Path,
        *options: str | Path,
        extra: Mapping[str, str] | None = None,
        program: Path | None = None,
    ) -> None:
        self.data = data
        self.port = wire.free_ports(1)[0]
        self.url = f"http://{wire.LOOPBACK}:{self.port}"
        self.crashes = 0
        self._options, self._extra, self._program = (
            options,
            extra,
            [str(program)] if program else ["-m", "watchkeeper"],
        )
        self._log = data.with_name(f"{data.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start without waiting."""
        assert self._process is None
        place = ("--data", self.data, "--host", wire.LOOPBACK, "--port", str(self.port))
        command = [sys.executable, *self._program, "serve", "--no-demo", *place, *self._options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.data.parent,
                env=environment(self._extra),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Until /readyz answers 200."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            assert self._process is not None
            if self._process.poll() is not None:
                raise ServerDied(f"it ended with {self._process.returncode}: {self.log()[-2_000:]}")
            if time.monotonic() > deadline:
                raise ServerDied(f"not ready within {seconds} s: {self.log()[-2_000:]}")
            time.sleep(0.02)

    def kill9(self) -> None:
        """As a crash: no handler runs, nothing is flushed."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None
        self.crashes += 1

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch_again(self) -> None:
        """After it ended by itself."""
        assert not self.alive()
        self._process = None
        self.start()

    def terminate(self) -> int:
        """SIGTERM; the exit code. Raises TimeoutExpired when it does not end."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(STOP_SECONDS)
        self._process = None
        return code

    def get(self, path: str, **params: str) -> Any:
        """The JSON behind `path`; any error status fails the test."""
        answer = httpx.get(self.url + path, params=params, timeout=15.0)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def incident_ids(self) -> list[str]:
        """Of all incidents, page by page as a client would."""
        return [row["id"] for row in self._rows()]

    def incidents(self) -> list[dict[str, Any]]:
        """The full document of every incident, newest first."""
        with httpx.Client(base_url=self.url, timeout=15.0) as client:
            found = []
            for name in self.incident_ids():
                answer = client.get(f"/v1/incidents/{name}")
                assert answer.status_code == 200, f"{name}: {answer.text[:300]}"
                found.append(answer.json())
        return found

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _rows(self) -> Iterator[dict[str, Any]]:
        page = self.get("/v1/incidents", limit="200")
        yield from page["incidents"]
        while page["next_cursor"]:
            page = self.get("/v1/incidents", limit="200", cursor=page["next_cursor"])
            yield from page["incidents"]

    def _is_ready(self) -> bool:
        try:
            wire.get(self.port, "/readyz")
        except wire.CallFailed:
            return False
        return True

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
