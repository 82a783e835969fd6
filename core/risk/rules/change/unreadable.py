"""YAML that no rule could read: broken, too deep or too large when expanded, or a template.

A rule that asks such a file finds nothing in it. What was readable before, or is new, is told so that nobody
takes that for approval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import chart_of
from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.rules.reading import differing
from core.risk.rules.rule import Match, RiskRule, quoted
from core.risk.rules.touched import left_alone, line_at
from core.risk.rules.yamldocs import documents, fault_of
from core.risk.rules.yamltemplates import is_template

_ENDS = (".yaml", ".yml")
_IN_CHARTS = re.compile(r"(?:[^.].*/)?charts/[^/]+/templates/.+", re.DOTALL)
_MEND = "Make it YAML that a parser takes (`yamllint`), less deep or less large, or have a person read it"
_RENDER = "Have the rendered manifests judged, such as those of `helm template`, or have a person read it"


def _found(change: ChangeSet, known: Known) -> Iterator[Match]:
    there = {*known.beside, *(one.path for one in change.files if one.status != "deleted")}
    for file in change.files:
        if file.after is None or file.binary or not file.path.lower().endswith(_ENDS) or left_alone(file):
            continue
        old, new = differing(file.before, file.after)
        if new and documents(new) is None and (fault := fault_of(new)) is not None:
            yield _match(file, old, new, *fault, of_chart=_is_of_chart(file.path, there))


def _is_of_chart(path: str, there: set[str]) -> bool:
    """A template that Helm renders, not one that is called so."""
    return _IN_CHARTS.fullmatch(path) is not None or chart_of(path) in there


def _match(file: TouchedFile, old: str | None, text: str, why: str, line: int, *, of_chart: bool) -> Match:
    shown = line_at(text, line) or quoted(text[:200])
    if of_chart and is_template(text) and line:
        what = "A template that is not rendered: nothing is said of it."
        return Match("risk-yaml-unread", "low", what, _RENDER, file.path, line, shown)
    was = old is not None and documents(old) is None
    what = f"No rule can read it, {'as before' if was else 'and nothing is said of it'}: {why}."
    return Match("risk-yaml-unread", "low" if was else "medium", what, _MEND, file.path, line, shown)


rules = (
    RiskRule(
        "risk-yaml-unread",
        "YAML that cannot be read",
        "A rule that saw nothing because it could not look says nothing of the danger.",
        "YAML 1.2.2, Processes and Models, Loading Failure Points: https://yaml.org/spec/1.2.2/#33-loading-failure-points",
        _found,
        lambda path: path.lower().endswith(_ENDS),
    ),
)
