"""One POST of a page over HTTP, whatever the other side does.

Time and the bytes read are bounded, redirects are not followed (the page would leave for an address that
nobody configured), and the other side's words become one harmless line. The address is never repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from core.narrative.plain import one_line
from core.ports import Delivered

_READ = 300
# All that can go wrong on the way and is the other side's doing: names that do not resolve or encode too.
_OUTSIDE = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError)
_HEADERS = {
    "content-type": "application/json",
    "user-agent": "Watchkeeper",
    "accept-encoding": "identity",
    # Pages are rare: a connection kept open would mostly be one that the other side has closed.
    "connection": "close",
}


async def post(
    client: httpx.AsyncClient,
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    seconds: float,
    final: frozenset[int],
) -> Delivered:
    """Try once, within `seconds`. Any 2xx is a delivery; statuses in `final` end it. Never raises."""
    try:
        # httpx bounds each read; an answer that drips byte by byte would go on for ever.
        async with asyncio.timeout(seconds):
            return await _post(client, url, content, {**_HEADERS, **headers}, final)
    except (TimeoutError, httpx.TimeoutException):
        return Delivered(False, f"no answer within {seconds:g} s")
    except httpx.ConnectError as error:
        return Delivered(False, one_line(f"cannot connect: {error}"))
    except _OUTSIDE as error:
        return Delivered(False, f"no usable answer ({type(error).__name__})")


async def _post(
    client: httpx.AsyncClient, url: str, content: bytes, headers: dict[str, str], final: frozenset[int]
) -> Delivered:
    request = client.build_request("POST", url, content=content, headers=headers)
    answer = await client.send(request, stream=True, follow_redirects=False)
    try:
        status = f"HTTP {answer.status_code}"
        if answer.is_success:
            return Delivered(True, status)
        if answer.has_redirect_location:
            return Delivered(False, f"{status}: redirects are not followed, give the final address")
        words = one_line(await _first_words(answer))
        return Delivered(False, f"{status}: {words}" if words else status, answer.status_code in final)
    finally:
        await answer.aclose()


async def _first_words(answer: httpx.Response) -> str:
    """The start of the body, for people. The status is known already: a broken body changes nothing."""
    words = b""
    try:
        async with asyncio.timeout(1.0):
            async for chunk in answer.aiter_raw():
                words += chunk
                if len(words) >= _READ:
                    break
    except (TimeoutError, *_OUTSIDE):
        pass
    return words[:_READ].decode("utf-8", errors="replace")
