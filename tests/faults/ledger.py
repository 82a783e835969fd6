"""The independent ledger: clients that note what the server acknowledged, and the search for it, by bytes.

Every body is unlike all others and is sent once. A note is made after the whole answer has come, in this
process, which is neither killed nor cut off.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from connectors.storage.sqlite_journal import SqliteJournal
from core.journal import Record
from evals.shop import wire
from tests.integration.load import KINDS

_PAUSE_SECONDS = 0.02
_PART = 500


class Note(NamedTuple):
    """`at`: nanoseconds of the monotonic clock when the answer had come; `client` sends one after another."""

    at: int
    client: int
    body: bytes


class Answer(NamedTuple):
    """`status` is 0 when there was no whole answer."""

    at: int
    status: int
    body: bytes


class Ledger:
    """Safe for several threads, and over several runs of a server."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.answers: list[Answer] = []
        self._lock = threading.Lock()

    def add(self, client: int, sent: bytes, status: int, answer: bytes) -> None:
        now = time.monotonic_ns()
        with self._lock:
            if 200 <= status < 300:
                self.notes.append(Note(now, client, sent))
            self.answers.append(Answer(now, status, b"" if 200 <= status < 300 else answer))

    def before(self, moment: int) -> list[Note]:
        with self._lock:
            return [note for note in self.notes if note.at < moment]

    def statuses(self, since: int = 0) -> Counter[int]:
        """Of answers that came after `since`."""
        with self._lock:
            return Counter(answer.status for answer in self.answers if answer.at > since)


class Clients:
    """`count` connections that send as fast as they are answered, each body `pad` bytes longer than need be.

    As a context they run. They live through restarts of the server.
    """

    _names = itertools.count()
    _numbers = itertools.count(1)

    def __init__(self, port: int, ledger: Ledger, count: int = 3, pad: int = 0, limit: int = 0) -> None:
        self._port, self._ledger, self._pad, self._limit = port, ledger, pad, limit
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.wait()

    def stop(self) -> None:
        self._stopping.set()

    def wait(self, seconds: float = 30.0) -> None:
        """Until all have sent what they were to send, or were stopped."""
        for thread in self._threads:
            thread.join(seconds)

    def _run(self) -> None:
        name = next(self._names)
        connection = http.client.HTTPConnection(wire.LOOPBACK, self._port, timeout=10.0)
        sent = 0
        while not self._stopping.is_set() and (not self._limit or sent < self._limit):
            sent += 1
            path, body = make_body(next(self._numbers), self._pad)
            status, answer = post(connection, path, body)
            self._ledger.add(name, body, status, answer)
            if not 200 <= status < 300:
                time.sleep(_PAUSE_SECONDS)
        connection.close()


def make_body(number: int, pad: int = 0) -> tuple[str, bytes]:
    """Path and bytes. The padding is legal white space, which has to be stored as it came; a quarter
    of it cannot be packed."""
    body = KINDS[number % len(KINDS)](number)
    text = json.dumps(body.document)
    space = "".join(random.Random(number).choices(" \t\n\r", k=pad))
    return body.path, (text[:-1] + space + text[-1]).encode()


def post(connection: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, bytes]:
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0, b""


def records(directory: Path) -> list[Record]:
    """All of a journal, read as another process would, and verified. Raises what the journal raises."""
    journal = SqliteJournal(directory, read_only=True)
    try:
        found: list[Record] = []
        while part := journal.read(found[-1].seq if found else 0, _PART):
            found += part
        for _ in journal.verify():
            pass
        return found
    finally:
        journal.close()


def lacking(notes: Sequence[Note], found: Iterable[Record]) -> list[str]:
    """What is wrong with the journal by the ledger: bodies that are missing, twice, or out of order."""
    places: dict[bytes, list[int]] = {}
    for record in found:
        if record.kind == "ingest":
            places.setdefault(record.payload, []).append(record.seq)
    faults = [f"missing: {note.body[:120]!r}" for note in notes if note.body not in places]
    faults += [f"stored {len(seqs)} times: {body[:120]!r}" for body, seqs in places.items() if len(seqs) > 1]
    latest: dict[int, int] = {}
    for note in notes:
        seq = places.get(note.body, [0])[0]
        if seq and seq < latest.get(note.client, 0):
            faults.append(f"out of order: {note.body[:120]!r}")
        latest[note.client] = max(seq, latest.get(note.client, 0))
    return faults
