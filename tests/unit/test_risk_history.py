"""What a history says: features before each change, owners of lines, what a fix mends, a model from it."""

from __future__ import annotations

import json
import random
from array import array
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.errors import InputError
from core.risk.fixes import is_fix, reverted
from core.risk.model_file import from_json
from core.risk.ownership import Hunk, Ownership
from core.risk.past import Past, Touch
from core.times import DAY
from tests.repositories import START, Repository
from watchkeeper.cli.main import app
from watchkeeper.risk.fitting import FEW, learn
from watchkeeper.risk.git import Git
from watchkeeper.risk.history import History, learned
from watchkeeper.risk.log import changes


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


def history(repo: Repository) -> History:
    with Git(repo.path) as git:
        return learned(changes(git, git.commit("HEAD")))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["risk", *map(str, arguments)])


@pytest.mark.parametrize(
    ("subject", "fix"),
    [
        ("Fix crash at start", True), ("fix(pay): round down", True), ("Revert \"Add x\"", True),
        ("hotfix for #12", True), ("Bug 1234: null", True), ("Fix typo in README", False),
        ("Add a prefix", False), ("Fix flaky test", False), ("Debugging aids", False),
        ("Fixtures for pay", False), ("Add lint", False),
    ],
)  # fmt: skip
def test_fixes_by_their_subjects(subject: str, fix: bool) -> None:
    assert is_fix(subject) is fix


def test_reverts_name_what_they_take_back() -> None:
    assert reverted("This reverts commit 0123abcdef.\n") == ("0123abcdef",)
    assert reverted("reverts commit x") == ()


def test_features_of_what_was_before() -> None:
    past = Past()
    past.add("c1", "ann", 0, [Touch("a/x.py", added=10), Touch("b/y.py", added=5)])
    past.add("c2", "bob", 400 * DAY, [Touch("a/x.py", added=1)])
    touches = [Touch("a/x.py", added=3, deleted=1, lines=11), Touch("c/z.py", added=4, lines=0)]
    found = past.features(touches, "ann", 410 * DAY, "Fix it")
    assert (found.la, found.ld, found.nf, found.nd, found.ns, found.fix) == (7, 1, 2, 2, 2, 1)
    assert (found.lt, found.entropy) == (5.5, 1.0)
    assert (found.ndev, found.age, found.nuc) == (2, 10.0, 1)
    assert (found.exp, found.rexp, found.sexp) == (1, 0.5, 1)
    known = past.experience(touches, "ann", 410 * DAY)
    assert (known.commits, known.here, known.on_files, known.people, known.owner) == (1, 1, 1, 2, "ann")
    assert known.owner_share == 500
    nobody = past.features([Touch("new.py", added=1)], "eve", 0, "x")
    assert (nobody.ndev, nobody.age, nobody.exp, nobody.rexp, nobody.sexp) == (0, None, 0, 0, 0)


def test_owners_stay_with_their_lines() -> None:
    owners = Ownership()
    assert list(owners.apply("f", 1, [Hunk(0, 0, 1, 4)])) == []
    texts = (b"b = 1", b"# only words", b"}")
    assert list(owners.apply("f", 2, [Hunk(0, 0, 1, 1), Hunk(2, 3, 3, 1, texts)])) == [1]
    assert owners._lines["f"] == array("I", [2, 1, 2])
    owners.rename("f", "g")
    assert list(owners.apply("g", 3, [Hunk(1, 3, 0, 0, (b"x", b"y", b"z"))])) == [2, 1, 2]
    assert owners.length("g") == 0
    # Lines that nobody told of have no owner, and a length that is absurd costs nothing.
    assert list(owners.apply("new", 4, [Hunk(5, 1, 5, 0, (b"x",))])) == []
    assert list(owners.apply("new", 4, [Hunk(0, 0, 1, 10**9)])) == []


def test_a_fix_names_the_change_that_brought_what_it_removes(repo: Repository) -> None:
    repo.commit({"a.py": "one = 1\ntwo = 2\nthree = 3\n"}, "Begin")
    repo.commit({"a.py": "zero = 0\none = 1\ntwo = 20\nthree = 3\n"}, "Change two")
    repo.git("mv", "a.py", "b c.py")
    repo.commit({}, "Move")
    repo.commit({"b c.py": "zero = 0\none = 1\ntwo = 2\nthree = 3\n"}, "Fix two")
    repo.commit({"b c.py": "zero = 0\none = 1\ntwo = 2\n"}, "Drop three")
    rows = history(repo).rows
    assert [row.mended_by for row in rows] == [[], [4], [], [], []]
    assert (rows[1].mended(3), rows[1].mended(4)) == (False, True)
    assert [row.features.lt for row in rows] == [0, 3, 4, 4, 4]
    assert [row.effort for row in rows] == [3, 3, 0, 2, 1]


def test_a_revert_names_what_it_takes_back_whatever_it_removes(repo: Repository) -> None:
    repo.commit({"a.md": "x\n"}, "Begin")
    bad = repo.commit({"a.md": "x\ny\n"}, "Add y")
    repo.commit({"a.md": "x\n"}, f"Take it back\n\nThis reverts commit {bad}.\n")
    assert [row.mended_by for row in history(repo).rows] == [[], [3], []]


def test_a_merge_is_one_change_by_who_made_it(repo: Repository) -> None:
    repo.commit({"a.py": "one = 1\n"}, "Begin")
    repo.branch("work")
    repo.commit({"b.py": "x = 1\n"}, "wip", "bob")
    repo.commit({"b.py": "x = 2\n"}, "wip", "bob")
    repo.git("checkout", "-q", "main")
    repo.commit({"a.py": "one = 2\n"}, "Meanwhile")
    repo.merge("work", "Merge pull request #1 from bob/work\n\nFix the crash")
    with Git(repo.path) as git:
        found = list(changes(git, git.commit("HEAD")))
    assert [(one.subject, one.author, one.fix) for one in found] == [
        ("Begin", "ann@example.org", False),
        ("Meanwhile", "ann@example.org", False),
        ("Fix the crash", "bob@example.org", True),
    ]
    assert [(file.path, file.added) for file in found[2].files] == [("b.py", 1)]
    assert repo.git("rev-list", "--count", "HEAD") == "5"


def test_hostile_names_and_words_in_a_history(repo: Repository) -> None:
    words = "=x\x01 $(touch run)\n\n=fake\n:100644 100644 a b M\tx\n@@ -1 +1 @@\ndiff --git a b\n"
    names = ["new\nline", 'q"uote', "-flag", "tab\t", "=x", ":y", "caf\u00e9"]
    repo.commit(dict.fromkeys(names, "=a\n:b\n@@ -1 +1 @@\nindex 0..1\n"), words)
    repo.commit(dict.fromkeys(names, "no end"), words)
    rows = history(repo).rows
    assert [row.features.nf for row in rows] == [7, 7]
    assert [(row.features.la, row.features.ld) for row in rows] == [(28, 0), (7, 28)]
    assert rows[1].features.lt == 4
    assert not (repo.path / "run").exists()


def made_history(repo: Repository, commits: int = 120) -> None:
    """Every third change is large and is mended by the next but one; written by `git fast-import`."""
    random.seed(7)
    stream, lines = [], dict[str, list[str]]()
    waiting: list[tuple[int, str, int]] = []
    for number in range(commits):
        due = [one for one in waiting if one[0] == number]
        waiting = [one for one in waiting if one[0] != number]
        subject = f"Change {number}"
        path = f"src/m{number % 17}.py"
        if due:
            _, path, at = due[0]
            lines[path][at] = f"mended = {number}"
            subject = f"Fix what broke in {number}"
        else:
            large = number % 3 == 0
            text = lines.setdefault(path, [])
            text += [f"value_{number}_{at} = {random.random()}" for at in range(60 if large else 3)]
            if large:
                waiting.append((number + 2, path, len(text) - 1))
        body = ("\n".join(lines[path]) + "\n").encode()
        who = f"p{number % 5} <p{number % 5}@example.org> {START + 3_600 * number} +0000"
        head = f"commit refs/heads/main\ncommitter {who}\n"
        stream.append(head.encode() + f"data {len(subject)}\n{subject}\n".encode())
        stream.append(f"M 644 inline {path}\ndata {len(body)}\n".encode() + body + b"\n")
    repo.git("fast-import", "--quiet", "--force", given=b"".join(stream))


def test_fit_writes_a_model_that_the_check_shows(repo: Repository, tmp_path: Path) -> None:
    made_history(repo)
    out = tmp_path / "model.json"
    fitted = run("fit", repo.path, "--out", out)
    assert fitted.exit_code == 0, fitted.output
    assert "Learned from 118 changes, " in fitted.output
    assert "of 120 changes read; the newest 2 are too new to be mended yet" in fitted.output
    assert "people say" not in fitted.output
    assert "a minute" not in fitted.output
    model = from_json(out.read_text())
    # The newest two are too new: what was mended was mended two changes later.
    assert model.provenance.commits == 118
    assert 30 <= model.provenance.defects <= 45
    checked = run("--repo", repo.path, "--base", "main~1", "--head", "main", "--model", out)
    assert checked.exit_code == 0, checked.output
    assert "% of such changes are mended later (learned from 118 changes, " in checked.output
    assert run("fit", repo.path, "--out", out).exit_code != 0


def test_what_people_say_caused_an_incident_counts_as_mended(repo: Repository) -> None:
    made_history(repo)
    plain = learn(repo.path, "main").model.provenance.defects
    with Git(repo.path) as git:
        rows = learned(changes(git, git.commit("main"))).rows
    quiet = next(row.id for row in rows if not row.mended_by)
    assert learn(repo.path, "main", [quiet[:10]]).model.provenance.defects == plain + 1
    assert learn(repo.path, "main", ["0" * 40]).model.provenance.defects == plain
    words = learn(repo.path, "main", [quiet[:10], "0" * 40]).words()
    assert "1 of them, by what people say, caused an incident and count as mended (2 such commits" in words
    assert "people say" not in learn(repo.path, "main").words()


def test_backtest_learns_from_the_older_and_measures_on_the_newer(repo: Repository, tmp_path: Path) -> None:
    made_history(repo, 240)
    picture = tmp_path / "calibration.svg"
    found = json.loads(run("backtest", repo.path, "--json", "--picture", picture).output)
    assert picture.read_text().startswith("<svg ")
    assert (found["learned_from"], found["judged"]) == (160, 80)
    assert found["auc"] > 0.9
    assert [one["part"] for one in found["lifts"]] == [5, 10, 20]
    assert found["lifts"][0]["lift"] > 2
    told = run("backtest", repo.path).output
    assert "a minute" not in told
    assert found["per_minute"] > 0
    assert FEW not in told
    assert "ranking (AUC)" in told
    assert "times chance" in told


def test_a_tiny_history_says_that_its_figures_say_nothing(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_history(repo)
    monkeypatch.chdir(repo.path)
    assert run("backtest").output.splitlines()[2] == FEW
    assert run("fit").exit_code == 0


def test_too_little_history_says_so(repo: Repository, tmp_path: Path) -> None:
    repo.commit({"a": "1\n"})
    result = run("fit", repo.path)
    assert isinstance(result.exception, InputError)
    assert "too few" in str(result.exception)
    repo.commit({"a": "2\n"})
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "cut"))
    cut = run("backtest", tmp_path / "cut")
    assert "shallow" in str(cut.exception)
