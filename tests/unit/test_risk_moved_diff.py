"""Files that move to where they are run, in a diff without its repository: as git's path has it, and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.unified import files_of
from tests.repositories import Repository
from watchkeeper.risk.asking import Question, Told, change_of, decided
from watchkeeper.risk.git import Git
from watchkeeper.risk.judging import newly_run
from watchkeeper.risk.reading import read_change, resolve

DROP = "".join(f"DROP TABLE old_{number};\n" for number in range(12))
MOVES = [
    ("docs/drop.sql", "migrations/0002_drop.sql"),
    ("notes/ci.txt", ".github/workflows/ci.yml"),
    ("tests/fixtures/pod.yaml", "deploy/pod.yaml"),
    ("deploy/pod.yaml.disabled", "deploy/pod.yaml"),
    ("migrations/1.sql", "migrations/2.sql"),
    ("docs/a.sql", "docs/b.sql"),
    ("deploy/pod.yaml", "tests/pod.yaml"),
]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


def asked(diff: str) -> ChangeSet:
    change = change_of(Question("checkout", diff=diff))
    assert change is not None
    return change


def answer(diff: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    told = Told(Known(), None, listed=True)
    document = decided(Question("checkout", diff=diff), told, asked(diff), 0).document
    return [(row["rule"], row["level"], row["place"]) for row in document["reasons"]], document["not_judged"]


def moved(old: str, new: str, how: str = "rename", percent: int = 100) -> str:
    return f"diff --git a/{old} b/{new}\nsimilarity index {percent}%\n{how} from {old}\n{how} to {new}\n"


@pytest.mark.parametrize(("old", "new"), MOVES)
def test_both_ways_see_the_same_files_come_and_go(repo: Repository, old: str, new: str) -> None:
    repo.commit({old: DROP})
    repo.branch("work")
    repo.commit({old: None, new: DROP})
    with Git(repo.path) as git:
        read = read_change(git, resolve(git, "main", "work"), lambda path: True, anew=newly_run)
    change = asked(repo.git("diff", "-M", "main", "work"))
    assert [(one.path, one.status) for one in change.files] == [(one.path, one.status) for one in read.files]


def test_text_that_is_not_at_hand_is_said() -> None:
    reasons, gaps = answer(moved("docs/drop.sql", "migrations/0002_drop.sql"))
    assert ("risk-file-cut", "medium", "migrations/0002_drop.sql") in reasons
    assert ("sql-unread", "medium", "migrations/0002_drop.sql") in reasons
    assert "Came to where it is run, and its text is not at hand: migrations/0002_drop.sql" in gaps
    assert not any("Too long" in gap for gap in gaps)


def test_lines_that_the_diff_shows_are_judged() -> None:
    piece = "@@ -1,0 +2,1 @@\n+        continue-on-error: true\n"
    diff = moved("notes/ci.txt", ".github/workflows/ci.yml", percent=90)
    text = f"{diff}--- a/notes/ci.txt\n+++ b/.github/workflows/ci.yml\n{piece}"
    [file] = [one for one in asked(text).files if one.status == "added"]
    assert [line.number for line in file.added] == [2]
    assert file.arrived_unseen


def test_a_copy_is_a_new_file_and_the_old_one_stays() -> None:
    [file] = asked(moved("migrations/1.sql", "migrations/2.sql", "copy")).files
    assert (file.path, file.status, file.arrived_unseen) == ("migrations/2.sql", "added", True)
    [aside] = asked(moved("migrations/1.sql", "docs/1.sql", "copy")).files
    assert aside.status == "copied"
    assert files_of(moved("a", "b", "copy"))[0][0].status == "copied"


@pytest.mark.parametrize(("old", "new"), MOVES[4:])
def test_a_move_that_brings_nothing_to_run_is_quiet(old: str, new: str) -> None:
    reasons, gaps = answer(moved(old, new))
    assert "risk-file-cut" not in {rule for rule, _, _ in reasons}
    assert not any("not at hand" in gap for gap in gaps)


def test_hostile_moves_are_names() -> None:
    text = moved("docs/\x1b[2J<b>.sql", "migrations/`$(x)`@all.sql")
    _, gaps = answer(text)
    assert all(gap.isprintable() for gap in gaps)
    assert isinstance(asked(moved("x", "x")), ChangeSet)
