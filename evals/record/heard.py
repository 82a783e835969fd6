"""What a recording says: the alerts in its lines, each as one firing with a beginning and an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from evals.record.receiver import Line


@dataclass(frozen=True)
class Firing:
    """One alert from its first mention to its end; `resolved_at` is None while no line has ended it."""

    alertname: str
    service: str
    first_heard: str
    resolved_at: str | None


def firings(lines: Iterable[Line]) -> list[Firing]:
    """Every firing in the lines, in order of first mention. A firing is (labels, startsAt)."""
    found: dict[tuple[str, ...], Firing] = {}
    for line in lines:
        for alert, resolved in _alerts(line):
            labels = alert["labels"]
            key = (alert["startsAt"], *(f"{name}={labels[name]}" for name in sorted(labels)))
            first = found[key].first_heard if key in found else line["at"]
            end = alert["endsAt"] if resolved else None
            found[key] = Firing(labels["alertname"], labels["service"], first, end)
    return list(found.values())


def _alerts(line: Line) -> Iterator[tuple[Line, bool]]:
    """Each alert of a line and whether it is over, in Alertmanager's webhook form or in its API's."""
    if line["source"] == "alertmanager":
        for alert in line["body"]["alerts"]:
            yield alert, alert["status"] == "resolved"
    elif line["source"] == "prometheus":
        for alert in line["body"]:
            # In the API's form an end that lies ahead is only a promise to repeat the alert.
            yield alert, _time(alert["endsAt"]) <= _time(line["at"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
