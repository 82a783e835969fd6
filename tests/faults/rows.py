"""A journal of a few rows in SQLite, with the given `synchronous`: `python rows.py DIRECTORY MODE COUNT`.

Each row's number is printed after its commit has returned, with the time of that (monotonic, ns): its
acknowledgement.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

NAME = "rows.sqlite3"


def body(number: int) -> bytes:
    return f"row {number}".encode() * 40


def main(directory: str, mode: str, count: str) -> None:
    connection = sqlite3.connect(Path(directory) / NAME)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={mode}")
    connection.execute("CREATE TABLE rows (body BLOB)")
    connection.commit()
    for number in range(int(count)):
        with connection:
            connection.execute("INSERT INTO rows VALUES (?)", (body(number),))
        print(time.monotonic_ns(), number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
