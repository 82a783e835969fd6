"""An HTTP client for the OpenAI library that reads no more of an answer than it may, follows no redirect
and keeps no connection.

The library reads an answer whole before anybody can look at it, so the bound has to be here.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

MAX_BYTES = 1_048_576


class AnswerTooLong(Exception):
    """More bytes than MAX_BYTES, or compressed, so that nobody knows how many."""


def bounded_client() -> Any:
    """An `openai.DefaultAsyncHttpxClient`. A kept connection would belong to an event loop that may have
    ended."""
    import openai

    library = importlib.import_module(_library(openai.DefaultAsyncHttpxClient))
    return openai.DefaultAsyncHttpxClient(
        event_hooks={"response": [_bound]},
        follow_redirects=False,
        limits=library.Limits(max_keepalive_connections=0),
        headers={"accept-encoding": "identity"},
    )


async def _bound(response: Any) -> None:
    encoding = response.headers.get("content-encoding", "identity")
    length = response.headers.get("content-length", "0")
    if encoding != "identity" or (length.isdigit() and int(length[:12]) > MAX_BYTES):
        await response.aclose()
        raise AnswerTooLong
    response.stream = _bounded_stream(_library(type(response)))(response.stream)


def _library(kind: type) -> str:
    """`httpx`, or the drop-in that the installed library uses in its place."""
    return next(
        base.__module__.partition(".")[0] for base in kind.__mro__ if base.__module__.startswith("httpx")
    )


@lru_cache
def _bounded_stream(library: str) -> type:
    base = importlib.import_module(library).AsyncByteStream

    class BoundedStream(base):  # type: ignore[misc, valid-type]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for chunk in self._stream:
                read += len(chunk)
                if read > MAX_BYTES:
                    raise AnswerTooLong
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    return BoundedStream
