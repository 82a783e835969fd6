"""The rules on infrastructure, configuration, secrets, flags, pipelines and prompts, on their cases."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules import RULES
from core.risk.rules.delivery.build import rules as build_rules
from core.risk.rules.delivery.ci import rules as ci_rules
from core.risk.rules.infrastructure.hcl import blocks
from core.risk.rules.infrastructure.helm import rules as helm_rules
from core.risk.rules.infrastructure.kubernetes import rules as kubernetes_rules
from core.risk.rules.infrastructure.terraform import rules as terraform_rules
from core.risk.rules.infrastructure.terraform_plan import rules as plan_rules
from core.risk.rules.rule import Match
from core.risk.rules.settings.configuration import rules as configuration_rules
from core.risk.rules.settings.flags import rules as flag_rules
from core.risk.rules.settings.prompts import rules as prompt_rules
from core.risk.rules.settings.schedules import rules as schedule_rules
from core.risk.rules.settings.secrets import rules as secret_rules
from core.risk.rules.yamldocs import documents, fault_of, walk
from evals.risk.corpus import Case, change_of, known_of, load

FAMILIES = ("terraform", "kubernetes", "configuration", "delivery")
OURS = (
    *terraform_rules,
    *plan_rules,
    *kubernetes_rules,
    *helm_rules,
    *configuration_rules,
    *schedule_rules,
    *secret_rules,
    *flag_rules,
    *ci_rules,
    *build_rules,
    *prompt_rules,
)
CASES = [case for case in load() if case.family in FAMILIES]


def matches(change: ChangeSet, known: Known | None = None) -> list[Match]:
    return [match for rule in OURS for match in rule.find(change, known or Known())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Case) -> None:
    found = matches(change_of(case), known_of(case))
    if case.danger:
        assert {match.rule for match in found} == set(case.rules), found
        assert all(match.evidence and match.clears and match.what.endswith((".", "?")) for match in found)
    else:
        assert not found


def test_each_rule_is_listed_once_and_says_where_it_is_known_from() -> None:
    ids = [rule.id for rule in OURS]
    assert len(ids) == len(set(ids))
    listed = {rule.id for rule in RULES}
    for rule in OURS:
        assert rule.id in listed
        assert "https://" in rule.source
        assert rule.title
        assert rule.why.endswith(".")


def test_each_rule_has_a_pair_of_cases() -> None:
    """But for the plan that cannot be read, which has a test of its own below."""
    dangers = {rule for case in load() if case.danger for rule in case.rules}
    assert {rule.id for rule in OURS} - dangers == {"tf-plan-unread"}


def test_no_secret_is_shown() -> None:
    token = "ghp_" + "q7Zk2Vw9Lx4Rb8Tn3Md6Hs1Yc5Gf0JpAeUi2"
    lines = (
        f"curl -H 'Authorization: {token}' https://x.example | sh && pytest || true",
        f"DATABASE_URL=postgres://app:{token}@db.shop.internal/x?sslmode=disable",
        f'api_key = "{token}"',
        f"- run: curl https://u:{token}@x.example | bash",
    )
    for path in (
        "deploy/run.sh",
        ".env.production",
        "Dockerfile",
        "Makefile",
        "config/app.yaml",
        "prompts/a.md",
    ):
        added = tuple(Line(number, line) for number, line in enumerate(lines, 1))
        before = "DATABASE_URL=postgres://app:old-word-1@old.shop.internal/x\n"
        for texts in ((before, "\n".join(lines)), (None, None)):
            file = TouchedFile(path, added=added, removed=(Line(1, before),), before=texts[0], after=texts[1])
            found = matches(ChangeSet(files=(file,)))
            assert found
            assert token[5:] not in json.dumps([(one.what, one.evidence, one.clears) for one in found])
            assert "old-word-1" not in json.dumps([(one.what, one.evidence) for one in found])


def test_a_token_of_a_sure_shape_is_told_wherever_it_stands() -> None:
    real = (Line(1, 'TOKEN = "ghp_' + 'q7Zk2Vw9Lx4Rb8Tn3Md6Hs1Yc5Gf0JpAeUi2"'),)
    made_up = (
        Line(1, 'TOKEN = "ghp_' + 'testtesttest0123456789abcdefghijklmn"'),
        Line(2, "password = 'hunter22aA'"),
    )
    for path in ("tests/test_api.py", "docs/api.md", "vendor/x/y.go", "examples/run.sh"):
        found = matches(ChangeSet(files=(TouchedFile(path, added=real),)))
        assert [(one.rule, one.level) for one in found] == [("secret-token", "critical")]
        assert not matches(ChangeSet(files=(TouchedFile(path, added=made_up),)))


@pytest.mark.parametrize("text", ['{"format_version": "1.2", "resource_changes": [', None])
def test_a_plan_that_cannot_be_read_is_told(text: str | None) -> None:
    file = TouchedFile("prod.tfplan.json", "added", after=text, cut=text is None)
    found = matches(ChangeSet(files=(file,)))
    assert [(one.rule, one.level) for one in found] == [("tf-plan-unread", "low")]


def test_yaml_that_expands_without_end_or_nests_too_deep_is_not_read() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert documents("\n".join(rows)) is None
    assert documents("[" * 500_000) is None
    assert documents("{a: " * 200_000) is None
    assert documents("- " * 300_000) is None
    assert documents("a: &a [*a]") is None
    assert documents("a: 1\n" * 300_000) is None
    assert documents("x: " + "[" * 70 + "]" * 70 + "\ny: 1\n")[0]["y"] == 1  # type: ignore[index]
    assert documents("a: {{ .Values.x }}\nb: 1\n") == [{"a": "$_", "b": 1}]
    assert fault_of("a: b: c\n") == ("mapping values are not allowed in this context", 1)


def test_yaml_keeps_lines_and_reads_plain_words() -> None:
    found = documents("on: push\na: &x {b: 1, c: 'yes'}\nd:\n  <<: *x\n  c: no\n---\n- name: z\n  v: 1.5\n")
    assert found is not None
    assert found[0] == {"on": "push", "a": {"b": 1, "c": "yes"}, "d": {"b": 1, "c": False}}
    assert found[0].lines == {"on": 1, "a": 2, "d": 3}
    assert walk(found[1]) == [(("z", "name"), "z", 7), (("z", "v"), 1.5, 8)]


def test_blocks_of_terraform_survive_anything_in_strings() -> None:
    text = (
        'resource "a" "b" {\n  x = "}}} { #"\n  y = <<EOT\n}}}\nEOT\n'
        "  z = [ # ]\n    1,\n  ]\n}\nmoved {\n  from = a.b\n}\n"
    )
    found = blocks(text)
    assert [one.words for one in found] == [("resource", "a", "b"), ("moved",)]
    assert found[0].attributes["z"].text == "[ 1, ]"
    assert found[1].attributes["from"].line == 11


_PATHS = (
    "main.tf",
    "deploy/web.yaml",
    "values.yaml",
    "Chart.yaml",
    "config/app.json",
    ".env",
    "feature_flags.yaml",
    ".github/workflows/ci.yml",
    "Dockerfile",
    "Makefile",
    "prompts/system.md",
    "x.tfplan.json",
    "settings.py",
)
_KNOWN_TEXTS = [text for case in CASES for file in case.files for text in (file.before, file.after) if text]
_WEIRD = st.sampled_from(
    ["*", "- ", "{", "}", "[", "]", ": ", "null", "1e9", "&a ", "*a", '"', "'", "\n", "\t", "  "]
)


@st.composite
def _broken(draw: st.DrawFn) -> str:
    """A text of the cases with pieces taken out, put in and doubled."""
    text = draw(st.sampled_from(_KNOWN_TEXTS))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(_WEIRD | st.text(max_size=8)) * draw(st.integers(0, 3)) + text[end:]
    return text


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(_PATHS), before=_broken(), after=_broken(), whole=st.booleans())
def test_nothing_raises_for_what_is_in_a_file(path: str, before: str, after: str, whole: bool) -> None:
    old, new = ([Line(n, one) for n, one in enumerate(text.split("\n"), 1)] for text in (before, after))
    file = TouchedFile(path, added=tuple(new), removed=tuple(old))
    if whole:
        file = TouchedFile(path, added=tuple(new), removed=tuple(old), before=before, after=after)
    for match in matches(ChangeSet(files=(file,))):
        assert match.evidence.isprintable()
        assert match.what.isprintable()


@pytest.mark.parametrize(
    "sign", ['"', " ", "a ", "${{", "://a:", "password=", "verify ", "a.", "-----BEGIN A ", "=[", "FROM a "]
)
def test_long_lines_are_cut_before_they_are_looked_at(sign: str) -> None:
    line = sign * (1_000_000 // len(sign))
    for path in _PATHS:
        file = TouchedFile(path, added=(Line(1, line),), removed=(Line(1, line + "x"),))
        assert all(len(one.evidence) <= 300 for one in matches(ChangeSet(files=(file,))))
