"""What a tracer asks of Linux, by ctypes: ptrace, registers, a thread's memory, a filter of system calls.

The filter (seccomp) stops a traced thread at the calls of interest alone: the rest runs at full speed.
x86-64 and 64-bit Arm. Every function raises OSError when the kernel refuses.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Sequence
from typing import NamedTuple

TRACEME, CONT, SYSCALL, SETOPTIONS, GETREGSET, SETREGSET = 0, 7, 24, 0x4200, 0x4204, 0x4205
EVENT_SECCOMP = 7
# Marked stops of calls, all children and threads, exec, seccomp; the traced die with their tracer.
OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x80 | 0x100000
WAIT_ALL = 0x40000000
_NT_PRSTATUS, _NT_ARM_SYSTEM_CALL = 1, 0x404
_SET_SECCOMP, _NO_NEW_PRIVILEGES, _MODE_FILTER = 22, 38, 2
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Machine(NamedTuple):
    """Where a call's number, arguments and result lie among the registers, counted in words."""

    words: int
    number: int
    arguments: tuple[int, ...]
    result: int
    call_is_apart: bool


MACHINES = {
    "x86_64": Machine(27, 15, (14, 13, 12, 7, 9, 8), 10, False),
    "aarch64": Machine(34, 8, (0, 1, 2, 3, 4, 5), 0, True),
}
MACHINE = platform.machine()
AVAILABLE = sys.platform == "linux" and MACHINE in MACHINES


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Filter(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("true", ctypes.c_ubyte),
        ("false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filters", ctypes.POINTER(_Filter))]


def ptrace(request: int, tid: int, address: int = 0, data: int | None = 0) -> None:
    if _libc.ptrace(request, tid, address, data) == -1 and (code := ctypes.get_errno()):
        raise OSError(code, f"ptrace request {request}: {os.strerror(code)}")


class Registers:
    """Of a thread that stands still."""

    def __init__(self, tid: int) -> None:
        self._tid, self._machine = tid, MACHINES[MACHINE]
        self._words = (ctypes.c_uint64 * self._machine.words)()
        self._move(GETREGSET, _NT_PRSTATUS, self._words)

    def number(self) -> int:
        return self._words[self._machine.number]

    def arguments(self) -> list[int]:
        return [self._words[place] for place in self._machine.arguments]

    def result(self) -> int:
        return ctypes.c_int64(self._words[self._machine.result]).value

    def skip_call(self, error: int) -> None:
        """The call is not made; it fails with `error`, an errno."""
        self._words[self._machine.result] = ctypes.c_uint64(-error).value
        if self._machine.call_is_apart:
            self._move(SETREGSET, _NT_ARM_SYSTEM_CALL, ctypes.c_int(-1))
        else:
            self._words[self._machine.number] = ctypes.c_uint64(-1).value
        self._move(SETREGSET, _NT_PRSTATUS, self._words)

    def _move(self, request: int, which: int, target: ctypes.Array[ctypes.c_uint64] | ctypes.c_int) -> None:
        vector = _Vector(ctypes.addressof(target), ctypes.sizeof(target))
        ptrace(request, self._tid, which, ctypes.addressof(vector))


def memory(tid: int, address: int, length: int) -> bytes:
    """Up to `length` bytes of a thread's memory; fewer where it ends."""
    file = os.open(f"/proc/{tid}/mem", os.O_RDONLY)
    try:
        return os.pread(file, length, address)
    finally:
        os.close(file)


def stop_at(numbers: Sequence[int]) -> None:
    """From now on this process and all that it starts stop for their tracer at these calls."""
    last = len(numbers)
    filters = [_Filter(_LOAD_NUMBER, 0, 0, 0)]
    filters += [_Filter(_JUMP_IF_EQUAL, last - place, 0, number) for place, number in enumerate(numbers)]
    filters += [_Filter(_RETURN, 0, 0, _ALLOW), _Filter(_RETURN, 0, 0, _TRACE)]
    program = _Program(len(filters), (_Filter * len(filters))(*filters))
    for option, value, more in (
        (_NO_NEW_PRIVILEGES, 1, None),
        (_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program)),
    ):
        if _libc.prctl(option, value, more, 0, 0):
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
