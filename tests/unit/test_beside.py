"""Work on a thread of its own: woken and stopped from others, and nothing of it goes on afterwards."""

from __future__ import annotations

import asyncio
import threading

from watchkeeper.beside import Beside

_LONG_S = 3_600.0


class Work:
    """Waits for news; at each, begins a run that never ends by itself."""

    def __init__(self) -> None:
        self.beside = Beside("work", self._work)
        self.looked, self.begun = threading.Semaphore(0), threading.Semaphore(0)
        self.cut: list[str] = []

    async def _work(self) -> None:
        try:
            while True:
                self.looked.release()
                await self.beside.news(_LONG_S)
                self.beside.begin(self._for_ever())
        finally:
            self.cut.append("work")
            await self.beside.cut_off()
            self.cut.append("all")

    async def _for_ever(self) -> None:
        self.begun.release()
        try:
            await asyncio.sleep(_LONG_S)
        finally:
            self.cut.append("run")


def test_it_is_woken_and_what_it_began_is_cut_off_when_it_stops() -> None:
    work = Work()
    work.beside.start()
    assert work.looked.acquire(timeout=10)
    work.beside.wake()
    assert work.begun.acquire(timeout=10)
    work.beside.stop()
    assert not work.beside.alive
    assert work.cut == ["work", "run", "all"]
    work.beside.wake()


def test_the_end_of_a_run_is_news() -> None:
    ended = threading.Semaphore(0)

    async def at_once() -> None:
        await asyncio.sleep(0)

    async def work() -> None:
        for _ in range(3):
            beside.begin(at_once())
            await beside.news(_LONG_S)
        ended.release()

    beside = Beside("work", work)
    beside.start()
    assert ended.acquire(timeout=10)
    beside.stop()
    assert not beside.alive


def test_stopped_before_its_loop_is_there_it_ends_all_the_same() -> None:
    for _ in range(20):
        work = Work()
        work.beside.start()
        work.beside.stop()
        assert not work.beside.alive
