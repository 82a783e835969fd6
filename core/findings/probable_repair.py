"""Finding probable-repair: a change where the trouble began, after which its alerts ended.

It is looked for once nothing fires any more, and only among changes that are no suspects themselves. It says
what probably ended the incident; it is no proof, and its confidence says how near the end it was.
"""

from __future__ import annotations

from core.correlation.reach import calls_to
from core.findings.case import Case, finding, shortened
from core.findings.probable_origin import rank
from core.findings.recent_change import describe, matches, order
from core.model.entity import Entity
from core.model.finding import Finding, Why
from core.model.incident import Change
from core.times import spoken

kind = "probable-repair"


def find(case: Case) -> tuple[list[Finding], Why]:
    if any(episode.status != "resolved" for episode in case.members):
        return [], Why(kind, "No repair yet", counted=False, hint="not all alerts have ended")
    origins = rank(case)
    if not origins:
        return [], Why(kind, "No repair", counted=False, hint="the origin is unknown")
    rows = [(change, _why(case, origins[0].entity, change)) for change in case.changes]
    seen = [(change, why) for change, why in rows if why is not None]
    seen.sort(key=lambda row: (not row[1].counted, -_confidence(row[1]), order(row[0])))
    findings = [finding(case, kind, c.id, _confidence(why), why) for c, why in seen if why.counted][:1]
    children = shortened([why for _, why in seen], kind)
    if findings:
        return findings, Why(kind, findings[0].summary, evidence=findings[0].evidence, children=children)
    lookback = spoken(case.rules.recent_change.lookback)
    hint = f"no change in the {lookback} after the start came before the end of the origin's alerts"
    return [], Why(kind, "No repair", counted=False, hint=hint, children=children)


def _why(case: Case, origin: Entity, change: Change) -> Why | None:
    """None for what is not where the trouble began, or came before it."""
    hops = calls_to(case.catalogue, origin, change.event, case.rules.recent_change.hops)
    if hops is None or change.event.at <= case.onset(origin):
        return None
    rule, end = case.rules.probable_repair, _end(case, origin)
    before_end = end - change.event.at
    undoes = _undoes(case, change)
    worth = rule.worth * (1000 - 500 * max(before_end, 0) // rule.window) // 1000
    worth += rule.undoes * undoes - hops * case.rules.recent_change.hop_penalty
    summary = f"{describe(change.event)}, {spoken(before_end)} before the alerts of {origin.service} ended"
    hint = ""
    if before_end < 0:
        summary, hint = f"{describe(change.event)}", f"the alerts had ended {spoken(before_end)} before"
    elif before_end > rule.window:
        hint = f"the window is {spoken(rule.window)}"
    elif _suspect(case, change):
        hint = "it is a suspect itself"
    terms: dict[str, int | str] = {"before_end_ms": before_end, "hops": hops, "undoes": undoes}
    if not hint:
        terms["confidence"] = max(1, min(1000, worth))
    return Why(kind, summary, not hint, hint, terms, (change.id,))


def _end(case: Case, origin: Entity) -> int:
    return max(episode.ends_at or episode.starts_at for episode in case.groups[origin])


def _suspect(case: Case, change: Change) -> bool:
    match = matches(case, change)
    return match is not None and not match.hint


def _undoes(case: Case, change: Change) -> int:
    """1 when a suspect change on the same service, of the same kind, went before it."""
    event = change.event
    return int(
        any(
            (other.event.kind, other.event.service) == (event.kind, event.service)
            and other.event.at < event.at
            and _suspect(case, other)
            for other in case.changes
        )
    )


def _confidence(why: Why) -> int:
    return int(why.terms.get("confidence", 0))
