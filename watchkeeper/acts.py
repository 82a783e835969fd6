"""What people do, one after the other: checked, stored and applied before the next that touches the same.

Of two people who act at once the second is refused, and told who was first. Where the engine is further
behind than anybody should wait, what was stored is said to be stored, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from core.errors import NotYetApplied
from core.journal import Draft
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.writer import JournalWriter

APPLY_SECONDS = 10.0


class Acts:
    """For one event loop. `seconds`: how long somebody waits for the engine."""

    def __init__(self, engine: EngineLoop, writer: JournalWriter, seconds: float = APPLY_SECONDS) -> None:
        self._engine, self._writer, self._seconds = engine, writer, seconds
        self._locks: dict[str, asyncio.Lock] = {}
        self._using: dict[str, int] = {}

    async def do(self, subjects: Sequence[str], check: Callable[[], Draft]) -> int:
        """Store what `check` gives, on a thread of its own, with nobody else at `subjects`; the number of
        the record, which has been applied. An incident may be named by an id that was merged into it.

        Raises what `check` does, and what the engine said against it; NotYetApplied; JournalUnavailable.
        """
        async with self._alone(subjects):
            draft = await asyncio.to_thread(check)
            seq = await self._writer.append(draft)
            await asyncio.to_thread(self._engine.wait_for, seq, self._seconds)
        if self._engine.applied < seq:
            raise not_yet(seq)
        refused = self._engine.refused(seq)
        if refused is not None:
            raise refused
        return seq

    @asynccontextmanager
    async def _alone(self, subjects: Sequence[str]) -> AsyncIterator[None]:
        """In the order of their names, so that no two wait for each other."""
        while True:
            names = await asyncio.to_thread(self._resolved, subjects)
            async with AsyncExitStack() as held:
                for name in names:
                    await held.enter_async_context(self._turn(name))
                # Meanwhile one may have become part of another.
                if await asyncio.to_thread(self._resolved, subjects) == names:
                    yield
                    return

    def _resolved(self, subjects: Sequence[str]) -> list[str]:
        with self._engine.reading() as fold:
            return sorted({fold.engine.world.resolve_id(name) for name in subjects})

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """A lock is kept for as long as somebody holds it or waits for it."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._using[name] = self._using.get(name, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._using[name] -= 1
            if not self._using[name]:
                del self._using[name], self._locks[name]


def not_yet(seq: int) -> NotYetApplied:
    return NotYetApplied(
        f"it is stored as record {seq} and not applied yet: the engine is behind",
        where=f"record {seq}",
        mend="Look again in a minute; do not send it again. /readyz says how far behind",
    )
