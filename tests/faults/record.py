"""What a traced program did to its files, as a file of events, and the rules by which it is disturbed.

Times are nanoseconds of the monotonic clock, which all processes of a machine share: a client's note of an
answer can be put between two events.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

CREATE, TRUNCATE = os.O_CREAT, os.O_TRUNC
_LENGTH = 4


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One call that has returned, or the beginning of a sync (`begin`).

    `file` names an open file (device and inode); `offset` is a place in it, or the size of a truncation;
    `flags` are those of an open, or the thread of a sync. `ok` is false for a sync that failed.
    """

    at: int
    kind: str
    path: str
    file: str = ""
    to: str = ""
    flags: int = 0
    offset: int = 0
    data: bytes = b""
    ok: bool = True


class Rule(msgspec.Struct, frozen=True):
    """What happens to `calls` on files whose path below the root contains `path`: they fail with `error` (an
    errno's name), take `delay` seconds longer, or end the program by SIGKILL at number `kill_at`, from 1.

    `first` and `last` bound which of them, by number; 0 is no bound.
    """

    calls: tuple[str, ...]
    error: str = ""
    delay: float = 0.0
    kill_at: int = 0
    path: str = ""
    first: int = 0
    last: int = 0

    def meets(self, call: str, path: str) -> bool:
        return call in self.calls and self.path in path

    def holds(self, number: int) -> bool:
        return self.first <= number and (not self.last or number <= self.last)


class Recorder:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._encoder = msgspec.msgpack.Encoder()

    def add(self, event: Event) -> None:
        frame = self._encoder.encode(event)
        self._file.write(len(frame).to_bytes(_LENGTH, "big") + frame)


def read_events(path: Path) -> Iterator[Event]:
    """In the order in which the calls returned. A last frame that was cut is left out."""
    decoder = msgspec.msgpack.Decoder(Event)
    with path.open("rb") as file:
        while len(head := file.read(_LENGTH)) == _LENGTH:
            frame = file.read(length := int.from_bytes(head, "big"))
            if len(frame) < length:
                return
            yield decoder.decode(frame)


def write_rules(path: Path, *rules: Rule) -> None:
    """They hold from the next call on. Without any, nothing is disturbed any more."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(rules))
    draft.rename(path)


def read_rules(path: Path) -> tuple[Rule, ...]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Rule, ...])
    except FileNotFoundError:
        return ()
