"""Pipelines other than GitHub's, job by job: what waited for a person, a branch or the tests before.

GitLab, CircleCI, Azure, Bitbucket, Buildkite and Drone are read as YAML, Jenkinsfiles by their lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.risk.change import Line, TouchedFile
from core.risk.rules.delivery.commands import DEPLOYS, runs_tests
from core.risk.rules.delivery.pipelines import Job, Jobs, jobs_of, pipeline_of, text_of
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder, fresh, gone, is_comment, line_at, place_of, shown
from core.risk.rules.yamldocs import Map, line_of

# Of one file: nobody reads more.
_MOST_TOLD = 100
_NAME_DEPLOYS = finder(
    r"(?:^|[^a-z])(?:deploy\w{0,6}|release|publish|prod(?:uction)?|live|rollout|promote)(?:[^a-z]|$)"
)
# What goes nowhere that people depend on.
_LOWER = finder(
    r"(?:^|[^a-z])(?:dev|develop|development|tests?|staging|stg|qa|uat|preview|review|sandbox|coverage"
    r"|reports?"
    r"|docs|results)(?:[^a-z]|$)"
)
_STEP_HEADS = ("job ", "stage ", "deployment ")
_SCRIPTS = (
    "script",
    "before_script",
    "after_script",
    "command",
    "commands",
    "bash",
    "pwsh",
    "powershell",
    "run",
)
# What makes a failure of a step count for nothing.
_LENIENT = ("continueOnError", "allow_failure", "soft_fail", "ignore_failure")
_BRANCH = finder(
    r"Build\.SourceBranch|CI_COMMIT_(?:BRANCH|TAG|REF)|CI_DEFAULT_BRANCH|refs/(?:heads|tags)/|\bmain\b"
    r"|\bmaster\b|\btags\b"
    r"|\brelease\b|\bproduction\b"
)
_ALWAYS = finder(r"\balways\s{0,3}\(\s{0,3}\)")
# Of a Jenkinsfile: a step that waits for a person, and what begins a stage.
_INPUT = re.compile(r"(?:^|[\s{;])input\s{0,5}(?:\(|\{|message\b|[\"'])")
_BY_HAND = re.compile(rf"\bwhen:\s{{0,5}}manual\b|\btype:\s{{0,5}}approval\b|{_INPUT.pattern}")
_STAGE = re.compile(r"\bstage\s{0,5}\(\s{0,5}(?:name\s{0,5}:\s{0,5})?[\"']([^\"']{1,200})[\"']")
_RUNS = re.compile(r"^\s{0,200}(?:sh|bat|powershell|build|withCredentials|container|script)\b")
_FROM_ELSEWHERE = ("extends", "template", "<<")
# What makes a failed command one that went well.
_FORGIVES = re.compile(
    r"\s{0,5}(?:\|\||;)\s{0,5}(?:(?:true|:|exit\s{1,3}0)(?=\s{0,5}(?:[\"'\])}]|$))"
    r"|echo\b[^|&;]{0,100}$)"
)
_FORGIVEN = "Tests that fail no longer stop this pipeline."
_HAND = "What had to be started by hand now goes out by itself."


def of_gates(file: TouchedFile) -> Iterator[Match]:
    """What a pipeline that is there before and after the change no longer waits for."""
    yield from _forgiven(file)
    if file.before is None or file.after is None:
        yield from _by_lines(file)
        return
    if file.name.lower().startswith("jenkinsfile"):
        yield from _inputs(file)
        return
    if not file.path.lower().endswith((".yml", ".yaml")):
        return
    after = pipeline_of(file.after)
    was, now = jobs_of(pipeline_of(file.before)), jobs_of(after)
    lost = [line for line in gone(file) if not is_comment(line.text)]
    held, holds = _waiting(was), _waiting(now)
    yield from islice(_compared(file, after, was, now, held, holds, lost), _MOST_TOLD)


def _compared(
    file: TouchedFile,
    after: Map,
    was: Jobs,
    now: Jobs,
    held: dict[tuple[str, ...], str],
    holds: dict[tuple[str, ...], str],
    lost: list[Line],
) -> Iterator[Match]:
    for key, job in now.items():
        old = was.get(key)
        if old is None:
            continue
        freed = key in held and key not in holds and not _taken_over(old.row, job.row)
        if freed and not _only_tests(job):
            yield _lost(file, _HAND, held[key], job, lost)
        yield from _unbound(file, after, old, job, lost)
        yield from _lenient(file, old, job)


def _forgiven(file: TouchedFile) -> Iterator[Match]:
    """A command that runs tests as before, and whose failure is now taken for a success."""
    was = {_plain(line.text) for line in gone(file)}
    for line in fresh(file):
        kept = _FORGIVES.sub("", line.text)
        if kept == line.text or is_comment(line.text) or not runs_tests(kept) or _plain(kept) not in was:
            continue
        clears = "Let the failure stop the pipeline; skip the one test that is flaky, with a date."
        yield Match(
            "build-failure-ignored", "medium", _FORGIVEN, clears, file.path, line.number, shown(line.text)
        )
        return


def _plain(text: str) -> str:
    return re.sub(r"[\s\"']+", " ", text).strip()


def _by_lines(file: TouchedFile) -> Iterator[Match]:
    """Of a file of which no more is known than what changed."""
    if any(_BY_HAND.search(one.text) for one in fresh(file)):
        return
    for line in gone(file):
        if _BY_HAND.search(line.text) and not is_comment(line.text):
            clears = "Keep it, or show what takes its place."
            evidence = shown(line.text)
            yield Match("build-gate-removed", "high", _HAND, clears, file.path, 0, evidence)


def _waiting(jobs: dict[tuple[str, ...], Job]) -> dict[tuple[str, ...], str]:
    """Jobs that a person starts, and what says so: of themselves, or through one that they wait for."""
    found: dict[tuple[str, ...], str] = {}
    by_name: dict[str, list[Any]] = {}
    for job in jobs.values():
        below = job.row.get("requires")
        by_name.setdefault(job.name.removeprefix("only "), []).extend(
            below if isinstance(below, list) else []
        )
    approvals = {key[-1] for key, job in jobs.items() if job.row.get("type") == "approval"}
    for key, job in jobs.items():
        rules = job.row.get("rules")
        rows = [one for one in rules if isinstance(one, dict)] if isinstance(rules, list) else []
        if job.row.get("when") == "manual" and key[-1:] != ("rules",) and "rules" not in key:
            found[key] = "when: manual"
        elif rows and all(one.get("when") in ("manual", "never") for one in rows):
            if any(one.get("when") == "manual" for one in rows):
                found[key] = "when: manual"
        elif job.row.get("trigger") == "manual":
            found[key] = "trigger: manual"
        needs = job.row.get("requires")
        if (
            isinstance(needs, list)
            and job.row.get("type") != "approval"
            and _reaches(needs, by_name, approvals)
        ):
            found[key] = "type: approval"
    return found


def _reaches(needs: list[Any], by_name: dict[str, list[Any]], approvals: set[str]) -> bool:
    """Whether an approval stands before one of these jobs, or before what they wait for."""
    if not approvals:
        return False
    seen: set[str] = set()
    left = [str(one) for one in needs]
    while left:
        name = left.pop()
        if name in approvals:
            return True
        if name not in seen:
            seen.add(name)
            left += [str(one) for one in by_name.get(name, ())]
    return False


def _taken_over(old: Map, new: Map) -> bool:
    """Whether what a job is made of stands elsewhere from now on."""
    return any(key in new and new.get(key) != old.get(key) for key in _FROM_ELSEWHERE)


def _goes_out(job: Job) -> bool:
    """Whether it deploys to where people depend on it: by what it runs, or by its name."""
    name = job.name
    for head in _STEP_HEADS:
        name = name.removeprefix(head)
    if _LOWER(name):
        return False
    named = _NAME_DEPLOYS(name) is not None or "deployment" in job.row
    return named or DEPLOYS(text_of([job.row.get(key) for key in _SCRIPTS])) is not None


def _only_tests(job: Job) -> bool:
    """Whether it reaches nobody: that tests run by themselves from now on is no loss."""
    if _goes_out(job):
        return False
    said = text_of([job.row.get(key) for key in _SCRIPTS])
    return _LOWER(job.name) is not None or runs_tests(said) is not None


def _unbound(file: TouchedFile, after: Map, old: Job, job: Job, lost: list[Line]) -> Iterator[Match]:
    """A deployment that runs for other branches, or whatever became of what was before it."""
    if not _goes_out(job) or _taken_over(old.row, job.row):
        return
    was, now = text_of(old.row.get("condition")), text_of(job.row.get("condition"))
    if _ALWAYS(now) and not _ALWAYS(was) and job.name.startswith(_STEP_HEADS):
        what = f"{job.name} goes out whatever became of the tests before it."
        yield _found(file, "build-gate-removed", "high", what, line_of(job.row, "condition"))
        return
    held = next((key for key in ("rules", "only", "condition") if _BRANCH(text_of(old.row.get(key)))), "")
    left = any(key in job.row for key in ("rules", "only", "except", "condition"))
    freed = held and not left and "workflow" not in after
    line = next((one for one in lost if _BRANCH(one.text)), None) if freed else None
    if line is not None:
        what = f"{job.name} goes out from every branch: nothing says any more when it runs."
        clears = "Keep it, or show what takes its place."
        place = place_of(file, line.number)
        yield Match("build-gate-removed", "high", shown(what), clears, file.path, place, shown(line.text))
    if job.row.get("needs") == [] and old.row.get("needs") != []:
        what = f"{job.name} no longer waits for the tests: it needs nothing that is before it."
        yield _found(file, "build-gate-removed", "high", what, line_of(job.row, "needs"))


def _lenient(file: TouchedFile, old: Job, job: Job) -> Iterator[Match]:
    for key in _LENIENT:
        on = job.row.get(key) is True and old.row.get(key) is not True
        if on and runs_tests(text_of([job.row.get(one) for one in _SCRIPTS])):
            what = "Tests that fail no longer stop this pipeline."
            clears = "Let the failure stop the pipeline; skip the one test that is flaky, with a date."
            line = line_of(job.row, key)
            evidence = line_at(file.after, line)
            yield Match("build-failure-ignored", "medium", what, clears, file.path, line, evidence)


def _inputs(file: TouchedFile) -> Iterator[Match]:
    """A step of a Jenkinsfile that waited for a person, but for one that goes with what it held up."""
    after = file.after or ""
    if any(_INPUT.search(line[:500]) and not is_comment(line[:500]) for line in after.split("\n")):
        return
    lines = (file.before or "").split("\n")
    stages = {found[1] for found in _STAGE.finditer(after)}
    for line in gone(file):
        if not _INPUT.search(line.text) or is_comment(line.text):
            continue
        begins = next((at for at in range(line.number - 1, -1, -1) if _STAGE.search(lines[at][:500])), None)
        stage = _STAGE.search(lines[begins][:500]) if begins is not None else None
        if stage is not None and begins is not None and stage[1] not in stages and _runs(lines, begins):
            continue
        evidence = shown(line.text)
        clears = "Keep it, or show what takes its place."
        place = place_of(file, line.number)
        yield Match("build-gate-removed", "high", _HAND, clears, file.path, place, evidence)
        return


def _runs(lines: list[str], begins: int) -> bool:
    """Whether a stage runs something of its own."""
    for line in lines[begins + 1 : begins + 200]:
        if _STAGE.search(line[:500]):
            return False
        if _RUNS.match(line[:500]):
            return True
    return False


def _lost(file: TouchedFile, what: str, word: str, job: Job, lost: list[Line]) -> Match:
    """With the removed line that said it."""
    line = next((one for one in lost if word in " ".join(one.text.split())), None)
    if line is None:
        return _found(file, "build-gate-removed", "high", what, job.line)
    clears = "Keep it, or show what takes its place."
    evidence, place = shown(line.text), place_of(file, line.number)
    return Match("build-gate-removed", "high", shown(what), clears, file.path, place, evidence)


def _found(file: TouchedFile, rule: str, level: Level, what: str, line: int) -> Match:
    clears = "Keep it, or show what takes its place."
    return Match(rule, level, shown(what), clears, file.path, line, line_at(file.after, line))
