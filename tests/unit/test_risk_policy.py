"""The policy file and what paths say: verdicts, suppressions that end, freezes, faults with their line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.errors import PolicyError
from core.patterns import compile_pattern
from core.risk.assess import assess
from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Freeze, Known
from core.risk.paths import glob_pattern, is_aside, is_docs, is_generated, is_test, is_vendored
from core.risk.policy import Policy, read_policy
from core.risk.rules import LEVELS, Match
from core.times import parse_rfc3339
from watchkeeper.risk.judging import idle

NOW = parse_rfc3339("2026-11-21T12:00:00Z")


def match(rule: str = "sql-drop", path: str = "db/7.sql") -> Match:
    return Match(rule, "high", "What.", "Clear", path)


def test_without_a_file_medium_warns_and_critical_holds() -> None:
    for policy in (Policy(), read_policy(""), read_policy("# nothing\n")):
        verdicts = [policy.verdict(level) for level in (None, *LEVELS)]
        assert verdicts == ["allow", "allow", "warn", "warn", "hold"]
        assert policy.mode == "advisory"


def test_thresholds_move_the_verdict() -> None:
    policy = read_policy("thresholds: {warn: high, hold: never}")
    assert [policy.verdict(level) for level in LEVELS[1:]] == ["allow", "warn", "warn"]


def test_services_by_paths() -> None:
    policy = read_policy("services: {pay: [services/pay/, '*.pay.yaml'], all: ['**']}")
    assert policy.services_of("services/pay/a/b.py") == ("pay", "all")
    assert policy.services_of("charts/x.pay.yaml") == ("pay", "all")
    assert policy.services_of("services/payx/a") == ("all",)


def test_a_suppression_covers_its_rule_and_paths_until_its_last_day_is_over() -> None:
    policy = read_policy(
        "suppressions: [{rule: sql-drop, path: 'db/**', reason: empty, expires: 2026-11-21, by: ann}]"
    )
    assert policy.suppressed(match(), NOW) is not None
    assert policy.suppressed(match("sql-other"), NOW) is None
    assert policy.suppressed(match(path="other/db/7.sql"), NOW) is None
    tomorrow = parse_rfc3339("2026-11-22T00:00:00Z")
    assert policy.suppressed(match(), tomorrow - 1) is not None
    assert policy.suppressed(match(), tomorrow) is None
    assert len(policy.expired(tomorrow)) == 1


def test_only_freezes_of_its_own_are_lifted() -> None:
    accepted = read_policy(
        "suppressions: [{rule: freeze, reason: a, expires: 2099-01-01, by: ann}]\n"
        "freezes: [{name: ours, reason: shop, start: 2026-11-20, end: 2026-11-21}]\n"
    )
    change = ChangeSet(files=(TouchedFile("app.py"),))
    said = assess(change, Known(now=NOW), accepted)
    assert (said.matches, [one.match.rule for one in said.suppressed]) == ((), ["freeze"])
    told = assess(change, Known(now=NOW, freezes=(Freeze("ops", "audit", NOW),)), accepted)
    assert [(one.rule, one.path) for one in told.matches] == [("freeze", "")]
    assert told.matches[0].what.startswith("The freeze ops holds until 2026-11-21 12:00 UTC: ")
    assert told.verdict == "hold"
    # One that both tell is the operators'.
    both = assess(change, Known(now=NOW, freezes=accepted.frozen(NOW)), accepted)
    assert (len(both.matches), both.suppressed) == (1, ())


def test_a_suppression_of_no_rule_is_said_with_what_may_be_meant() -> None:
    row = "{{rule: {}, reason: a, expires: {}, by: ann}}"
    rows = [("sql-indx-blocks", "2020-01-01"), ("sql-drop-table", "2020-01-01"), ("qqq", "2099-01-01")]
    policy = read_policy(f"suppressions: [{', '.join(row.format(*one) for one in rows)}]")
    said = "The policy accepts matches of a rule that does not exist: no such rule"
    assert idle(policy, NOW) == [
        f"{said} sql-indx-blocks; did you mean sql-index-blocks?",
        f"{said} qqq",
        "sql-drop-table in ** is no longer accepted: that ended on 2020-01-01",
    ]


def test_a_freeze_of_days_holds_to_the_end_of_its_last() -> None:
    policy = read_policy("freezes: [{name: end, reason: shop, start: 2026-11-20, end: 2026-11-21}]")
    end = parse_rfc3339("2026-11-22T00:00:00Z")
    (freeze,) = policy.frozen(NOW)
    assert (freeze.name, freeze.reason, freeze.until) == ("end", "shop", end)
    assert policy.frozen(end - 1)
    assert not policy.frozen(end)
    assert not policy.frozen(parse_rfc3339("2026-11-19T23:59:59Z"))


def test_a_freeze_by_the_week_in_its_own_zone() -> None:
    policy = read_policy(
        "freezes:\n- name: weekend\n  reason: nobody is here\n  time_intervals:\n"
        "  - {weekdays: ['saturday', 'sunday'], location: Asia/Tokyo}\n"
    )
    (freeze,) = policy.frozen(NOW)
    assert freeze.until == parse_rfc3339("2026-11-22T15:00:00Z")
    assert policy.frozen(parse_rfc3339("2026-11-20T15:00:00Z"))
    assert not policy.frozen(parse_rfc3339("2026-11-20T14:59:59Z"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: polite", "line 1: mode: it is none of 'advisory' or 'policy'"),
        ("mod: policy", r"mod: no such key.*did you mean `mode`"),
        ("a: &x [1]\nb: *x", "line 2.*aliases"),
        ("thresholds: {warn: high, hold: low}", "warn .high. is above hold .low."),
        ("suppressions:\n- {rule: a, reason: b, by: c}", "line 2: suppressions.1.expires: it is missing"),
        ("suppressions: [{rule: a, reason: '', by: c, expires: 2026-01-01}]", "reason"),
        ("freezes: [{name: a, reason: b, start: 2026-01-01}]", "write start and end, or time_intervals"),
        ("freezes: [{name: a, reason: b, start: 2026-01-02, end: 2026-01-01}]", "it ends before it starts"),
        ("freezes: [{name: a, reason: b, start: 2026-01-01T10:00:00, end: 2026-01-02}]", "without a zone"),
        ("- a", "not a map of keys"),
        ("a: [", "not valid YAML"),
        ("x" * 1_000_001, "longer than a million"),
    ],
)
def test_faults_say_where_and_how_to_mend(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=rf"(?s)\.watchkeeper\.yml.*{said}"):
        read_policy(text)


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*.sql", "a/b/c.sql", True),
        ("db/**", "db/x/y", True),
        ("db/", "db/x/y", True),
        ("db/", "db", False),
        ("/db/*.sql", "db/a/x.sql", False),
        ("**/x.py", "x.py", True),
        ("a.b", "axb", False),
        ("migrations", "app/migrations/1.py", True),
        ("/Makefile", "sub/Makefile", False),
        ("src/*/k8s/**", "src/a/k8s/new\nline", True),
        ("$(x)[a]é", "$(x)[a]é", True),
        ("**", "any/thing", True),
    ],
)
def test_globs(glob: str, path: str, fits: bool) -> None:
    assert compile_pattern(glob_pattern(glob), "").fullmatch(path) is fits


def test_what_paths_say() -> None:
    tests = ["src/a_test.go", "tests/x.py", "web/App.spec.ts", "src/test/java/FooIT.java", "conftest.py"]
    assert all(map(is_test, tests))
    assert not any(map(is_test, ["latest/x.py", "contest.py", "k8s/spec.yaml", "attestation.go"]))
    assert all(map(is_docs, ["docs/a.png", "README", "a/readme.txt", "x.md", "examples/main.tf"]))
    assert not any(map(is_docs, ["history.py", "changes.sql", "news/api.go", "docsite.yaml"]))
    assert all(map(is_generated, ["go.sum", "a/b.pb.go", "web/app.min.js", "vendor/x/y.go", "Cargo.lock"]))
    assert is_vendored("a/node_modules/b/c.js")
    assert not is_generated("src/lock.py")
    assert is_aside("tests/x.py")
    assert not is_aside("src/x.py")


def test_the_policy_of_the_page_is_one() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "risk.md").read_text()
    example = re.search(r"```yaml\n(mode: .*?)```", page, re.DOTALL)
    assert example is not None
    policy = read_policy(example[1])
    assert set(Policy.model_fields) == policy.model_fields_set
    assert policy.services_of("charts/payments/values.yaml") == ("payments",)
