"""The system calls that change files or make changes last: their numbers and what their arguments are.

A call that is not in the table is not seen. Memory that is mapped is not seen either: what a program writes
that way is lost in every rebuilt disk, which is the worst case.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.faults.kernel import MACHINE


class Call(NamedTuple):
    """`kind` is what it does; `paths` are places of (directory or -1, path) among the arguments, `file` that
    of a file's number, or -1."""

    kind: str
    numbers: dict[str, int]
    file: int = -1
    paths: tuple[tuple[int, int], ...] = ()


def _numbers(x86_64: int, aarch64: int | None = None) -> dict[str, int]:
    return {"x86_64": x86_64, **({"aarch64": aarch64} if aarch64 is not None else {})}


CALLS: dict[str, Call] = {
    "open": Call("open", _numbers(2), paths=((-1, 0),)),
    "openat": Call("open", _numbers(257, 56), paths=((0, 1),)),
    "creat": Call("open", _numbers(85), paths=((-1, 0),)),
    "write": Call("write", _numbers(1, 64), file=0),
    "pwrite64": Call("write", _numbers(18, 68), file=0),
    "writev": Call("write", _numbers(20, 66), file=0),
    "pwritev": Call("write", _numbers(296, 70), file=0),
    "pwritev2": Call("write", _numbers(328, 287), file=0),
    "sendfile": Call("write", _numbers(40, 71), file=0),
    "copy_file_range": Call("write", _numbers(326, 285), file=2),
    "ftruncate": Call("truncate", _numbers(77, 46), file=0),
    "fallocate": Call("allocate", _numbers(285, 47), file=0),
    "rename": Call("rename", _numbers(82), paths=((-1, 0), (-1, 1))),
    "renameat": Call("rename", _numbers(264, 38), paths=((0, 1), (2, 3))),
    "renameat2": Call("rename", _numbers(316, 276), paths=((0, 1), (2, 3))),
    "link": Call("link", _numbers(86), paths=((-1, 0), (-1, 1))),
    "linkat": Call("link", _numbers(265, 37), paths=((0, 1), (2, 3))),
    "unlink": Call("unlink", _numbers(87), paths=((-1, 0),)),
    "unlinkat": Call("unlink", _numbers(263, 35), paths=((0, 1),)),
    "rmdir": Call("unlink", _numbers(84), paths=((-1, 0),)),
    "mkdir": Call("mkdir", _numbers(83), paths=((-1, 0),)),
    "mkdirat": Call("mkdir", _numbers(258, 34), paths=((0, 1),)),
    "fsync": Call("sync", _numbers(74, 82), file=0),
    "fdatasync": Call("sync", _numbers(75, 83), file=0),
}
NUMBERS = {name: call.numbers[MACHINE] for name, call in CALLS.items() if MACHINE in call.numbers}
NAMES = {number: name for name, number in NUMBERS.items()}
SYNCS = ("fsync", "fdatasync")
WRITES = tuple(name for name, call in CALLS.items() if call.kind == "write")


def numbers_of(names: tuple[str, ...]) -> list[int]:
    """Their numbers on this machine; all calls of the table for an empty tuple."""
    return [number for name, number in NUMBERS.items() if not names or name in names]
