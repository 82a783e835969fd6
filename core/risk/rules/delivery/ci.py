"""GitHub workflows: code of strangers with the rights of the repository, tests that no longer stop anything,
deployments without a gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.delivery.commands import TESTS, runs_tests
from core.risk.rules.delivery.printing import printed
from core.risk.rules.delivery.strangers import of_strangers
from core.risk.rules.delivery.waits import ungated
from core.risk.rules.delivery.workflow import (
    known_lines,
    match,
    script_lines,
    steps,
    wanted,
    workflow_of,
)
from core.risk.rules.rule import Match, RiskRule
from core.risk.rules.touched import judged, place_of, rules_of
from core.risk.rules.yamldocs import Map, line_of

_IGNORES = re.compile(r"\|\|\s{0,5}(?:true|:|exit\s+0)(?:\s|$)|set\s+\+e\b|--passWithNoTests\b|--exit-zero\b")


def _matches(change: ChangeSet) -> Iterator[Match]:
    workflows = [file for file in change.files if wanted(file.path)]
    left = [line.text for file in workflows for line in _tests(workflow_of(file.after))]
    fewer = len(left) < sum(len(_tests(workflow_of(file.before))) for file in workflows)
    for file in judged(change, wanted):
        before, after = workflow_of(file.before), workflow_of(file.after)
        if file.after is not None and not after:
            continue
        if fewer:
            yield from _tests_gone(file, before, left)
        if file.after is not None:
            yield from of_strangers(file, before, after)
            yield from printed(file, before, after)
            yield from _lenient(file, before, after)
            yield from ungated(file, before, after)


def _lenient(file: TouchedFile, before: Map, after: Map) -> Iterator[Match]:
    old = steps(before)
    known = known_lines(old)
    lenient = {step.run for step in old if step.row.get("continue-on-error") is True}
    for step in steps(after):
        for number, line in script_lines(step):
            if line.strip() not in known and TESTS(line) and _IGNORES.search(line):
                yield _ignored(file, number, line)
        if TESTS(step.run[:20_000]) and step.row.get("continue-on-error") is True and step.run not in lenient:
            yield _ignored(file, line_of(step.row, "continue-on-error"), "")


def _ignored(file: TouchedFile, line: int, text: str) -> Match:
    what = "Tests that fail no longer stop this pipeline."
    clears = "Let the failure stop the pipeline; skip the one test that is flaky, with a date."
    return match(file, "ci-failure-ignored", "medium", what, clears, line, text)


def _tests(workflow: Map) -> list[Line]:
    """The lines of scripts that run tests."""
    lines = [Line(number, line.strip()) for step in steps(workflow) for number, line in script_lines(step)]
    return [line for line in lines if runs_tests(line.text)]


def _tests_gone(file: TouchedFile, before: Map, left: list[str]) -> Iterator[Match]:
    kept = "\n".join(left)
    for line in _tests(before):
        found = TESTS(line.text)
        if found and found[0] not in kept:
            what = "The pipeline no longer runs these tests."
            clears = "Keep the step, or show where these tests run now."
            place = place_of(file, line.number)
            yield match(file, "ci-tests-removed", "high", what, clears, place, line.text)


_HARDENING = "https://docs.github.com/en/actions/security-for-github-actions/security-guides"


_rule = rules_of(_matches, wanted)


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
        "ci-runner-exposed",
        "Pull requests run on a machine of one's own",
        "A fork's code can leave something behind for the next job, and reaches the network around it.",
        f"GitHub, Hardening for self-hosted runners: {_HARDENING}/security-hardening-for-github-actions",
    ),
    _rule(
        "ci-secrets-inherited",
        "A workflow of somebody else gets every secret",
        "`secrets: inherit` hands over all of them, also those that are added later.",
        "GitHub, Reusing workflows: "
        "https://docs.github.com/en/actions/sharing-automations/reusing-workflows#passing-secrets-to-nested-workflows",
    ),
    _rule(
        "ci-secret-printed",
        "A secret is printed by a workflow",
        "Logs are read by many and kept for months; only the very text of a secret is masked in them.",
        f"GitHub, Using secrets in workflows: {_HARDENING}/using-secrets-in-github-actions",
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
