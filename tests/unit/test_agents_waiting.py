"""Waiting with an end: for calls that answer, fail, hang, ignore their cancellation, or block a thread."""

from __future__ import annotations

import asyncio
import threading
from typing import NoReturn

import pytest

from agents import waiting
from agents.waiting import MAX_THREADS, CallCancelled, TooManyCalls, in_thread, in_time


async def answer() -> str:
    return "yes"


async def fail() -> NoReturn:
    raise KeyError("no")


async def hang() -> None:
    await asyncio.Event().wait()


async def cancel_itself() -> NoReturn:
    raise asyncio.CancelledError


def test_a_result_and_an_exception_come_through() -> None:
    assert asyncio.run(in_time(answer(), 5)) == "yes"
    with pytest.raises(KeyError, match="no"):
        asyncio.run(in_time(fail(), 5))


def test_a_call_that_hangs_is_cancelled() -> None:
    ended = []

    async def hang_and_tell() -> None:
        try:
            await hang()
        finally:
            ended.append(True)

    with pytest.raises(TimeoutError):
        asyncio.run(in_time(hang_and_tell(), 0.01))
    assert ended == [True]


def test_a_call_that_ignores_its_cancellation_is_left_behind() -> None:
    async def run() -> tuple[int, bool]:
        release = asyncio.Event()

        async def stubborn() -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        with pytest.raises(TimeoutError):
            await in_time(stubborn(), 0.01, grace=0.01)
        left = len(waiting._left_behind)
        [task] = waiting._left_behind
        release.set()
        await asyncio.wait({task})
        await asyncio.sleep(0)
        return left, bool(waiting._left_behind)

    assert asyncio.run(run()) == (1, False)


def test_a_call_that_cancels_itself_is_a_failure_and_cancels_nobody_else() -> None:
    with pytest.raises(CallCancelled):
        asyncio.run(in_time(cancel_itself(), 5))


def test_the_waiters_own_cancellation_is_passed_on() -> None:
    async def run() -> bool:
        waiter = asyncio.create_task(in_time(hang(), 60))
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        await asyncio.sleep(0)
        return bool(waiting._left_behind)

    assert asyncio.run(run()) is False


def test_a_thread_answers_fails_or_is_left_behind() -> None:
    until = threading.Event()

    def stop() -> NoReturn:
        raise StopIteration

    assert asyncio.run(in_thread(lambda: 5, 5)) == 5
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread(lambda: 1 // 0, 5))
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(in_thread(stop, 5))
    with pytest.raises(TimeoutError):
        asyncio.run(in_thread(until.wait, 0.01))
    until.set()


def test_threads_that_never_come_back_are_few() -> None:
    until, back = threading.Event(), threading.Semaphore(0)

    def block() -> None:
        until.wait(30)
        back.release()

    async def fill() -> list[BaseException | None]:
        calls = [in_thread(block, 0.01) for _ in range(MAX_THREADS)]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert all(isinstance(each, TimeoutError) for each in asyncio.run(fill()))
    with pytest.raises(TooManyCalls):
        asyncio.run(in_thread(lambda: 5, 5))
    until.set()
    for _ in range(MAX_THREADS):
        assert back.acquire(timeout=10)
    for _ in range(1_000):
        if waiting._places.acquire(timeout=10):
            waiting._places.release()
            break
    assert asyncio.run(in_thread(lambda: 5, 5)) == 5
