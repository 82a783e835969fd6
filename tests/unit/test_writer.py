"""Group commit: nothing is told before it is stored; what waits or arrives is bounded; the engine yields."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import pytest

from connectors.storage.memory import MemoryJournal
from core.errors import JournalUnavailable
from core.journal import Draft, Record
from watchkeeper.clock import SystemClock
from watchkeeper.http.bodies import Bodies, Refused
from watchkeeper.pace import Pace
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


def test_one_turn_of_an_event_loop_goes_in_one_commit(journal: GatedJournal, writer: JournalWriter) -> None:
    journal.gate.set()

    async def post() -> list[int]:
        return await asyncio.gather(*(writer.append(draft()) for _ in range(6)))

    assert asyncio.run(post()) == [1, 2, 3, 4, 5, 6]
    assert journal.commits == [6]


def test_a_coroutine_hears_that_a_commit_failed(journal: GatedJournal, writer: JournalWriter) -> None:
    journal.gate.set()
    journal.broken = True

    async def post() -> None:
        await writer.append(draft())

    with pytest.raises(JournalUnavailable, match="disk full"):
        asyncio.run(post())


def test_nobody_hears_before_the_commit_and_one_who_left_hurts_nobody(
    journal: GatedJournal, writer: JournalWriter
) -> None:
    async def post() -> int:
        left, stays = writer.append(draft()), writer.append(draft())
        await asyncio.to_thread(journal.entered.wait, 10)
        assert not stays.done()
        left.cancel()
        journal.gate.set()
        return await stays

    assert asyncio.run(post()) == 2
    assert journal.head() == 2


def test_bodies_that_arrive_hold_half_of_the_room_and_leave_the_rest(
    journal: GatedJournal, writer: JournalWriter
) -> None:
    journal.gate.set()
    writer.hold(5_000, 0)  # Alone it may be as large as it likes.
    with pytest.raises(JournalUnavailable, match="too many large bodies"):
        writer.hold(10, 0)
    assert writer.append_now(draft()) == 1
    writer.let_go(5_000)
    writer.hold(1_000, 0)
    writer.hold(1_000, 0)
    with pytest.raises(JournalUnavailable):
        writer.hold(1, 1_000)


class Sender:
    """Sends `parts` of a body; after them it waits for ever, or goes away."""

    def __init__(self, parts: list[bytes], *, ends: bool = True) -> None:
        self.parts, self.ends = list(parts), ends

    async def __call__(self) -> MutableMapping[str, Any]:
        if not self.parts:
            await asyncio.Event().wait()
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts) or not self.ends}


def read(writer: JournalWriter, sender: Sender, limit: int = 100) -> bytes:
    return asyncio.run(_read(writer, sender, limit))


async def _read(writer: JournalWriter, sender: Sender, limit: int) -> bytes:
    return await Bodies(writer, look_seconds=0.002).read(sender, limit)


@pytest.mark.parametrize("parts", [[b"abc"], [b"a", b"", b"bc"]])
def test_a_body_is_put_together_and_holds_nothing_after(writer: JournalWriter, parts: list[bytes]) -> None:
    assert read(writer, Sender(parts)) == b"abc"
    assert writer._arriving == 0


@pytest.mark.parametrize(
    ("sender", "status"),
    [
        (Sender([b"x" * 101]), 413),
        (Sender([b"x" * 60, b"x" * 60]), 413),
        (Sender([b"x" * 60], ends=False), 408),
        (Sender([], ends=False), 408),
    ],
)
def test_a_body_that_is_too_large_or_too_slow_is_given_up(
    writer: JournalWriter, sender: Sender, status: int
) -> None:
    with pytest.raises(Refused) as caught:
        read(writer, sender)
    assert (caught.value.status, writer._arriving) == (status, 0)


def test_many_unfinished_bodies_are_refused_before_they_fill_the_memory(writer: JournalWriter) -> None:
    async def post() -> list[int]:
        bodies = Bodies(writer, look_seconds=0.01)
        senders = [Sender([b"x" * 500], ends=False) for _ in range(20)]
        done = await asyncio.gather(*(bodies.read(one, 10_000) for one in senders), return_exceptions=True)
        return [one.status for one in done if isinstance(one, Refused)]

    statuses = asyncio.run(post())
    assert sorted(statuses) == [408] * 4 + [503] * 16  # Half of 4,000 bytes is four bodies.
    assert writer._arriving == 0


def test_a_request_that_is_cancelled_stays_cancelled(writer: JournalWriter) -> None:
    async def post() -> None:
        task = asyncio.create_task(Bodies(writer).read(Sender([b"x"], ends=False), 100))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(post())


class Clocks:
    """Seconds of the wall, of the engine's thread, and of the whole process."""

    def __init__(self) -> None:
        self.wall = self.own = self.everything = 0.0

    def pace(self) -> Pace:
        return Pace(lambda: self.wall, lambda: self.own, lambda: self.everything)

    def work(self, wall: float, own: float, others: float) -> None:
        self.wall, self.own = self.wall + wall, self.own + own
        self.everything += own + others


@pytest.mark.parametrize(("behind", "slept"), [(0, 0.012), (3_000, 0.007), (8_000, 0.003), (60_000, 0.0)])
def test_the_engine_gives_way_while_others_work_the_less_the_further_it_is_behind(
    behind: int, slept: float
) -> None:
    clocks = Clocks()
    pace = clocks.pace()
    pace.pause(behind)
    clocks.work(wall=0.006, own=0.003, others=0.003)
    assert pace.pause(behind) == pytest.approx(slept, abs=1e-6)


def test_with_nothing_else_to_do_the_engine_is_not_slowed() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    for _ in range(100):
        clocks.work(wall=0.01, own=0.009, others=0.001)
        assert pace.pause(0) == 0.0


def test_the_engine_never_rests_longer_than_a_twentieth_of_a_second() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    pace.pause(0)
    clocks.work(wall=20.0, own=10.0, others=10.0)
    assert pace.pause(0) == 0.05
