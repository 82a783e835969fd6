"""The words for reasons: why somebody was paged, why nobody was, what joins alerts, what a severity takes.

Console, command line and API say the same. Each is a clause that goes on after "because"; a reason that is
not in the tables is said by its own name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from core.narrative.plain import one_line
from core.rules.deciding import When
from core.times import compared

# By the name that a reason begins with; {} is what stands after its colon.
PAGED: dict[str, str] = {
    "opened": "a new incident opened",
    "severity_raised": "it got worse: severity rose to {}",
    "more_services": "it spread: {} services were affected by then",
    "merged": "incident {} proved to be the same trouble",
    "reopened": "it came back after it had been resolved: {}",
    "resolved": "it was over",
    "acknowledged": "somebody had taken it",
    "split_from": "its alerts were split off from incident {}",
    "effect_back": "the effect was back after it had been mitigated: {}",
    "response_overdue": "nobody had acknowledged it in the time that {} allows",
    "escalated": "no answer had come in time (escalation step {})",
    "update_due": "whoever has it was due to say how it goes",
    "unanswered": "all steps were taken, it still fired, and nobody had acknowledged it ({})",
    "spread": "something that was not affected when somebody took it turned critical: {} of them",
    "returned": "it had been dismissed, and that ended: {}",
}
# What is odd about an alert, by its flag, after "it".
FLAGS: dict[str, str] = {
    "late": "arrived late",
    "start_missing": "came without a start",
    "start_clamped": "came with an impossible start",
    "labels_clamped": "came with more, or longer, labels than are kept in memory",
    "no_labels": "came without labels",
}
NOT_PAGED: dict[str, str] = {
    "already_acknowledged": "somebody had acknowledged it before the page was due",
    "already_mitigated": "somebody had mitigated it before the page was due",
    "already_resolved": "it was resolved before the page was due",
    "already_closed": "it was closed before the page was due",
    "nothing_fires_any_more": "nothing fired any more when the page was due",
    "silenced": "all that fired was silenced (silence {})",
    "inhibited": "all that fired follows from a worse alert that fired too (inhibition {})",
    "maintenance": "all that fired was under planned maintenance ({})",
    "muted": "all that fired was in its quiet hours ({})",
    "deploying": "a deploy of the service had just begun, and nothing serious fired",
    "dismissed": "somebody had dismissed the incident for a while",
    "flapping": "all that fired comes and goes all the time",
    "too_few": "too few alerts fired for a page ({})",
    "no_receiver": "no route knows the receiver {}",
    "no_route": "no route matched it ({})",
}
HELD: dict[str, str] = {
    "silence": "silence {id} of {by}",
    "inhibition": "it follows from a worse alert (inhibition {id})",
    "maintenance": "planned maintenance {id}",
    "mute": "quiet hours {id}",
    "deploy": "a deploy has just begun",
    "dismissal": "{by} dismissed it",
    "flapping": "it comes and goes all the time",
    "threshold": "too few alerts fire (threshold {id})",
}
STANDS: dict[str, str] = {
    "silenced": "all that fires is silenced (silence {})",
    "inhibited": "nobody was told yet, since all that fires follows from a worse alert (inhibition {})",
    "maintenance": "all that fires is under planned maintenance ({})",
    "muted": "all that fires is in its quiet hours ({})",
    "deploying": "nobody was told yet, since a deploy of the service has just begun",
    "dismissed": "somebody has dismissed the incident for a while",
    "flapping": "nobody was told yet, since all that fires comes and goes all the time",
    "too_few": "nobody was told yet, since too few alerts fire for a page ({})",
}
DETAIL: dict[str, str] = {
    "still_firing": "its alerts still fired when the reopen window was over",
    "new_alert": "a new alert fired",
    "alert_fires_again": "an alert fired again",
    "time_is_up": "its time was up",
    "severity_raised": "severity rose to {}",
    "more_services": "{} services were affected",
}
LINKED: dict[str, str] = {
    "same-entity": "alerts of one service",
    "dependency-edge": "services that call each other",
    "same-change": "services that one change touched",
    "shared-labels": "alerts on one piece of infrastructure",
    "similar-names": "alerts of like names",
    "learned-links": "alerts that came together before",
    "same-alert": "the same alert again",
    "same-workload": "states of one workload",
}
ORIGIN: dict[str, str] = {
    "explains": "others depend on it",
    "onset": "it was among the first to alert",
    "change": "it changed shortly before",
    "symptom": "its symptoms look like a cause",
    "unexplained": "nothing in this incident that it calls is in trouble",
}
_SHAPE = re.compile(r"(\w+)(?::(?!after )(.*?))?(?:[: ]after (.*))?", re.DOTALL)
_NAME = 100


def paged_because(reason: str) -> str:
    """A notify decision's reason as a clause: `severity_raised:P0` is `it got worse: severity rose to P0`."""
    base, value, held = _parts(reason)
    said = _filled(PAGED, base, _value_of(base, value))
    return f"{said}; until then it was held back by {one_line(held, _NAME)}" if held else said


def not_paged_because(reason: str, detail: str = "") -> str:
    """Of a page that was not sent; `detail` is that of the history's entry."""
    base, value, _ = _parts(reason)
    # Its detail is the reason of the page that was not sent.
    told = paged_because(detail) if base == "no_route" and detail else detail
    return _filled(NOT_PAGED, base, value or told)


def stands_because(why: str) -> str:
    """Of clocks that stand: what holds its pages back, such as `silenced:SIL-ABCDEFGH`, as a clause."""
    base, value, _ = _parts(why)
    return _filled(STANDS, base, value)


def held_by(suppression: dict[str, Any]) -> str:
    """What keeps an alert from paging, of a document's `suppressed`."""
    kind, by, name = (one_line(suppression[key], _NAME) for key in ("kind", "by", "id"))
    return HELD[kind].format(id=name, by=by) if kind in HELD else kind


def linked_by(rule: str) -> str:
    return LINKED.get(rule) or f"rule {one_line(rule, 60)}"


def when_holds(when: When) -> str:
    """What a condition of the severity rule takes, as a clause."""
    parts = []
    if when.level is not None:
        parts.append(f"an alert is {when.level}" + " or worse" * (when.level != "critical"))
    if when.production is not None:
        parts.append("it is in production" if when.production else "it is not in production")
    if when.tier_at_most is not None:
        tier = when.tier_at_most
        parts.append("a tier 1 service alerts" if tier == 1 else f"a service of tier {tier} or better alerts")
    if when.services_at_least is not None:
        parts.append(f"at least {when.services_at_least} services alert")
    return listed(parts) if parts else "nothing worse holds"


def missed_by(why: dict[str, Any]) -> str:
    """What a pair that no rule joined fell short of; `why` is the node that did not count."""
    gap, window = why["terms"].get("gap_ms"), why["terms"].get("window_ms")
    if "apart_by" in why["terms"]:
        return one_line(why["hint"], 300)
    if isinstance(gap, int) and isinstance(window, int) and gap > window:
        apart, within, over = compared(gap, window, gap - window)
        joined = f"{linked_by(why['rule'])} are joined within {within}"
        return f"they began {apart} apart, {joined}: {over} too far"
    return one_line(why["hint"], 300)


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _parts(reason: str) -> tuple[str, str, str]:
    """Base, value, and the name of what held the page back."""
    found = _SHAPE.fullmatch(reason)
    if found is None:
        return reason, "", ""
    base, value, held = found.groups()
    return base, value or "", held or ""


def _value_of(base: str, value: str) -> str:
    """`returned` and `effect_back` carry a reason of their own, `escalated` a step and a receiver."""
    name, _, more = value.replace(":", " ").partition(" ")
    if base == "escalated":
        return f"{name}, to {more}" if more else name
    return DETAIL[name].format(more) if name in DETAIL else value


def _filled(table: dict[str, str], base: str, value: str) -> str:
    """A name that words have a place for and that is missing is left out, with its brackets."""
    words = table.get(base)
    if words is None:
        known = f"{base.replace('_', ' ')} {value}"
        return one_line(known.strip(), _NAME)
    if not value:
        return words.replace(" ({})", "").replace(": {}", "").replace(" {}", "")
    return words.replace("{}", one_line(value, _NAME))
