"""The demo: a recorded case, played through the front door at twenty times its speed.

The recording's times are moved so that it ends now; nothing else of it is changed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import structlog

from core.times import SECOND, format_rfc3339, parse_rfc3339
from watchkeeper.clock import SystemClock

log = structlog.get_logger("demo")
SPEED = 20
_PATHS = {"prometheus": "/api/v2/alerts"}
_TIMES = frozenset({"at", "startsAt", "endsAt"})


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


async def play_demo(case: Path, url: str, speed: int = SPEED) -> None:
    steps = read_steps(case)
    span = steps[-1].after
    started = SystemClock().now()
    # Times below 0 mean "before the recording began"; the recording's end lands on the end of the play.
    begin = started + span // speed - span
    async with httpx.AsyncClient(base_url=url, timeout=10.0) as client:
        for number, step in enumerate(steps, 1):
            wait = started + step.after // speed - SystemClock().now()
            await asyncio.sleep(max(0, wait) / 1_000)
            answer = await client.post(step.path, json=shifted(step.body, begin))
            if answer.is_error:
                log.error("demo_refused", path=step.path, status=answer.status_code, answer=answer.text[:300])
            _progress(number, len(steps), step.after, span)


def _progress(number: int, total: int, after: int, span: int) -> None:
    """One line that rewrites itself on a terminal; a line every tenth elsewhere."""
    minute = f"{after // (60 * SECOND)}:{after // SECOND % 60:02d}"
    end = f"{span // (60 * SECOND)}:{span // SECOND % 60:02d}"
    filled = 30 * number // total
    bar = "#" * filled + "." * (30 - filled)
    text = f"demo [{bar}] {number}/{total} messages, minute {minute} of {end}"
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{text}" + ("\n" if number == total else ""))
    elif number == total or number % max(1, total // 10) == 0:
        sys.stdout.write(text + "\n")
    sys.stdout.flush()
