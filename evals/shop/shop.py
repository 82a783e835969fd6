"""The whole shop as one object: start it, change it, break it, mend it, stop it.

`with Shop(folder) as shop:` gives a shop whose every service answers; leaving the block ends every
process it started. Everything listens on the loopback address only, on ports that were free.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import TracebackType

from evals.shop import wire
from evals.shop.processes import Children
from evals.shop.topology import SERVICES

START_SECONDS = 30.0


class Shop:
    """The running shop. `ports` maps service names to ports; logs are written into `logs`."""

    def __init__(self, logs: Path) -> None:
        self.ports = dict(zip((s.name for s in SERVICES), wire.free_ports(len(SERVICES)), strict=True))
        self._children = Children(logs)

    def __enter__(self) -> Shop:
        try:
            for service in SERVICES:
                self._run(service.name)
            for service in SERVICES:
                self._wait_for(service.name)
            self._children.start("load", self._python("evals.shop.load"))
        except BaseException:
            # Also on Ctrl-C: a block that was never entered would not be left either.
            self._children.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._children.stop()

    def pids(self) -> dict[str, int]:
        """The pid of every process of the shop, customers (`load`) included."""
        return self._children.pids()

    def check(self) -> None:
        """Raise `ChildDied` if a service has ended without `kill`."""
        self._children.check()

    def deploy(self, service: str, version: str) -> None:
        wire.post(self.ports[service], "/admin/deploy", {"version": version})

    def set(self, service: str, name: str, value: str) -> None:
        """Set a flag or a setting of a running service."""
        wire.post(self.ports[service], "/admin/set", {"name": name, "value": value})

    def kill(self, service: str) -> None:
        """End a service with SIGKILL: its callers find a closed port."""
        self._children.kill(service)

    def restart(self, service: str) -> None:
        """Start a killed service again on its old port and wait until it answers."""
        self._run(service)
        self._wait_for(service)

    def _run(self, service: str) -> None:
        self._children.start(service, self._python("evals.shop.service", service))

    def _python(self, module: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", module, *arguments, "--ports", json.dumps(self.ports)]

    def _wait_for(self, service: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._children.check()
            try:
                wire.get(self.ports[service], "/healthz")
                return
            except wire.CallFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
