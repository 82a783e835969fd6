"""The rules on dependencies, APIs, shape, habits, history and state: their corpus, and what no diff shows."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.assess import MOST_OF_A_RULE, assess
from core.risk.beside import beside
from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.policy import Policy, read_policy
from core.risk.rules import RULES, Match, RiskRule
from core.risk.rules.api import openapi as api_openapi
from core.risk.rules.api import openapi_spec, proto_reader
from core.risk.rules.api import protobuf as api_protobuf
from core.risk.rules.change import habits, history, shape, state
from core.risk.rules.dependencies import declared as dependencies
from core.risk.rules.dependencies import lockfiles, locks
from core.risk.rules.dependencies import manifests as dep_manifests
from core.risk.rules.dependencies.versions import constraint, step
from evals.risk.corpus import Case, change_of, known_of, load

FAMILIES = ("dependencies", "api", "history")
MODULES = (dependencies, lockfiles, api_openapi, api_protobuf, shape, habits, history, state)
OURS = tuple(rule for module in MODULES for rule in module.rules)
CASES = [case for case in load() if case.family in FAMILIES]
HOSTILE = "\u202e$(touch x); `rm` <script> @everyone ::warning:: \x00\x1b[31m"


def file(path: str, before: str | None, after: str | None, lines: int = 1) -> TouchedFile:
    added = tuple(Line(number, text) for number, text in enumerate((after or "").split("\n"), 1))
    return TouchedFile(path, before=before, after=after, added=added, insertions=lines)


def found(*files: TouchedFile, title: str = "", description: str = "") -> dict[str, Match]:
    change = ChangeSet(files=files, title=title, description=description)
    said = assess(change, Known(), Policy(), OURS)
    assert said.broken == ()
    return {match.rule: match for match in reversed(said.matches)}


def test_there_are_enough_cases_and_each_has_a_twin() -> None:
    names = [(case.family, case.id, case.danger) for case in CASES]
    assert len(names) == len(set(names)) >= 60
    assert {name[:2] for name in names if name[2]} == {name[:2] for name in names if not name[2]}
    named = {rule for case in CASES if case.danger for rule in case.rules}
    assert {rule.id for rule in OURS} - named == {"change-size", "change-spread", "no-way-back"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_corpus(case: Case) -> None:
    said = assess(change_of(case), known_of(case), Policy(), OURS)
    assert said.broken == ()
    rules = {match.rule for match in said.matches}
    if case.danger:
        assert rules == set(case.rules)
        assert all(match.what and match.clears and match.evidence for match in said.matches)
    else:
        assert rules.isdisjoint(case.rules)
        assert said.level in (None, "low")


def test_every_rule_says_what_it_is_and_where_that_is_known_from() -> None:
    assert len({rule.id for rule in OURS}) == len(OURS)
    assert all("https://" in rule.source and rule.title and rule.why for rule in OURS)
    assert {rule.id for rule in OURS} <= {rule.id for rule in RULES}


READERS = ("requirements.txt", "pyproject.toml", "package.json", "go.mod", "Cargo.toml", "Gemfile", "pom.xml")
LOCKED = ("package-lock.json", "uv.lock", "yarn.lock", "pnpm-lock.yaml", "Gemfile.lock", "go.sum")
WORDS = st.sampled_from(
    [
        *'{}[]():;=<>"\\/\n\t ,@#*-',
        "1",
        "==",
        "version",
        "name",
        "[[package]]\n",
        "message A",
        "enum",
        "reserved",
        "openapi: 3\npaths:\n",
        "$ref",
        "  ",
        "rpc a",
        "returns",
        "stream",
        HOSTILE,
        "</version>",
        "gem",
        " => ",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=40).map("".join), st.lists(WORDS, max_size=40).map("".join))
def test_no_text_breaks_a_rule(before: str, after: str) -> None:
    for path in (
        *READERS,
        *LOCKED,
        "openapi.yaml",
        "swagger.json",
        "a.proto",
        "build.gradle",
        "libs.versions.toml",
    ):
        found(file(path, before, after), title=after, description=before)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "message A {" * 20_000, "a: &x [*x, *x]\n"]
)
def test_deep_texts_are_left_out(text: str) -> None:
    """What a parser that calls itself would fall over is no description, no manifest and no lock."""
    assert openapi_spec.load(text) is None
    assert dep_manifests.read("package.json", text) is None
    assert locks.read("package-lock.json", text) is None
    proto = proto_reader.read(text)
    assert proto is None or len(proto.blocks) <= 100


def test_an_api_that_refers_to_itself_ends() -> None:
    text = """
openapi: 3.0.3
paths:
  /a: {get: {responses: {"200": {content: {"*/*": {schema: {$ref: "#/components/schemas/A"}}}}}}}
components:
  schemas:
    A: {type: object, properties: {a: {$ref: "#/components/schemas/A"}, n: {type: string}}}
    B: {$ref: "#/components/schemas/B"}
"""
    match = found(file("openapi.yaml", text, text.replace("n: {type: string}", "n: {type: integer}")))
    assert list(match) == ["api-type-changed"]
    assert match["api-type-changed"].line == 7


def test_a_schema_of_many_operations_is_told_once() -> None:
    paths = "".join(
        f"  /a{n}: {{get: {{responses: {{'200': {{content: {{x/y: {{schema: {{$ref: '#/s'}}}}}}}}}}}}}}\n"
        for n in range(30)
    )
    text = f"openapi: 3.0.3\npaths:\n{paths}s:\n  type: object\n  properties:\n    n: {{type: string}}\n"
    said = assess(
        ChangeSet(
            files=(
                file("openapi.yaml", text, text.replace("    n: {type: string}", "    m: {type: string}")),
            )
        ),
        Known(),
        Policy(),
        OURS,
    )
    assert [match.rule for match in said.matches] == ["api-response-narrowed"]


def test_a_registry_that_moves_is_told_once() -> None:
    rows = "".join(
        f'p{n}@^1.0.0:\n  version "1.0.0"\n  resolved "https://a.example.org/p{n}"\n' for n in range(9)
    )
    match = found(file("yarn.lock", rows, rows.replace("a.example.org", "b.example.org")))["dep-source"]
    assert match.level == "medium"
    assert match.what.startswith("9 packages come from b.example.org")


@pytest.mark.parametrize(
    ("host", "told"),
    [
        # What npm asks when nobody names another, in parts.
        (".".join(("registry", "npmjs", "org")), False),
        ("registry.packages.example", True),
        (".".join(("registry", "npmjs", "example")), True),
    ],
)
def test_the_usual_registry_written_out_is_no_other_source(host: str, told: bool) -> None:
    bare = '{"lockfileVersion": 3, "packages": {"node_modules/left": {"version": "1.2.0"}}}'
    full = bare.replace('"1.2.0"', f'"1.2.0", "resolved": "https://{host}/left/-/left-1.2.0.tgz"')
    assert ("dep-source" in found(file("package-lock.json", bare, full))) is told


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("1.9", "2.0", "major"),
        ("v1.2.3", "v1.2.2", "down"),
        ("0.4.1", "0.5.0", "zero-minor"),
        ("1.2", "1.3", ""),
        ("3.2.0", "<4", ""),
        ("<2", "<3", "major"),
        ("~> 3.2", "~> 3.2.9", ""),
    ],
)
def test_steps(old: str, new: str, kind: str) -> None:
    first, second = constraint(old, True).line, constraint(new, True).line
    assert first is not None
    assert second is not None
    assert step(first, second) == kind


def test_size_has_honest_levels_and_leaves_alone_what_nobody_wrote() -> None:
    assert "change-size" not in found(file("a.py", "", "", 400))
    assert found(file("a.py", "", "", 401))["change-size"].level == "low"
    assert found(file("a.py", "", "", 3_000))["change-size"].level == "medium"
    quiet = [
        file(path, "", "", 9_000)
        for path in ("package-lock.json", "docs/a.md", "tests/test_a.py", "vendor/a.go")
    ]
    assert "change-size" not in found(*quiet)


def test_spread_is_many_files_in_many_folders_alike() -> None:
    even = [file(f"part{n}/a.py", "", "", 5) for n in range(24)]
    assert "entropy 1.00" in found(*even)["change-spread"].evidence
    one_large = [*even[:-1], file("part23/a.py", "", "", 5_000)]
    assert "change-spread" not in found(*one_large)
    assert shape.entropy([4, 4]) == 1.0
    assert shape.entropy([9]) == 0.0


def test_a_lasting_danger_without_a_way_back() -> None:
    danger = Match("sql-drop-table", "high", "x", "y", "m.sql")
    rule = RiskRule("sql-drop-table", "t", "w", "s", lambda change, known: [danger])
    change = ChangeSet(files=(file("m.sql", "", ""),), description="Drops a table")
    said = assess(change, Known(), Policy(), (*habits.rules, rule))
    assert [match.rule for match in said.matches] == ["sql-drop-table", "no-way-back"]
    told = msgspec.structs.replace(change, description="To roll back, restore the table from the copy")
    assert [m.rule for m in assess(told, Known(), Policy(), (*habits.rules, rule)).matches] == [
        "sql-drop-table"
    ]


def test_words_alone_never_warn() -> None:
    """A title or description may be anything: the verdict stays."""
    for words in (HOSTILE, 'Revert "Revert "x""', "freeze hotfix critical drop table"):
        said = assess(ChangeSet(title=words, description=words), Known(), Policy(), OURS)
        assert said.verdict == "allow"
        assert said.level in (None, "low")


def test_foreign_names_stand_in_one_printable_line() -> None:
    text = json.dumps({"dependencies": {HOSTILE: "latest"}})
    assert "dep-unpinned" in found(file("package.json", "{}", text))
    for match in found(file("package.json", "{}", text)).values():
        assert all(part.isprintable() for part in (match.what, match.evidence, match.clears))


def test_a_broken_rule_stops_no_other() -> None:
    def fails(change: ChangeSet, known: Known) -> list[Match]:
        raise RuntimeError

    broken = RiskRule("broken", "t", "w", "s", fails)
    change = ChangeSet(files=(file("requirements.txt", "a==1\n", "a==2\n"),))
    said = assess(change, Known(), Policy(), (broken, *OURS))
    assert said.broken == ("broken",)
    assert [match.rule for match in said.matches] == ["dep-major"]
    assert said.verdict == "warn"


def test_the_worst_come_first_and_the_rest_is_counted() -> None:
    levels = ["low"] * 60 + ["high"] * 5
    rows = [Match("r", level, "w", "c", "b.py", n) for n, level in enumerate(levels)]  # type: ignore[arg-type]
    rule = RiskRule("r", "t", "w", "s", lambda change, known: rows)
    said = assess(ChangeSet(), Known(), Policy(), (rule,))
    assert len(said.matches) == MOST_OF_A_RULE
    assert [match.level for match in said.matches[:6]] == ["high"] * 5 + ["low"]
    assert said.more == {"r": 15}


POLICY = """
thresholds: {warn: low, hold: high}
ignore: [legacy/]
suppressions:
  - {rule: dep-major, path: "web/**", reason: Tried in staging, expires: 2026-12-01, by: ann}
freezes:
  - {name: year end, reason: Accounts, start: 2026-12-20, end: 2026-12-31}
"""
NOVEMBER, CHRISTMAS = 1_795_262_400_000, 1_798_156_800_000


def test_the_policy_suppresses_ignores_and_freezes() -> None:
    policy = read_policy(POLICY)
    major = [file(f"{place}/requirements.txt", "a==1\n", "a==2\n") for place in ("web", "legacy")]
    said = assess(ChangeSet(files=tuple(major)), Known(now=NOVEMBER), policy, OURS)
    assert said.matches == ()
    assert said.verdict == "allow"
    assert [(one.match.path, one.by, one.expires) for one in said.suppressed] == [
        ("web/requirements.txt", "ann", "2026-12-01")
    ]
    late = assess(ChangeSet(files=tuple(major)), Known(now=CHRISTMAS), policy, OURS)
    assert [match.rule for match in late.matches] == ["freeze", "dep-major"]
    assert late.verdict == "hold"
    assert [rule.id for rule in OURS if rule.policy] == ["freeze"]


def test_what_stands_beside() -> None:
    tree = [
        "package-lock.json",
        "web/yarn.lock",
        "tests/test_cart.py",
        "web/x/test_main.py",
        "web/cart.py",
        "CARGO.lock",
    ]
    assert beside(["web/package.json"], tree) == ("package-lock.json", "web/yarn.lock")
    assert beside(["web/cart.py", "main.py"], tree) == ("tests/test_cart.py",)
    assert beside(["docs/a.md"], tree) == ()


@pytest.mark.parametrize(
    ("before", "after", "level"),
    [(">=2.1,<3", ">=3.0,<4", "medium"), (">=2.1,<3", ">=2.1,<4", "low"), ("==2.1", "==3.0", "medium")],
)
def test_a_range_that_keeps_the_old_major_version_is_less(before: str, after: str, level: str) -> None:
    before, after = [f'[project]\nname = "a"\ndependencies = ["parcels{said}"]\n' for said in (before, after)]
    lines = [(Line(3, text.splitlines()[2]),) for text in (before, after)]
    file = TouchedFile(
        "pyproject.toml", "modified", added=lines[1], removed=lines[0], before=before, after=after
    )
    rule = next(one for one in RULES if one.id == "dep-major")
    assert [match.level for match in rule.find(ChangeSet(files=(file,)), Known())] == [level]
