"""A model of the disk below a traced program: what has been synced, what has not, what may be left of it.

It grants as little as POSIX does. A sync makes last what was written to its file before it began; a name
lasts when its directory was synced after it was made. What a failed sync should have written is lost for
good, as on Linux, which counts those pages as clean. Anything not synced may be there, in parts, or not.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path

from tests.faults.pieces import File, Loss
from tests.faults.record import CREATE, TRUNCATE, Event

Node = File | None  # A directory is a name without a file.


class _Entry:
    """A change of names that has not lasted yet, and the directories that must be synced for it to last."""

    def __init__(self, changes: dict[str, tuple[bool, Node]]) -> None:
        self.changes = changes
        self.waits = {os.path.dirname(path) for path in changes}

    def apply(self, names: dict[str, Node]) -> None:
        for path, (there, node) in self.changes.items():
            if there:
                names[path] = node
            else:
                names.pop(path, None)


class Disk:
    """`root` is the directory that is watched; what lies in it now (may be nothing) has lasted."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._live: dict[str, Node] = {}
        self._files: dict[str, File] = {}
        if root.is_dir():
            self._live[self._root] = None
            for path in sorted(root.rglob("*")):
                self._live[str(path)] = None if path.is_dir() else File(path.read_bytes())
        self._lasting = dict(self._live)
        self._entries: list[_Entry] = []
        self._begun: dict[int, tuple[int, int]] = {}

    def apply(self, event: Event) -> None:
        """In the order of the record."""
        getattr(self, f"_{event.kind}")(event)

    def build(self, target: Path, loss: Loss, dice: random.Random) -> None:
        """Write into `target`, which does not exist, what lies below `root` after a power cut now."""
        names = dict(self._lasting)
        for entry in self._entries[: loss.entries(len(self._entries), dice)]:
            entry.apply(names)
        reached = _reached(names, self._root)
        target.mkdir(parents=True)
        for path in sorted(reached):
            node, place = reached[path], target / os.path.relpath(path, self._root)
            if node is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(node.after_power_cut(loss, dice))

    def _open(self, event: Event) -> None:
        node = self._live.get(event.path)
        if event.path not in self._live:
            if not event.flags & CREATE:
                return
            node = File()
            self._change({event.path: (True, node)})
        if node is not None:
            self._files[event.file] = node
            if event.flags & TRUNCATE:
                node.truncate(0)

    def _write(self, event: Event) -> None:
        if file := self._files.get(event.file):
            file.write(event.offset, event.data)

    def _truncate(self, event: Event) -> None:
        if file := self._files.get(event.file):
            file.truncate(event.offset)

    def _mkdir(self, event: Event) -> None:
        self._change({event.path: (True, None)})

    def _unlink(self, event: Event) -> None:
        self._change({event.path: (False, None)})

    def _link(self, event: Event) -> None:
        self._change({event.to: (True, self._live[event.path])})

    def _rename(self, event: Event) -> None:
        below = f"{event.path}/"
        moved = {path: node for path, node in self._live.items() if path == event.path}
        moved |= {path: node for path, node in self._live.items() if path.startswith(below)}
        there = {f"{event.to}{path[len(event.path) :]}": (True, node) for path, node in moved.items()}
        entry = self._change({**dict.fromkeys(moved, (False, None)), **there})
        entry.waits = {os.path.dirname(event.path), os.path.dirname(event.to)}

    def _change(self, changes: dict[str, tuple[bool, Node]]) -> _Entry:
        entry = _Entry(changes)
        entry.apply(self._live)
        self._entries.append(entry)
        return entry

    def _begin(self, event: Event) -> None:
        """A sync covers what was there when it began."""
        file = self._files.get(event.file)
        self._begun[event.flags] = (file.mark() if file else 0, len(self._entries))

    def _sync(self, event: Event) -> None:
        mark, entries = self._begun.pop(event.flags)
        if self._live.get(event.path, event) is None or event.path == os.path.dirname(self._root):
            self._sync_directory(event.path, entries if event.ok else 0)
        elif file := self._files.get(event.file):
            file.settle(mark, event.ok)

    def _sync_directory(self, path: str, covered: int) -> None:
        """Entries last in their order: one that still waits for another directory holds up nothing else."""
        kept = []
        for place, entry in enumerate(self._entries):
            if place < covered:
                entry.waits.discard(path)
            if entry.waits:
                kept.append(entry)
            else:
                entry.apply(self._lasting)
        self._entries = kept


def _reached(names: Mapping[str, Node], root: str) -> dict[str, Node]:
    """Names below `root` whose directories are all there."""
    found: dict[str, Node] = {}
    for path in sorted(names):
        if path == root or (os.path.dirname(path) in found and names[os.path.dirname(path)] is None):
            found[path] = names[path]
    return {path: node for path, node in found.items() if path != root}
