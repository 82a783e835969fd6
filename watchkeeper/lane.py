"""A lane: the pages that wait for one receiver, and which of them is to be tried next.

They go in the order in which they were decided. A page that keeps failing lets those of other incidents pass
it, for the fault may lie in that page alone; those of its own incident never pass it.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import NamedTuple

from core.model.decision import Decision
from core.payloads import Outcome


class Retry(NamedTuple):
    """Seconds, and the number of failed tries after which other incidents' pages may pass."""

    first_s: float = 1.0
    most_s: float = 60.0
    give_up_s: float = 3_600.0
    pass_after: int = 3
    record_s: float = 1.0
    poll_s: float = 1.0
    grace_s: float = 5.0

    def delay(self, name: str, tries: int) -> float:
        """Doubled after each try, less up to a quarter: pages that failed together do not return together.

        How much less is a hash, not a die: the same page waits the same in every run.
        """
        nominal = min(self.most_s, self.first_s * float(1 << min(tries - 1, 32)))
        share = int.from_bytes(hashlib.sha256(f"{name}:{tries}".encode()).digest()[:4]) / 2**32
        return nominal * (1 - share / 4)


class Page:
    """A decision under way. With an `outcome` it is not sent again; `recorded`: the journal has it."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.attempts = 0
        self.due = 0.0
        self.outcome: Outcome | None = None
        self.recorded = False
        self._first_try = 0.0

    def begin_try(self) -> None:
        if not self.attempts:
            self._first_try = _clock()
        self.attempts += 1

    def too_old(self, retry: Retry) -> bool:
        """Counted from the first try of this run: what waited while we were down gets its chance too."""
        return _clock() - self._first_try >= retry.give_up_s

    def put_off(self, retry: Retry) -> float:
        """The seconds until the next try."""
        delay = retry.delay(self.decision.id, max(1, self.attempts))
        self.due = _clock() + delay
        return delay


class Lane:
    def __init__(self, retry: Retry) -> None:
        self.news = asyncio.Event()
        self._retry = retry
        self._waiting: dict[str, Page] = {}

    def add(self, page: Page) -> None:
        self._waiting[page.decision.id] = page
        self.news.set()

    def remove(self, page: Page) -> None:
        del self._waiting[page.decision.id]

    async def next(self) -> Page | None:
        """The page to try now; None after a wait, when it is worth looking again."""
        now = _clock()
        ahead = self._ahead()
        for page in ahead:
            if page.due <= now:
                return page
        wait = min((page.due - now for page in ahead), default=self._retry.most_s)
        await wait_for(self.news, wait)
        return None

    def _ahead(self) -> list[Page]:
        """The first page of each incident, up to one that does not let others pass yet."""
        ahead: dict[str, Page] = {}
        for page in self._waiting.values():
            if page.decision.subject not in ahead:
                ahead[page.decision.subject] = page
                if page.attempts < self._retry.pass_after:
                    break
        return list(ahead.values())


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Until `event` is set, at most `seconds`; clears it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()


def _clock() -> float:
    """Not the time of day: a clock that is set must neither hurry a page nor give it up."""
    return asyncio.get_running_loop().time()
