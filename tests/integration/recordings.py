"""Recorded cases, sent over HTTP to a server that runs now: their times moved, nothing else changed."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from watchkeeper.demo import read_steps, shifted

CASES = Path(__file__).resolve().parents[2] / "evals" / "cases"
CATALOGUE = CASES / "bad-deploy" / "catalog.yaml"


def send(url: str, case: str, domain: str, now_at: float = 1.0) -> None:
    """All bodies, as fast as they are taken, into `domain`. `now_at`: which part of the recording is now.

    At 1 its end is now and all of it lies in the past; at 0.5 its alerts fire, for a while yet.
    """
    steps = read_steps(CASES / case)
    begin = int(time.time() * 1_000) - int(steps[-1].after * now_at)
    with httpx.Client(base_url=url, timeout=15.0) as client:
        for step in steps:
            answer = client.post(step.path, params={"domain": domain}, json=shifted(step.body, begin))
            assert answer.is_success, answer.text[:300]
