"""What the page of silences shows, what of it stands on an incident's page, and matchers to begin with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from core.model.document import Document
from core.suppression.matchers import Matchers, matcher
from watchkeeper.console.clocks import Stamp, stamp
from watchkeeper.console.text import plural, shorten

_MAX, _MAX_INCIDENTS, _MAX_SERVICES = 200, 8, 8
_STATES = ("active", "pending", "expired")
_DURATIONS = (("30m", "30 min"), ("2h", "2 h"), ("8h", "8 h"), ("1d", "1 day"), ("7d", "1 week"))
_KINDS = {
    "silence": "silence",
    "inhibition": "inhibition rule",
    "maintenance": "maintenance",
    "mute": "calendar",
    "deploy": "deploy",
    "flapping": "flapping, fingerprint",
    "threshold": "threshold",
    "dismissal": "dismissal of this incident",
}


class Row(NamedTuple):
    id: str
    state: str
    matchers: list[str]
    starts: Stamp | None
    ends: Stamp | None
    author: str
    comment: str
    alerts: str
    incidents: list[str]
    more_incidents: int
    edits: int


class Form(NamedTuple):
    """What stands in the fields."""

    matchers: str = ""
    lasts: str = "1h"
    comment: str = ""
    actor: str = ""


def silences_view(rows: Iterable[Document], now: int) -> Document:
    """By state, each in the order given; long lists are cut and say by how much."""
    groups: dict[str, list[Row]] = {state: [] for state in _STATES}
    for row in rows:
        groups[row["state"]].append(_row(row, now))
    return {
        "groups": [(state, found[:_MAX], max(0, len(found) - _MAX)) for state, found in groups.items()],
        "active": len(groups["active"]),
    }


def suppressed_by(alert: Mapping[str, Any], now: int) -> list[Document]:
    """Of an alert of a document: what keeps it from paging, in words, with a link where there is a page."""
    return [
        {
            "what": _KINDS.get(one["kind"], "rule"),
            "name": "" if one["kind"] == "dismissal" else shorten(one["id"], 100),
            "link": "/silences" if one["kind"] == "silence" else "",
            "by": shorten(one["by"], 80),
            "reason": shorten(one["reason"], 200),
            "until": stamp(one["until"], now),
        }
        for one in alert.get("suppressed") or ()
    ]


def quiet_view(document: Mapping[str, Any], now: int) -> Document:
    """Of an incident: whether all that fires pages nobody, its dismissal, and the page that silences it."""
    firing = [alert for alert in document["alerts"] if alert["status"] != "resolved"]
    held = sum(bool(alert.get("suppressed")) for alert in firing)
    return {
        "snoozed": stamp(document.get("snoozed_until"), now),
        "all_held": bool(firing) and held == len(firing),
        "held": plural(held, "alert") if held else "",
        "silence_link": silence_link(prefill(firing or document["alerts"])),
        "durations": _DURATIONS,
        "open": document["status"] in ("triggered", "acknowledged", "mitigated"),
    }


def silence_link(matchers: str) -> str:
    return f"/silences?{urlencode({'matchers': matchers})}#add"


def prefill(alerts: list[Document]) -> str:
    """Matchers that fit all of these alerts and say what they have in common; empty when it is nothing."""
    values = {
        "alertname": {alert["name"] for alert in alerts},
        "@service": {alert["service"] for alert in alerts},
        "@environment": {alert["environment"] for alert in alerts},
        "@cluster": {alert["cluster"] for alert in alerts},
    }
    found = []
    for name, given in values.items():
        if len(given) == 1 and "" not in given:
            found.append(matcher(name, "=", str(next(iter(given)))[:1_000]))
        elif name == "@service" and 1 < len(given) <= _MAX_SERVICES and "" not in given:
            either = "|".join(re.escape(one) for one in sorted(given))
            if len(either) <= 1_000:
                found.append(matcher(name, "=~", either))
    return Matchers(found).text[1:-1]


def _row(row: Document, now: int) -> Row:
    return Row(
        row["id"],
        row["state"],
        [shorten(one["text"], 300) for one in row["matchers"]],
        stamp(row["starts_at"], now),
        stamp(row["ends_at"], now),
        shorten(row["author"], 80),
        shorten(row["comment"], 400),
        plural(row["alerts_firing"], "alert") if row["alerts_firing"] else "",
        row["incidents"][:_MAX_INCIDENTS],
        max(0, len(row["incidents"]) - _MAX_INCIDENTS),
        len(row["history"]) - 1,
    )
