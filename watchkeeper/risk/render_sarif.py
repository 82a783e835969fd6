"""The check as SARIF 2.1.0, for code scanning: a result a place, with a fingerprint that outlives lines."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import quote

from core.narrative.plain import one_line
from core.risk.assess import Suppressed
from core.risk.policy import POLICY_FILE
from core.risk.rules import Match, RiskRule
from watchkeeper.risk.logs import json_for_logs
from watchkeeper.risk.report import Report, apart, rule_of
from watchkeeper.risk.rows import clears
from watchkeeper.version import VERSION

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/watchkeeper/watchkeeper"
_LEVELS = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}
# What code scanning sorts by, 0 to 10.
_SEVERITY = {"low": "3.0", "medium": "5.0", "high": "8.0", "critical": "9.5"}
_ADDRESS = re.compile(r"https?://[^\s<>\\()\"']{1,500}")
# Code scanning takes 25,000 results of a run.
_MOST = 5_000


def render_sarif(report: Report) -> str:
    """Only ASCII; ends with a line's end."""
    return json_for_logs(json.dumps(document(report), indent=1)) + "\n"


def document(report: Report) -> dict[str, Any]:
    found = report.assessment
    accepted = {id(one.match): one for one in found.suppressed}
    matches = [*found.matches, *(one.match for one in found.suppressed)][:_MOST]
    ids = sorted({match.rule for match in matches})
    seen: Counter[str] = Counter()
    driver = {
        "name": "Watchkeeper",
        "version": VERSION,
        "informationUri": _HOME,
        "rules": [_rule(name, matches) for name in ids],
    }
    # Code scanning refuses a result without a place.
    fallback = next(iter(report.files), POLICY_FILE)
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "watchkeeper-risk/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(match, ids, seen, accepted.get(id(match)), fallback) for match in matches],
        "properties": {
            "verdict": found.verdict,
            "failed": report.failed,
            "notJudged": [one_line(row, 500) for row in report.unjudged],
            "leftAlone": apart(report),
        },
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, matches: list[Match]) -> dict[str, Any]:
    first = next(match for match in matches if match.rule == name)
    rule = rule_of(first)
    title = rule.title if rule else name
    return {
        "id": name,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": rule.why if rule else title},
        "help": {"text": f"{rule.why} Source: {rule.source}" if rule else title},
        "defaultConfiguration": {"level": _LEVELS[first.level]},
        "properties": {"security-severity": _SEVERITY[first.level], "tags": ["deploy-risk"]},
        **_link(rule),
    }


def _link(rule: RiskRule | None) -> dict[str, str]:
    found = _ADDRESS.search(rule.source) if rule else None
    return {"helpUri": found[0].rstrip(".,;")} if found else {}


def _result(
    match: Match, ids: list[str], seen: Counter[str], accepted: Suppressed | None, fallback: str
) -> dict[str, Any]:
    print_of = _fingerprint(match)
    seen[print_of] += 1
    evidence = f" Found: {one_line(match.evidence)}" if match.evidence else ""
    row: dict[str, Any] = {
        "ruleId": match.rule,
        "ruleIndex": ids.index(match.rule),
        "level": _LEVELS[match.level],
        "message": {"text": f"{one_line(match.what, 500)}{evidence} Clears: {clears(match, 500)}"},
        "partialFingerprints": {"watchkeeperRisk/v1": f"{print_of}:{seen[print_of]}"},
        "locations": [_location(match.path or fallback, match.line)],
        "properties": {"level": match.level},
    }
    if accepted is not None:
        why = f"{one_line(accepted.reason)} ({one_line(accepted.by, 60)}, until {accepted.expires})"
        row["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return row


def _location(path: str, line: int) -> dict[str, Any]:
    """A place without a line is the file's beginning: viewers show nothing else."""
    address = quote(path.encode("utf-8", "surrogatepass"), safe="/-._~")
    physical = {
        "artifactLocation": {"uri": address, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": max(1, line)},
    }
    return {"physicalLocation": physical}


def _fingerprint(match: Match) -> str:
    """Of the rule, the file and the evidence: a line that moves stays the same finding."""
    told = "\0".join((match.rule, match.path, match.evidence or match.what))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
