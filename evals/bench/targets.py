"""The servers that are posted to: Watchkeeper, Alertmanager where it is installed, and one that does nothing.

Each run starts a fresh one on the loopback address with a directory of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from evals.record.monitoring import NotInstalled, program
from evals.shop import wire
from evals.shop.processes import Children

PATH = "/api/v2/alerts"
NOTE = "Alertmanager keeps alerts in memory: its 2xx means neither stored nor processed."
_READY_SECONDS = 60.0
# Groups as in its own example; nobody is told, as with a Watchkeeper without receivers.
_CONFIG = {"route": {"receiver": "nobody", "group_by": ["alertname"]}, "receivers": [{"name": "nobody"}]}


class Target(NamedTuple):
    """`start` returns the port once the server is ready. `applies`: it can be asked how far it has come."""

    name: str
    start: Callable[[Children, Path], int]
    applies: bool = False


class NeverReady(Exception):
    """A server did not say that it is ready."""


def _start_watchkeeper(children: Children, folder: Path) -> int:
    (port,) = wire.free_ports(1)
    where = ["--data", str(folder / "data"), "--host", wire.LOOPBACK, "--port", str(port)]
    children.start("watchkeeper", [sys.executable, "-m", "watchkeeper", "serve", *where, "--no-demo"])
    return ready(children, port, "/readyz")


def _start_alertmanager(children: Children, folder: Path) -> int:
    (port,) = wire.free_ports(1)
    config = folder / "alertmanager.yml"
    config.write_text(json.dumps(_CONFIG))
    flags = [
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={wire.LOOPBACK}:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    children.start("alertmanager", [program("alertmanager"), *flags])
    return ready(children, port, "/-/ready")


def _start_sink(children: Children, folder: Path) -> int:
    (port,) = wire.free_ports(1)
    children.start("sink", [sys.executable, "-m", "evals.bench.sink", str(port)])
    return ready(children, port, "/")


WATCHKEEPER = Target("Watchkeeper", _start_watchkeeper, applies=True)
SINK = Target("generator ceiling", _start_sink)


def alertmanager() -> Target | None:
    """Named by what the binary says of itself; None where there is none."""
    try:
        binary = program("alertmanager")
    except NotInstalled:
        return None
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    return Target(version_name(said.stdout + said.stderr), _start_alertmanager)


def version_name(said: str) -> str:
    """`Alertmanager 0.25 (Debian)` from the first line of `--version`."""
    version = re.search(r"version (\d+\.\d+)", said)
    build = "Debian" if "debian" in said.splitlines()[0].lower() else "not Debian's build"
    return f"Alertmanager {version.group(1) if version else '?'} ({build})"


def lag(port: int) -> int:
    """Records that a Watchkeeper has committed and not applied yet."""
    return int(json.loads(wire.get(port, "/readyz", timeout=10.0))["engine_lag_records"])


def lag_seconds(port: int) -> float:
    """How long ago the oldest record came that the engine has not applied."""
    return float(json.loads(wire.get(port, "/readyz", timeout=10.0))["engine_lag_seconds"])


def cpu_seconds(children: Children) -> float:
    """CPU time that the servers have used so far, their own and the system's for them; 0 off Linux."""
    used = 0
    for pid in children.pids().values():
        try:
            # The second field is the program's name in parentheses; it may hold spaces.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


def ready(children: Children, port: int, path: str) -> int:
    """The port, once `path` answers. Raises NeverReady, and ChildDied when a child has ended."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        children.check()
        try:
            wire.get(port, path)
        except wire.CallFailed:
            time.sleep(0.05)
        else:
            return port
    raise NeverReady(f"port {port} was not ready within {_READY_SECONDS:.0f} s")
