"""Links and submodules where only a diff or GitHub's API is at hand, and the policy as the App reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.risk.change import ChangeSet, TouchedFile
from core.risk.unified import files_of
from tests.fake_github import BASE, HEAD, START, FakeGitHub
from tests.repositories import Repository
from tests.unit.test_github_work import Desk, row
from watchkeeper.risk.asking import Question, change_of
from watchkeeper.risk.git import Git
from watchkeeper.risk.judging import newly_run
from watchkeeper.risk.reading import read_change, resolve
from watchkeeper.risk.report import Report

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: pg}\n"
LINK = "120000"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with FakeGitHub() as github:
        made = Desk(github, tmp_path)
        made.work.start()
        try:
            yield made
        finally:
            made.work.stop()


def asked(diff: str) -> ChangeSet:
    change = change_of(Question("shop", diff=diff))
    assert change is not None
    return change


def stands(files: tuple[TouchedFile, ...]) -> list[tuple[str, str, str, str, bool]]:
    return [(one.path, one.status, one.instead, one.target, bool(one.removed)) for one in files]


def linked(repo: Repository, path: str, target: str) -> None:
    (repo.path / path).unlink(missing_ok=True)
    (repo.path / path).symlink_to(target)


def test_a_diff_and_a_checkout_see_the_same_links(repo: Repository) -> None:
    repo.commit({"k8s/turns.yaml": POD, "k8s/x.yaml": POD})
    linked(repo, "k8s/back.yaml", "x.yaml")
    linked(repo, "k8s/moves.yaml", "x.yaml")
    linked(repo, "k8s/goes.yaml", "x.yaml")
    repo.commit({})
    repo.branch("work")
    linked(repo, "k8s/turns.yaml", "../tests/a.yaml")
    linked(repo, "k8s/moves.yaml", "y.yaml")
    linked(repo, "k8s/new.yaml", "another/folder/of/pods.yaml")
    for gone in ("back", "goes"):
        (repo.path / f"k8s/{gone}.yaml").unlink()
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},sub")
    (repo.path / "sub").mkdir()
    repo.commit({"k8s/back.yaml": "kind: Service\n"})
    with Git(repo.path) as git:
        read = read_change(git, resolve(git, "main", "work"), lambda path: True, anew=newly_run)
    change = asked(repo.git("diff", "-M", "main", "work"))
    kinds = [(one.path, one.instead) for one in change.files]
    assert ("k8s/turns.yaml", "link") in kinds
    assert ("sub", "submodule") in kinds
    theirs = [one for one in stands(change.files) if one[2]]
    assert theirs == [one for one in stands(read.files) if one[2]]
    (back,) = [one for one in change.files if one.path == "k8s/back.yaml"]
    assert (back.status, back.instead, back.after) == ("added", "", "kind: Service\n")


def test_a_submodule_in_a_diff_without_modes() -> None:
    text = "--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-Subproject commit {}\n+Subproject commit {}\n"
    [file] = files_of(text.format("a" * 40, "b" * 40))[0]
    assert (file.status, file.instead, bool(file.removed)) == ("submodule", "submodule", True)
    [file] = files_of(text.format("of the study", "of the other study"))[0]
    assert (file.status, file.instead) == ("modified", "")


def test_a_mode_that_only_says_who_may_run_it_changes_nothing() -> None:
    [file] = files_of("diff --git a/x.sh b/x.sh\nold mode 100644\nnew mode 100755\n")[0]
    assert (file.status, file.instead) == ("modified", "")


def judged(desk: Desk, rows: list[dict[str, Any]]) -> Report:
    desk.github.repository.pull(1, rows)
    desk.opened()
    desk.quiet()
    return desk.told[-1]


def found(report: Report) -> set[tuple[str, str, str]]:
    return {(one.rule, one.level, one.path) for one in report.assessment.matches}


def test_the_app_tells_a_link_from_the_file_behind_it(desk: Desk) -> None:
    there = desk.github.repository
    there.modes["k8s/a.yaml", HEAD] = LINK
    there.texts["k8s/a.yaml", HEAD] = there.texts["k8s/a.yaml", START] = POD.encode()
    report = judged(desk, [row("k8s/a.yaml", "../tests/a.yaml", "modified")])
    assert ("risk-not-a-file", "medium", "k8s/a.yaml") in found(report)
    assert report.assessment.matches[0].evidence == "../tests/a.yaml"
    assert any("k8s/a.yaml" in one for one in report.unjudged)


def test_a_file_that_is_one_is_no_link(desk: Desk) -> None:
    desk.github.repository.texts["k8s/a.yaml", HEAD] = POD.encode()
    report = judged(desk, [row("k8s/a.yaml", POD.rstrip())])
    assert not any(rule == "risk-not-a-file" for rule, _, _ in found(report))
    assert not any("link" in one for one in report.unjudged)


@pytest.mark.parametrize("truncated", [True, False])
def test_the_app_says_when_it_cannot_tell_links(desk: Desk, truncated: bool) -> None:
    if truncated:
        desk.github.repository.truncated = True
    else:
        desk.github.fail("GET", f"/git/trees/{HEAD}", "422")
    report = judged(desk, [row("k8s/a.yaml", POD.rstrip())])
    assert any("a link may stand where a file is read" in one for one in report.unjudged)


def test_the_app_reads_a_manifest_that_moves_to_where_nobody_looks(desk: Desk) -> None:
    there = desk.github.repository
    there.texts["k8s/pg.yaml", START] = CLAIM.encode()
    there.texts["examples/pg.yaml", HEAD] = CLAIM.encode()
    moved = {
        "filename": "examples/pg.yaml", "previous_filename": "k8s/pg.yaml", "status": "renamed",
        "additions": 0, "deletions": 0, "sha": "1" * 40,
    }  # fmt: skip
    assert ("k8s-data-removed", "critical", "k8s/pg.yaml") in found(judged(desk, [moved]))


def test_the_other_name_of_the_policy_counts_for_the_app(desk: Desk) -> None:
    desk.github.repository.texts[".watchkeeper.yaml", BASE] = (
        b"mode: policy\nthresholds: {warn: low, hold: low}\n"
    )
    assert judged(desk, [row("db/migrations/1.sql")]).mode == "policy"
    assert desk.github.repository.runs[-1]["conclusion"] == "failure"


def two(desk: Desk) -> None:
    for name in (".watchkeeper.yml", ".watchkeeper.yaml"):
        desk.github.repository.texts[name, BASE] = b"mode: advisory\n"


def link(desk: Desk) -> None:
    desk.github.repository.modes[".watchkeeper.yml", BASE] = LINK
    desk.github.repository.texts[".watchkeeper.yml", BASE] = b"mode: advisory\n"


def binary(desk: Desk) -> None:
    desk.github.repository.texts[".watchkeeper.yml", BASE] = b"mode: advisory\n\0"


@pytest.mark.parametrize(("plant", "said"), [(two, "two policies"), (link, "no text"), (binary, "no text")])
def test_the_app_does_not_guess_at_a_policy(desk: Desk, plant: Any, said: str) -> None:
    plant(desk)
    desk.github.repository.pull(1, [row("src/a.py", "x = 1")])
    desk.opened()
    desk.quiet()
    [run] = desk.github.repository.runs
    assert (run["conclusion"], run["output"]["title"]) == ("failure", "Could not be judged")
    assert said in run["output"]["summary"]
    assert desk.told == []
