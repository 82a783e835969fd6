"""The text of a page, made from an incident's document alone: what a person reads first, at 3 a.m."""

from __future__ import annotations

from core.narrative.plain import one_line
from core.ports import Document

_LIMIT = 1_500
_HAPPENED = {
    "opened": "New incident",
    "severity_raised": "It got worse",
    "more_services": "More services alert",
    "merged": "Two incidents turned out to be one",
    "reopened": "It is back",
    "resolved": "Resolved",
}
_QUESTIONS = (
    ("what_changed", "What changed?"),
    ("already_known", "Being worked on?"),
    ("likely_fix", "Most likely fix?"),
)


def page_text(incident: Document, reason: str, base_url: str) -> str:
    """Plain text of a few short lines. Nothing in it is markup; foreign words are cleaned and cut."""
    kind = reason.partition(":")[0]
    lines = [
        f"{incident['severity']} {one_line(incident['title'], 160)}",
        f"{_HAPPENED.get(kind, kind)}. {_counts(incident)}",
        f"Since {incident['started_at']} (UTC). Status: {incident['status']}.",
    ]
    lines += _origin(incident)
    if kind != "resolved":
        lines += [
            f"{question} {one_line(incident['questions'][key]['answer'], 220)}"
            for key, question in _QUESTIONS
        ]
    link = f"{base_url.rstrip('/')}/incidents/{incident['id']}"
    return "\n".join([*lines, link])[:_LIMIT]


def _counts(incident: Document) -> str:
    alerts, services = incident["alerts"], len(incident["services"])
    firing = sum(alert["status"] != "resolved" for alert in alerts)
    where = f" on {services} service{'s' * (services != 1)}" if services else ""
    return f"{firing} of {len(alerts)} alert{'s' * (len(alerts) != 1)} firing{where}."


def _origin(incident: Document) -> list[str]:
    origin = incident["origin"]
    if origin is None or len(incident["services"]) < 2:
        return []
    return [f"Probable origin: {one_line(origin['service'], 80)} ({origin['score']} of 1000)."]
