"""The heartbeat: as long as Watchkeeper keeps up, it calls a dead man's switch that others run.

It stops calling when intake, engine or dispatcher is behind, so that a watchkeeper that hangs is noticed in
the same way as one that died: somebody else misses the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx
import structlog

from core.errors import WatchkeeperError

log = structlog.get_logger("heartbeat")
_TIMEOUT_S = 10.0
# A connection kept open between beats would mostly be one that the other side has closed.
_HEADERS = {"user-agent": "Watchkeeper", "connection": "close"}


class Heartbeat:
    """`lags` gives how far each part is behind, in ms; more than `limit_ms` for any holds the beat."""

    def __init__(
        self,
        url: str,
        every_ms: int,
        client: httpx.AsyncClient,
        lags: Callable[[], Mapping[str, int]],
        limit_ms: int = 60_000,
    ) -> None:
        self._url, self._every_s, self._client = url, every_ms / 1_000, client
        self._lags, self._limit_ms = lags, limit_ms
        self._timeout_s = min(_TIMEOUT_S, self._every_s)
        self._state = "starting"

    def state(self) -> str:
        """`beating`, `held: …` with who is behind, or `unreachable: …`. Readable from any thread."""
        return self._state

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self.beat()
            await asyncio.sleep(max(0.0, self._every_s - (loop.time() - began)))

    async def beat(self) -> None:
        """Once: look, then call or hold."""
        fault = await self._behind() or await self._call()
        state = fault or "beating"
        if state.partition(":")[0] != self._state.partition(":")[0]:
            (log.warning if fault else log.info)("heartbeat", state=state)
        self._state = state

    async def _behind(self) -> str:
        """Looking takes locks and reads the disk: not on the thread that serves everybody."""
        try:
            lags = await asyncio.to_thread(self._lags)
        except WatchkeeperError as error:
            return f"held: {error}"
        late = [f"{name} is {lag // 1_000} s behind" for name, lag in lags.items() if lag > self._limit_ms]
        return f"held: {', '.join(late)}" if late else ""

    async def _call(self) -> str:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("GET", self._url, headers=_HEADERS, follow_redirects=False) as answer,
            ):
                return "" if answer.is_success else f"unreachable: HTTP {answer.status_code}"
        except (TimeoutError, httpx.TimeoutException):
            return f"unreachable: no answer within {self._timeout_s:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError) as error:
            # The address may hold a token: only the kind of fault is told.
            return f"unreachable: {type(error).__name__}"
