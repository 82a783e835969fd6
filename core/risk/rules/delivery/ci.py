"""GitHub workflows: code of strangers with the rights of the repository, tests that no longer stop anything,
deployments without a gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import finder, judged, line_at, once, shown
from core.risk.rules.yamldocs import Map, documents, line_of, map_at, rows_at

_FILE = finder(r"(?:^|/)\.(?:github|gitea|forgejo)/(?:workflows/[^/]{1,200}|actions/.{1,200}/action)\.ya?ml$")
_FOREIGN = re.compile(
    r"\$\{\{[^}]{0,200}(?:github\.head_ref|github\.event\.(?:issue|pull_request|comment|review|review_comment"
    r"|discussion|head_commit|commits|pages|workflow_run)[\w.\[\]*'-]{0,80}\.(?:title|body"
    r"|message|ref|label|name"
    r"|email|head_branch|page_name|default_branch|display_title))\b"
)
_HEAD = re.compile(
    r"github\.event\.(?:pull_request\.head|workflow_run\.head_\w{1,20}|workflow_run\.pull)\b|github\.head_ref|refs/pull/|github\.event\.number"
)
TESTS = finder(
    r"\b(?:pytest|tox|nox|unittest|go\s+test|cargo\s+(?:test|nextest)|npm\s+(?:run\s+)?(?:test"
    r"|t)\b|npm\s+ci-test"
    r"|yarn\s+(?:run\s+)?test|pnpm\s+(?:run\s+)?test|jest|vitest|playwright\s+test|cypress\s+run"
    r"|mvn\b.{0,80}\b(?:test"
    r"|verify)|gradlew?\b.{0,80}\b(?:test|check)|rspec|rake\s+test|rails\s+test|phpunit"
    r"|dotnet\s+test|make\s+(?:-\S+\s+)?"
    r"(?:test|check)|ctest|bazel\s+test|mix\s+test|sbt\s+test|swift\s+test|terraform\s+validate)"
)
# A version or another name after it: a package, not a run.
_PACKAGE = re.compile(r"-(?!-)[a-z]|\[|\s{0,5}(?:[=<>~!]=|[<>]\s{0,3}[0-9])")
_INSTALLS = finder(
    r"^[^&|;]{0,300}\b(?:pip3?|uv|pipx|conda|apt-get|apt|brew|poetry|pdm)\s[^&|;]{0,200}\b(?:install|add)\b[^&|;]*$"
)
_DEPLOYS = finder(
    r"\b(?:kubectl\s+(?:apply|set\s+image|rollout)|helm\s+upgrade|terraform\s+apply"
    r"|serverless\s+deploy|sls\s+deploy"
    r"|cdk\s+deploy|pulumi\s+up|eb\s+deploy|ecs\s+update-service|flyctl\s+deploy|gcloud\s+(?:run"
    r"|app)\s+deploy"
    r"|ansible-playbook|argocd\s+app\s+sync)\b"
)
_IGNORES = re.compile(r"\|\|\s{0,5}(?:true|:|exit\s+0)(?:\s|$)|set\s+\+e\b|--passWithNoTests\b|--exit-zero\b")
_OWN = ("actions/", "github/", "./", "docker://")
_PINNED = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCHES = ("main", "master", "develop", "dev", "latest", "HEAD", "trunk", "")


class _Step(NamedTuple):
    job: str
    row: Map
    run: str
    line: int


def wanted(path: str) -> bool:
    return _FILE(path[-400:]) is not None


def _matches(change: ChangeSet) -> Iterator[Match]:
    workflows = [file for file in change.files if wanted(file.path)]
    left = [line for file in workflows for line in _tests(_first(file.after))]
    fewer = len(left) < sum(len(_tests(_first(file.before))) for file in workflows)
    for file in judged(change, wanted):
        before, after = _first(file.before), _first(file.after)
        if file.after is not None and not after:
            continue
        if fewer:
            yield from _tests_gone(file, before, left)
        if file.after is not None:
            yield from _trigger(file, before, after)
            yield from _permissions(file, before, after)
            yield from _steps_of(file, before, after)
            yield from _gates(file, before, after)


def _first(text: str | None) -> Map:
    return map_at((documents(text) or [None])[0])


def _jobs(workflow: Map) -> dict[str, Map]:
    found = {name: job for name, job in map_at(workflow, "jobs").items() if isinstance(job, Map)}
    return found or ({"runs": map_at(workflow, "runs")} if "runs" in workflow else {})


def _steps(workflow: Map) -> list[_Step]:
    found = []
    for name, job in _jobs(workflow).items():
        for row in rows_at(job, "steps"):
            run = row.get("run")
            found.append(_Step(name, row, run if isinstance(run, str) else "", line_of(row, "run")))
    return found


def _match(
    file: TouchedFile, rule: str, level: Level, what: str, clears: str, line: int, text: str = ""
) -> Match:
    evidence = line_at(file.after, line) if line else shown(text)
    return Match(rule, level, shown(what), clears, file.path, line, evidence)


def _triggers(workflow: Map) -> set[str]:
    on = workflow.get("on")
    return {str(one) for one in on} if isinstance(on, (dict, list)) else {str(on)}


def _trigger(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    if "pull_request_target" not in _triggers(after) and "workflow_run" not in _triggers(after):
        return
    earlier = {_ref(step.row) for step in _steps(before)} if _triggers(before) == _triggers(after) else set()
    for step in _steps(after):
        ref = _ref(step.row)
        if ref and _HEAD.search(ref) and ref not in earlier:
            what = "Code of anybody's pull request runs here with the secrets of the repository."
            clears = (
                "Use `pull_request`; do what needs secrets in a second workflow that runs none of that code."
            )
            line = line_of(map_at(step.row, "with"), "ref")
            yield _match(file, "ci-untrusted-checkout", "critical", what, clears, line)


def _ref(row: Map) -> str:
    uses = row.get("uses")
    ref = map_at(row, "with").get("ref")
    return (
        ref if isinstance(uses, str) and uses.startswith("actions/checkout") and isinstance(ref, str) else ""
    )


def _permissions(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    was = {
        name
        for name, holder in {"": before, **_jobs(before)}.items()
        if holder.get("permissions") == "write-all"
    }
    for name, holder in {"": after, **_jobs(after)}.items():
        if holder.get("permissions") == "write-all" and name not in was:
            what = "This workflow may write everything in the repository."
            clears = "List the permissions that it needs, `contents: read` first."
            yield _match(file, "ci-permissions-wide", "high", what, clears, line_of(holder, "permissions"))


def _steps_of(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    old = _steps(before)
    used = {str(step.row.get("uses")).partition("@")[0] for step in old}
    runs = {line.strip() for step in old for line in step.run.split("\n")}
    lenient = {step.run for step in old if step.row.get("continue-on-error") is True}
    for step in _steps(after):
        yield from _unpinned(file, step, used)
        for number, line in _new_lines(step, runs):
            if _FOREIGN.search(line):
                what = "Text from a stranger's issue or pull request becomes part of a command here."
                clears = 'Pass it as an environment variable (`env:`) and use "$NAME" in the script.'
                yield _match(file, "ci-script-injection", "high", what, clears, number, line)
            if TESTS(line) and _IGNORES.search(line):
                yield _ignored(file, number, line)
        if TESTS(step.run[:20_000]) and step.row.get("continue-on-error") is True and step.run not in lenient:
            yield _ignored(file, line_of(step.row, "continue-on-error"), "continue-on-error")


def _ignored(file: TouchedFile, line: int, text: str) -> Match:
    clears = "Let the failure stop the pipeline; skip the one test that is flaky, with a date."
    return _match(
        file,
        "ci-failure-ignored",
        "medium",
        "Tests that fail no longer stop this pipeline.",
        clears,
        line,
        text,
    )


def _new_lines(step: _Step, known: set[str]) -> Iterator[tuple[int, str]]:
    """Lines of a script that were in none before. A block begins in the line below its key."""
    lines = step.run.split("\n")
    shift = 0 if len(lines) == 1 else 1
    for number, line in enumerate(lines[:2_000]):
        if line.strip() not in known and not line.strip().startswith("#"):
            yield step.line + number + shift, line[:2_000]


def _unpinned(file: TouchedFile, step: _Step, used: set[str]) -> Iterator[Match]:
    uses = step.row.get("uses")
    if not isinstance(uses, str) or uses.startswith(_OWN) or uses.partition("@")[0] in used:
        return
    name, _, version = uses.partition("@")
    if not _PINNED.fullmatch(version):
        level: Level = "medium" if version in _BRANCHES else "low"
        what = f"The new action {name} is not pinned: its owner can change what runs here."
        clears = f"Pin {name} to the full hash of a commit that was read."
        yield _match(file, "ci-action-unpinned", level, what, clears, line_of(step.row, "uses"))


def _tests(workflow: Map) -> list[str]:
    """The lines of scripts that run tests."""
    lines = (line[:2_000].strip() for step in _steps(workflow) for line in step.run.split("\n"))
    return [line for line in lines if runs_tests(line) and not line.startswith("#")]


def runs_tests(text: str) -> re.Match[str] | None:
    """What of a line runs tests; a package of that name that is installed (`pytest>=8`) does not."""
    found = TESTS(text)
    return None if (found and _PACKAGE.match(text, found.end())) or _INSTALLS(text) else found


def _tests_gone(file: TouchedFile, before: Map, left: list[str]) -> Iterator[Match]:
    kept = "\n".join(left)
    for line in _tests(before):
        found = TESTS(line)
        if found and found[0] not in kept:
            what = "The pipeline no longer runs these tests."
            clears = "Keep the step, or show where these tests run now."
            yield _match(file, "ci-tests-removed", "high", what, clears, 0, line)


def _gates(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    was = _jobs(before)
    for name, job in _jobs(after).items():
        deploys = [step for step in _steps(after) if step.job == name and _DEPLOYS(step.run[:20_000])]
        gated = "environment" in job
        if name in was and "environment" in was[name] and not gated:
            what = f"Job {name} no longer asks for the approval that its environment held."
            clears = "Keep `environment:`, so that its reviewers and its secrets hold."
            yield _match(file, "ci-deploy-ungated", "high", what, clears, job.line)
        elif deploys and name not in was and not gated and _triggers(after) & {"push", "schedule"}:
            what = f"The new job {name} deploys without an environment that somebody approves."
            clears = "Give it an `environment:` with reviewers, or say what checks it before."
            yield _match(file, "ci-deploy-ungated", "medium", what, clears, deploys[0].line)


_of = once(_matches)
_HARDENING = "https://docs.github.com/en/actions/security-for-github-actions/security-guides"


def _rule(id: str, title: str, why: str, source: str) -> RiskRule:
    return RiskRule(id, title, why, source, _of(id), wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "ci-untrusted-checkout",
        "Strangers' code runs with secrets",
        "`pull_request_target` has the secrets and a token that writes; a checkout of the head "
        "runs what was sent.",
        "GitHub Security Lab, Preventing pwn requests: "
        "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/",
    ),
    _rule(
        "ci-script-injection",
        "Foreign text in a script",
        "The text is pasted into the script before a shell reads it: a title can be a command.",
        f"GitHub, Script injections: {_HARDENING}/security-hardening-for-github-actions",
    ),
    _rule(
        "ci-permissions-wide",
        "A workflow that may write everything",
        "Each action of the workflow can push code and releases.",
        f"GitHub, Automatic token authentication: {_HARDENING}/automatic-token-authentication",
    ),
    _rule(
        "ci-action-unpinned",
        "A new action that is not pinned",
        "Tags were moved to malicious commits: tj-actions/changed-files, March 2025, 23,000 repositories.",
        "CISA, CVE-2025-30066: https://nvd.nist.gov/vuln/detail/CVE-2025-30066",
    ),
    _rule(
        "ci-tests-removed",
        "Tests are no longer run",
        "What no pipeline runs is found by users.",
        "DORA, Continuous integration: https://dora.dev/capabilities/continuous-integration/",
    ),
    _rule(
        "ci-failure-ignored",
        "Failing tests stop nothing",
        "A check that cannot fail is not there.",
        "DORA, Test automation: https://dora.dev/capabilities/test-automation/",
    ),
    _rule(
        "ci-deploy-ungated",
        "A deployment without a gate",
        "An environment holds reviewers, waiting times and secrets; without it every push goes out.",
        "GitHub, Environments: "
        "https://docs.github.com/en/actions/managing-workflow-runs-and-deployments/managing-deployments",
    ),
)
