"""Where the bench writes: a real disk, and how fast it syncs. Rates of commits mean nothing without both."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

# These forget everything when the power goes, and a sync there costs nothing.
_IN_MEMORY = ("tmpfs", "ramfs")
_SYNCS = 50


class Mount(NamedTuple):
    point: str
    device: str
    kind: str


def mount_of(path: Path, table: str) -> Mount:
    """The file system that holds `path`, by a mount table such as /proc/self/mounts."""
    wanted = path.resolve()
    found = Mount("/", "?", "unknown")
    for line in table.splitlines():
        device, point, kind = line.split(" ")[:3]
        # The later of two mounts on one point hides the earlier.
        if wanted.is_relative_to(point) and len(point) >= len(found.point):
            found = Mount(point, device, kind)
    return found


def real_directory(asked: Path | None) -> Path:
    """`asked`, or the first usual place for temporary files that is not in memory."""
    if asked is not None:
        return asked
    places = (Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd())  # noqa: S108 - see above
    usable = [place for place in places if os.access(place, os.W_OK)]
    return next((place for place in usable if current_mount(place).kind not in _IN_MEMORY), usable[0])


def current_mount(path: Path) -> Mount:
    try:
        return mount_of(path, Path("/proc/self/mounts").read_text())
    except OSError:
        return Mount("/", "?", "unknown")


def sync_ms(directory: Path) -> float:
    """Median time in ms of an append of 4 KiB with fsync."""
    block, took = b"\0" * 4_096, []
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(block)
            os.fsync(file.fileno())
            took.append(1_000 * (time.perf_counter() - began))
    return median(took)


def describe(directory: Path) -> str:
    mount = current_mount(directory)
    note = ": in memory, so commits cost less than on a disk" if mount.kind in _IN_MEMORY else ""
    return f"{mount.kind} ({mount.device}), 4 KiB appended and synced in {sync_ms(directory):.2f} ms{note}"
