"""`watchkeeper risk publish`: what a check wrote, as one note on the pull or merge request that it is of.

The file may come from a fork's own workflow: it is data, and it has to be of the commit that the event names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.outbound.forge_notes import Forge, Note, on_github, on_gitlab, pull_of_branch
from core.errors import InputError
from core.narrative.plain import one_line
from watchkeeper.risk.render_markdown import MARKER, render_markdown
from watchkeeper.risk.report import Report
from watchkeeper.risk.report_file import read_report

_MOST_EVENT = 30_000_000
_GITHUB = "https://api.github.com"


def publish(file: Path, told: Mapping[str, str]) -> str:
    """What was done, in words. `told` is the environment that the forge gives a job. Raises InputError,
    RemoteError."""
    report = read_report(file)
    if told.get("GITHUB_REPOSITORY"):
        return _github(report, told)
    if told.get("CI_PROJECT_ID"):
        return _gitlab(report, told)
    mend = "Run it in a job of GitHub Actions or of GitLab CI"
    raise InputError("neither GITHUB_REPOSITORY nor CI_PROJECT_ID is set", where="environment", mend=mend)


def _note(report: Report) -> Note:
    return Note(MARKER, render_markdown(report), report.assessment.verdict != "allow")


def _github(report: Report, told: Mapping[str, str]) -> str:
    repository = told["GITHUB_REPOSITORY"]
    event = _event(told)
    run, pull = _part(event, "workflow_run"), _part(event, "pull_request")
    head = _part(pull, "head").get("sha") if pull else run.get("head_sha")
    _same(report, (head,))
    headers = {"authorization": f"Bearer {_needed(told, 'GITHUB_TOKEN')}"}
    headers |= {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
    with Forge(told.get("GITHUB_API_URL") or _GITHUB, headers) as forge:
        number = pull.get("number") if pull else _number(forge, repository, run, str(head))
        if not isinstance(number, int) or number <= 0:
            return "No open pull request has this commit as its newest: nothing to publish"
        return f"Pull request {number}: comment {on_github(forge, repository, number, _note(report))}"


def _number(forge: Forge, repository: str, run: Mapping[str, Any], head: str) -> int:
    """Of a run: GitHub names its pull requests itself, except those of forks."""
    for one in run.get("pull_requests") or []:
        number = one.get("number") if isinstance(one, dict) else None
        if isinstance(number, int) and _part(one, "head").get("sha") == head:
            return number
    owner = _part(_part(run, "head_repository"), "owner").get("login")
    branch = run.get("head_branch")
    if not (isinstance(owner, str) and isinstance(branch, str)):
        return 0
    return pull_of_branch(forge, repository, owner, branch, head)


def _gitlab(report: Report, told: Mapping[str, str]) -> str:
    number = told.get("CI_MERGE_REQUEST_IID", "")
    if not (number.isdigit() and len(number) < 12):
        return "No merge request: nothing to publish"
    _same(report, (told.get("CI_COMMIT_SHA"), told.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")))
    token = told.get("GITLAB_TOKEN", "")
    if not token:
        return "GITLAB_TOKEN is not set: nothing is published"
    with Forge(_needed(told, "CI_API_V4_URL"), {"private-token": token}) as forge:
        did = on_gitlab(forge, told["CI_PROJECT_ID"], int(number), _note(report))
    return f"Merge request {number}: note {did}"


def _same(report: Report, heads: tuple[object, ...]) -> None:
    """Raises InputError for a report of another commit."""
    if report.head not in heads:
        what = f"it is of {report.head[:12]}, and the event of {one_line(str(heads[0]), 12)}"
        raise InputError(what, where="report", mend="Publish what was judged in the same run")


def _event(told: Mapping[str, str]) -> Mapping[str, Any]:
    path = Path(_needed(told, "GITHUB_EVENT_PATH"))
    try:
        with path.open("rb") as file:
            event = json.loads(file.read(_MOST_EVENT))
    except (OSError, ValueError, RecursionError):
        raise InputError("no event", where=str(path), mend="Run it in a workflow's job") from None
    return event if isinstance(event, dict) else {}


def _part(content: Any, name: str) -> Mapping[str, Any]:
    found = content.get(name) if isinstance(content, Mapping) else None
    return found if isinstance(found, dict) else {}


def _needed(told: Mapping[str, str], name: str) -> str:
    value = told.get(name, "")
    if not value:
        raise InputError("it is not set", where=name, mend="Give it to the step by `env:`")
    return value
