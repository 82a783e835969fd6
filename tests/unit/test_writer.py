"""Group commit: nothing is told before it is stored; what waits is bounded; a failed commit is said."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from connectors.storage.memory import MemoryJournal
from core.errors import JournalUnavailable
from core.journal import Draft, Record
from watchkeeper.clock import SystemClock
from watchkeeper.writer import JournalWriter


class GatedJournal(MemoryJournal):
    """Commits when the gate is open; fails while `broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.commits: list[int] = []
        self.broken = False

    def append(self, drafts: Sequence[Draft], now: int) -> list[Record]:
        self.entered.set()
        self.gate.wait(10)
        if self.broken:
            raise JournalUnavailable("disk full")
        self.commits.append(len(drafts))
        return super().append(drafts, now)


@pytest.fixture
def journal() -> GatedJournal:
    return GatedJournal()


@pytest.fixture
def writer(journal: GatedJournal) -> Iterator[JournalWriter]:
    made = JournalWriter(journal, SystemClock(), max_bytes=4_000)
    made.start()
    yield made
    journal.gate.set()
    made.stop()


def draft(size: int = 10) -> Draft:
    return Draft("ingest", "alertmanager", b"x" * size)


def test_what_gathers_meanwhile_goes_in_one_commit(journal: GatedJournal, writer: JournalWriter) -> None:
    first = writer.submit([draft()])
    assert journal.entered.wait(10)
    rest = [done for _ in range(4) for done in writer.submit([draft()])]
    assert not any(done.done() for done in (*first, *rest))
    journal.gate.set()
    assert [done.result(10) for done in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert journal.commits == [1, 4]


def test_what_waits_is_bounded(journal: GatedJournal, writer: JournalWriter) -> None:
    writer.submit([draft()])
    assert journal.entered.wait(10)
    writer.submit([draft(3_000)])
    with pytest.raises(JournalUnavailable, match="cannot keep up"):
        writer.submit([draft(3_000)])


def test_one_large_body_is_taken_although_it_is_larger(journal: GatedJournal, writer: JournalWriter) -> None:
    journal.gate.set()
    assert writer.submit([draft(10_000)])[0].result(10) == 1


def test_a_failed_commit_is_said_and_the_next_may_succeed(
    journal: GatedJournal, writer: JournalWriter
) -> None:
    journal.gate.set()
    journal.broken = True
    with pytest.raises(JournalUnavailable, match="disk full"):
        writer.append_now(draft())
    journal.broken = False
    assert writer.append_now(draft()) == 1


def test_the_lag_is_the_age_of_the_oldest(journal: GatedJournal, writer: JournalWriter) -> None:
    assert writer.lag_ms(SystemClock().now()) == 0
    writer.submit([draft()])
    assert journal.entered.wait(10)
    assert writer.lag_ms(SystemClock().now() + 70_000) >= 70_000
    journal.gate.set()


def test_listeners_hear_of_commits_and_a_stop_writes_what_was_taken(journal: GatedJournal) -> None:
    made = JournalWriter(journal, SystemClock(), max_bytes=4_000)
    heard: list[int] = []
    made.on_commit(lambda: heard.append(journal.head()))
    made.start()
    done = made.submit([draft(), draft()])
    journal.gate.set()
    made.stop()
    assert [one.result(1) for one in done] == [1, 2]
    assert heard[-1] == 2
    with pytest.raises(JournalUnavailable, match="shutting down"):
        made.submit([draft()])
