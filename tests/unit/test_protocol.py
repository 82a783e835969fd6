"""The protocol on loopback with its times made short: who drips, stops or says nothing is given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from watchkeeper.http.bodies import Receive, Scope
from watchkeeper.http.intake import Send
from watchkeeper.http.protocol import MOST_HEADERS, MOST_WAITING, BoundedProtocol
from watchkeeper.serve import listen

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
POST = b"POST / HTTP/1.1\r\nHost: wk\r\nContent-Length: 4\r\n\r\n"


class Quick(BoundedProtocol):
    header_seconds, body_seconds, look_seconds = 0.3, 0.6, 0.05


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the headers and the body as they came; `/now` without waiting for the body."""
    body, more = b"", scope["path"] != "/now"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    names = [name.decode("latin-1") for name, _ in scope["headers"]]
    answer = json.dumps({"names": names, "body": body.decode()}).encode()
    size = (b"content-length", b"%d" % len(answer))
    await send({"type": "http.response.start", "status": 200, "headers": [size]})
    await send({"type": "http.response.body", "body": answer})


def talk(say: Callable[[Line], Awaitable[Any]]) -> Any:
    """What `say` returns, of one connection to a server that speaks so."""

    async def run() -> Any:
        listener = listen("127.0.0.1", 0)
        config = uvicorn.Config(
            echo, http=Quick, ws="none", lifespan="off", log_level="critical", interface="asgi3"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        try:
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            try:
                return await asyncio.wait_for(say((reader, writer)), 10)
            finally:
                writer.close()
        finally:
            server.should_exit = True
            await serving
            listener.close()

    return asyncio.run(run())


def answered(data: bytes) -> tuple[int, Any]:
    """Status and document of one answer; 0 for a connection that was closed without."""
    if not data:
        return 0, None
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def one_answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(row for row in head.lower().split(b"\r\n") if row.startswith(b"content-length"))
    return answered(head + await reader.readexactly(int(size.split()[1])))


@pytest.mark.parametrize(
    ("first", "drip", "status"),
    [
        (b"", b"", 0),
        (b"\r\n", b"\r\n", 0),
        (b"POST / HTTP/1.1\r\n", b"", 408),
        (b"POST / HTTP/1.1\r\nX: ", b"y", 408),
        (POST, b"", 408),
        (POST + b"12", b"", 408),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y", 408),
    ],
)
def test_who_is_too_slow_is_given_up(first: bytes, drip: bytes, status: int) -> None:
    async def say(line: Line) -> bytes:
        reader, writer = line
        writer.write(first)
        waiting = asyncio.create_task(reader.read())
        while not waiting.done():
            writer.write(drip)
            await asyncio.wait([waiting], timeout=0.05)
        return waiting.result()

    found, document = answered(talk(say))
    assert found == status
    assert document is None or "in time" in document["error"]["what"]


def test_an_answered_connection_whose_body_drips_on_is_closed() -> None:
    """The answer came before the body; what comes after it holds the connection no longer than headers do."""

    async def say(line: Line) -> bytes:
        reader, writer = line
        writer.write(POST.replace(b" / ", b" /now ").replace(b"4", b"4000"))
        assert (await one_answer(reader))[0] == 200
        waiting = asyncio.create_task(reader.read())
        while not waiting.done():
            writer.write(b"y")
            await asyncio.wait([waiting], timeout=0.05)
        return waiting.result()

    assert talk(say) == b""


def test_many_requests_on_one_connection_are_not_counted_together() -> None:
    """More bytes and more time than one may have; each piece ends in the middle of the next headers."""

    async def say(line: Line) -> list[int]:
        reader, writer = line
        request = POST.replace(b"Host: wk", b"X: " + b"y" * 40_000) + b"body"
        stream, found = request * 8, []
        for start in range(100, len(stream), len(request)):
            writer.write(stream[max(0, start - len(request)) : start])
            if start > 100:
                found.append((await one_answer(reader))[0])
            await asyncio.sleep(0.08)
        return found

    assert talk(say) == [200] * 7


@pytest.mark.parametrize("spare", [0, 1])
def test_the_limit_is_the_same_however_the_headers_are_cut(spare: int) -> None:
    fixed = len(b"/") + 16 + len(b"X") + 4

    async def say(line: Line) -> int:
        reader, writer = line
        value = b"y" * (MOST_HEADERS - fixed + spare)
        request = b"GET / HTTP/1.1\r\nX:" + value + b"\r\n\r\n"
        for start in range(0, len(request), 50_000):
            writer.write(request[start : start + 50_000])
            await writer.drain()
            await asyncio.sleep(0.02)
        return (await one_answer(reader))[0]

    assert talk(say) == (431 if spare else 200)


def test_a_declined_offer_leaves_the_request_whole_but_for_it() -> None:
    async def say(line: Line) -> tuple[int, Any]:
        reader, writer = line
        offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\nX-Last: 1\r\n\r\n"
        writer.write(POST.replace(b"\r\n\r\n", b"\r\n" + offer))
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(b"body")
        return await one_answer(reader)

    status, document = talk(say)
    assert (status, document["body"]) == (200, "body")
    assert document["names"] == ["host", "content-length", "connection", "x-last"]


@pytest.mark.parametrize(("ahead", "refused"), [(MOST_WAITING, False), (1_000, True)])
def test_so_many_requests_may_be_sent_ahead_and_no_more(ahead: int, refused: bool) -> None:
    async def say(line: Line) -> bytes:
        reader, writer = line
        last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * ahead + last)
        return await reader.read()

    answers = talk(say)
    assert answers.count(b"HTTP/1.1 200") == (0 if refused else ahead + 1)
    assert answers.count(b"HTTP/1.1 503") == refused


def test_a_trailer_is_no_header() -> None:
    async def say(line: Line) -> tuple[int, Any]:
        reader, writer = line
        writer.write(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Late: 1\r\n\r\n"
        )
        return await one_answer(reader)

    assert talk(say) == (200, {"names": ["transfer-encoding"], "body": "body"})
