"""Timelines on which error rates are told of service level objectives; seconds count from START."""

from __future__ import annotations

from typing import Any

import orjson

from core.journal import Draft
from core.model.slo import Slo
from tests.timeline import SHOP, Timeline, time

MINUTE, HOUR, DAY = 60, 3_600, 86_400
# Objective 99.9 % over 30 days: an error ratio of 0.001 is a burn of 1.
CALM = {"5m": 0.0005, "30m": 0.0005, "1h": 0.0005, "6h": 0.0005, "3d": 0.0005}
FAST = {"5m": 0.02, "30m": 0.02, "1h": 0.016, "6h": 0.003, "3d": 0.0005}
SLOW = {"5m": 0.008, "30m": 0.008, "1h": 0.008, "6h": 0.007, "3d": 0.0009}


def told(rates: dict[str, float] | None = None, **more: Any) -> dict[str, Any]:
    """One objective as it is sent; `at` in seconds, a key given as None is left out."""
    at = {"at": time(more.pop("at"))} if "at" in more else {}
    body = {
        "slo": "availability", "service": "payments", "objective": 99.9, "window": "30d", "rates": rates,
        **more, **at,
    }  # fmt: skip
    return {key: value for key, value in body.items() if value is not None}


class Objectives(Timeline):
    def __init__(self, catalogue: str | None = SHOP, **more: Any) -> None:
        super().__init__(catalogue, **more)

    def tell(self, arrives: float, *bodies: dict[str, Any], domain: str = "default") -> None:
        """What is told as of its arrival, unless it says otherwise."""
        self._append(arrives, Draft("ingest", "slo", orjson.dumps(list(bodies)), domain))

    def hold(self, since: float, until: float, rates: dict[str, float], every: float = 60) -> None:
        """The same again and again, as of its arrival."""
        at = since
        while at <= until:
            self.tell(at, told(rates))
            at += every

    def slo(self) -> Slo:
        [only] = self.engine.state.slos.values()
        return only

    def alerts(self) -> list[tuple[str, str, str, str | None]]:
        """Of all incidents: name, status, start and end."""
        rows = [row for one in self.incidents() for row in one["alerts"]]
        return sorted((row["name"], row["status"], row["starts_at"], row["ends_at"]) for row in rows)
