"""The text of a page: what somebody who was just woken must know, in a few short lines of plain text.

It is made from an incident document alone. Nothing in it can act: whatever came from outside loses what chat
programs read as mention, link or markup. Two addresses can be opened: our own, and the alert's runbook, which
is said to be the sender's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.narrative.asked import QUESTIONS
from core.narrative.place import where_short, where_words
from core.narrative.plain import one_line
from core.narrative.said import link_of
from core.narrative.weblink import plain_url
from core.times import format_rfc3339, parse_rfc3339, spoken

MAX_CHARS = 1_500
_TITLE, _ANSWER, _LINK, _JOINED, _SAID = 240, 280, 300, 2, 200
# `<!channel>`, `@here`, `[text](address)` and bare addresses are what chat programs act on. The replacements
# are ASCII, so that a page still fits the cheap kind of text message.
_INERT = {"<": "(", ">": ")", "[": "(", "]": ")", "@": "(at)", "`": "'", "://": ": //"}
_REASONS = {
    "opened": "new incident",
    "returned": "back after it was dismissed",
    "severity_raised": "severity raised to {}",
    "more_services": "now {} services",
    "reopened": "reopened",
    "resolved": "resolved",
    "merged": "joined by {}",
    "acknowledged": "in work",
    "split_from": "split off from {}",
    "effect_back": "mitigated, and the effect is back",
    "response_overdue": "nobody has responded in time for {}",
    "escalated": "escalated, step {}",
    "update_due": "an update is due",
    "unanswered": "still fires, and nobody has acknowledged",
    "spread": "something else turned critical",
}
_WHOLE = {"reopened:still_firing": "reopened, its alerts still fire"}
# Of these somebody is to look at it although it was paged before, and though somebody has it.
WAKING = frozenset(
    {
        "escalated", "effect_back", "severity_raised", "reopened", "returned", "response_overdue",
        "update_due", "spread", "unanswered",
    }
)  # fmt: skip


def page_text(incident: Mapping[str, Any], reason: str, base_url: str, at: int | None = None) -> str:
    """At most 12 lines and MAX_CHARS characters. `reason` is a notify decision's, `at` (ms UTC) when it was
    decided: what was merged into the incident then is named too. The last line is the link.

    Keys that the document lacks are left out, so that even an id alone makes a page.
    """
    link = one_line(incident_url(base_url, str(incident.get("id", ""))), _LINK)
    lines = [_headline(incident), _happened(incident, reason, at), *_said(incident)]
    lines += [_where(incident), _extent(incident), _since(incident), _storm(incident, base_url)]
    lines += [_question(incident, key, words) for key, words in QUESTIONS.items()]
    facts = "\n".join(line for line in lines if line)
    return f"{facts[: MAX_CHARS - len(link) - 1]}\n{link}"


def incident_url(base_url: str, incident_id: str) -> str:
    return f"{base_url.rstrip('/')}/incidents/{incident_id}"


def reason_base(reason: str) -> str:
    """`severity_raised` of `severity_raised:P0`."""
    return reason.partition(":")[0]


def inert(text: object, limit: int) -> str:
    """Foreign text as one line in which no chat program finds a mention, a link or markup to act on."""
    line = one_line(str(text), limit)
    for sign, word in _INERT.items():
        line = line.replace(sign, word)
    return one_line(line, limit)


def said_first(incident: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the leading alert says, where it was read: see core/narrative/said.py."""
    return next(iter(incident.get("said") or ()), None)


def _said(incident: Mapping[str, Any]) -> list[str]:
    """In the sender's words, and where its runbook is, if that address may stand in a text."""
    said = said_first(incident)
    if said is None:
        return []
    words = said["summary"] or said["description"]
    runbook = plain_url(link_of(said, "runbook"), _LINK)
    return [
        f"The alert says: {inert(words, _SAID)}" if words else "",
        f"Its runbook (the sender's link): {runbook}" if runbook else "",
    ]


def _headline(incident: Mapping[str, Any]) -> str:
    return inert(f"{incident.get('severity', '')} {titled(incident)}", _TITLE)


def titled(incident: Mapping[str, Any]) -> str:
    """The title, and in which cluster and domain; "" where there is no title."""
    title = str(incident.get("title") or "")
    return f"{title}{where_short(incident.get('where'))}" if title else ""


def _happened(incident: Mapping[str, Any], reason: str, at: int | None) -> str:
    said, held, by = reason.partition("after ")
    base, _, detail = said.rstrip(" :").partition(":")
    words = (
        _WHOLE.get(said.rstrip(" :")) or _REASONS[base].format(detail.replace(":", ", "))
        if base in _REASONS
        else base.replace("_", " ")
    )
    words += _joined_then(incident, at, detail if base == "merged" else "")
    words += _spread_then(incident, at) if base == "spread" else ""
    words += f", held back until now by {by}" if held else ""
    return inert(f"{incident.get('id', '')}: {words}{_by_now(incident, base)}", 240)


def _joined_then(incident: Mapping[str, Any], at: int | None, told: str) -> str:
    """A receiver gets one page for all that one record does: a merge may be told as a rise in severity. Who
    was paged for the other incident finds it by its name."""
    if at is None:
        return ""
    then, history = format_rfc3339(at), incident.get("history") or ()
    merges = [one for one in history if (one.get("what"), one.get("at")) == ("merged", then)]
    found = [str(one.get("detail", "")) for one in merges]
    names = [name for name in dict.fromkeys(found) if name not in ("", told)]
    more = f" and {len(names) - _JOINED} more" if len(names) > _JOINED else ""
    joined = ", ".join(names[:_JOINED]) + more
    return f"{' and ' if told else ', joined by '}{joined}" if names else ""


def _spread_then(incident: Mapping[str, Any], at: int | None) -> str:
    """What it is that nobody knew of."""
    then, history = format_rfc3339(at) if at is not None else "", incident.get("history") or ()
    told = [one for one in history if (one.get("what"), one.get("at")) == ("spread", then)]
    return f": {told[-1].get('detail', '')}" if told else ""


def _where(incident: Mapping[str, Any]) -> str:
    words = where_words(incident.get("where"))
    return inert(f"Where: {words}", _TITLE) if words else ""


def _storm(incident: Mapping[str, Any], base_url: str) -> str:
    """Of an incident that began while very many did."""
    told = [one for one in incident.get("history") or () if one.get("what") == "storm"]
    if not told:
        return ""
    many, _, within = str(told[-1].get("detail", "")).partition(" incidents within ")
    text = inert(f"One of {many} incidents that began within {within}; the list: ", 160)
    return f"{text} {one_line(base_url.rstrip('/'), _LINK)}/"


def _by_now(incident: Mapping[str, Any], base: str) -> str:
    """A page may be late: say so when the incident has moved on since."""
    status = incident.get("status")
    if status == "mitigated":
        return f", mitigated by {one_line(str(incident.get('mitigated_by', '')), 60)}"
    if status == "acknowledged":
        at = str(incident.get("acknowledged_at") or "")[11:16]
        when = f" at {at} UTC" if at and base in WAKING else ""
        return f", acknowledged{when} by {one_line(str(incident.get('acknowledged_by', '')), 60)}"
    if status in ("resolved", "closed") and base != "resolved":
        return f", {status} by now"
    return ""


def _extent(incident: Mapping[str, Any]) -> str:
    alerts, services = incident.get("alerts"), incident.get("services") or ()
    if not alerts:
        return ""
    firing = sum(alert.get("status") != "resolved" for alert in alerts)
    some = _count(len(services), "service") if services else "no known service"
    return f"{_count(len(alerts), 'alert')} on {some}, {firing or 'none'} firing"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _since(incident: Mapping[str, Any]) -> str:
    start, end = incident.get("started_at"), incident.get("resolved_at")
    if not start:
        return ""
    over = f", resolved after {spoken(parse_rfc3339(end) - parse_rfc3339(start))}" if end else ""
    return f"Since {start[:10]} {start[11:19]} UTC{over}"


def _question(incident: Mapping[str, Any], key: str, words: str) -> str:
    answer = (incident.get("questions") or {}).get(key)
    return f"{words} {inert(answer['answer'], _ANSWER)}" if answer else ""
