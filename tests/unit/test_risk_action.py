"""The action and the GitLab job as their runners run them: the shell of each step, on a stranger's change."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.risk.policy import read_policy
from tests.fake_github import FakeGitHub
from tests.listener import Listener, answering

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / ".github" / "actions" / "risk"
GITLAB = ROOT / ".gitlab" / "risk.yml"
HOSTILE = "$(touch PWNED) `touch PWNED` ; touch PWNED #\n::error::planted\n::set-output name=x::y \" ' ${IFS}"
DROP = "ALTER TABLE orders DROP COLUMN state;\n"
_VALUE = re.compile(r"\$\{\{ (.*?) \}\}")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout of a pull request that drops a column, on a branch with a hostile name, and files that would
    be run by who imports or sources what lies about."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "README.md").write_text("a shop\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "checkout", "-q", "-b", "x;$(touch${IFS}PWNED)")
    (folder / "db" / "migrations").mkdir(parents=True)
    (folder / "db" / "migrations" / "$(touch PWNED).sql").write_text(DROP)
    for name in ("venv.py", "pip.py", "watchkeeper.py", "sitecustomize.py", "typer.py"):
        (folder / name).write_text("open('PWNED', 'w')\nraise SystemExit(9)\n")
    (folder / ".gitattributes").write_text("*.sql diff=x filter=x\n")
    git(folder, "config", "diff.x.command", "touch PWNED")
    git(folder, "config", "filter.x.smudge", "touch PWNED")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", HOSTILE)
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """This Watchkeeper as a command of its own."""
    script = tmp_path / "bin" / "watchkeeper"
    script.parent.mkdir()
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from watchkeeper.cli.main import main; main()"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -c "{start}" "$@"\n')
    script.chmod(0o755)
    return script


def looked_up(name: str, values: Mapping[str, Any]) -> str:
    """What the runner makes of `a.b.c || d.e`."""
    for path in name.split(" || "):
        found: Any = values
        for part in path.strip().split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found not in (None, ""):
            return str(found)
    return ""


def filled(text: str, values: Mapping[str, Any]) -> str:
    return _VALUE.sub(lambda found: looked_up(found[1], values), text)


def pull_request(repo: Path, title: str = HOSTILE) -> dict[str, Any]:
    """What GitHub tells of a fork's pull request, as far as the action looks at it."""
    head, base = git(repo, "rev-parse", "HEAD"), git(repo, "rev-parse", "main")
    pull = {"number": 7, "title": title, "head": {"sha": head, "ref": "x"}, "base": {"sha": base}}
    return {"github": {"event": {"pull_request": pull}, "sha": "0" * 40, "token": "ghs_readonly"}}


def run_action(repo: Path, program: Path, context: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Every step, as GitHub runs it: its exit code, what it printed, outputs and summary."""
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    inputs = {
        name: given.get(name, filled(str(one["default"]), context)) for name, one in action["inputs"].items()
    }
    inputs["program"] = given.get("program", str(program))
    temp = repo.parent / "temp"
    temp.mkdir(exist_ok=True)
    told: dict[str, Any] = {"printed": "", "code": 0, "outputs": {}}
    steps: dict[str, Any] = {}
    for step in action["runs"]["steps"]:
        files = {name: temp / f"{name}-{step['id']}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        values = {**context, "inputs": inputs, "steps": steps}
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(temp), "LANG": "C.UTF-8",
            "GITHUB_WORKSPACE": str(repo), "RUNNER_TEMP": str(temp), "GITHUB_ACTION_PATH": str(ACTION),
            **{name: str(file) for name, file in files.items()},
            **{name: filled(str(value), values) for name, value in step["env"].items()},
            **told.get("environment", {}), **given.get("environment", {}),
        }  # fmt: skip
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command, cwd=repo, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        steps[step["id"]] = {"outputs": outputs}
        told["printed"] += done.stdout + done.stderr
        told["code"], told["outputs"] = done.returncode, outputs
        told["summary"] = files["GITHUB_STEP_SUMMARY"].read_text()
        if done.returncode:
            break
    return told


def commands(printed: str) -> Iterator[str]:
    """The lines that the runner takes for commands."""
    stopped = ""
    for line in printed.splitlines():
        if stopped:
            stopped = "" if line == f"::{stopped}::" else stopped
        elif line.startswith("::stop-commands::"):
            stopped = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            yield line


def test_no_value_of_an_event_reaches_a_shell_as_text() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    for step in action["runs"]["steps"]:
        assert "uses" not in step
        assert "${{" not in step["run"]
    for file in (ROOT / ".github" / "workflows").glob("risk*.yml"):
        workflow = yaml.safe_load(file.read_text())
        assert "pull_request_target" not in file.read_text()
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                assert step.get("uses", "./").startswith(("./", "actions/"))


def test_a_pull_request_of_a_fork_is_judged_and_nothing_of_it_is_run(repo: Path, program: Path) -> None:
    told = run_action(repo, program, pull_request(repo))
    assert told["code"] == 0, told["printed"]
    assert not list(repo.parent.rglob("PWNED"))
    outputs = told["outputs"]
    assert (outputs["decision"], outputs["verdict"] != "allow") == ("warn", True)
    assert outputs["head"] == git(repo, "rev-parse", "HEAD")
    assert "sql-" in told["summary"]
    sarif = json.loads(Path(outputs["sarif"]).read_text())
    assert sarif["version"] == "2.1.0"
    kinds = {line.split(" ", 1)[0] for line in commands(told["printed"])}
    assert kinds
    assert kinds <= {"::error", "::warning"}
    assert not any("planted" in line or "set-output" in line for line in commands(told["printed"]))
    assert len([line for line in commands(told["printed"]) if line.startswith("::error")]) <= 10


def test_the_step_fails_when_it_is_told_to(repo: Path, program: Path) -> None:
    assert run_action(repo, program, pull_request(repo), **{"fail-on": "low"})["code"] == 1
    assert run_action(repo, program, pull_request(repo), **{"fail-on": "low"}, mode="advisory")["code"] == 0


@pytest.mark.parametrize(("mode", "code"), [("repository", 2), ("advisory", 0)])
def test_what_cannot_be_judged_is_said(repo: Path, program: Path, mode: str, code: int) -> None:
    told = run_action(repo, program, pull_request(repo), base="--upload-pack=touch PWNED", mode=mode)
    assert told["code"] == code
    assert "could not be judged" in told["printed"]
    assert not list(repo.parent.rglob("PWNED"))


def test_the_comment_is_written_where_the_token_may(repo: Path, program: Path) -> None:
    context = pull_request(repo)
    event = repo.parent / "event.json"
    event.write_text(json.dumps(context["github"]["event"]))
    with FakeGitHub() as github:
        github.tokens.add("ghs_readonly")
        environment = {
            "GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": github.url, "GITHUB_EVENT_PATH": str(event),
        }  # fmt: skip
        told = run_action(repo, program, context, comment="true", environment=environment)
        assert (told["code"], len(github.repository.comments)) == (0, 1), told["printed"]
        kept = {"publish": told["outputs"]["json"], "environment": environment}
        told = run_action(repo, program, context, **kept)
        assert "left as it is" in told["printed"]
        assert run_action(repo, program, context, **{**kept, "publish": str(event)})["code"] == 2
        github.fail("GET", "/comments", "403")
        told = run_action(repo, program, context, comment="true", environment=environment)
        assert told["code"] == 0
        assert "The comment could not be written" in told["printed"]


def test_a_written_way_back_and_a_server_that_is_told(repo: Path, program: Path) -> None:
    context, told_no_way = pull_request(repo), run_action(repo, program, pull_request(repo))
    assert "no-way-back" in Path(told_no_way["outputs"]["json"]).read_text()
    pull = context["github"]["event"]["pull_request"]
    pull |= {"body": f"Rollback: restore it.\n{HOSTILE}", "html_url": "https://github.com/acme/shop/pull/7"}
    with Listener(answering(202)) as there:
        environment = {"WATCHKEEPER_RISK_TOKEN": "secret", "GITHUB_REPOSITORY": "acme/shop"}
        told = run_action(repo, program, context, report=there.url, environment=environment)
        [heard] = there.heard
    assert told["code"] == 0, told["printed"]
    assert "no-way-back" not in Path(told["outputs"]["json"]).read_text()
    assert not list(repo.parent.rglob("PWNED"))
    assert heard.headers["authorization"] == "Bearer secret"
    found = json.loads(heard.body)
    assert (found["repository"], found["url"]) == ("acme/shop", "https://github.com/acme/shop/pull/7")


def test_a_merge_request_tells_its_description_and_a_server(repo: Path, program: Path) -> None:
    with Listener(answering(202)) as there:
        more = {
            "CI_MERGE_REQUEST_DESCRIPTION": f"Rollback: restore it. {HOSTILE}", "RISK_REPORT": there.url,
            "CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.example/acme/shop",
        }  # fmt: skip
        done = run_gitlab(repo, program, "sh", **more)
        [heard] = there.heard
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(repo.parent.rglob("PWNED"))
    assert "no-way-back" not in (repo / "risk.json").read_text()
    assert json.loads(heard.body)["url"] == "https://gitlab.example/acme/shop/-/merge_requests/7"


def test_a_new_branch_has_no_commit_before_it(repo: Path, program: Path) -> None:
    context = {"github": {"event": {"before": "0" * 40}, "sha": git(repo, "rev-parse", "HEAD")}}
    assert run_action(repo, program, context)["code"] == 0


def gitlab_job() -> dict[str, Any]:
    """The job with the defaults of its inputs."""
    spec, text = GITLAB.read_text().split("\n---\n")
    inputs = yaml.safe_load(spec)["spec"]["inputs"]
    for name, one in inputs.items():
        text = text.replace(f"$[[ inputs.{name} ]]", str(one["default"]))
    assert "$[[" not in text
    [job] = yaml.safe_load(text).values()
    found: dict[str, Any] = job
    return found


def run_gitlab(
    repo: Path, program: Path, shell: str = "bash", **more: str
) -> subprocess.CompletedProcess[str]:
    job = gitlab_job()
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(repo.parent), "LANG": "C.UTF-8",
        "CI_PROJECT_DIR": str(repo), "CI_PROJECT_ID": "42", "CI_PROJECT_PATH": "acme/shop",
        "CI_COMMIT_SHA": git(repo, "rev-parse", "HEAD"), "CI_MERGE_REQUEST_TITLE": HOSTILE,
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(repo, "rev-parse", "main"), "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_REF_NAME": "x;$(touch PWNED)", **{k: str(v) for k, v in job["variables"].items()}, **more,
    }  # fmt: skip
    script = "\n".join(job["script"])
    return subprocess.run(
        [shell, "-e", "-c", script], cwd=repo, env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_merge_request_is_judged(repo: Path, program: Path, shell: str) -> None:
    (repo / "risk.json").symlink_to(repo.parent / "PWNED")
    done = run_gitlab(repo, program, shell)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(repo.parent.rglob("PWNED"))
    rows = json.loads((repo / "gl-code-quality-report.json").read_text())
    [drop] = [row for row in rows if row["check_name"] == "sql-drop-column"]
    assert drop["location"] == {"path": "db/migrations/$(touch PWNED).sql", "lines": {"begin": 1}}
    assert drop["severity"] in ("info", "minor", "major", "critical", "blocker")
    assert len({row["fingerprint"] for row in rows}) == len(rows)
    assert "GITLAB_TOKEN is not set" in done.stdout


def test_a_merge_request_job_fails_when_it_is_told_to(repo: Path, program: Path) -> None:
    assert run_gitlab(repo, program, RISK_FAIL_ON="low").returncode == 1
    assert run_gitlab(repo, program, RISK_FAIL_ON="low", RISK_MODE="advisory").returncode == 0


def test_the_examples_of_the_documentation_are_yaml_and_name_inputs_that_are_there() -> None:
    text = (ROOT / "docs" / "risk-ci.md").read_text()
    examples = [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    inputs = yaml.safe_load((ACTION / "action.yml").read_text())["inputs"]
    steps = [step for one in examples for job in one.get("jobs", {}).values() for step in job["steps"]]
    ours = [step for step in steps if "/risk@" in step.get("uses", "")]
    assert len(ours) == 3
    for step in ours:
        assert set(step["with"]) <= set(inputs)
    [included] = [one["include"][0] for one in examples if "include" in one]
    spec = yaml.safe_load(GITLAB.read_text().split("\n---\n")[0])
    assert set(included["inputs"]) <= set(spec["spec"]["inputs"])
    for name in inputs:
        assert f"`{name}`" in text


def test_this_projects_own_policy_holds() -> None:
    policy = read_policy((ROOT / ".watchkeeper.yml").read_text())
    assert policy.mode == "advisory"
    assert policy.ignores("evals/cases/risk/sql.yaml")
    assert not policy.ignores("core/engine.py")


def test_an_advisory_step_passes_and_says_so_whatever_else_is_asked(repo: Path, program: Path) -> None:
    """The base's policy holds and a level is named; the mode of the step counts more than both."""
    (repo / ".watchkeeper.yaml").write_text("mode: policy\nthresholds: {warn: low, hold: low}\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "policy")
    base = git(repo, "rev-parse", "HEAD")
    (repo / "db" / "migrations" / "2.sql").write_text(DROP)
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "second")
    context = pull_request(repo)
    context["github"]["event"]["pull_request"]["base"]["sha"] = base
    obeyed = run_action(repo, program, context)
    assert (obeyed["code"], obeyed["outputs"]["decision"]) == (1, "hold")
    told = run_action(repo, program, context, **{"fail-on": "low"}, mode="advisory")
    assert (told["code"], told["outputs"]["verdict"], told["outputs"]["decision"]) == (0, "hold", "warn")
