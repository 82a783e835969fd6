"""Unified diffs as texts: files, lines and counts as git means them, whatever is in a file or in its name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from core.risk.change import Line, TouchedFile
from core.risk.unified import LONGEST_LINE, files_of, patched


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_diff_of_git_is_read_file_by_file(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "kept.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "gone.sql").write_text("SELECT 1;\n")
    (tmp_path / "old name.py").write_text("".join(f"line {n}\n" for n in range(30)))
    (tmp_path / "raw.bin").write_bytes(b"\0\1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "kept.txt").write_text("one\n-- 2\n++ 3\nthree")
    (tmp_path / "gone.sql").unlink()
    (tmp_path / "old name.py").rename(tmp_path / "new näme.py")
    (tmp_path / "raw.bin").write_bytes(b"\0\2")
    (tmp_path / "empty").touch()
    git(tmp_path, "add", ".")
    found, left_out = files_of(git(tmp_path, "diff", "--cached", "-M"))
    by_path = {one.path: one for one in found}
    assert left_out == 0
    assert set(by_path) == {"kept.txt", "gone.sql", "new näme.py", "raw.bin", "empty"}
    assert [line.text for line in by_path["kept.txt"].added] == ["-- 2", "++ 3", "three"]
    assert by_path["kept.txt"].removed == (Line(2, "two"), Line(3, "three"))
    assert (by_path["gone.sql"].status, by_path["gone.sql"].before) == ("deleted", "SELECT 1;\n")
    assert by_path["kept.txt"].after is None
    assert (by_path["new näme.py"].status, by_path["new näme.py"].old_path) == ("renamed", "old name.py")
    assert by_path["raw.bin"].binary
    assert by_path["empty"].status == "added"


def test_plain_diffs_are_read_too() -> None:
    text = "--- a.txt\t2026-11-20 10:00\n+++ a.txt\t2026-11-21 10:00\n@@ -1 +1 @@\n-x\n+y\n"
    [file], _ = files_of(text)
    assert (file.path, file.added, file.removed) == ("a.txt", (Line(1, "y"),), (Line(1, "x"),))


def test_lines_of_a_file_are_never_lines_of_the_diff() -> None:
    """A hostile file shows a diff of another file in its own lines."""
    inner = ["diff --git a/evil b/evil", "--- a/evil", "+++ b/evil", "@@ -1 +1 @@", "+drop"]
    body = "".join(f"+{line}\n" for line in inner)
    head = "diff --git a/x.md b/x.md\nnew file mode 100644\n--- /dev/null\n+++ b/x.md\n"
    [file], _ = files_of(f"{head}@@ -0,0 +1,{len(inner)} @@\n{body}")
    assert file.path == "x.md"
    assert [line.text for line in file.added] == inner


@pytest.mark.parametrize(
    "text",
    ["", "@@", "@@ -1 +1 @@", "+++ ", "diff --git ", "\0\n" * 9, '+++ "b/\\777\\400"', "@@ -9 +9 @@\n+"],
)
def test_what_is_no_diff_raises_nothing(text: str) -> None:
    assert isinstance(files_of(text)[0], tuple)


def test_long_lines_and_many_files_are_cut_and_said() -> None:
    one = "--- a/{0}\n+++ b/{0}\n@@ -0,0 +1 @@\n+{1}\n"
    found, left_out = files_of("".join(one.format(n, "x" * 3_000) for n in range(5)), most=3)
    assert (len(found), left_out) == (3, 2)
    assert found[0].cut
    assert len(found[0].added[0].text) == LONGEST_LINE


def test_a_patch_that_ends_too_early_is_cut() -> None:
    file = patched("@@ -1,2 +1,3 @@\n a\n+b", TouchedFile("x", insertions=1))
    assert file.cut
    assert file.added == (Line(2, "b"),)
    assert patched("@@ -1 +1 @@\n-a\n+b", TouchedFile("x", insertions=7)).cut
