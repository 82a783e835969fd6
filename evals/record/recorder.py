"""Plays a case against a fresh shop under real monitoring and returns what came of it.

Promises: whatever was started is stopped, also on Ctrl-C, and a recording goes on until every alert has
resolved at whoever posts them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from evals.record import monitoring
from evals.record.monitoring import Monitoring
from evals.record.receiver import Receiver
from evals.record.script import Case, Change, Recording, Step
from evals.shop import wire
from evals.shop.processes import Children
from evals.shop.shop import Shop

BASELINE_SECONDS = 90.0
RESOLVE_SECONDS = 120.0
# After the last alert: Alertmanager has yet to pass on the resolution, and a calm end reads better.
CALM_SECONDS = 15.0
POLL_SECONDS = 0.5

Say = Callable[[str], None]


class Stuck(Exception):
    """The shop did not become, or become again, what the script needs."""


def record(case: Case, receiver: Receiver, say: Say, least_seconds: float) -> Recording:
    """Record the case for at least `least_seconds`."""
    for needed in ("prometheus", "alertmanager") if case.delivery == "alertmanager" else ("prometheus",):
        monitoring.program(needed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watchkeeper-record-")))
        stack.callback(receiver.stop)
        receiver.start()
        say("starting the shop")
        shop = stack.enter_context(Shop(folder))
        children = Children(folder)
        stack.callback(children.stop)
        monitor = Monitoring(folder, children, shop.ports, case.delivery, receiver.port, case.rules)
        say("starting the monitoring")
        monitor.start()
        session = _Session(case, shop, children, monitor, receiver, say)
        session.wait_for_baseline()
        session.play(least_seconds)
    return Recording(receiver.lines(), session.done)


class _Session:
    """One recording under way: the clock starts when the baseline is healthy."""

    def __init__(
        self, case: Case, shop: Shop, children: Children, monitor: Monitoring, receiver: Receiver, say: Say
    ) -> None:
        self._case = case
        self._shop = shop
        self._children = children
        self._monitor = monitor
        self._receiver = receiver
        self._say = say
        self._began = time.monotonic()
        self._firing: set[tuple[str, str]] = set()
        self.done: dict[Step, datetime] = {}

    def wait_for_baseline(self) -> None:
        self._say("waiting for a healthy baseline")
        while not self._monitor.healthy():
            if self._elapsed() > BASELINE_SECONDS:
                raise Stuck(f"the shop was not healthy within {BASELINE_SECONDS:.0f} seconds")
            self._watch()
        self._began = time.monotonic()
        self._tell("healthy; the recording begins")

    def play(self, least_seconds: float) -> None:
        """Do every step at its time, then wait for calm."""
        steps = self._case.steps()
        for step in steps:
            while self._elapsed() < step.at:
                self._watch()
            self._do(step)
        self._wait_for_calm(steps[-1].at + RESOLVE_SECONDS, least_seconds)
        self._tell("calm; the recording ends")

    def _wait_for_calm(self, limit: float, least_seconds: float) -> None:
        calm_since = self._elapsed()
        while self._elapsed() < max(calm_since + CALM_SECONDS, least_seconds):
            self._watch()
            if self._firing:
                calm_since = self._elapsed()
                if calm_since > limit:
                    raise Stuck(f"alerts still fire {RESOLVE_SECONDS:.0f} seconds after the last repair")

    def _do(self, step: Step) -> None:
        self._tell(str(step.act))
        now = self.done[step] = datetime.now(UTC)
        step.act.apply(self._shop)
        if isinstance(step.act, Change):
            wire.post(self._receiver.port, "/v1/ingest/change", step.act.body(now))

    def _watch(self) -> None:
        """Let a moment pass, make sure that everything still runs, and tell what alerts or no longer does."""
        time.sleep(POLL_SECONDS)
        self._shop.check()
        self._children.check()
        firing = self._monitor.firing()
        for name, service in sorted(firing - self._firing):
            self._tell(f"  firing    {name} {service}")
        for name, service in sorted(self._firing - firing):
            self._tell(f"  resolved  {name} {service}")
        self._firing = firing

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _tell(self, text: str) -> None:
        self._say(f"{self._elapsed():6.1f}s  {text}")
