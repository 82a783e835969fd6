"""What strangers can do to a workflow: run their code or their text with its rights, on its machines, or
through actions and workflows of others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from core.risk.change import TouchedFile
from core.risk.rules.delivery.expressions import Reference, references
from core.risk.rules.delivery.workflow import Step, environment, jobs, known_lines, match, steps, triggers
from core.risk.rules.rule import Level, Match
from core.risk.rules.touched import finder
from core.risk.rules.yamldocs import Map, line_of, map_at

_SUBJECT_WORDS = (
    "issue pull_request comment review review_comment discussion head_commit commits pages workflow_run *"
)
_SUBJECTS = frozenset(_SUBJECT_WORDS.split())
_LEAF_WORDS = "title body message ref label name email head_branch page_name default_branch display_title"
_LEAVES = frozenset(_LEAF_WORDS.split())
_HOLDERS = frozenset(("head", "repo", "label", "labels", "author", "committer", "head_commit", "commits"))
# Only who may write to the repository sets these.
_OURS = frozenset(("base", "milestone"))
# With the secrets of the repository, whoever sent what started them.
_WITH_SECRETS = frozenset(("pull_request_target", "workflow_run", "issue_comment"))
_OF_STRANGERS = frozenset(("pull_request", "pull_request_target", "issue_comment", "workflow_run"))
_HEADS = (
    ("github", "event", "pull_request", "head"),
    ("github", "event", "workflow_run", "pull_requests"),
    ("github", "event", "workflow_run", "head_branch"),
    ("github", "event", "workflow_run", "head_sha"),
    ("github", "event", "workflow_run", "head_commit"),
    ("github", "event", "workflow_run", "head_repository"),
    ("github", "head_ref"),
)
_PULL_REF = finder(
    r"\brefs/pull/|\bpull/(?:[^\s'\"/$]|\$\{\{[^}]{0,200}\}\}|\$(?!\{\{)){1,100}/(?:head|merge)\b"
)
_GIT = r"\bgit\s+(?:-\S{1,40}\s+\S{1,80}\s+)?"
_BRINGS = finder(rf"{_GIT}(?:fetch|checkout|switch|pull|clone|reset|merge|worktree)(?![\w-])")
_GH_CHECKOUT = finder(r"\bgh\s+pr\s+checkout\b")
_TAKES = finder(rf"{_GIT}(?:checkout|switch|pull|clone|reset|merge|rebase|worktree)(?![\w-])")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w{0,100})")
_MEMBER = finder(r"author_association")
_SAME_REPOSITORY = finder(r"head\.repo\.(?:full_name|owner\.login|fork)")
_OWN = ("actions/", "github/", "./", "docker://")
_PINNED = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCHES = ("main", "master", "develop", "dev", "latest", "HEAD", "trunk", "")
_MOST_SCRIPT = 20_000
_MOST_PLACES = 50


def of_strangers(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    """The matches of the rules of this file, for one workflow."""
    yield from _untrusted(file, before, after)
    yield from _injected(file, before, after)
    yield from _permissions(file, before, after)
    yield from _unpinned(file, before, after)
    yield from _machines(file, before, after)
    yield from _inherited(file, before, after)


def _untrusted(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    reasons = triggers(after) & _WITH_SECRETS
    if not reasons:
        return
    earlier = {text for _, _, text in _brought(before)} if triggers(before) == triggers(after) else set()
    for step, line, text in _brought(after):
        if text not in earlier:
            asked = f"{step.of.get('if')} {step.row.get('if')}"
            known = reasons == {"issue_comment"} and _MEMBER(asked[:_MOST_SCRIPT])
            level: Level = "high" if known else "critical"
            what = "Code of anybody's pull request runs here with the secrets of the repository."
            clears = (
                "Use `pull_request`; do what needs secrets in a second workflow that runs none of that code."
            )
            yield match(file, "ci-untrusted-checkout", level, what, clears, line)


def _brought(workflow: Map) -> Iterator[tuple[Step, int, str]]:
    """Where steps bring the code of a pull request: step, line, and what says so."""
    variables = Variables(workflow, lambda one: any(one.path[: len(head)] == head for head in _HEADS))
    for step in steps(workflow):
        given = map_at(step.row, "with")
        ref = f"{given.get('ref') or ''} {given.get('repository') or ''}"
        if not step.uses.lower().startswith("actions/checkout"):
            yield from ((step, line, text) for line, text in _brought_by(step, variables.around(step)))
        elif _names_head(ref) or _PULL_REF(ref):
            yield step, line_of(given, "ref" if "ref" in given else "repository"), ref


def _brought_by(step: Step, variables: list[set[str]]) -> Iterator[tuple[int, str]]:
    """The first line of a script that does."""
    script = step.run[:_MOST_SCRIPT]
    takes = _TAKES(script) is not None
    for number, line in enumerate(script.split("\n")):
        names = {found[1].lower() for found in _VARIABLE.finditer(line)}
        named = _names_head(line) or _PULL_REF(line) or any(names & one for one in variables)
        if not line.strip().startswith("#") and (_GH_CHECKOUT(line) or (takes and named and _BRINGS(line))):
            yield step.line_at(number), line.strip()
            return


class Variables:
    """Which variables hold what strangers choose, by workflow, job and step, each once; in small letters."""

    def __init__(self, workflow: Map, counts: Callable[[Reference], bool]) -> None:
        self.counts = counts
        self.all = self.of(workflow)
        self.jobs: dict[str, set[str]] = {}

    def around(self, step: Step) -> list[set[str]]:
        if step.job not in self.jobs:
            self.jobs[step.job] = self.of(step.of)
        return [self.all, self.jobs[step.job], self.of(step.row)]

    def of(self, holder: Map) -> set[str]:
        values = environment(holder).items()
        return {name.lower() for name, value in values if any(map(self.counts, references(value)))}


def _names_head(text: str) -> bool:
    return any(one.path[: len(head)] == head for one in references(text) for head in _HEADS)


def _injected(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    known = known_lines(steps(before))
    variables = Variables(after, _is_foreign)
    for step in steps(after):
        for number in _pasted(step, variables.around(step)):
            if step.run.split("\n", number + 1)[number].strip() not in known:
                what = "Text from a stranger's issue or pull request becomes part of a command here."
                clears = 'Pass it as an environment variable (`env:`) and use "$NAME" in the script.'
                yield match(file, "ci-script-injection", "high", what, clears, step.line_at(number))


def _pasted(step: Step, variables: list[set[str]]) -> list[int]:
    """The first lines of a script, from 0, of which strangers choose a part."""
    found: list[int] = []
    number = place = 0
    for one in references(step.run):
        number += step.run.count("\n", place, one.at)
        place = one.at
        by_name = len(one.path) == 2 and one.path[0] == "env" and any(one.path[1] in of for of in variables)
        if (by_name or _is_foreign(one)) and number not in found[-1:]:
            found.append(number)
    return found[:_MOST_PLACES]


def _is_foreign(one: Reference) -> bool:
    """Whether strangers choose the text of a value."""
    path = one.path
    if path[0] != "github" or _OURS.intersection(path):
        return False
    if len(path) < 3:
        return path[1:] == ("head_ref",) or (one.whole and path[1:] in ((), ("event",)))
    if path[1] != "event" or path[2] not in _SUBJECTS:
        return False
    return path[-1] in _LEAVES or (one.whole and (len(path) == 3 or path[-1] in _HOLDERS))


def _permissions(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    was = {
        name for name, one in {"": before, **jobs(before)}.items() if one.get("permissions") == "write-all"
    }
    for name, holder in {"": after, **jobs(after)}.items():
        if holder.get("permissions") == "write-all" and name not in was:
            what = "This workflow may write everything in the repository."
            clears = "List the permissions that it needs, `contents: read` first."
            yield match(file, "ci-permissions-wide", "high", what, clears, line_of(holder, "permissions"))


def _unpinned(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    used = {step.uses.partition("@")[0] for step in steps(before)}
    for step in steps(after):
        name, _, version = step.uses.partition("@")
        if step.uses and not step.uses.startswith(_OWN) and name not in used and not _pinned(version):
            level: Level = "medium" if version in _BRANCHES else "low"
            what = f"The new action {name} is not pinned: its owner can change what runs here."
            clears = f"Pin {name} to the full hash of a commit that was read."
            yield match(file, "ci-action-unpinned", level, what, clears, line_of(step.row, "uses"))


def _pinned(version: str) -> bool:
    return _PINNED.fullmatch(version) is not None


def _machines(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    """One of the jobs that newly run on machines of one's own when strangers ask."""
    if not triggers(after) & _OF_STRANGERS:
        return
    if triggers(before) & _OF_STRANGERS and any(_is_own(job.get("runs-on")) for job in jobs(before).values()):
        return
    for name, job in jobs(after).items():
        asked = str(job.get("if"))[:_MOST_SCRIPT]
        if _is_own(job.get("runs-on")) and not _SAME_REPOSITORY(asked):
            what = f"Job {name} runs code of pull requests on a machine of your own, with what is around it."
            clears = "Use a hosted runner for pull requests, or one that is made anew for every job."
            yield match(file, "ci-runner-exposed", "medium", what, clears, line_of(job, "runs-on"))
            return


def _is_own(runs_on: Any) -> bool:
    labels = map_at(runs_on).get("labels", runs_on) if isinstance(runs_on, Map) else runs_on
    return "self-hosted" in (labels if isinstance(labels, list) else [labels])


def _inherited(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    was = {str(job.get("uses")) for job in jobs(before).values() if job.get("secrets") == "inherit"}
    for job in jobs(after).values():
        uses = job.get("uses")
        if job.get("secrets") != "inherit" or not isinstance(uses, str) or uses in was:
            continue
        name, _, version = uses.partition("@")
        if not uses.startswith("./") and not _pinned(version):
            level: Level = "medium" if version in _BRANCHES else "low"
            what = f"The workflow {name} is given every secret, and who owns it can change what it does."
            clears = "Give it the secrets that it needs by name, and pin it to the full hash of a commit."
            yield match(file, "ci-secrets-inherited", level, what, clears, line_of(job, "secrets"))
