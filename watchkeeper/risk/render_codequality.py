"""The check as a code quality report, which GitLab shows beside the lines of a merge request."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

from core.narrative.plain import one_line
from core.risk.rules import Match
from watchkeeper.risk.logs import json_for_logs
from watchkeeper.risk.report import Report
from watchkeeper.risk.rows import clears

_SEVERITIES = {"low": "info", "medium": "minor", "high": "major", "critical": "blocker"}
_MOST = 5_000


def render_codequality(report: Report) -> str:
    """Only ASCII; ends with a line's end. What is of the change as a whole has no place in this form."""
    seen: Counter[str] = Counter()
    rows = [_row(match, seen) for match in report.assessment.matches if match.path]
    return json_for_logs(json.dumps(rows[:_MOST], indent=1)) + "\n"


def _row(match: Match, seen: Counter[str]) -> dict[str, Any]:
    told = "\0".join((match.rule, match.path, match.evidence or match.what))
    seen[told] += 1
    name = f"{told}\0{seen[told]}".encode("utf-8", "surrogatepass")
    return {
        "description": f"{one_line(match.what, 300)} Clears: {clears(match)}",
        "check_name": match.rule,
        "fingerprint": hashlib.sha256(name).hexdigest()[:32],
        "severity": _SEVERITIES[match.level],
        "location": {"path": match.path, "lines": {"begin": max(1, match.line)}},
    }
