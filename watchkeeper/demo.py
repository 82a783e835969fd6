"""The demo: recorded cases, played through the front door one after the other, as if days lay between them.

The times of each recording are moved to where the demo's clock is; nothing else of it is changed. The clock
reaches real time when the last recording ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import structlog

from core.times import DAY, HOUR, MINUTE, SECOND, format_rfc3339, parse_rfc3339
from watchkeeper.clock import DemoClock

log = structlog.get_logger("demo")
SPEED = 20
# How long before real time each case ends: three days, yesterday, some hours, now.
ENDED_AGO = (3 * DAY, 26 * HOUR, 5 * HOUR, 0)
# After a case the clock jumps twice: to where its incidents are resolved, and to shortly before the next one.
QUIET, MARGIN = 10 * MINUTE, HOUR
START_AGO = ENDED_AGO[0] + MARGIN
_PATHS = {"prometheus": "/api/v2/alerts"}
_TIMES = frozenset({"at", "startsAt", "endsAt"})
_PATIENCE_S = 5.0
_LOOK_S = 0.1


class Step(NamedTuple):
    """A body to send, `after` ms from the start of the recording."""

    after: int
    path: str
    body: Any


def read_steps(case: Path) -> list[Step]:
    lines = [orjson.loads(line) for line in (case / "events.jsonl").read_bytes().splitlines() if line.strip()]
    first = parse_rfc3339(lines[0]["at"])
    return [
        Step(
            parse_rfc3339(line["at"]) - first,
            _PATHS.get(line["source"], f"/v1/ingest/{line['source']}"),
            shifted(line["body"], -first),
        )
        for line in lines
    ]


def shifted(value: Any, by: int) -> Any:
    """`value` with every time in it moved by `by` ms; Go's zero time stays."""
    if isinstance(value, list):
        return [shifted(item, by) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _moved(item, by) if key in _TIMES and isinstance(item, str) else shifted(item, by)
        for key, item in value.items()
    }


def _moved(text: str, by: int) -> str:
    return text if text.startswith("0001-") else format_rfc3339(parse_rfc3339(text) + by)


def demo_clock(speed: int = SPEED) -> DemoClock:
    """The clock that `play_demo` needs; the server that is played to runs on it too."""
    return DemoClock(START_AGO, speed)


async def play_demo(cases: Sequence[Path], url: str, clock: DemoClock) -> None:
    """Play the four cases, then say what to look at. Ends early, and says so, when the server goes away."""
    try:
        # Without the environment's proxies: the server is this process.
        async with httpx.AsyncClient(base_url=url, timeout=10.0, trust_env=False) as client:
            await play_cases(client, clock, cases)
            _say_what_to_see(url, (await client.get("/v1/incidents")).json()["incidents"])
    except httpx.TransportError as error:
        log.info("demo_ended_early", reason=type(error).__name__)


async def play_cases(client: httpx.AsyncClient, clock: DemoClock, cases: Sequence[Path]) -> None:
    """All of them, each so long before real time as `ENDED_AGO` says; returns when the last is folded."""
    server = _Asked(client, clock)
    for number, (case, ago) in enumerate(zip(cases, ENDED_AGO, strict=True), 1):
        steps = read_steps(case)
        clock.skip(steps[-1].after, ago + MARGIN)
        await _patiently(server.has_closed)
        await _play_case(client, clock, steps, ago, f"{number}/{len(cases)} {case.name}")
        await _patiently(server.has_folded)
        if number < len(cases):
            # First to where the incidents are over, so that what is said of them is said before they close.
            clock.skip(0, ago - QUIET)
            await _patiently(server.has_resolved)


async def _play_case(
    client: httpx.AsyncClient, clock: DemoClock, steps: Sequence[Step], ago: int, name: str
) -> None:
    """Send every step at its time, so that the last is sent `ago` ms before real time."""
    span = steps[-1].after
    begin = clock.skip(span, ago)
    for number, step in enumerate(steps, 1):
        await _until(clock, begin + step.after)
        answer = await client.post(step.path, json=shifted(step.body, begin))
        if answer.is_error:
            log.error("demo_refused", path=step.path, status=answer.status_code, answer=answer.text[:300])
        _progress(name, number, len(steps), step.after, span)


async def _until(clock: DemoClock, at: int) -> None:
    # Sleeping may end a moment early by the other clock, so it is asked again.
    while (early := at - clock.now()) > 0:  # noqa: ASYNC110 - no event tells the time
        await asyncio.sleep(max(1.0, early / clock.speed) / 1_000)


async def _patiently(holds: Callable[[], Awaitable[bool]]) -> None:
    """Until it holds. A person may have reopened an incident, which no timer ends: patience is bounded."""
    for _ in range(round(_PATIENCE_S / _LOOK_S)):
        if await holds():
            return
        await asyncio.sleep(_LOOK_S)


class _Asked:
    """What the server says of the time that has passed for it."""

    def __init__(self, client: httpx.AsyncClient, clock: DemoClock) -> None:
        self._client, self._clock = client, clock

    async def has_folded(self) -> bool:
        """Whether every record that was sent was applied."""
        answer = await self._client.get("/readyz")
        return not answer.json()["engine_lag_records"]

    async def has_resolved(self) -> bool:
        """Whether no incident is open, and none waits for an explanation of its end."""
        if await self._rows("open"):
            return False
        for row in await self._rows("resolved"):
            document = (await self._client.get(f"/v1/incidents/{row['id']}")).json()
            if document.get("explained") == "pending":
                return False
        return True

    async def has_closed(self) -> bool:
        """Whether no incident is merely resolved that was so for a day."""
        now = self._clock.now()
        rows = await self._rows("resolved")
        return all(parse_rfc3339(row["resolved_at"]) + DAY > now for row in rows)

    async def _rows(self, status: str) -> list[Any]:
        answer = await self._client.get("/v1/incidents", params={"status": status})
        rows: list[Any] = answer.json()["incidents"]
        return rows


def _progress(name: str, number: int, total: int, after: int, span: int) -> None:
    """One line that rewrites itself on a terminal; elsewhere one when a case begins and one when it ends."""
    filled = 30 * number // total
    bar = "#" * filled + "." * (30 - filled)
    text = f"demo {name:<20} [{bar}] minute {_minute(after)} of {_minute(span)}"
    if sys.stdout.isatty():
        # The return comes last, so that a line of the log writes over this one instead of after it.
        sys.stdout.write(text + ("\n" if number == total else "\r"))
    elif number in (1, total):
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _minute(ms: int) -> str:
    return f"{ms // (60 * SECOND)}:{ms // SECOND % 60:02d}"


def _say_what_to_see(url: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """`rows` are the incidents, newest first."""
    if not rows:
        return
    last, first = (f"{url}/incidents/{row['id']}" for row in (rows[0], rows[-1]))
    sys.stdout.write(
        "The demo is over, and its clock is the real one now. Worth a look:\n"
        f'  {last}  is a return of the first, elsewhere and under other names: see "Seen before"\n'
        f"  {first}  is the first, of three days ago\n"
        f"  {last}/report.md  saves the last one's report\n"
        f"  watchkeeper explain {rows[0]['id']} --url {url}  says why, in the terminal\n"
    )
    sys.stdout.flush()
