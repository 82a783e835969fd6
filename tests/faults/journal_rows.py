"""A journal that grows and rolls: `python journal_rows.py DIRECTORY SEGMENT_BYTES COUNT SIZE`.

Four records a commit, of SIZE bytes that cannot be packed. Each record's place among them is printed after
the append has returned, with the time of that (monotonic, ns): its acknowledgement. What the directory
holds already stays.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from connectors.storage.sqlite_journal import SqliteJournal
from core.journal import Draft

_TOGETHER = 4


def body(number: int, size: int) -> bytes:
    return random.Random(number).randbytes(size)


def main(directory: str, segment_bytes: str, count: str, size: str) -> None:
    journal = SqliteJournal(Path(directory), segment_bytes=int(segment_bytes))
    for first in range(0, int(count), _TOGETHER):
        numbers = range(first, first + _TOGETHER)
        journal.append([Draft("ingest", "alertmanager", body(n, int(size))) for n in numbers], now=first)
        for number in numbers:
            print(time.monotonic_ns(), number, flush=True)
    journal.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
