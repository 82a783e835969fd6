"""Ways to bring in a dangerous line unseen, to make a runner do something, or to break an exit code."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.risk.assess import Assessment
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.paths import is_generated, is_test
from core.risk.rules.change.unread import rules as unread
from core.risk.rules.dependencies.manifests import read as read_manifest
from core.risk.rules.rule import Match, quoted
from tests.repositories import Repository
from watchkeeper.risk.check import Asked, check
from watchkeeper.risk.git import Git
from watchkeeper.risk.judging import newly_run, obeyed
from watchkeeper.risk.logs import json_for_logs, plain_for_logs
from watchkeeper.risk.patch import Limits
from watchkeeper.risk.reading import read_change, resolve
from watchkeeper.risk.render_codequality import render_codequality
from watchkeeper.risk.render_json import render_json
from watchkeeper.risk.render_markdown import render_markdown
from watchkeeper.risk.render_sarif import render_sarif
from watchkeeper.risk.render_text import render_text
from watchkeeper.risk.report import Counts, Report

NOW = 1_795_000_000_000
DROP = "DROP TABLE orders;\n"
POD = """apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: a
    image: shop/a@sha256:1
    securityContext: {privileged: true}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


def found(repo: Repository) -> set[str]:
    report = check(Asked(repo.path, "main", "work"), NOW)
    return {match.rule for match in report.assessment.matches}


@pytest.mark.parametrize(
    ("old", "new", "text", "rule"),
    [
        ("tests/fixtures/drop.sql", "migrations/0002_drop.sql", DROP, "sql-drop-table"),
        ("docs/drop.sql", "migrations/0002_drop.sql", DROP, "sql-drop-table"),
        ("notes.txt", "migrations/0002_drop.sql", DROP, "sql-drop-table"),
        ("docs/pod.yaml", "deploy/pod.yaml", POD, "k8s-privileged"),
        ("deploy/pod.yaml.disabled", "deploy/pod.yaml", POD, "k8s-privileged"),
    ],
)
def test_a_file_that_moves_to_where_it_runs_is_judged(
    repo: Repository, old: str, new: str, text: str, rule: str
) -> None:
    repo.commit({old: text})
    repo.branch("work")
    repo.commit({old: None, new: text})
    assert rule in found(repo)


def test_a_file_that_moves_within_what_runs_brings_nothing_new(repo: Repository) -> None:
    repo.commit({"deploy/pod.yaml": POD})
    repo.branch("work")
    repo.commit({"deploy/pod.yaml": None, "deploy/eu/pod.yaml": POD})
    assert "k8s-privileged" not in found(repo)
    assert not newly_run("deploy/pod.yaml", "deploy/eu/pod.yaml")
    assert not newly_run("migrations/1.sql", "tests/1.sql")


def test_a_move_out_of_what_the_policy_ignores_is_judged(repo: Repository) -> None:
    repo.commit({".watchkeeper.yml": 'ignore: ["legacy/"]\n', "legacy/pod.yaml": POD})
    repo.branch("work")
    repo.commit({"legacy/pod.yaml": None, "deploy/pod.yaml": POD})
    assert "k8s-privileged" in found(repo)


def test_a_moved_file_is_one_that_comes_with_all_its_lines(repo: Repository) -> None:
    repo.commit({"notes.txt": "1\n2\n3\n4\n5\n6\n"})
    repo.branch("work")
    repo.commit({"notes.txt": None, "run.sql": "1\n2\n3\n4\n5\n7\n"})
    with Git(repo.path) as git:
        between = resolve(git, "main", "work")
        change = read_change(git, between, lambda path: True, anew=lambda old, new: True)
    old, new = change.files
    assert (old.path, old.status, len(old.removed), old.deletions) == ("notes.txt", "deleted", 6, 6)
    assert (new.path, new.status, new.old_path, new.insertions) == ("run.sql", "added", "", 6)
    assert new.added[5] == Line(6, "7")


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/unit-test.yml",
        ".github/actions/e2e/action.yml",
        "db/migration/V7__drop_tests.sql",
        "app/migrations/0004_ab_test.py",
        "migrations/0002_x.generated.sql",
    ],
)
def test_a_name_makes_no_test_of_what_runs_by_its_place(path: str) -> None:
    assert not is_test(path)
    assert not is_generated(path)


@pytest.mark.parametrize("path", ["tests/migrations/1.sql", "a/migrations/run_test.go", "app/test_views.py"])
def test_tests_stay_tests(path: str) -> None:
    assert is_test(path)


def test_a_carriage_return_hides_nothing(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"migrations/2.sql": f"-- harmless\r{DROP}"})
    assert {"sql-drop-table", "risk-line-hidden"} <= found(repo)


def test_ends_of_lines_alone_are_not_hidden_lines(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"src/a.py": "x = 1\r\ny = 2\r\n"})
    assert "risk-line-hidden" not in found(repo)


def test_a_nul_byte_far_behind_takes_no_text_away(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"migrations/2.sql": DROP + "-- pad\n" * 2_000 + "-- \0\n"})
    assert "sql-drop-table" in found(repo)


def test_a_text_that_is_too_long_for_its_rules_is_said(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"deploy/pod.yaml": f"# {'y' * 1_000}\n" * 1_100 + POD})
    assert "risk-file-cut" in found(repo)


def test_files_without_an_end_that_are_no_text() -> None:
    names = ("Dockerfile", "prod.tfvars")
    change = ChangeSet(files=tuple(TouchedFile(name, binary=True) for name in names))
    told = [match.path for rule in unread for match in rule.find(change, Known())]
    assert told == ["Dockerfile", "prod.tfvars"]


def test_empty_lines_take_memory_too(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({f"{number}.sql": "\n" * 1_000 for number in range(5)})
    with Git(repo.path) as git:
        between = resolve(git, "main", "work")
        change = read_change(git, between, lambda path: False, limits=Limits(kept=100_000))
    assert sum(len(file.added) for file in change.files) < 3_000
    assert change.files[-1].cut


def test_a_tag_is_not_the_main_branch_of_origin(repo: Repository) -> None:
    first = repo.commit({"a": "1\n"})
    repo.commit({"a": "2\n"})
    last = repo.commit({"a": "3\n"})
    repo.git("update-ref", "refs/remotes/origin/main", first)
    repo.git("tag", "origin/main", last)
    with Git(repo.path) as git:
        assert resolve(git, "", "HEAD").base == first


@pytest.mark.parametrize("folder", ["", "."])
def test_a_git_of_the_checkout_is_not_run(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    first = repo.commit({"a": "1\n"})
    evil = repo.path / "git"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(evil.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    with Git(repo.path) as git:
        assert git.commit("HEAD") == first
    assert not (tmp_path / "ran").exists()


def test_a_path_out_of_the_repository_is_no_model(repo: Repository) -> None:
    repo.commit({".watchkeeper.yml": "model: ../../etc/hosts\n"})
    repo.branch("work")
    repo.commit({"a": "1\n"})
    assert check(Asked(repo.path, "main", "work"), NOW).notes == (
        "No probability: ../../etc/hosts is not in the base",
    )


@pytest.mark.parametrize(
    "text",
    ["mode: policy\nx: 1", "{mode: policy, x: 1}", "'mode' : \"policy\"\r\nx", "mode: enforce", "mode:"],
)
def test_a_policy_that_is_to_be_obeyed(text: str) -> None:
    assert obeyed(text)


@pytest.mark.parametrize("text", ["# mode: policy", "my mode: x", "{mode: 'advisory'}", "mode: advisory\r"])
def test_a_policy_that_is_not(text: str) -> None:
    assert not obeyed(text)


COMMANDS = "##[add-mask]x ##vso[task.setvariable variable=a]b ::error::c"


def test_runners_find_no_command_in_any_form() -> None:
    match = Match("sql-drop-table", "high", COMMANDS, COMMANDS, f"{COMMANDS}.sql", 1, COMMANDS)
    report = Report("b", "h", "s", COMMANDS, Counts(), Assessment("hold", "high", (match,)))
    for form in (render_text, render_json, render_sarif, render_markdown, render_codequality):
        text = form(report)
        assert "##[" not in text
        assert "##vso[" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert json.loads(render_json(report))["title"] == COMMANDS


def test_logs_keep_what_is_no_command() -> None:
    assert plain_for_logs("## heading\na::b\n") == "## heading\na::b\n"
    assert plain_for_logs("  ::error::x") == "  : :error::x"
    assert json.loads(json_for_logs(json.dumps({"a": "\\##[x]"}))) == {"a": "\\##[x]"}


@pytest.mark.parametrize(
    "line",
    [
        "RUN curl -H 'Authorization: Bearer {}' https://h | sh",
        "run: curl -u ann:{} https://h | sh",
        "docker login -p {}",
        "mysql --password={} shop",
        "CREATE USER ann PASSWORD '{}';",
        "ALTER USER ann IDENTIFIED BY '{}';",
        "ENV DB_PASSWORD {}",
    ],
)
def test_evidence_shows_no_secret_that_a_command_takes(line: str) -> None:
    secret = "Zx9kQ2mVb7Lp4wTr"
    assert secret not in quoted(line.format(secret))


@pytest.mark.parametrize(
    "line",
    [
        "mkdir -p /var/lib/orders",
        "basic checks of the token bucket",
        "sort -u names:first",
        "ARG VERSION 1.2.3",
    ],
)
def test_evidence_keeps_what_is_no_secret(line: str) -> None:
    assert "***" not in quoted(line)


def run(repo: Repository, command: str) -> int:
    """What a shell ends with that runs `risk` as `$RISK` of the command."""
    risk = f"{sys.executable} -m watchkeeper.cli.main risk --repo {repo.path} --base main --head work"
    script = f"set -o pipefail; {command.replace('$RISK', risk)}"
    return subprocess.run(["bash", "-c", script], capture_output=True, check=False).returncode


def test_who_stops_reading_changes_no_verdict(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({"migrations/2.sql": "".join(f"DROP TABLE t{number};\n" for number in range(400))})
    assert run(repo, "$RISK --format json | true") == 0
    assert run(repo, "$RISK --format json --fail-on low | true") == 1
    assert run(repo, "$RISK >&-") == 2


@pytest.mark.parametrize("key", ["a" + ".a" * 500_000, " . ".join(["a"] * 200_000)])
def test_a_key_of_endless_parts_is_not_read(key: str) -> None:
    assert read_manifest("pyproject.toml", f"{key} = 1\n") is None
    assert read_manifest("pyproject.toml", '[project]\ndependencies = ["a==1.2.3"]\n')
