"""Parts of the report that come from the rules: what happened when, what changed, why, and what is not
known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.narrative.facts.gather_changes import KINDS
from core.narrative.history import delivered_words, how_words, what_words
from core.narrative.judged import judged
from core.narrative.plain import short_version
from core.narrative.report.markdown import bullets, code, cut, literal, table

Document = Mapping[str, Any]
ROWS, NODES = 60, 12
# They say again what stands in the lines of the alerts, or have a line of their own.
_ELSEWHERE = ("service_joined", "severity")
_ROLES = {"suspect": "suspect", "repair": "probably ended it"}


def clock(at: object) -> str:
    text = str(at or "")
    return literal(f"{text[:10]} {text[11:19]}")


def happened(document: Document) -> list[str]:
    """Changes, alerts per service, and what was done, by time (UTC)."""
    rows = [*_changes_at(document), *_alerts_at(document), *_moments_at(document)]
    rows.sort(key=lambda row: (row[0], row[1]))
    told = [[clock(at), text] for at, _, text in rows]
    return table(("UTC", "What"), cut(told, ROWS, "lines"))


def _changes_at(document: Document) -> Iterator[tuple[str, int, str]]:
    for change in document.get("changes") or ():
        yield str(change.get("at", "")), 0, f"Change: {described(change)}"


def described(change: Document) -> str:
    """`deploy of payments 2.4.0 by lena`."""
    version = f" {literal(short_version(str(change['version'])), 80)}" if change.get("version") else ""
    author = f" by {literal(change['author'], 80)}" if change.get("author") else ""
    kind = KINDS.get(str(change.get("kind", "")), "change")
    return f"{kind} of {literal(change.get('service', ''), 80)}{version}{author}"


def _alerts_at(document: Document) -> Iterator[tuple[str, int, str]]:
    groups: dict[str, list[Document]] = {}
    for alert in document.get("alerts") or ():
        groups.setdefault(str(alert.get("service", "")), []).append(alert)
    for service, alerts in groups.items():
        name = literal(service, 80) if service else "no known service"
        kinds = ", ".join(dict.fromkeys(literal(alert.get("name", ""), 80) for alert in alerts[:NODES]))
        some = f"{len(alerts)} alerts" if len(alerts) > 1 else "1 alert"
        yield min(str(alert["starts_at"]) for alert in alerts), 1, f"{name} begins to alert ({some}: {kinds})"
        ends = [str(alert["ends_at"]) for alert in alerts if alert.get("ends_at")]
        if len(ends) == len(alerts):
            yield max(ends), 2, f"{name}: its last alert ends"


def _moments_at(document: Document) -> Iterator[tuple[str, int, str]]:
    for moment in document.get("history") or ():
        if moment.get("what") == "severity":
            why = literal(str(moment.get("reason", "")).replace("-", " "), 100)
            yield str(moment.get("at", "")), 3, f"Severity set to {literal(moment.get('detail', ''))} ({why})"
        what = str(moment.get("what", ""))
        if what in _ELSEWHERE:
            continue
        actor = str(moment.get("actor", ""))
        who = f" by {literal(actor, 100)}" if actor not in ("", "rule") else ""
        more = literal(how_words(moment), 300)
        yield str(moment.get("at", "")), 3, f"{literal(what_words(what))}{who}{f' ({more})' if more else ''}"


def said(document: Document) -> list[str]:
    """What the leading alerts say, in their senders' words. Addresses are there to be copied, as code."""
    rows = [
        ": ".join(
            part
            for part in (
                f"{literal(one['name'], 80)} of {literal(one['service'] or 'no known service', 80)}",
                literal(one["summary"] or one["description"], 300),
                ", ".join(f"{link['kind']} {code(link['url'], 2_000)}" for link in one["links"]),
            )
            if part
        )
        for one in document.get("said") or ()
    ]
    return bullets(rows)


def changes(document: Document) -> list[str]:
    """Suspects and what probably ended it, with the finding's own words."""
    found = {row.get("subject"): row for row in document.get("findings") or ()}
    rows = []
    for change in document.get("changes") or ():
        finding = found.get(change.get("id"), {})
        role = _ROLES.get(str(change.get("role", "suspect")), "")
        score = f"{finding['confidence']}/1000" if "confidence" in finding else ""
        rows.append(
            [
                clock(change.get("at")),
                described(change),
                role,
                score,
                literal(finding.get("summary", ""), 300),
            ]
        )
    found_lines = table(("UTC", "Change", "Seen as", "Confidence", "Why"), cut(rows, NODES, "changes"))
    return [*found_lines, *bullets(_judged(document)), *bullets(_said(document))]


def _judged(document: Document) -> Iterator[str]:
    for change in list(document.get("changes") or ())[:NODES]:
        if change.get("risk"):
            yield f"{described(change)}: {literal(judged(change['risk']), 400)}"


def _said(document: Document) -> Iterator[str]:
    """What people say of the changes."""
    for cause in list(document.get("causes") or ())[-NODES:]:
        how = "caused it" if cause["caused"] else "did not cause it"
        why = f": {literal(cause['reason'], 300)}" if cause["reason"] else ""
        yield f"{literal(cause['actor'], 100)} says that the {described(cause)} {how}{why}"


def reasons(document: Document) -> list[str]:
    """The why-tree, two levels deep: what counted, and what was looked at and did not."""
    counted: list[str] = []
    looked: list[str] = []
    for rule in (document.get("why") or {}).get("children") or ():
        for node in _telling(rule):
            hint = f" ({literal(node['hint'], 200)})" if node.get("hint") else ""
            text = f"{literal(node.get('rule', ''))}: {literal(node.get('summary', ''), 300)}{hint}"
            (counted if node.get("counted") else looked).append(text)
    lines = _some("These counted:", counted)
    return [*lines, *_some("These were looked at and did not count:", looked)]


def _telling(rule: Document) -> list[Document]:
    """A rule sums up its children: shown are those that say more, and those that did not count."""
    children = list(rule.get("children") or ())
    if rule.get("rule") == "probable-origin":
        return [rule, *(child for child in children if not child.get("counted"))]
    return children if rule.get("rule") == "dependency-edge" and children else [rule, *children]


def _some(title: str, items: list[str]) -> list[str]:
    items = list(dict.fromkeys(items))
    more = [f"and {len(items) - NODES} more"] if len(items) > NODES else []
    return [title, "", *bullets([*items[:NODES], *more])] if items else []


def unknown(document: Document) -> list[str]:
    """The gaps: what nobody told, and what could not be concluded."""
    return [text for text, holds in _gaps(document) if holds]


def _gaps(document: Document) -> Iterator[tuple[str, bool]]:
    alerts = document.get("alerts") or ()
    questions = document.get("questions") or {}
    status = {key: (answer or {}).get("status") for key, answer in questions.items()}
    roles = {change.get("role") for change in document.get("changes") or ()}
    over = document.get("status") in ("resolved", "closed")
    yield "Where it begins: no member stands out as the probable origin.", not document.get("origin")
    yield from _no_catalogue(document)
    yield "What changed: nobody has reported any change yet.", status.get("what_changed") == "unknown"
    here = " here" if (questions.get("what_changed") or {}).get("evidence") else ""
    yield f"What changed: no change was reported{here} shortly before.", status.get("what_changed") == "none"
    yield "What would mend it: no recent change points to a fix.", status.get("likely_fix") == "unknown"
    yield (
        "What ended it: no change was reported after which the alerts ended.",
        over and "repair" not in roles,
    )
    lost = sum(alert.get("status") == "unknown" for alert in alerts)
    yield f"Whether {lost} alert{'s' * (lost != 1)} still fire: their source has not been heard.", lost > 0
    nameless = sum(not alert.get("service") for alert in alerts)
    yield f"What {nameless} alert{'s' * (nameless != 1)} are about: no label names a service.", nameless > 0
    mute = sum(alert.get("symptom") == "" for alert in alerts)
    yield f"What kind of trouble {mute} alert{'s' * (mute != 1)} tell of: no word of the name says.", mute > 0
    yield "How it ends: it is not over.", not over


def _no_catalogue(document: Document) -> Iterator[tuple[str, bool]]:
    for rule in (document.get("why") or {}).get("children") or ():
        hint = str(rule.get("hint", ""))
        if rule.get("rule") == "dependency-edge" and not rule.get("counted"):
            yield f"Who calls whom: {literal(hint, 200)}.", hint.startswith("no catalogue")


def undelivered(document: Document) -> list[str]:
    rows = [_undelivered(row) for row in document.get("deliveries") or () if row.get("status") != "delivered"]
    return table(("UTC", "Receiver", "Status", "Attempts", "Detail"), cut(rows, NODES, "pages"))


def _undelivered(row: Document) -> list[str]:
    return [
        clock(row.get("at")),
        literal(row.get("receiver") or "nobody", 80),
        literal(delivered_words(str(row.get("status"))), 40),
        str(row.get("attempts", "")),
        literal(row.get("detail", ""), 200),
    ]
