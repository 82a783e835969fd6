"""Our own heartbeat: a dead man's switch hears from us while intake, engine and dispatcher keep up.

When one of them is behind by more than a minute, or the process is gone, the beats stop, and whoever
watches the switch raises the alarm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx
import structlog

log = structlog.get_logger("heartbeat")
LIMIT_MS = 60_000


class Heartbeat:
    def __init__(
        self,
        url: str,
        every_ms: int,
        client: httpx.AsyncClient,
        lags: Callable[[], Mapping[str, int]],
        limit_ms: int = LIMIT_MS,
    ) -> None:
        self._url, self._every_ms, self._client = url, every_ms, client
        self._lags, self._limit_ms = lags, limit_ms
        self._state = "starting"

    def state(self) -> str:
        """`beating`, `stopped: …` with who is behind, or `unheard: …` with why the beat did not arrive."""
        return self._state

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._change(await self._beat())
            await asyncio.sleep(self._every_ms / 1_000)

    async def _beat(self) -> str:
        lags = await asyncio.to_thread(self._lags)
        late = [
            f"{name} is {ms // 1_000} s behind" for name, ms in sorted(lags.items()) if ms > self._limit_ms
        ]
        if late:
            return f"stopped: {', '.join(late)}"
        try:
            answer = await self._client.get(self._url, timeout=10.0, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"unheard: {type(error).__name__}"
        return "beating" if answer.is_success else f"unheard: status {answer.status_code}"

    def _change(self, state: str) -> None:
        if state.partition(":")[0] != self._state.partition(":")[0]:
            (log.info if state == "beating" else log.warning)("heartbeat", state=state)
        self._state = state
