"""Hostile checkouts, names and words: they are data, run nothing, hide nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import InputError
from core.risk.change import Line
from tests.repositories import Repository
from tests.unit.test_risk_git import only, read
from watchkeeper.risk.git import Git


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


def test_hostile_names_are_names(repo: Repository, tmp_path: Path) -> None:
    names = [
        "$(touch run)", "; rm -rf x", "-flag", "--output=x", "new\nline", "tab\there", 'quo"te',
        "back\\slash",
        "\u202egpj.exe", "::warning::x", "<script>", "@everyone", " lead", "café", "a b/c d",
        "diff --git a b",
    ]  # fmt: skip
    repo.commit({"start": "1\n"})
    repo.branch("work")
    repo.commit({name: f"+++ b/{number}\n@@ -1 +1 @@\n" for number, name in enumerate(names)})
    (repo.path / os.fsdecode(b"bad\xff\xfe")).write_bytes(b"--- \xff\n")
    repo.commit({}, "More")
    change = read(repo)
    found = {file.path: file for file in change.files}
    assert set(found) == {*names, "bad\\xff\\xfe"}
    assert found["bad\\xff\\xfe"].added == (Line(1, "--- \\xff"),)
    for number, name in enumerate(names):
        assert found[name].added == (Line(1, f"+++ b/{number}"), Line(2, "@@ -1 +1 @@"))
    assert not (repo.path / "run").exists()


def test_hostile_words_are_words(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("x';$(touch${IFS}run);'")
    words = "$(touch run) `touch run` ::error::x @everyone <script>\n\n\x1b[2J\u202e--exec=touch\n"
    repo.commit({"a": "2\n"}, words)
    change = read(repo, "main", "x';$(touch${IFS}run);'")
    assert change.title == "$(touch run) `touch run` ::error::x @everyone <script>"
    assert "--exec=touch" in change.description
    assert not (repo.path / "run").exists()


@pytest.mark.parametrize("revision", ["-h", "--output=x", "", "a\nb", "a\0b"])
def test_what_is_no_revision_is_refused(repo: Repository, revision: str) -> None:
    repo.commit({"a": "1\n"})
    with Git(repo.path) as git, pytest.raises(InputError, match="not a revision"):
        git.commit(revision)


def test_nothing_of_a_hostile_checkout_runs(repo: Repository, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    script.chmod(0o755)
    repo.commit({"a.txt": "1\n", "b.sql": "1\n"})
    repo.branch("work")
    repo.commit({"a.txt": "2\n", "b.sql": "2\n", ".gitattributes": "* diff=evil filter=evil\n*.sql binary\n"})
    for name in (
        "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.smudge", "filter.evil.clean",
        "core.fsmonitor", "core.pager", "core.sshCommand", "pager.log", "pager.diff", "gpg.program",
        "core.alternateRefsCommand", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        repo.git("config", name, str(script))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "alias.diff-tree", f"!{script}")
    repo.git("config", "core.hooksPath", str(tmp_path))
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "attributes").write_text("* diff=evil\n*.txt -diff\n")
    found = {file.path: file for file in read(repo).files}
    assert not ran.exists()
    # Attributes would have hidden both.
    assert found["a.txt"].added == found["b.sql"].added == (Line(1, "2"),)


def test_what_the_caller_set_for_git_counts_for_nothing(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"a": "2\n"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "broken")
    assert only(read(repo)).added == (Line(1, "2"),)


def test_replaced_objects_are_not_believed(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"a": "danger\n"})
    shown = repo.git("hash-object", "-w", "--stdin", given=b"harmless\n")
    repo.git("replace", repo.git("rev-parse", "HEAD:a"), shown)
    assert only(read(repo)).after == "danger\n"
