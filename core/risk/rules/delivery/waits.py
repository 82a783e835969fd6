"""What a job of a GitHub workflow waited for before it deployed: an environment's approval, the tests.

Jobs are compared by name; a job that is new is judged by what it lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.risk.change import TouchedFile
from core.risk.rules.delivery.commands import DEPLOYS, runs_tests
from core.risk.rules.delivery.workflow import jobs, match, steps, triggers
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, gone, place_of
from core.risk.rules.yamldocs import Map, line_of

_NAME_DEPLOYS = finder(
    r"(?:^|[^a-z])(?:deploy\w{0,6}|release|publish|prod(?:uction)?|live|rollout|promote)(?:[^a-z]|$)"
)
_NAME_TESTS = finder(
    r"(?:^|[^a-z])(?:tests?|testing|checks?|verify|ci|e2e|integration|smoke|qa|gate)(?:[^a-z]|$)"
)
_LOWER = finder(
    r"(?:^|[^a-z])(?:dev|develop|development|staging|stage|qa|uat|preview|docs|pages|please|drafter|notes|changelog)(?:[^a-z]|$)"
)
# Runs also where what it needs has failed.
_ANYHOW = re.compile(r"\balways\s{0,3}\(\s{0,3}\)|!\s{0,3}cancelled\s{0,3}\(")
_ASKS = re.compile(r"\bneeds\.[\w-]{1,100}\.result\b|\bneeds\.\*\.result\b|\bneeds\[|\bfailure\s{0,3}\(")
# Jobs of a workflow that are looked at.
_MOST = 300
_KEEP = "Keep `needs:` on the job of the tests, or run them in this job before it deploys."


def ungated(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    was, now = jobs(before), jobs(after)
    tests = _tests_of(before, was), _tests_of(after, now)
    deploys = {step.job: step.line for step in reversed(steps(after)) if DEPLOYS(step.run[:20_000])}
    for name, job in islice(now.items(), _MOST):
        gated = "environment" in job
        if name in was and "environment" in was[name] and not gated:
            what = f"Job {name} no longer asks for the approval that its environment held."
            yield _removed(file, "high", what, "environment", job)
        elif name in deploys and name not in was and not gated and triggers(after) & {"push", "schedule"}:
            what = f"The new job {name} deploys without an environment that somebody approves."
            clears = "Give it an `environment:` with reviewers, or say what checks it before."
            yield match(file, "ci-deploy-ungated", "medium", what, clears, deploys[name])
        if name in was and (name in deploys or _named(name, was[name])):
            yield from _waits(file, name, was, now, tests, "workflow_run" in triggers(after))


def _named(name: str, job: Map) -> bool:
    said = f"{name} {job.get('name', '')}"
    return bool(_NAME_DEPLOYS(said) or "environment" in job) and not _LOWER(said)


def _waits(
    file: TouchedFile,
    name: str,
    old: dict[str, Map],
    new: dict[str, Map],
    tests: tuple[set[str], set[str]],
    later: bool,
) -> Iterator[Match]:
    """A deployment that waited for tests, and waits no more, or no longer minds how they ended. `later`: it
    runs after another workflow."""
    waited = _before(name, old) & tests[0]
    if not waited or later or name in tests[1]:
        return
    job, was = new[name], old[name]
    if not _before(name, new) & (tests[1] | waited):
        first = min(waited)
        what = f"Job {name} no longer waits for {first}: it goes out when tests fail too."
        yield _removed(file, "medium", what, "needs", job, _KEEP)
        return
    said, once_said = str(job.get("if") or ""), str(was.get("if") or "")
    if _ANYHOW.search(said) and not _ASKS.search(said) and not _ANYHOW.search(once_said):
        what = f"Job {name} goes out also when what it needs has failed."
        yield match(file, "ci-deploy-ungated", "medium", what, _KEEP, line_of(job, "if"))


def _tests_of(workflow: Map, of: dict[str, Map]) -> set[str]:
    """The jobs that test: by a line of a script, else by what they call and are called."""
    found = {step.job for step in steps(workflow) if any(map(runs_tests, step.run[:20_000].split("\n")))}
    return found | {name for name, job in of.items() if _NAME_TESTS(f"{name} {_called(job)}")}


def _called(job: Map) -> str:
    """The workflow that a job stands for."""
    uses: Any = job.get("uses")
    return uses.rpartition("/")[2] if isinstance(uses, str) else ""


def _before(name: str, of: dict[str, Map]) -> set[str]:
    """Every job that has ended when this one begins."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        needs = of[one].get("needs") if (one := waiting.pop()) in of else None
        names = [needs] if isinstance(needs, str) else needs if isinstance(needs, list) else []
        fresh = [str(each) for each in names if str(each) not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _removed(
    file: TouchedFile,
    level: Level,
    what: str,
    key: str,
    job: Map,
    clears: str = "Keep `environment:`, so that its reviewers and its secrets hold.",
) -> Match:
    """With the removed line of that key, where there is one. Of several it is the one that is closest."""
    lines = [line for line in gone(file) if line.text.strip().startswith(f"{key}:")]
    line = min(lines, key=lambda one: abs(place_of(file, one.number) - job.line), default=None)
    if line is None:
        return match(file, "ci-deploy-ungated", level, what, clears, line_of(job, key))
    place = place_of(file, line.number)
    return match(file, "ci-deploy-ungated", level, what, clears, place, line.text)
