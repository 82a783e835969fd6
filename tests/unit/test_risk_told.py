"""What the check says of what it found: in which order, of how many places at once, and in which words."""

from __future__ import annotations

import pytest

from core.risk.assess import assess, ordered
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import HotFile, Known
from core.risk.policy import Policy
from core.risk.rules import Match, RiskRule
from core.risk.rules.change import habits, history


def file(path: str) -> TouchedFile:
    return TouchedFile(path, insertions=1)


def test_what_cannot_be_undone_and_one_place_of_each_rule_come_first() -> None:
    rows = [Match("ci-tests-removed", "high", "w", "c", "a.yml", n) for n in (1, 2)]
    rows += [
        Match(name, "high", "w", "c", "z.sql", 9) for name in ("sql-drop-column", "config-tls-unverified")
    ]
    rows += [Match("sql-drop-table", "medium", "w", "c", "a.sql", 1)]
    names = [(one.rule, one.line) for one in ordered(rows)]
    assert names == [
        ("sql-drop-column", 9), ("ci-tests-removed", 1), ("config-tls-unverified", 9),
        ("ci-tests-removed", 2), ("sql-drop-table", 1),
    ]  # fmt: skip
    assert ordered(reversed(rows)) == ordered(rows)


def test_evidence_of_a_removed_line_says_so() -> None:
    before, after = "a: 1\n  readinessProbe: x\n", "a: 1\nb: 2\n"
    rows = [Match("r", "low", "w", "c", "k.yaml", 1, text) for text in ("readinessProbe: x", "b: 2", "gone")]
    rule = RiskRule("r", "t", "w", "s", lambda change, known: rows)
    touched = TouchedFile(
        "k.yaml",
        added=(Line(2, "b: 2"),),
        removed=(Line(2, "  readinessProbe: x"),),
        before=before,
        after=after,
    )
    said = assess(ChangeSet(files=(touched,)), Known(), Policy(), (rule,))
    assert {one.evidence for one in said.matches} == {"removed: readinessProbe: x", "b: 2", "gone"}


@pytest.mark.parametrize(
    ("rule", "shown", "lasts"),
    [
        ("config-tls-unverified", "", False),
        ("tf-iam-wider", "", False),
        ("k8s-probe-removed", "", False),
        ("sql-index-blocks", "", False),
        ("sql-drop-column", "", True),
        ("cloud-data-replaced", "", True),
        ("squawk", "CREATE INDEX a ON b (c)", False),
        ("squawk", "ALTER TABLE a DROP COLUMN b", True),
    ],
)
def test_only_what_a_roll_back_leaves_asks_for_a_way_back(rule: str, shown: str, lasts: bool) -> None:
    danger = Match(rule, "high", "x", "y", "m.py", 1, shown)
    asked = RiskRule(rule, "t", "w", "s", lambda change, known: [danger])
    said = assess(ChangeSet(files=(file("m.py"),)), Known(), Policy(), (*habits.rules, asked))
    assert ("no-way-back" in [match.rule for match in said.matches]) is lasts


def test_evidence_that_names_what_is_gone_says_so() -> None:
    rows = [
        Match("r", "low", "w", "c", "gone.yaml", 0, "PodDisruptionBudget orders"),
        Match("r", "low", "w", "c", "api.yaml", 0, "POST /gift"),
        Match("r", "low", "w", "c", "api.yaml", 0, "GET /orders"),
        Match("r", "low", "w", "c", "api.yaml", 0, "/orders: 1 -> /gift"),
    ]
    rule = RiskRule("r", "t", "w", "s", lambda change, known: rows)
    deleted = TouchedFile("gone.yaml", status="deleted", removed=(Line(1, "kind: PodDisruptionBudget"),))
    touched = TouchedFile(
        "api.yaml",
        removed=(Line(2, "  /gift:"),),
        before="/orders:\n  /gift:\n",
        after="/orders:\n",
    )
    said = assess(ChangeSet(files=(deleted, touched)), Known(), Policy(), (rule,))
    assert sorted(one.evidence for one in said.matches) == [
        "/orders: 1 -> /gift", "GET /orders", "removed: POST /gift",
        "removed: PodDisruptionBudget orders",
    ]  # fmt: skip


def test_what_a_rule_looked_at_was_not_left_alone() -> None:
    row = Match("r", "high", "w", "c", "prompts/a.md", 3)
    rule = RiskRule("r", "t", "w", "s", lambda change, known: [row])
    files = (file("prompts/a.md"), file("docs/b.md"))
    said = assess(ChangeSet(files=files), Known(), Policy(), (rule,))
    assert said.left_alone == ("docs/b.md",)


def test_hot_files_of_one_incident_are_one_match() -> None:
    names = ("a.py", "b.py", "requirements.txt", "uv.lock")
    hot = tuple(HotFile(name, ("INC-1",), 1) for name in names)
    change = ChangeSet(files=tuple(file(name) for name in names))
    [match] = assess(change, Known(hot_files=hot), Policy(), history.rules).matches
    assert (match.rule, match.path, match.evidence) == ("hot-file", "a.py", "INC-1: a.py, b.py")
    assert match.what == "Judged changes to these 2 files caused an incident."
    alone = ChangeSet(files=(file("a.py"),))
    for incidents, changes, said in (
        (("I",), 1, "1 judged change to this file caused an incident."),
        (("I", "J"), 5, "2 of 5 judged changes to this file caused an incident."),
        (("I", "J"), 1, "1 judged change to this file caused 2 incidents."),
        (("I",), 0, "Judged changes to this file caused an incident."),
    ):
        known = Known(hot_files=(HotFile("a.py", incidents, changes),))
        assert [one.what for one in assess(alone, known, Policy(), history.rules).matches] == [said]
