"""The worst places as workflow commands of GitHub Actions, which shows ten errors and ten warnings of a step.

Texts are escaped as the runner reads them, so that no line of anybody's becomes a command of its own.
"""

from __future__ import annotations

from core.narrative.plain import one_line
from core.risk.rules import Match
from watchkeeper.risk.report import Report, rule_of
from watchkeeper.risk.rows import clears

# Of each kind; the runner drops the others without a word.
MOST = 10
_ERRORS = ("critical", "high")


def workflow_commands(report: Report) -> list[str]:
    """Lines to print, the worst first; low ones are not worth a mark in the code."""
    matches = [one for one in report.assessment.matches if one.level != "low"]
    errors = [_command("error", one) for one in matches if one.level in _ERRORS]
    warnings = [_command("warning", one) for one in matches if one.level not in _ERRORS]
    return errors[:MOST] + warnings[:MOST]


def _command(kind: str, match: Match) -> str:
    rule = rule_of(match)
    values = {"title": rule.title if rule else match.rule}
    if match.path:
        values = {"file": match.path, "line": str(max(1, match.line)), **values}
    given = ",".join(f"{name}={_value(value)}" for name, value in values.items())
    return f"::{kind} {given}::{_data(f'{match.what} Clears: {clears(match, 500)}')}"


def _data(text: str) -> str:
    return one_line(text, 1_000).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
