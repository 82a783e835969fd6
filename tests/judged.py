"""What source `risk` is told, for tests."""

from __future__ import annotations

from typing import Any

import orjson

from core.journal import Draft, json_draft
from tests.timeline import Timeline, time

HEAD = "4f2c9d1e" * 5
REPOSITORY = "acme/payments"
DROP = {
    "rule": "sql-drop-column", "level": "high", "path": "migrations/7.sql", "line": 3,
    "what": "Drops a column that is still read.",
}  # fmt: skip


def check(at: float = -600, **more: Any) -> dict[str, Any]:
    """As `watchkeeper risk --format json` prints it, with what is not read."""
    return {
        "version": "x", "mode": "advisory", "repository": REPOSITORY, "base": "a" * 40, "head": HEAD,
        "verdict": "warn", "level": "high", "services": ["payments"], "title": "Drop the old column",
        "probability": {"thousandths": 123, "terms": [], "learned_from": ""}, "matches": [DROP],
        "files": ["migrations/7.sql", "app/pay.py"], "url": "https://forge.example/pull/7", "at": time(at),
        **more,
    }  # fmt: skip


class Judging(Timeline):
    """A timeline with checks, and words on causes."""

    def judge(self, arrives: float, *checks: dict[str, Any], domain: str = "default") -> None:
        self._append(arrives, Draft("ingest", "risk", orjson.dumps(list(checks)), domain))

    def tell_objective(self, at: float, body: dict[str, Any]) -> None:
        self._append(at, Draft("ingest", "slo", orjson.dumps(body)))

    def blame(
        self,
        at: float,
        incident: str,
        change: str,
        *,
        caused: bool = True,
        actor: str = "ana",
        why: str = "because",
    ) -> None:
        content = {
            "incident": incident, "author": actor, "kind": "cause", "text": why, "change": change,
            "caused": caused,
        }  # fmt: skip
        self._append(at, json_draft("annotation", "api", content))
