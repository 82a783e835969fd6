"""A server that does nothing: `python -m evals.bench.sink PORT` reads a body and answers 200.

What the load generator reaches against it is the most that the generator could show of any server.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


class Sink(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods, not the base class.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """The generator sends a head in one piece and never a second request before the answer."""
        assert self._transport is not None
        if not self._missing:
            end = data.index(b"\r\n\r\n") + 4
            self._missing = end + _body_length(data[:end])
        self._missing -= len(data)
        if not self._missing:
            self._transport.write(_ANSWER)


def _body_length(head: bytes) -> int:
    at = head.lower().find(_LENGTH)
    return int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
