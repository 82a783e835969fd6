"""What watches, and what goes out in parts: alerts of Prometheus that are gone or told to nobody, playbooks
of Ansible that take all hosts at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.infrastructure.alertmanager import of_receivers
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import ending, is_lower, judged, line_at, place_of, rules_of, shown
from core.risk.rules.yamldocs import Map, documents, line_of, map_at, rows_at

wanted = ending(".yaml", ".yml", ".rules")
# Alerts that are named of those that went together.
_NAMED = 5


class _Alert(NamedTuple):
    file: TouchedFile
    name: str
    expression: str
    severity: str
    line: int


def _matches(change: ChangeSet) -> Iterator[Match]:
    before: list[_Alert] = []
    after: list[_Alert] = []
    for file in judged(change, wanted):
        if not is_lower(file.path):
            before += _alerts(file, file.before)
            after += _alerts(file, file.after)
            if "serial" in (file.before or "") and file.after is not None:
                yield from _at_once(file)
            yield from of_receivers(file)
    names, expressions = {one.name for one in after}, {one.expression for one in after}
    lost = [one for one in before if one.name not in names and one.expression not in expressions]
    yield from _removed(lost)


def _removed(lost: list[_Alert]) -> Iterator[Match]:
    """One match for a file and level: alerts that go together went from one place."""
    together: dict[tuple[str, Level], list[_Alert]] = {}
    for one in lost:
        level: Level = "low" if one.severity in ("info", "none") else "medium"
        together.setdefault((one.file.path, level), []).append(one)
    for (_, level), (first, *others) in together.items():
        names = list(dict.fromkeys(one.name for one in (first, *others)))
        said = _and(names)
        what = (
            f"The alerts {said} are removed: nobody is told of these any more."
            if len(names) > 1
            else f"The alert {said} is removed: nobody is told of it any more."
        )
        clears = "Say which other alert tells of it, or why it needs nobody."
        yield _match(first.file, "alert-removed", level, what, clears, first.line)


def _and(names: list[str]) -> str:
    """The first of them in words, and how many more."""
    more = len(names) - _NAMED
    if more > 0:
        return f"{', '.join(names[:_NAMED])} and {more} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _alerts(file: TouchedFile, text: str | None) -> Iterator[_Alert]:
    if not text or "alert:" not in text:
        return
    for document in documents(text) or ():
        body = map_at(document, "spec") if map_at(document).get("kind") == "PrometheusRule" else document
        for group in rows_at(body, "groups"):
            for row in rows_at(group, "rules"):
                if isinstance(row.get("alert"), str):
                    expression = " ".join(str(row.get("expr")).split())
                    severity = str(map_at(row, "labels").get("severity"))
                    yield _Alert(file, row["alert"][:200], expression, severity, line_of(row, "alert"))


def _at_once(file: TouchedFile) -> Iterator[Match]:
    now = {_title(play): play for play in _plays(file.after)}
    for play in _plays(file.before):
        other = now.get(_title(play))
        if _in_parts(play) and other is not None and not _in_parts(other):
            what = f"The play on {play.get('hosts')} takes all its hosts at once from now on."
            clears = "Keep `serial`, so that a fault is met on a few hosts first."
            yield _match(file, "ansible-all-at-once", "medium", what, clears, line_of(play, "serial"))


def _plays(text: str | None) -> list[Map]:
    return [play for play in rows_at({"plays": (documents(text) or [None])[0]}, "plays") if "hosts" in play]


def _title(play: Map) -> str:
    return f"{play.get('name')} {play.get('hosts')}"[:500]


def _in_parts(play: Map) -> bool:
    serial: Any = play.get("serial")
    return serial is not None and str(serial).strip() not in ("100%", "0", "[]")


def _match(file: TouchedFile, rule: str, level: Level, what: str, clears: str, line: int) -> Match:
    """Of what stood at this line of the old file."""
    evidence = line_at(file.before, line)
    return Match(rule, level, shown(what), clears, file.path, place_of(file, line), evidence)


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "alert-removed",
        "An alert is removed",
        "What nobody is told of is found by users.",
        "Google SRE workbook, Alerting on SLOs: https://sre.google/workbook/alerting-on-slos/",
    ),
    _rule(
        "alert-not-told",
        "Alerts go to a receiver that tells nobody",
        "The rule still fires and everything looks watched, but nobody hears of it.",
        "Prometheus, Alertmanager configuration: https://prometheus.io/docs/alerting/latest/configuration/",
    ),
    _rule(
        "ansible-all-at-once",
        "A playbook no longer goes host by host",
        "A mistake reaches every host before anybody sees it.",
        "Ansible, Setting the batch size with serial: "
        "https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_strategies.html",
    ),
)
