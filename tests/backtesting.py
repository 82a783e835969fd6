"""What tests of the backtest share: rules made from the shipped ones, and timelines to export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from core.journal import Record, record_to_line
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.files import builtin_rules

NEAR, FAR = "10s", "60s"


def rule(name: str, **changed: Any) -> str:
    """The shipped rule with other values."""
    shipped = [yaml.safe_load(text) for text in builtin_rules().values()]
    [found] = [one for one in shipped if one["rule"] == name]
    return yaml.safe_dump({**found, **changed}, sort_keys=False)


def edges(window: str) -> str:
    """Caller and callee are linked when they start this close together; others are not."""
    return rule("dependency-edge", windows=[window])


def rule_files(window: str) -> dict[str, str]:
    """By the shipped file's name, for a Timeline."""
    [name] = [name for name, text in builtin_rules().items() if text.startswith("rule: dependency-edge")]
    return {name: edges(window)}


def directory(path: Path, *texts: str) -> Path:
    path.mkdir()
    for place, text in enumerate(texts):
        (path / f"rule-{place}.yaml").write_text(text)
    return path


def export(records: list[Record], path: Path) -> Path:
    path.write_text("".join(record_to_line(record) + "\n" for record in records))
    return path


def two_services(window: str = NEAR, routes: str = "") -> Timeline:
    """payments, and half a minute later its caller checkout, under that window; both end after 10 minutes."""
    timeline = Timeline(SHOP, rules=rule_files(window), routes=routes)
    timeline.push(0, alert("payments", "SlowQueries"))
    timeline.push(30, alert("checkout", "TooManyErrors", starts=30))
    timeline.push(600, alert("payments", "SlowQueries", ends=600))
    timeline.push(601, alert("checkout", "TooManyErrors", starts=30, ends=600))
    timeline.push(1_200, alert("mailer", "QueueTooLong", starts=1_200, severity="warning"))
    return timeline
