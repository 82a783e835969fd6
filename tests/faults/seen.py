"""A call as a tracer sees it: when it begins (`look`), and what it came to when it returns (`finished`)."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from tests.faults import kernel
from tests.faults.calls import CALLS
from tests.faults.record import Event

_LONGEST_PATH = 4_096
_AT_CWD = (-100) & 0xFFFFFFFF
_PLACED = {"pwrite64": 3, "pwritev": 3, "pwritev2": 3}
_FLAGS = {"open": 1, "openat": 2}
_CREAT_FLAGS = os.O_CREAT | os.O_WRONLY | os.O_TRUNC


class Seen(NamedTuple):
    """`file` is device and inode, or empty; `data` what `write` and `pwrite64` are about to write."""

    name: str
    path: str
    to: str
    file: str
    arguments: list[int]
    data: bytes


def look(tid: int, name: str, arguments: list[int]) -> Seen | None:
    """None for what is no file: sockets, pipes, devices."""
    call = CALLS[name]
    if call.file < 0:
        paths = [_path(tid, arguments, places) for places in call.paths]
        return Seen(name, paths[0], paths[1] if len(paths) > 1 else "", "", arguments, b"")
    found = _identity(tid, arguments[call.file])
    if found is None:
        return None
    path = os.readlink(f"/proc/{tid}/fd/{_signed(arguments[call.file])}")
    return Seen(name, path, "", found, arguments, _data(tid, name, arguments))


def finished(tid: int, seen: Seen, result: int, now: int) -> Event | None:
    """None when it failed and so changed nothing (but for a sync)."""
    kind = CALLS[seen.name].kind
    if kind == "sync":
        return Event(now, "sync", seen.path, seen.file, flags=tid, ok=result == 0)
    if result < 0:
        return None
    if kind == "open":
        found = _identity(tid, result)
        place = _FLAGS.get(seen.name)
        flags = seen.arguments[place] if place is not None else _CREAT_FLAGS
        return Event(now, "open", seen.path, found, flags=flags & 0xFFFFFFFF) if found else None
    if kind == "write":
        return _write(tid, seen, result, now)
    if kind == "truncate":
        return Event(now, kind, seen.path, seen.file, offset=seen.arguments[1])
    if kind == "allocate":
        size = os.stat(f"/proc/{tid}/fd/{_signed(seen.arguments[0])}").st_size
        return Event(now, "truncate", seen.path, seen.file, offset=size)
    return Event(now, kind, seen.path, to=seen.to)


def _write(tid: int, seen: Seen, written: int, now: int) -> Event:
    number = _signed(seen.arguments[CALLS[seen.name].file])
    if (place := _PLACED.get(seen.name)) is not None:
        offset = seen.arguments[place]
    else:
        offset = _position(tid, number) - written
    data = seen.data[:written] if seen.data else _stored(f"/proc/{tid}/fd/{number}", offset, written)
    return Event(now, "write", seen.path, seen.file, offset=offset, data=data)


def _identity(tid: int, number: int) -> str | None:
    try:
        found = os.stat(f"/proc/{tid}/fd/{_signed(number)}")
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return None
    return f"{found.st_dev}:{found.st_ino}"


def _path(tid: int, arguments: list[int], places: tuple[int, int]) -> str:
    directory, place = places
    raw = kernel.memory(tid, arguments[place], _LONGEST_PATH)
    path = os.fsdecode(raw.split(b"\0", 1)[0])
    if os.path.isabs(path):
        return os.path.normpath(path)
    apart = directory >= 0 and arguments[directory] & 0xFFFFFFFF != _AT_CWD
    base = os.readlink(f"/proc/{tid}/fd/{_signed(arguments[directory])}" if apart else f"/proc/{tid}/cwd")
    return os.path.normpath(os.path.join(base, path))


def _data(tid: int, name: str, arguments: list[int]) -> bytes:
    return kernel.memory(tid, arguments[1], arguments[2]) if name in ("write", "pwrite64") else b""


def _stored(path: str, offset: int, length: int) -> bytes:
    """What a call wrote from several places, or copied: taken from the file while the thread stands still."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.pread(file, length, offset)
    finally:
        os.close(file)


def _position(tid: int, number: int) -> int:
    with open(f"/proc/{tid}/fdinfo/{number}") as file:
        return int(file.readline().split()[1])


def _signed(number: int) -> int:
    number &= 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number
