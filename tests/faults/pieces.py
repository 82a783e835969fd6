"""A file's bytes under a power cut: what lasts, and writes that may be there, in part, or not at all."""

from __future__ import annotations

import random
from typing import NamedTuple

_SIZES = (512, 4_096)


class Loss(NamedTuple):
    """How bad the cut is. `kept` is the share of unsynced pieces of writes that are there; `names` whether
    unsynced changes of names are: `none`, `all`, or `some` (the first few); `sizes` whether a file has its
    full size though what should fill it is missing (it reads as zeros)."""

    title: str
    kept: float
    names: str
    sizes: bool = False

    def entries(self, count: int, dice: random.Random) -> int:
        return {"none": 0, "all": count}.get(self.names, dice.randint(0, count))


SYNCED_ONLY = Loss("only what was synced", 0.0, "none")
NAMES_ONLY = Loss("synced bytes, every name", 0.0, "all")
TORN = Loss("torn writes", 0.5, "some")
NEARLY_ALL = Loss("a few pieces missing", 0.9, "all")
ZEROS = Loss("full sizes, zeros", 0.3, "all", sizes=True)
LOSSES = (SYNCED_ONLY, NAMES_ONLY, TORN, NEARLY_ALL, ZEROS)


class _Piece(NamedTuple):
    """`data` at `offset`, or None: the file ends at `offset`."""

    offset: int
    data: bytes | None


class File:
    def __init__(self, content: bytes = b"") -> None:
        self._lasting = bytearray(content)
        self._pending: list[_Piece] = []
        self._settled = 0

    def write(self, offset: int, data: bytes) -> None:
        self._pending.append(_Piece(offset, data))

    def truncate(self, size: int) -> None:
        self._pending.append(_Piece(size, None))

    def mark(self) -> int:
        """A point in time, for `settle`."""
        return self._settled + len(self._pending)

    def settle(self, mark: int, lasts: bool) -> None:
        """What came before `mark` lasts from now on, or is lost."""
        count = max(0, mark - self._settled)
        for piece in self._pending[:count]:
            if lasts:
                _apply(self._lasting, piece)
        del self._pending[:count]
        self._settled += count

    def after_power_cut(self, loss: Loss, dice: random.Random) -> bytes:
        found = bytearray(self._lasting)
        for piece in self._pending:
            if piece.data is None:
                if dice.random() < loss.kept:
                    _apply(found, piece)
                continue
            if loss.sizes:
                _reach(found, piece.offset + len(piece.data))
            for part in _cut(piece, dice.choice(_SIZES)):
                if dice.random() < loss.kept:
                    _apply(found, part)
        return bytes(found)


def _cut(piece: _Piece, size: int) -> list[_Piece]:
    """At the boundaries of the disk's sectors or pages."""
    assert piece.data is not None
    parts, place = [], 0
    while place < len(piece.data):
        end = min(len(piece.data), place + size - (piece.offset + place) % size)
        parts.append(_Piece(piece.offset + place, piece.data[place:end]))
        place = end
    return parts


def _apply(content: bytearray, piece: _Piece) -> None:
    if piece.data is None:
        del content[piece.offset :]
        _reach(content, piece.offset)
        return
    _reach(content, piece.offset)
    content[piece.offset : piece.offset + len(piece.data)] = piece.data


def _reach(content: bytearray, size: int) -> None:
    content.extend(bytes(max(0, size - len(content))))
