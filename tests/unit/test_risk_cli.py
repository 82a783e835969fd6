"""`watchkeeper risk` in real checkouts: exit codes, the base's policy, what a server knows, every form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from core.errors import InputError
from core.risk.assess import assess
from core.risk.known import Freeze, Known
from core.risk.policy import Policy
from core.risk.rules import RULES
from core.risk.rules.levels import LEVELS_OF
from evals.risk.corpus import Case, change_of, known_of, load
from tests.listener import Listener, answering
from tests.repositories import Repository
from watchkeeper.cli.main import app

POLICY = ".watchkeeper.yml"
STRICT = "mode: policy\nthresholds: {warn: low, hold: low}\n"
DROP = {"migrations/0007_drop.sql": "DROP TABLE orders;\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """On `work`, a branch of `main` that has one commit."""
    made = Repository(tmp_path / "checkout")
    made.commit({"app.py": "x = 1\n"})
    made.branch("work")
    return made


def run(repo: Repository, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["risk", "--repo", str(repo.path), "--base", "main", *map(str, arguments)])


def printed(repo: Repository, *arguments: str | Path) -> Any:
    return json.loads(run(repo, "--format", "json", *arguments).stdout)


def based(repo: Repository, policy: str) -> None:
    """The policy is there before the branch begins."""
    repo.git("checkout", "-q", "main")
    repo.commit({POLICY: policy})
    repo.git("checkout", "-q", "-B", "work")


def test_advice_passes_whatever_it_finds(repo: Repository) -> None:
    repo.commit(dict(DROP), "Drop orders")
    result = run(repo)
    assert result.exit_code == 0
    assert "migrations/0007_drop.sql:1" in result.stdout
    assert "> DROP TABLE orders;" in result.stdout
    assert "Advisory: the check passes whatever it finds." in result.stdout


def test_a_policy_of_the_base_fails_what_it_holds(repo: Repository) -> None:
    based(repo, STRICT)
    repo.commit(dict(DROP))
    result = run(repo)
    assert result.exit_code == 1
    assert "Do not merge it as it is" in result.stdout
    assert "The check fails." in result.stdout
    repo.git("checkout", "-q", "-B", "work", "main")
    repo.commit({"app.py": "x = 2\n", "test_app.py": "assert x == 2\n"})
    assert run(repo).exit_code == 0


def test_no_change_excuses_itself(repo: Repository) -> None:
    based(repo, STRICT)
    loose = "mode: advisory\nignore: ['**']\nthresholds: {warn: never, hold: never}\n"
    repo.commit({**DROP, POLICY: loose})
    result = run(repo)
    assert result.exit_code == 1
    assert "risk-policy-changed" in result.stdout
    assert "migrations/0007_drop.sql:1" in result.stdout


def test_what_people_accept_is_listed_apart_until_it_ends(repo: Repository) -> None:
    repo.commit(dict(DROP))
    rules = {row["rule"] for row in printed(repo)["matches"] if row["path"].startswith("migrations/")}
    rows = "".join(
        f"- {{rule: {rule}, path: 'migrations/', reason: empty, expires: 2099-01-01, by: ann}}\n"
        for rule in rules
    )
    based(repo, f"{STRICT}suppressions:\n{rows}")
    repo.commit(dict(DROP))
    found = printed(repo)
    assert {row["rule"] for row in found["suppressed"]} == rules
    assert not rules & {row["rule"] for row in found["matches"]}
    assert "empty (ann, until 2099-01-01)" in run(repo).stdout
    based(repo, f"suppressions:\n{rows}".replace("2099", "2020"))
    repo.commit({"migrations/0008_drop.sql": "DROP TABLE more;\n"})
    ended = printed(repo)
    assert rules <= {row["rule"] for row in ended["matches"]}
    assert "that ended on 2020-01-01" in ended["notes"][0]


def test_a_policy_that_cannot_be_read_is_said_or_stops(repo: Repository) -> None:
    based(repo, "thresholds: {warm: low}\n")
    repo.commit(dict(DROP))
    found = printed(repo)
    assert "did you mean `warn`" in found["notes"][0]
    assert found["matches"]
    based(repo, "mode: policy\nthresholds: {warm: low}\n")
    repo.commit({"more.sql": "1\n"})
    assert isinstance(run(repo).exception, InputError)
    based(repo, "mode: enforce\n")
    repo.commit({"again.sql": "1\n"})
    assert "mode: it is none of" in str(run(repo).exception)


def test_a_rule_that_does_not_exist_is_said_by_a_strict_policy_too(repo: Repository) -> None:
    row = "{rule: sql-drop-tabel, reason: a, expires: 2099-01-01, by: ann}"
    based(repo, f"{STRICT}suppressions: [{row}]\n")
    repo.commit(dict(DROP))
    result = run(repo)
    assert result.exit_code == 1
    assert "no such rule sql-drop-tabel; did you mean sql-drop-table?" in result.stdout


def test_the_callers_policy_and_level_count_more(repo: Repository, tmp_path: Path) -> None:
    repo.commit(dict(DROP))
    mine = tmp_path / "mine.yml"
    mine.write_text(STRICT)
    assert run(repo, "--policy", mine).exit_code == 1
    assert run(repo, "--fail-on", "low").exit_code == 1
    mine.write_text("ignore: [migrations/]\n")
    assert run(repo, "--policy", mine, "--fail-on", "medium").exit_code == 0


def test_faults_exit_with_2_and_one_line(repo: Repository) -> None:
    for arguments in (
        ["--base", "gone"],
        ["--head", "--upload-pack=x"],
        ["--repo", "/nowhere"],
        ["--fail-on", "x"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "watchkeeper", "risk", "--repo", str(repo.path), *arguments],
            capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_a_model_that_the_policy_names_is_read_from_the_base(repo: Repository) -> None:
    based(repo, "model: risk.json\n")
    repo.commit({"app.py": "x = 2\n"})
    assert "No probability: risk.json is not in the base" in run(repo).stdout
    outside = repo.path.parent / "outside.yml"
    for path in ("../x.json", "/etc/passwd", "-x", "no/where"):
        outside.write_text(f"model: '{path}'\n")
        result = run(repo, "--policy", outside)
        assert (result.exit_code, "No probability: " in result.stdout) == (0, True)
    model = {"format": 1, "base": -1000, "tables": [
        {"feature": "la", "edges": [1], "weights": [0, 500], "counts": [1, 1]}]}  # fmt: skip
    repo.git("checkout", "-q", "main")
    repo.commit({"risk.json": json.dumps(model)})
    repo.git("checkout", "-q", "-B", "work")
    repo.commit({"app.py": "x = 3\n"})
    found = printed(repo)["probability"]
    assert found["thousandths"] == 378
    assert found["terms"] == [{"feature": "la", "value": "1 lines added", "weight": 500}]
    repo.git("checkout", "-q", "main")
    repo.commit({"risk.json": "{}"})
    repo.git("checkout", "-q", "-B", "work")
    repo.commit({"app.py": "x = 4\n"})
    found = printed(repo)
    assert found["probability"] is None
    assert "No probability: risk.json" in found["notes"][0]


def test_what_a_server_knows_counts(repo: Repository) -> None:
    based(repo, "services: {pay: [app.py]}\n")
    repo.commit({"app.py": "x = 2\n"})
    known = Known(freezes=(Freeze("year's end", "nobody is here"),))
    with Listener(answering(200, msgspec.json.encode(known))) as there:
        found = printed(repo, "--server", there.url, "--repository", "acme/pay")
    (asked,) = there.heard
    assert json.loads(asked.body) == {"services": ["pay"], "files": ["app.py"], "repository": "acme/pay"}
    assert any("year's end" in row["what"] + row["evidence"] for row in found["matches"])
    assert found["services"] == ["pay"]


def test_the_server_may_be_named_by_the_environment(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"app.py": "x = 2\n"})
    with Listener(answering(200, msgspec.json.encode(Known()))) as there:
        monkeypatch.setenv("WATCHKEEPER_SERVER_URL", there.url)
        run(repo)
    assert len(there.heard) == 1


def test_wrong_words_are_said_plainly(repo: Repository, tmp_path: Path) -> None:
    repo.commit({"app.py": "x = 2\n"})
    assert "Invalid value for '--fail-on': 'hihg' is none of low" in run(repo, "--fail-on", "hihg").output
    mine = tmp_path / "mine.yml"
    mine.write_text("thresholds: {warn: mid}\n")
    said = str(run(repo, "--policy", mine).exception)
    assert "'critical' or 'never'" in said
    assert "more fault" not in said
    mine.write_text("nonsense: 1\n")
    assert "the keys here are mode, thresholds" in str(run(repo, "--policy", mine).exception)
    assert "--force" in str(run(repo, "--out", mine).exception)


def test_a_repository_without_commits_is_not_told_to_fetch(tmp_path: Path) -> None:
    said = str(run(Repository(tmp_path / "empty"), "--head", "HEAD").exception)
    assert "no commit yet" in said
    assert "fetch" not in said


@pytest.mark.parametrize("answer", [(500, b""), (200, b"{"), (200, b'{"freezes": 1}'), (200, b"[" * 100_000)])
def test_a_server_that_fails_is_said_and_stops_nothing(repo: Repository, answer: tuple[int, bytes]) -> None:
    repo.commit({"app.py": "x = 2\n"})
    with Listener(answering(*answer)) as there:
        result = run(repo, "--server", there.url)
    assert result.exit_code == 0
    assert "Incidents, budgets and freezes are not known: " in result.stdout
    assert "no Watchkeeper answers" in run(repo, "--server", "http://127.0.0.1:1").stdout


def test_every_form_of_a_hostile_change(repo: Repository, tmp_path: Path) -> None:
    sql = "DROP TABLE orders; -- ::error::x <script> @everyone\n"
    names = [
        "$(touch run).sql",
        "new\nline.sql",
        "::warning::x.sql",
        "\u202egpj.sql",
        "<script>.sql",
        "-rf.sql",
    ]
    repo.commit({f"migrations/{name}": sql for name in names}, "::set-output name=x::y\n\n@everyone <img>\n")
    for form in ("text", "json", "sarif", "markdown", "github"):
        out = tmp_path / f"out.{form}"
        result = run(repo, "--format", form, "--out", out)
        assert (result.exit_code, result.stdout) == (0, ""), result.output
        text = out.read_text()
        assert not any(sign in text for sign in ("\x1b", "\u202e"))
        if form == "github":
            lines = text.splitlines()
            assert lines
            assert all(line.startswith(("::error ", "::warning ")) for line in lines)
        elif form != "json":
            assert "\n::" not in text
    found = json.loads((tmp_path / "out.json").read_text())
    assert {row["path"] for row in found["matches"] if row["path"]} == {
        f"migrations/{name}" for name in names
    }
    assert not (repo.path / "run").exists()
    assert not (Path.cwd() / "run").exists()
    assert run(repo, "--out", tmp_path / "out.text").exception is not None


def test_the_rules_are_listed_with_their_sources() -> None:
    rows = json.loads(CliRunner().invoke(app, ["risk", "rules", "--json"]).stdout)["rules"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert all("https://" in row["source"] for row in rows)
    lines = CliRunner().invoke(app, ["risk", "rules"]).stdout.splitlines()
    assert len(lines) == len(rows) + 2
    assert any(line.split()[:3] == ["sql-drop-table", "critical", "A"] for line in lines)
    told = CliRunner().invoke(app, ["risk", "rules", "sql-index-blocks"]).stdout
    assert "    Why: " in told
    assert "    Known from: " in told
    wrong = CliRunner().invoke(app, ["risk", "rules", "sql-indx-blocks"]).exception
    assert isinstance(wrong, InputError)
    assert "no such rule sql-indx-blocks" in str(wrong)
    assert "Did you mean sql-index-blocks?" in str(wrong)


@pytest.mark.parametrize("case", load(), ids=lambda case: case.name)
def test_the_levels_in_the_list_are_those_of_the_matches(case: Case) -> None:
    said = assess(change_of(case), known_of(case), Policy())
    for match in (*said.matches, *(one.match for one in said.suppressed)):
        assert match.level in LEVELS_OF[match.rule], match


def test_every_rule_has_levels() -> None:
    assert set(LEVELS_OF) == {rule.id for rule in RULES}
