"""Waiting with an end: whatever a call does, whoever waits for it goes on in time.

A call that ignores its cancellation, and a thread that never comes back, are left behind: they cost memory,
and the places for such threads are few, but nobody waits for them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")

GRACE_S = 0.25  # for a cancelled call to close what it holds
MAX_THREADS = 16

_left_behind: set[asyncio.Task[Any]] = set()
_places = threading.BoundedSemaphore(MAX_THREADS)


class CallCancelled(Exception):
    """The call ended itself as cancelled, while nobody had cancelled it."""


class TooManyCalls(Exception):
    """Every place for a blocking call is taken by one that has not come back."""


async def in_time(call: Coroutine[Any, Any, T], seconds: float, grace: float = GRACE_S) -> T:
    """Its result or its exception; TimeoutError after `seconds`. A cancellation of the waiter is passed
    on."""
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _leave(task)
        raise
    if not done:
        _leave(task)
        await asyncio.wait({task}, timeout=grace)
        raise TimeoutError
    if task.cancelled():
        raise CallCancelled
    return task.result()


def _leave(task: asyncio.Task[Any]) -> None:
    _left_behind.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _left_behind.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that the loop does not complain


async def in_thread(work: Callable[[], T], seconds: float) -> T:
    """`work` in a daemon thread of its own, so that it holds up neither the loop's pool nor the end of the
    program. Raises what it raises, TimeoutError after `seconds`, and TooManyCalls."""
    if not _places.acquire(blocking=False):
        raise TooManyCalls
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def run() -> None:
        try:
            settle = _result_of(context.run, work, future)
        finally:
            _places.release()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle)

    threading.Thread(target=run, name="agents-call", daemon=True).start()
    return await in_time(_wait_for(future), seconds)


def _result_of(
    run: Callable[[Callable[[], T]], T], work: Callable[[], T], future: asyncio.Future[T]
) -> Callable[[], None]:
    try:
        result = run(work)
    except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits
        # A future refuses StopIteration; nothing else that ends a thread may end the program.
        fault = error if isinstance(error, Exception) and not isinstance(error, StopIteration) else None
        wrapped = fault or RuntimeError(type(error).__name__)
        return lambda: None if future.done() else future.set_exception(wrapped)
    return lambda: None if future.done() else future.set_result(result)


async def _wait_for(future: asyncio.Future[T]) -> T:
    return await future
