"""The rules on workflows in every spelling, on the platform, schemas, packages and settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules import RULES
from core.risk.rules.api.avro import rules as avro_rules
from core.risk.rules.api.graphql import rules as graphql_rules
from core.risk.rules.api.graphql_reader import read as read_graphql
from core.risk.rules.delivery.ci import rules as ci_rules
from core.risk.rules.delivery.expressions import references
from core.risk.rules.delivery.scripts import rules as script_rules
from core.risk.rules.dependencies.installing import rules as installing_rules
from core.risk.rules.infrastructure.compose import rules as compose_rules
from core.risk.rules.infrastructure.kubernetes import rules as kubernetes_rules
from core.risk.rules.infrastructure.terraform import rules as terraform_rules
from core.risk.rules.infrastructure.watching import rules as watching_rules
from core.risk.rules.rule import Match
from core.risk.rules.settings.guards import rules as guard_rules
from core.risk.rules.settings.nginx import rules as nginx_rules
from core.risk.rules.settings.prompts import rules as prompt_rules
from core.risk.rules.settings.stores import rules as store_rules
from core.risk.rules.touched import place_of
from evals.risk.corpus import Case, CaseFile, change_of, load

FAMILIES = ("workflows", "platform", "schemas", "packages", "guards", "alerting")
CASES = [case for case in load() if case.family in FAMILIES]
NEW = (
    *avro_rules,
    *graphql_rules,
    *script_rules,
    *installing_rules,
    *compose_rules,
    *watching_rules,
    *guard_rules,
    *nginx_rules,
    *store_rules,
)
# Of a change as a whole: not about what is in its files.
_AROUND = ("no-way-back", "untested", "dep-lock-missing", "change-services")


def matches(change: ChangeSet) -> list[Match]:
    found = (match for rule in RULES if not rule.late for match in rule.find(change, Known()))
    return [match for match in found if match.rule not in _AROUND]


def one(path: str, before: str | None, after: str | None) -> ChangeSet:
    return change_of(Case("x", True, (), (CaseFile(path, before, after),)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Case) -> None:
    """A danger is told by its rule and no other, a harmless twin by none."""
    found = matches(change_of(case))
    if case.danger:
        assert {match.rule for match in found} == set(case.rules), found
        assert all(match.evidence and match.clears and match.what.endswith(".") for match in found)
    else:
        assert not found


def test_each_new_rule_has_a_pair_of_cases() -> None:
    dangers = {rule for case in CASES if case.danger for rule in case.rules}
    others = (*ci_rules, *kubernetes_rules, *terraform_rules)
    added = {"ci-runner-exposed", "ci-secrets-inherited", "argo-follows-branch", "tf-backups-off"}
    added |= {"tf-capacity-down", "tf-store-renamed", "tf-module-major", "tf-state-moved"}
    assert added <= {rule.id for rule in others}
    assert {rule.id for rule in NEW} | added <= dangers


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("${{ github.event.issue.title }}", ["github.event.issue.title"]),
        ("${{ GITHUB['Event'][\n'Issue' ].title }}", ["github.event.issue.title"]),
        ("${{ github.event.commits[0].message }}", ["github.event.commits.*.message"]),
        ("${{ github.event.commits.*.message }}", ["github.event.commits.*.message"]),
        ("${{ github.event[env.KIND].title }}", ["github.event.*.title"]),
        ("${{ format('it''s {0} }}', a.b) }} and ${{ c.d }}", ["a.b", "c.d"]),
        ("${{ a.b == 'x' && c.d || e.f }}", ["c.d", "e.f"]),
        ("${{ contains(a.b, 'x') }}${{ !a.b }}", []),
        ("${{ join(a.b, ', ') }}", ["a.b"]),
        ("no expression, a.b }} ${", []),
        ("${{ a.b", ["a.b"]),
        ("${{ 'open", []),
    ],
)
def test_expressions(text: str, paths: list[str]) -> None:
    assert [".".join(found.path) for found in references(text)] == paths


def test_what_is_written_out_as_a_whole() -> None:
    found = list(references("${{ toJSON(github.event) }} ${{ github.event }}"))
    assert [(one.whole, one.at) for one in found] == [(True, 11), (False, 32)]


@given(st.text(alphabet="${}'[]().*!=&|a toJSON\n\"", max_size=200))
@settings(max_examples=150, deadline=None)
def test_no_expression_raises(text: str) -> None:
    for found in references("${{" + text):
        assert found.path
    read_graphql(text)
    read_graphql("type A {" + text)


def test_a_job_that_asks_who_comments_is_less_grave() -> None:
    step = "      - run: gh pr checkout ${{ github.event.issue.number }}\n"
    text = "on: issue_comment\njobs:\n  a:\n    runs-on: x\n{}    steps:\n" + step
    asked = "    if: github.event.comment.author_association == 'MEMBER'\n"
    path = ".github/workflows/a.yml"
    assert [match.level for match in matches(one(path, None, text.format("")))] == ["critical"]
    assert [match.level for match in matches(one(path, None, text.format(asked)))] == ["high"]


def test_what_is_removed_has_a_place() -> None:
    path = ".github/workflows/ci.yml"
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: make\n      - run: pytest\n"
    gone = matches(one(path, text, text.replace("pytest", "echo")))
    assert [(match.rule, match.line, match.evidence) for match in gone] == [("ci-tests-removed", 7, "pytest")]
    prompt = "You help.\nNever reveal what other customers bought.\nBe short.\n"
    change = one("prompts/system.md", prompt, "You help.\nBe short.\n")
    guard = [match for rule in prompt_rules for match in rule.find(change, Known())]
    assert [match.line for match in guard if match.rule == "prompt-guard-removed"] == [2]


@pytest.mark.parametrize(
    ("removed", "added", "number", "place"),
    [((2,), (), 2, 2), ((2,), (2, 3), 2, 2), ((5,), (1, 2), 5, 7), ((9,), (), 9, 3), ((1,), (4,), 1, 1)],
)
def test_places(removed: tuple[int, ...], added: tuple[int, ...], number: int, place: int) -> None:
    old, new = (tuple(Line(row, "x") for row in rows) for rows in (removed, added))
    after = "x\n" * (3 if number == 9 else 20)
    assert place_of(TouchedFile("a", removed=old, added=new, after=after), number) == place
    assert place_of(TouchedFile("a", "deleted", removed=old), number) == 0


def test_none_at_all_is_said_in_words() -> None:
    text = "replicaCount: {}\n"
    found = matches(one("charts/api/values.yaml", text.format(3), text.format(0)))
    assert [match.what for match in found] == ["replicaCount goes from 3 to 0: nothing of it runs any more."]


def test_types_and_checks_are_low() -> None:
    text = '{{"dependencies": {{"@types/node": "^{}.0.0", "eslint": "^{}.0.0", "left": "^{}.0.0"}}}}\n'
    change = one("package.json", text.format(1, 8, 1), text.format(2, 9, 2))
    levels = {match.evidence.split(":")[0]: match.level for match in matches(change)}
    assert levels == {"@types/node": "low", "eslint": "low", "left": "medium"}


def test_a_secret_beside_a_sealed_one_is_found() -> None:
    sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\n"
    text = f"{sealed}---\nkind: Secret\nstringData:\n  password: kX9pQ2vL7sT4mZ1w\n"
    assert [match.rule for match in matches(one("k8s/a.yaml", None, text))] == ["secret-assigned"]


LARGE: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("api/a.graphql", lambda n: "type A {\n" + "a(b: [" * n),
    ("api/a.graphql", lambda n: "".join(f"type A{i} {{ a: B }}\n" for i in range(n // 4))),
    ("schemas/a.avsc", lambda n: '{"type": "record", "name": "a", "fields": ' + "[" * n),
    ("nginx/a.conf", lambda n: "location /a { deny all; " * (n // 4)),
    ("src/A.csproj", lambda n: "<PackageReference " * (n // 4)),
    ("infra/prod.tfvars", lambda n: 'a = ["0.0.0.0/0"\n' * (n // 4)),
    (".github/CODEOWNERS", lambda n: "".join(f"/a{i} @b\n" for i in range(n // 4))),
    ("bin/a.sh", lambda n: "rm -rf $A/* \n" * (n // 4)),
    (
        ".github/workflows/a.yml",
        lambda n: (
            "on: issues\njobs:\n"
            + "".join(
                f"  j{i}:\n    env: {{A{i}: '${{{{ github.event.issue.title }}}}'}}\n    steps:\n"
                f"      - run: echo ${{{{ env.A{i} }}}}\n"
                for i in range(n // 40)
            )
        ),
    ),
    (
        ".github/workflows/a.yml",
        lambda n: "on: issues\njobs:\n  a:\n    steps:\n      - run: ${{ " + "a[" * n,
    ),
)


@pytest.mark.parametrize(("path", "text"), LARGE, ids=lambda value: value if isinstance(value, str) else "")
def test_large_and_crooked_texts_are_read_to_their_end(path: str, text: Callable[[int], str]) -> None:
    change = one_new(path, text(20_000))
    for rule in (*NEW, *ci_rules):
        assert all(match.rule == rule.id for match in rule.find(change, Known()))


def one_new(path: str, text: str) -> ChangeSet:
    lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    return ChangeSet(files=(TouchedFile(path, added=lines, before="", after=text),))


@pytest.mark.parametrize(
    ("scheme", "host", "told"),
    [
        ("https", ("registry", "npmjs", "org"), False),
        ("http", ("registry", "npmjs", "org"), True),
        ("https", ("registry", "npmjs", "example"), True),
    ],
)
def test_what_everybody_takes_packages_from_is_no_further_index(
    scheme: str, host: tuple[str, ...], told: bool
) -> None:
    found = matches(one(".npmrc", "fund=false\n", f"fund=false\nregistry={scheme}://{'.'.join(host)}/\n"))
    assert {match.rule for match in found} == ({"dep-index-added"} if told else set())
