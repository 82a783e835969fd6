"""The words for what happened to an incident and to its pages: one table for page, terminal and report.

What is in no table is said by its own name. Whoever shows it makes it harmless for where it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.explain_words import NOT_PAGED, PAGED, not_paged_because, paged_because
from core.narrative.plain import one_line

# By the `what` of an entry of the history.
WHAT = {
    "opened": "Opened",
    "acknowledged": "Acknowledged",
    "resolved": "Resolved",
    "reopened": "Reopened",
    "closed": "Closed",
    "paged": "Page decided",
    "not_paged": "Not paged",
    "dismissed": "Dismissed",
    "returned": "No longer dismissed",
    "recurrence": "A return",
    "service_joined": "Service joined",
    "severity": "Severity changed",
    "merged": "Another incident merged in",
    "mitigated": "Mitigated",
    "effect_back": "The effect is back",
    "spread": "Something else turned critical",
    "storm": "Many incidents began at once",
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
# By the name of its reason; what stands after a colon follows the words.
REASON = {
    "first_alert": "by its first alert",
    "recurrence": "looks like an earlier incident again",
    "same_alerts": "the same alerts as before",
    "person": "",
    "linked": "linked by the rules",
    "loosely_linked": "too few of their alerts are linked",
    "new_alert": "a new alert fired",
    "all_alerts_resolved": "all alerts are resolved",
    "resolved_long_enough": "resolved for long enough",
    "resolved_untold": "resolved for long enough; alerts whose end nobody told:",
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
    "no_route": "no route matched",
    "response_overdue": "nobody responded in time:",
    "update_due": "an update is due",
    "effect_back": "the effect is back:",
    "escalated": "escalated, step",
    "new_critical_alert": "not affected when somebody took it",
    "many_incidents": "",
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
# What became of a decided page. The outcome's detail says why: no route matched it, or no such receiver.
DELIVERED = {"delivered": "Delivered", "failed": "NOT DELIVERED", "no_receiver": "Not paged"}


def what_words(what: str) -> str:
    """`Page decided` of `paged`."""
    return WHAT.get(what) or _name(what).capitalize()


def reason_words(text: str) -> str:
    """A named reason, perhaps with a value after a colon, as words."""
    name, _, value = text.partition(":")
    known = REASON.get(name)
    if known is None and name in NOT_PAGED:
        return one_line(not_paged_because(text), 200)
    if known is None and name in PAGED:
        return one_line(paged_because(text), 200)
    said = _name(name) if known is None else known
    return f"{said} {one_line(value, 80)}".strip()


def how_words(entry: Mapping[str, Any]) -> str:
    """Detail and reason of what a rule did, such as `shop-oncall, the incident opened`."""
    what, detail = str(entry.get("what", "")), one_line(str(entry.get("detail", "")), 500)
    said = reason_words(str(entry.get("reason", "")))
    if what == "not_paged" and str(entry.get("reason", "")) == "no_route":
        return f"{said}: {reason_words(detail)}" if detail else said
    return ", ".join(part for part in (detail, said) if part)


def delivered_words(status: str) -> str:
    return DELIVERED.get(status) or _name(status).capitalize()


def _name(name: str) -> str:
    return one_line(name, 120).replace("_", " ").replace("-", " ")
