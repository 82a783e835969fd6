"""The heartbeat: heard while all keep up, silent when one is behind by more than a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from tests.loopback import Receiver, receiver, status
from watchkeeper.heartbeat import Heartbeat

LAGS = {"intake": 0, "engine": 0, "dispatcher": 0}


def beat(url: str, lags: dict[str, int], done: Callable[[Heartbeat], bool]) -> Heartbeat:
    async def run() -> Heartbeat:
        async with httpx.AsyncClient() as client:
            heartbeat = Heartbeat(url, 5, client, lambda: lags)
            task = asyncio.create_task(heartbeat.run())
            async with asyncio.timeout(10):
                while not done(heartbeat):
                    await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return heartbeat

    return asyncio.run(run())


def test_it_beats_while_all_keep_up() -> None:
    with receiver() as there:
        made = beat(there.url, LAGS | {"engine": 60_000}, lambda _: len(there.heard) >= 3)
        assert made.state() == "beating"
        assert there.heard[0].method == "GET"


def test_it_stops_when_one_is_behind() -> None:
    for part in LAGS:
        with receiver() as there:
            made = beat(there.url, LAGS | {part: 61_000}, lambda h: h.state() != "starting")
            assert made.state() == f"stopped: {part} is 61 s behind"
            assert there.heard == []


def test_it_goes_on_when_the_other_side_fails() -> None:
    with receiver() as there:
        there.answers += [status(500)] * 3
        assert isinstance(there, Receiver)
        beat(there.url, LAGS, lambda h: h.state() == "beating" and len(there.heard) > 3)
    made = beat("http://127.0.0.1:1/", LAGS, lambda h: h.state() != "starting")
    assert made.state() == "unheard: ConnectError"
