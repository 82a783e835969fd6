"""Dockerfiles, Makefiles and other pipelines by their lines: base images, root, scripts from the net, gates.

Text is read by patterns; nothing is built or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.delivery.commands import runs_tests
from core.risk.rules.delivery.gates import of_gates
from core.risk.rules.delivery.workflow import wanted as is_workflow
from core.risk.rules.infrastructure.scale import moves
from core.risk.rules.rule import Level, Match, RiskRule
from core.risk.rules.touched import finder, fresh, gone, is_comment, judged, rules_of, shown

_DOCKERFILE = finder(r"(?:^|/)(?:(?:Docker|Container)file(?:\.[\w.-]{1,60})?|[\w.-]{1,60}\.dockerfile)$")
_PIPELINE = finder(
    r"(?:^|/)(?:\.gitlab-ci[\w.-]{0,40}\.ya?ml|\.gitlab/.{1,200}\.ya?ml|Jenkinsfile[\w.-]{0,40}"
    r"|\.circleci/.{1,100}\.ya?ml"
    r"|azure-pipelines[\w.-]{0,40}\.ya?ml|bitbucket-pipelines\.ya?ml|\.travis\.yml|\.drone\.ya?ml"
    r"|\.buildkite/.{1,100}\.ya?ml|cloudbuild\.ya?ml|buildspec\.ya?ml|GNUmakefile|Makefile|[\w-]{1,60}\.mk"
    r"|Justfile|Taskfile\.ya?ml)$"
)
_FROM = re.compile(
    r"\s*FROM\s+(?:--platform=\S{1,60}\s+)?(\S{1,300})(?:\s+AS\s+(\S{1,80}))?\s*$", re.IGNORECASE
)
_USER = re.compile(r"\s*USER\s+([\w.-]{1,60})", re.IGNORECASE)
_PIPED = re.compile(
    r"\b(?:curl|wget)\b[^|;&]{0,400}\|\s{0,5}(?:sudo\s+(?:-\S{1,20}\s+)?)?(?:ba|z|da|k)?sh\b"
    r"|\b(?:ba|z)?sh\s+(?:-c\s+)?[\"']?[<$]\(\s{0,5}(?:curl|wget)\b"
)
_IGNORES = re.compile(
    r"\|\|\s{0,5}(?:true|:|exit\s+0)(?:\s|[\"']|$)|--passWithNoTests\b|-DskipTests\b"
    r"|-Dmaven\.test\.skip=true|\s-x\s+test\b"
)
_VERSION = re.compile(r"v?([0-9]{1,6})(?![0-9])")


class _Image(NamedTuple):
    name: str
    tag: str
    line: Line


def wanted(path: str) -> bool:
    return _DOCKERFILE(path[-300:]) is not None


def _any(path: str) -> bool:
    return not is_workflow(path) and (wanted(path) or _PIPELINE(path[-300:]) is not None)


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, _looked_at, gone=False):
        yield from _piped(file)
        if wanted(file.path):
            yield from _base(file)
            yield from _root(file)
        elif _any(file.path):
            yield from _pipeline(file)


def _looked_at(path: str) -> bool:
    """What else runs commands: workflows, and what Terraform runs beside its resources."""
    return _any(path) or is_workflow(path) or path.endswith(".tf")


def _piped(file: TouchedFile) -> Iterator[Match]:
    for line in fresh(file):
        if _PIPED.search(line.text) and not is_comment(line.text):
            what = "The build runs a script from the net without looking at it."
            clears = "Download a version, check its hash, then run it."
            evidence = shown(line.text)
            yield Match("build-script-from-net", "medium", what, clears, file.path, line.number, evidence)


def _base(file: TouchedFile) -> Iterator[Match]:
    was = {image.name: image for image in _images(gone(file))}
    for image in _images(fresh(file)):
        old = was.get(image.name)
        whole = f"{image.name}:{image.tag}" if image.tag else image.name
        what = ""
        if moves(whole) and not (old and moves(f"{old.name}:{old.tag}" if old.tag else old.name)):
            what = f"The base image {whole} has no fixed version: the same build may bring another system."
            clears = "Name a version, better with its digest."
        elif old and _major(old.tag) and _major(image.tag) and _major(old.tag) != _major(image.tag):
            what = f"The base image {image.name} goes from {old.tag} to {image.tag}."
            clears = "Read its notes, run the whole test suite on it, and roll it out to few first."
        if what:
            evidence = shown(image.line.text)
            yield Match(
                "build-base-image", "medium", shown(what), clears, file.path, image.line.number, evidence
            )


def _images(lines: Iterator[Line]) -> Iterator[_Image]:
    """The images that a build begins with; stages of its own and arguments are none."""
    stages: set[str] = {"scratch"}
    for line in lines:
        found = _FROM.match(line.text)
        if not found:
            continue
        if found[1].lower() not in stages and "$" not in found[1] and "@" not in found[1]:
            head, slash, last = found[1].rpartition("/")
            name, _, tag = last.partition(":")
            yield _Image(f"{head}{slash}{name}", tag, line)
        stages.add((found[2] or "").lower())


def _major(tag: str) -> str:
    """The first number of a tag; "" where it has none."""
    found = _VERSION.match(tag)
    return found[1] if found else ""


def _root(file: TouchedFile) -> Iterator[Match]:
    if file.before is None or file.after is None:
        return
    was, _ = _last_user(file.before)
    now, line = _last_user(file.after)
    if was not in ("", "root", "0") and now in ("", "root", "0"):
        evidence = shown(f"USER {now}" if line else f"USER {was}")
        what = "The container runs as root from now on."
        clears = f"Keep `USER {was}` as the last one."
        yield Match("build-runs-as-root", "medium", what, shown(clears), file.path, line, evidence)


def _last_user(text: str) -> tuple[str, int]:
    """The user of the last stage, and the line that says it."""
    user, at_line = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if _FROM.match(line[:500]):
            user, at_line = "", 0
        found = _USER.match(line[:200])
        if found:
            user, at_line = found[1].lower(), number
    return user, at_line


def _pipeline(file: TouchedFile) -> Iterator[Match]:
    for line in fresh(file):
        if runs_tests(line.text) and _IGNORES.search(line.text) and not is_comment(line.text):
            what = "Tests that fail no longer stop this pipeline."
            clears = "Let the failure stop the pipeline; skip the one test that is flaky, with a date."
            evidence = shown(line.text)
            yield Match("build-failure-ignored", "medium", what, clears, file.path, line.number, evidence)
    left = file.after if file.after is not None else "\n".join(one.text for one in file.added)
    instead = sum(runs_tests(line.text) is not None for line in fresh(file))
    for line in gone(file):
        found = None if is_comment(line.text) else runs_tests(line.text)
        if found and instead:
            instead -= 1
        elif found and found[0] not in left:
            yield _lost(file, "build-tests-removed", "high", "The pipeline no longer runs these tests.", line)
    yield from of_gates(file)


def _lost(file: TouchedFile, rule: str, level: Level, what: str, line: Line) -> Match:
    clears = "Keep it, or show what takes its place."
    return Match(rule, level, what, clears, file.path, 0, shown(line.text))


_DOCKER = "https://docs.docker.com/build/building/best-practices/"


_rule = rules_of(_matches, _any)


rules: tuple[RiskRule, ...] = (
    _rule(
        "build-base-image",
        "Another base image, or one without a version",
        "It brings another system, other libraries and other certificates, all at once.",
        f"Docker, Building best practices, Pin base image versions: {_DOCKER}",
    ),
    _rule(
        "build-runs-as-root",
        "A container that runs as root",
        "Who breaks out of the program is root in the container.",
        f"Docker, Building best practices, USER: {_DOCKER}#user",
    ),
    _rule(
        "build-script-from-net",
        "A script from the net is run unseen",
        "Whoever holds the other end decides what runs: Codecov's uploader, 2021.",
        "Codecov, Security update: https://about.codecov.io/security-update/",
    ),
    _rule(
        "build-failure-ignored",
        "Failing tests stop nothing",
        "A check that cannot fail is not there.",
        "DORA, Test automation: https://dora.dev/capabilities/test-automation/",
    ),
    _rule(
        "build-tests-removed",
        "Tests are no longer run",
        "What no pipeline runs is found by users.",
        "DORA, Continuous integration: https://dora.dev/capabilities/continuous-integration/",
    ),
    _rule(
        "build-gate-removed",
        "A deployment loses the step that a person starts",
        "The one moment at which somebody looked is gone.",
        "GitLab, Deployment safety: https://docs.gitlab.com/ci/environments/deployment_safety/",
    ),
)
