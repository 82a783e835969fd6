"""The check for machines: one JSON object. Keys stay; new ones may come."""

from __future__ import annotations

from typing import Any

import msgspec

from core.risk.model import Score
from core.risk.rules import Match
from core.times import format_rfc3339
from watchkeeper.risk.logs import json_for_logs
from watchkeeper.risk.report import Report, rule_of
from watchkeeper.version import VERSION


def document(report: Report) -> dict[str, Any]:
    """Probabilities and weights are in thousandths, the latter of log-odds."""
    found = report.assessment
    return {
        "version": VERSION,
        "verdict": found.verdict,
        "level": found.level,
        "mode": report.mode,
        "failed": report.failed,
        "base": report.base,
        "head": report.head,
        "start": report.start,
        "title": report.title,
        "services": list(report.services),
        "counts": msgspec.to_builtins(report.counts),
        "matches": [_match(match) for match in found.matches],
        "more": dict(found.more),
        "suppressed": [
            {**_match(one.match), "reason": one.reason, "by": one.by, "expires": one.expires}
            for one in found.suppressed
        ],
        "probability": _chance(report.chance, report.learned_from),
        "unjudged": list(report.unjudged),
        "broken": list(found.broken),
        "notes": list(report.notes),
        "repository": report.repository,
        "url": report.url,
        "at": format_rfc3339(report.at) if report.at else None,
        "files": list(report.files),
        "merged_as": report.merged_as,
        "left_alone": list(report.left_alone),
    }


def _match(match: Match) -> dict[str, Any]:
    rule = rule_of(match)
    about = (
        {"title": rule.title, "why": rule.why, "source": rule.source, "policy": rule.policy} if rule else {}
    )
    return {**msgspec.to_builtins(match), **about}


def _chance(chance: Score | None, learned_from: str) -> dict[str, Any] | None:
    if chance is None:
        return None
    terms = [{"feature": one.feature, "value": one.value, "weight": one.weight} for one in chance.terms]
    return {"thousandths": chance.probability, "terms": terms, "learned_from": learned_from}


def render_json(report: Report) -> str:
    """Ends with a line's end. Only ASCII, so that no terminal is told anything."""
    import json

    return json_for_logs(json.dumps(document(report), indent=1)) + "\n"
