"""The heartbeat: it calls while all keep up, is silent when one does not, and survives the other side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx
import pytest
from structlog.testing import capture_logs

from core.errors import JournalUnavailable
from tests.listener import Behaviour, Listener, answering, dripping, hanging, saying
from watchkeeper.heartbeat import Heartbeat

KEEPING_UP = {"intake": 0, "engine": 1_200, "dispatcher": 60_000}


def with_heartbeat(
    url: str,
    use: Callable[[Heartbeat], Awaitable[None]],
    lags: Callable[[], Mapping[str, int]] = lambda: KEEPING_UP,
    every_ms: int = 5_000,
) -> Heartbeat:
    async def run() -> Heartbeat:
        async with httpx.AsyncClient(trust_env=False) as client:
            heartbeat = Heartbeat(url, every_ms, client, lags)
            await use(heartbeat)
            return heartbeat

    return asyncio.run(run())


def test_it_beats_at_its_interval_while_all_keep_up() -> None:
    async def use(heartbeat: Heartbeat) -> None:
        assert heartbeat.state() == "starting"
        task = asyncio.create_task(heartbeat.run())
        for _ in range(1_000):
            if len(there.heard) >= 3 and heartbeat.state() == "beating":
                break
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with Listener(answering(200)) as there:
        assert with_heartbeat(there.url, use, every_ms=60).state() == "beating"
    assert [(heard.method, heard.path) for heard in there.heard[:3]] == [("GET", "/hook")] * 3


@pytest.mark.parametrize("part", ["intake", "engine", "dispatcher"])
def test_it_stops_when_any_part_is_behind_and_goes_on_when_it_has_caught_up(part: str) -> None:
    lags = dict(KEEPING_UP)
    states = []

    async def use(heartbeat: Heartbeat) -> None:
        for lag in (60_000, 60_001, 75_000, 90_000, 0):
            lags[part] = lag
            await heartbeat.beat()
            states.append((heartbeat.state(), len(there.heard)))

    with Listener(answering(204)) as there, capture_logs() as logs:
        with_heartbeat(there.url, use, lambda: lags)
    assert states == [
        ("beating", 1),
        (f"held: {part} is 60 s behind", 1),
        (f"held: {part} is 75 s behind", 1),
        (f"held: {part} is 90 s behind", 1),
        ("beating", 2),
    ]
    assert [line["state"] for line in logs] == ["beating", f"held: {part} is 60 s behind", "beating"]
    assert [line["log_level"] for line in logs] == ["info", "warning", "info"]


def test_it_is_held_when_the_lags_cannot_be_told() -> None:
    def lags() -> Mapping[str, int]:
        raise JournalUnavailable("no disk")

    with Listener(answering(200)) as there:
        assert with_heartbeat(there.url, Heartbeat.beat, lags).state() == "held: no disk"
    assert not there.heard


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        (answering(500), "unreachable: HTTP 500"),
        (answering(302, location="http://127.0.0.1:1/"), "unreachable: HTTP 302"),
        (hanging, "unreachable: no answer within 0.8 s"),
        (dripping(b"HTTP/1.1 200 OK\r\nx: "), "unreachable: no answer within 0.8 s"),
        (saying(b"\x00garbage"), "unreachable: RemoteProtocolError"),
    ],
)
def test_it_survives_what_the_other_side_does(behaviour: Behaviour, state: str) -> None:
    with Listener(behaviour) as there:
        assert with_heartbeat(there.url, Heartbeat.beat, every_ms=800).state() == state


def test_an_answer_without_end_is_heard_by_its_status() -> None:
    with Listener(dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")) as there:
        assert with_heartbeat(there.url, Heartbeat.beat).state() == "beating"


def test_a_closed_door_is_told_without_the_address() -> None:
    with capture_logs() as logs:
        heartbeat = with_heartbeat("http://127.0.0.1:1/T0KEN", Heartbeat.beat)
    assert heartbeat.state() == "unreachable: ConnectError"
    assert "T0KEN" not in str(logs)
