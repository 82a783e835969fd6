"""Changes read from real git checkouts: as a pull request shows them, bounded, and nothing of it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from core.risk.change import ChangeSet, Line, TouchedFile
from tests.repositories import Repository
from watchkeeper.risk.git import Git
from watchkeeper.risk.patch import LONGEST_LINE, Limits
from watchkeeper.risk.reading import read_change, resolve
from watchkeeper.risk.texts import texts


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


def read(
    repo: Repository,
    base: str = "main",
    head: str = "HEAD",
    *,
    exact: bool = False,
    wants: Callable[[str], bool] = lambda path: True,
    limits: Limits = Limits(),  # noqa: B008 - a tuple of numbers
    most_files: int = 3_000,
) -> ChangeSet:
    with Git(repo.path) as git:
        between = resolve(git, base, head, exact=exact)
        return read_change(git, between, wants, limits=limits, most_files=most_files)


def only(change: ChangeSet) -> TouchedFile:
    (file,) = change.files
    return file


def test_lines_with_their_numbers_and_whole_texts(repo: Repository) -> None:
    repo.commit({"a.py": "one\ntwo\nthree\n"})
    repo.branch("work")
    repo.commit({"a.py": "one\nTWO\nthree\nfour\n"}, "Add four\n\nBecause.\n", "Bob")
    change = read(repo)
    file = only(change)
    assert (file.path, file.status, file.insertions, file.deletions) == ("a.py", "modified", 2, 1)
    assert file.added == (Line(2, "TWO"), Line(4, "four"))
    assert file.removed == (Line(2, "two"),)
    assert (file.before, file.after) == ("one\ntwo\nthree\n", "one\nTWO\nthree\nfour\n")
    assert (change.title, change.description) == ("Add four", "Because.")
    assert [one.author for one in change.commits] == ["bob@example.org"]
    assert change.commits[0].at == (1_790_000_000 + 7_200) * 1_000


def test_only_wanted_texts_are_read(repo: Repository) -> None:
    repo.commit({"a.py": "1\n", "b.sql": "1\n"})
    repo.branch("work")
    repo.commit({"a.py": "2\n", "b.sql": "2\n"})
    first, second = read(repo, wants=lambda path: path.endswith(".sql")).files
    assert (first.after, second.after) == (None, "2\n")


def test_what_main_did_since_is_no_part_of_a_pull_request(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"b": "1\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"c": "2\n"})
    assert [file.path for file in read(repo, "main", "work").files] == ["b"]
    exact = read(repo, "main", "work", exact=True).files
    assert [(file.path, file.status) for file in exact] == [("b", "added"), ("c", "deleted")]


def test_merges_of_main_into_the_branch_bring_nothing(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"b": "1\n"}, "Mine")
    repo.git("checkout", "-q", "main")
    repo.commit({"c": "1\n"})
    repo.git("checkout", "-q", "work")
    repo.merge("main", "Merge main")
    change = read(repo, "main", "work")
    assert [file.path for file in change.files] == ["b"]
    assert [one.subject for one in change.commits] == ["Mine"]


def test_every_kind_of_change(repo: Repository) -> None:
    long = "".join(f"line {number}\n" for number in range(40))
    repo.commit({"gone": "x\n", "old": long, "bin": b"\0\1", "empty": "", "mode": "m\n", "turns": "t\n"})
    repo.branch("work")
    repo.git("mv", "old", "new name")
    (repo.path / "mode").chmod(0o755)
    (repo.path / "turns").unlink()
    (repo.path / "turns").symlink_to("gone")
    repo.commit({"gone": None, "new name": long + "more\n", "bin": b"\0\2", "made": "a\nb", "none": ""})
    found = {file.path: file for file in read(repo).files}
    assert {name: file.status for name, file in found.items()} == {
        "bin": "modified", "gone": "deleted", "made": "added", "mode": "modified", "new name": "renamed",
        "none": "added", "turns": "modified",
    }  # fmt: skip
    assert found["bin"].binary
    assert found["bin"].after is None
    assert found["gone"].removed == (Line(1, "x"),)
    assert (found["made"].added, found["made"].before) == ((Line(1, "a"), Line(2, "b")), None)
    assert (found["new name"].old_path, found["new name"].added) == ("old", (Line(41, "more"),))
    assert found["none"].after == ""
    assert (found["turns"].added, found["turns"].removed) == ((), ())
    assert (found["turns"].instead, found["turns"].target) == ("link", "gone")
    assert found["turns"].after is None
    assert found["mode"].insertions == 0


def test_ends_of_lines_are_no_change(repo: Repository) -> None:
    repo.commit({"a": "one\ntwo\n", "b": "1\n"})
    repo.branch("work")
    repo.commit({"a": "one\r\nTWO\r\n", "b": "1\r\n", "c": b"\xef\xbb\xbfx\r\ny"})
    a, b, c = read(repo).files
    assert (a.added, a.removed) == ((Line(2, "TWO"),), (Line(2, "two"),))
    assert (b.added, b.removed, b.after) == ((), (), "1\n")
    assert c.after == "x\ny"


def test_the_first_commit_is_compared_with_nothing(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    assert only(read(repo, "")).status == "added"


def test_without_a_base_the_commit_before_or_the_main_branch_of_origin(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    first = repo.git("rev-parse", "HEAD")
    repo.commit({"b": "1\n"})
    repo.commit({"c": "1\n"})
    assert [file.path for file in read(repo, "").files] == ["c"]
    repo.git("update-ref", "refs/remotes/origin/main", first)
    assert [file.path for file in read(repo, "").files] == ["b", "c"]


def test_submodules_are_named_and_not_entered(repo: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"x": "1\n"})
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.git("submodule", "add", "-q", str(other.path), "lib")
    repo.commit({})
    found = {file.path: file for file in read(repo).files}
    assert found["lib"].status == "submodule"
    assert found["lib"].after is None
    assert (found["lib"].instead, found["lib"].added) == ("submodule", ())
    assert found["lib"].target.startswith("Subproject commit ")


def test_errors_say_what_is_missing(repo: Repository, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        Git(tmp_path / "nowhere")
    (tmp_path / "plain").mkdir()
    with pytest.raises(InputError, match="not a git repository"):
        Git(tmp_path / "plain")
    with pytest.raises(InputError, match="no such commit: HEAD"):
        read(repo)
    repo.commit({"a": "1\n"})
    with pytest.raises(InputError, match=r"no such commit: gone.*git fetch"):
        read(repo, "gone")
    repo.git("checkout", "-q", "--orphan", "island")
    repo.commit({"b": "1\n"})
    with pytest.raises(InputError, match=r"no commit in common.*--exact"):
        read(repo)
    assert len(read(repo, exact=True).files) == 1


def test_a_shallow_clone_says_so(repo: Repository, tmp_path: Path) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"b": "1\n"})
    repo.commit({"c": "1\n"})
    repo.git("clone", "-q", "--depth=1", "--no-single-branch", f"file://{repo.path}", str(tmp_path / "cut"))
    cut = Repository(tmp_path / "cut")
    with pytest.raises(InputError, match=r"shallow.*fetch-depth: 0"):
        read(cut, "origin/main")
    with pytest.raises(InputError, match=r"shallow.*--unshallow"):
        read(cut, "")
    change = read(cut, "origin/main", exact=True)
    assert change.history_gap == "shallow clone"
    assert [file.path for file in change.files] == ["b", "c"]


def test_a_clone_without_its_objects_says_so_and_fetches_nothing(repo: Repository, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"a": "2\n"})
    repo.git(
        "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repo.path}", str(tmp_path / "part")
    )
    with pytest.raises(InputError, match="--filter"):
        read(Repository(tmp_path / "part"), "origin/main")


def test_a_worktree_and_a_folder_inside_are_checkouts(repo: Repository, tmp_path: Path) -> None:
    repo.commit({"in/a": "1\n"})
    repo.branch("work")
    repo.commit({"in/a": "2\n"})
    repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"), "work")
    for place in (tmp_path / "tree", repo.path / "in"):
        with Git(place) as git:
            change = read_change(git, resolve(git, "main", "HEAD"), lambda path: True)
        assert only(change).after == "2\n"


def test_a_repository_of_sha256(tmp_path: Path) -> None:
    made = Repository(tmp_path / "checkout")
    made.git("init", "-q", "-b", "main", "--object-format=sha256", str(tmp_path / "new"))
    repo = Repository(tmp_path / "new")
    repo.commit({"a": "1\n"})
    assert only(read(repo, "")).added == (Line(1, "1"),)


def test_limits_hold_and_are_said(repo: Repository) -> None:
    repo.commit({"start": "1\n"})
    repo.branch("work")
    files: dict[str, str | bytes | None] = {f"src/{number}.py": "x\n" * 10 for number in range(8)}
    files |= {f"docs/{number}.md": "x\n" for number in range(8)} | {"src/long.py": "y" * 100_000 + "\nz\n"}
    repo.commit(files)
    change = read(repo, most_files=9)
    assert (len(change.files), change.left_out) == (9, 8)
    assert all(file.path.startswith("src/") for file in change.files)
    first = read(repo, limits=Limits(lines=4)).files[-2]
    assert (len(first.added), first.insertions, first.cut) == (4, 10, True)
    long = next(file for file in change.files if file.path == "src/long.py")
    assert [len(line.text) for line in long.added] == [LONGEST_LINE, 1]
    assert long.cut
    none = read(repo, limits=Limits(kept=0, aside=1_000)).files
    assert {file.path for file in none if file.cut} == {path for path in files if path.startswith("src/")}
    late = read(repo, limits=Limits(seconds=-1)).files
    assert all(file.cut for file in late)


def test_the_same_contents_twice(repo: Repository) -> None:
    repo.commit({"a": "1\n", "b": "1\n", "c": "1\n"})
    repo.branch("work")
    repo.commit({"a": "2\n", "b": None, "c": "2\n"})
    found = [(file.path, len(file.added), len(file.removed)) for file in read(repo).files]
    assert found == [("a", 1, 1), ("b", 0, 1), ("c", 1, 1)]


def test_texts_that_are_too_long_or_too_many_are_left_out(repo: Repository) -> None:
    repo.commit({"a": "1" * 60, "b": "2" * 60, "c": "3" * 2_000_000})
    with Git(repo.path) as git:
        names = [repo.git("rev-parse", f"HEAD:{name}").encode() for name in "abc"]
        assert set(texts(git, names)) == set(names[:2])
        assert set(texts(git, names, 100)) == set(names[:1])
        assert texts(git, []) == {}
