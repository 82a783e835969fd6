"""What nobody could look at is a match, and what was read is what git has, line by line."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules import RULES
from evals.risk.corpus import change_of, known_of, load
from tests.repositories import Repository
from tests.unit.test_risk_git import read

OWN = (
    "risk-policy-changed",
    "risk-files-left-out",
    "risk-file-cut",
    "risk-binary-text",
    "risk-line-hidden",
)


def matched(change: ChangeSet, known: Known | None = None) -> list[tuple[str, str]]:
    rules = [rule for rule in RULES if rule.id in OWN]
    return [(one.rule, one.path) for rule in rules for one in rule.find(change, known or Known())]


def test_the_cases_of_the_policy_file() -> None:
    cases = [case for case in load() if case.family == "policy" and set(case.rules) <= set(OWN)]
    assert len(cases) >= 4
    for case in cases:
        found = {rule for rule, _ in matched(change_of(case), known_of(case))}
        assert found == (set(case.rules) if case.danger else set()), case.name


def test_a_policy_that_is_moved_away_is_changed_too() -> None:
    moved = TouchedFile("old/policy.yml", "renamed", ".watchkeeper.yml")
    assert matched(ChangeSet(files=(moved,))) == [("risk-policy-changed", "old/policy.yml")]


def test_what_was_not_read_matches_once() -> None:
    cut = tuple(TouchedFile(f"src/{number}.py", cut=True) for number in range(3))
    aside = (TouchedFile("docs/a.md", cut=True), TouchedFile("vendor/x.py", binary=True))
    found = matched(ChangeSet(files=(*cut, *aside), left_out=7))
    assert found == [("risk-files-left-out", ""), ("risk-file-cut", "src/0.py")]
    assert matched(ChangeSet(files=aside)) == []


def test_text_that_is_no_text() -> None:
    files = (
        TouchedFile("db/7.sql", "added", binary=True),
        TouchedFile("logo.png", "added", binary=True),
        TouchedFile("db/6.sql", "deleted", binary=True),
    )
    assert matched(ChangeSet(files=files)) == [("risk-binary-text", "db/7.sql")]


def applied(before: Sequence[str], removed: Sequence[Line], added: Sequence[Line]) -> list[str]:
    """What the lines say that became of `before`; a line that is not there as told fails."""
    gone = dict(removed)
    kept = iter([text for number, text in enumerate(before, 1) if gone.pop(number, None) != text])
    assert not gone
    made = dict(added)
    numbers = range(1, len(before) - len(removed) + len(added) + 1)
    found = [made.pop(number) if number in made else next(kept) for number in numbers]
    assert not made
    return found


def test_lines_lead_from_before_to_after(tmp_path: Path) -> None:
    """Contents that look like a patch, without end, empty, repeated."""
    dice = random.Random(11)
    words = [
        "",
        "a",
        "+a",
        "-a",
        "--- a",
        "+++ b",
        "@@ -1 +1 @@",
        "diff --git a b",
        "index 1..2",
        "\\ No newline",
        "é",
    ]

    def text() -> str:
        lines = dice.choices(words, k=dice.randrange(12))
        return "\n".join(lines) + ("\n" if dice.random() < 0.7 and lines else "")

    before = {f"f{number}": text() for number in range(150)}
    after = {name: text() for name in before}
    repo = Repository(tmp_path / "checkout")
    repo.commit(dict(before))
    repo.branch("work")
    repo.commit(dict(after))
    files = read(repo).files
    assert {file.path for file in files} == {name for name in before if before[name] != after[name]}
    for file in files:
        old, new = (lines_of(texts[file.path]) for texts in (before, after))
        assert applied(old, file.removed, file.added) == new, file
        assert (file.insertions, file.deletions) == (len(file.added), len(file.removed))


def lines_of(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
