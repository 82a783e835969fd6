"""The rules on clouds as code, meshes, GitOps, alert routes and what Kubernetes would miss: on their cases,
and on text that nobody wrote by hand."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules import RULES
from core.risk.rules.infrastructure import (
    cloud_code,
    cloud_programs,
    container_health,
    helm,
    kubernetes,
    mesh,
    terraform,
    terraform_plan,
    unread,
    watching,
)
from core.risk.rules.rule import Match
from evals.risk.corpus import Case, change_of, known_of, load

FAMILIES = (
    "alerting",
    "cloud",
    "containers",
    "gitops",
    "kubernetes_losses",
    "mesh",
    "terraform_running",
)
MODULES = (
    terraform,
    terraform_plan,
    cloud_code,
    kubernetes,
    helm,
    watching,
    mesh,
    container_health,
    unread,
)
OURS = tuple(rule for module in MODULES for rule in module.rules)
CASES = [case for case in load() if case.family in FAMILIES]
NEW_WORDS = (
    "alert-not-told argo-prunes-moved cloud-data-replaced cloud-protection-removed cloud-public-data "
    "container-health-removed infra-unread k8s-backups-off k8s-egress-denied k8s-probe-hasty k8s-tls-removed "
    "k8s-shutdown-cut k8s-workload-removed mesh-guard-removed mesh-traffic-at-once tf-dns-changed "
    "tf-engine-major"
)
NEW = frozenset(NEW_WORDS.split())


def matches(change: ChangeSet, known: Known | None = None) -> list[Match]:
    return [match for rule in OURS for match in rule.find(change, known or Known())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Case) -> None:
    found = matches(change_of(case), known_of(case))
    if case.danger:
        assert {match.rule for match in found} == set(case.rules), found
        assert all(match.clears and match.what.endswith(".") for match in found)
        assert all(match.evidence for match in found if match.rule != "infra-unread")
    else:
        assert not found


def test_each_new_rule_is_listed_and_has_at_least_three_pairs() -> None:
    assert {rule.id for rule in RULES} >= NEW
    for rule in NEW:
        dangers = [case for case in CASES if case.danger and rule in case.rules]
        assert len(dangers) >= 3, rule


def test_of_alerts_that_go_together_each_is_named_and_of_many_the_rest_is_counted() -> None:
    rows = [f"      - alert: Down{number}\n        expr: up == {number}\n" for number in range(8)]
    before = "groups:\n  - name: a\n    rules:\n" + "".join(rows)
    after = "groups:\n  - name: a\n    rules:\n" + rows[7]
    removed = tuple(
        Line(number, text) for number, text in enumerate(before.split("\n"), 1) if "Down7" not in text
    )
    file = TouchedFile("rules.yml", removed=removed, before=before, after=after)
    (one,) = matches(ChangeSet(files=(file,)))
    assert one.what.startswith("The alerts Down0, Down1, Down2, Down3, Down4 and 2 more are removed: nobody")


def test_infrastructure_that_no_rule_reads_is_said_once() -> None:
    files = tuple(TouchedFile(f"jobs/{name}.nomad", "added") for name in ("a", "b", "c"))
    (one,) = matches(ChangeSet(files=(*files, TouchedFile("m/init.pp", "added"))))
    assert (one.rule, one.level, one.path) == ("infra-unread", "low", "jobs/a.nomad")
    assert (
        one.what
        == "No rule reads infrastructure of this kind (Nomad, Puppet) (and 3 others): nothing is said of it."
    )


def test_a_lower_environment_is_left_alone() -> None:
    for case in CASES:
        if case.danger and "infra-unread" not in case.rules and "tf-iam-wider" not in case.rules:
            files = tuple(_in_dev(file) for file in change_of(case).files)
            found = {match.rule for match in matches(ChangeSet(files=files))}
            assert not found & (NEW - {"infra-unread"}), case.name


def _in_dev(file: TouchedFile) -> TouchedFile:
    path = f"envs/dev/infra/{file.name.replace('prod', 'one')}"
    return msgspec.structs.replace(file, path=path)


@given(st.text(alphabet="abA:=({[]})\"'`\n ,.-*truefals01#/{}$protect", max_size=400))
@settings(max_examples=150, deadline=None)
def test_nothing_raises_whatever_is_written(text: str) -> None:
    heads = (
        ("infra/index.ts", "import '@pulumi/aws'\n"),
        ("infra/main.bicep", "resource a 'b/c@1' = {\n"),
        ("stack.yaml", "Resources:\n  A:\n    Type: AWS::S3::Bucket\n"),
        ("k8s/a.yaml", "apiVersion: v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec:\n"),
        ("alertmanager.yml", "route:\n  receiver: a\nreceivers:\n"),
        ("haproxy.cfg", "backend a\n"),
        ("main.tf", 'resource "aws_route53_record" "a" {\n'),
        ("Dockerfile", "FROM a\n"),
        ("compose.yaml", "services:\n"),
    )
    for path, head in heads:
        for before, after in ((head, head + text), (head + text, head)):
            lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 2))
            added, removed = (lines, ()) if after != head else ((), lines)
            file = TouchedFile(path, added=added, removed=removed, before=before, after=after)
            matches(ChangeSet(files=(file,)))


@pytest.mark.parametrize(
    "text",
    [
        'new A("b", {' * 30_000,
        "new A('b'," + "(" * 200_000,
        '"' * 300_000,
        "protect: true, " * 25_000,
        "resource a 'b/c@1' = {\n" * 15_000,
        ".a(" * 100_000,
    ],
)
def test_a_program_of_brackets_is_read_in_bounded_work(text: str) -> None:
    for path in ("infra/index.ts", "infra/main.bicep"):
        found = list(cloud_programs.things_of(path, f"import '@pulumi/aws'\n{text}"))
        assert len(found) <= 400
