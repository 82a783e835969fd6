"""An incident's history in sentences, and the timeline's picture as a table: the same facts, to be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from core.explain_words import NOT_PAGED, PAGED, not_paged_because, paged_because
from core.narrative.plain import short_version
from core.times import format_rfc3339
from watchkeeper.console.clocks import Stamp, milliseconds, stamp
from watchkeeper.console.text import shorten, words

Document = dict[str, Any]
_WHAT = {
    "opened": "Opened",
    "acknowledged": "Acknowledged",
    "resolved": "Resolved",
    "reopened": "Reopened",
    "closed": "Closed",
    "paged": "Page decided",
    "not_paged": "Not paged",
    "dismissed": "Dismissed",
    "returned": "No longer dismissed",
    "service_joined": "Service joined",
    "severity": "Severity changed",
    "merged": "Another incident merged in",
    "mitigated": "Mitigated",
    "effect_back": "The effect is back",
    "split": "Alerts split off into",
    "split_off": "Split off from",
    "response_overdue": "Response overdue",
    "update_overdue": "Update overdue",
    "not_escalated": "Not escalated",
    "clocks_stand": "The clocks stand",
    "clocks_go_on": "The clocks go on",
    "cause_confirmed": "A change is said to have caused it",
    "cause_ruled_out": "A change is said not to have caused it",
}
_REASON = {
    "first_alert": "by its first alert",
    "recurrence": "looks like an earlier incident again",
    "person": "",
    "linked": "linked by the rules",
    "new_alert": "a new alert fired",
    "all_alerts_resolved": "all alerts are resolved",
    "resolved_long_enough": "resolved for long enough",
    "already_acknowledged": "somebody had acknowledged already",
    "already_resolved": "it was resolved already",
    "nothing_fires_any_more": "nothing fired any more",
    "opened": "the incident opened",
    "acknowledged": "somebody is on it",
    "resolved": "the incident was resolved",
    "reopened": "the incident reopened",
    "severity_raised": "severity rose to",
    "more_services": "services affected now:",
    "merged": "merged with",
    "merged_with_open": "what was merged in is not over",
    "alert_fires_again": "an alert fired again",
    "still_firing": "its alerts still fired when the reopen window was over",
    "no_longer_held": "they no longer have to stand",
    "already_mitigated": "it was mitigated already",
    "not_acknowledged_in_time": "nobody acknowledged in time",
    "no_update_in_time": "nobody said how it goes in time",
    "no_receiver": "no such receiver is configured",
    "response_overdue": "nobody responded in time:",
    "update_due": "an update is due",
    "effect_back": "the effect is back:",
    "escalated": "escalated, step",
    "split_from": "split off from",
    "silenced": "all that fires is silenced:",
    "inhibited": "all that fires is inhibited by the rule",
    "maintenance": "all that fires is under maintenance:",
    "muted": "all that fires is muted by the calendar of",
    "deploying": "a deploy shakes all that fires:",
    "flapping": "all that fires does so again and again: alert",
    "too_few": "too few alerts for the threshold",
    "time_is_up": "the time is up",
}


class Moment(NamedTuple):
    """What a rule did, and `how`; or who did it, and in what words."""

    at: Stamp | None
    what: str
    how: str
    who: str
    words: str


class Row(NamedTuple):
    at: Stamp | None
    what: str
    subject: str


def moment(entry: Document, now: int) -> Moment:
    what = _WHAT.get(entry["what"]) or words(entry["what"]).capitalize()
    at, said, detail = stamp(entry["at"], now), reason(entry["reason"]), shorten(entry["detail"], 500)
    if entry["actor"] == "rule":
        return Moment(at, what, ", ".join(part for part in (detail, said) if part), "", "")
    return Moment(at, what, said, shorten(entry["actor"], 80), detail)


def reason(text: str) -> str:
    """A named reason, perhaps with a value after a colon, as words."""
    name, _, value = text.partition(":")
    known = _REASON.get(name)
    if known is None and name in NOT_PAGED:
        return shorten(not_paged_because(text), 200)
    if known is None and name in PAGED:
        return shorten(paged_because(text), 200)
    said = words(name) if known is None else known
    return f"{said} {shorten(value, 80)}".strip()


def table(document: Document, now: int, limit: int) -> tuple[list[Row], int]:
    """The first `limit` instants that the picture shows, in order of time, and how many more there are."""
    found = [
        (at, what, subject)
        for text, what, subject in _instants(document)
        if (at := milliseconds(text)) is not None
    ]
    found.sort(key=lambda item: item[0])
    rows = [Row(stamp(format_rfc3339(at), now), what, subject) for at, what, subject in found[:limit]]
    return rows, max(0, len(found) - limit)


def _instants(document: Document) -> Iterator[tuple[Any, str, str]]:
    for change in document["changes"]:
        yield change["at"], f"Change: {shorten(change['kind'], 40)}", change_name(change)
    for entry in document["history"]:
        said = moment(entry, 0)
        yield entry["at"], said.what, said.who or said.how
    for alert in document["alerts"]:
        name = alert_name(alert)
        yield alert["starts_at"], "Alert began", name
        yield alert["ends_at"], "Alert ended", name
        yield alert["unknown_since"], "Alert unknown from here", name


def change_name(change: Document) -> str:
    return shorten(f"{change['service']} {short_version(change['version'])}".strip(), 120)


def alert_name(alert: Document) -> str:
    name = shorten(alert["name"], 100) or "unnamed alert"
    return f"{name} of {shorten(alert['service'], 80)}" if alert["service"] else name
