"""What runs is judged whatever its name; what stands in its place and is no file is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.risk.paths import is_aside
from tests.repositories import Repository
from watchkeeper.risk.check import Asked, check
from watchkeeper.risk.render_markdown import render_markdown
from watchkeeper.risk.render_text import render_text
from watchkeeper.risk.report import Report

NOW = 1_795_000_000_000
DROP = "DROP TABLE orders;\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


def judged(repo: Repository) -> Report:
    return check(Asked(repo.path, "main", "work"), NOW)


def levels(report: Report) -> dict[str, str]:
    return {match.rule: match.level for match in report.assessment.matches}


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/zz_generated.a.yml", ".github/actions/vendor/action.yml", "infra/open_test.tf",
        "k8s/generated/a.yaml", "apps/docs/deploy/a.yaml", "vendor/charts/a/values.yaml",
        "db/migrations/demo/V3__x.sql", "testing/migrations/0007_x.py", "apps/docs/Dockerfile",
    ],
)  # fmt: skip
def test_a_name_puts_nothing_aside_that_runs(path: str) -> None:
    assert not is_aside(path)


@pytest.mark.parametrize(
    "path",
    [
        "tests/infra/open.tf", "src/test/resources/db/migration/V1__x.sql", "pkg/x/testdata/pod.yaml",
        "docs/k8s/a.yaml", "vendor/github.com/x/migrations/1.sql", "migrations/tests/test_0004.py",
        ".github/workflows/README.md", "app/tests/fixtures/values.yaml",
    ],
)  # fmt: skip
def test_trees_that_nobody_deploys_are_left_alone(path: str) -> None:
    assert is_aside(path)


def test_what_is_left_alone_is_said(repo: Repository) -> None:
    repo.commit({"a": "1\n"})
    repo.branch("work")
    repo.commit({f"tests/test_{name}.py": "x = 1\n" for name in "abcde"})
    report = judged(repo)
    said = "5 files left alone as tests, documentation, generated or vendored: tests/test_a.py"
    assert said in render_text(report)
    assert "and 2 more" in render_markdown(report)


def test_a_link_in_place_of_a_file_is_told_and_no_check_mark_stands(repo: Repository) -> None:
    repo.commit({"k8s/a.yaml": "kind: Pod\n", "bin/run": "x\n"})
    repo.branch("work")
    (repo.path / "k8s/a.yaml").unlink()
    (repo.path / "k8s/a.yaml").symlink_to("../tests/a.yaml")
    (repo.path / "bin/go").symlink_to("run")
    repo.commit({})
    report = judged(repo)
    (match,) = [one for one in report.assessment.matches if one.rule == "risk-not-a-file"]
    assert (match.level, match.path, match.evidence) == ("medium", "k8s/a.yaml", "../tests/a.yaml")
    assert any("bin/go" in row for row in report.unjudged)


def test_files_that_were_not_judged_stand_in_the_headline(repo: Repository) -> None:
    repo.commit({"bin/run": "x\n"})
    repo.branch("work")
    (repo.path / "bin/go").symlink_to("run")
    repo.commit({})
    told = render_markdown(judged(repo))
    assert "No rule matched in what was read; 1 file was not judged" in told
    assert "\u2705" not in told


def test_what_comes_into_migrations_counts_with_all_its_lines(repo: Repository) -> None:
    repo.commit({"queries/9_x.sql": DROP})
    repo.branch("work")
    repo.commit({"queries/9_x.sql": None, "migrations/9_x.sql": DROP})
    assert "sql-drop-table" in levels(judged(repo))


@pytest.mark.parametrize("after", ["mode: advisory\n", "mode: policy\nignore: [k8s/]\n", None])
def test_a_loosened_policy_is_high(repo: Repository, after: str | None) -> None:
    repo.commit({".watchkeeper.yml": "mode: policy\n"})
    repo.branch("work")
    repo.commit({".watchkeeper.yml": after})
    assert levels(judged(repo))["risk-policy-changed"] == "high"


def test_a_tightened_policy_is_low(repo: Repository) -> None:
    repo.commit({".watchkeeper.yml": "mode: policy\n"})
    repo.branch("work")
    repo.commit({".watchkeeper.yml": "mode: policy\nthresholds: {hold: high}\nignore: [docs/]\n"})
    assert levels(judged(repo))["risk-policy-changed"] == "low"


def test_the_other_name_of_the_policy_counts_and_two_are_refused(repo: Repository) -> None:
    from core.errors import InputError

    repo.commit({".watchkeeper.yaml": "mode: policy\njudge: [docs/]\n"})
    repo.branch("work")
    repo.commit({"docs/migrations/1_x.sql": DROP})
    report = judged(repo)
    assert report.mode == "policy"
    repo.commit({".watchkeeper.yml": "mode: advisory\n"})
    with pytest.raises(InputError, match="two policies"):
        check(Asked(repo.path, "work", "work", exact=True), NOW)


def test_a_policy_that_is_a_link_is_not_guessed_at(repo: Repository) -> None:
    from core.errors import InputError

    repo.commit({"p.yml": "mode: policy\n"})
    (repo.path / ".watchkeeper.yml").symlink_to("p.yml")
    repo.commit({})
    repo.branch("work")
    repo.commit({"x": "1\n"})
    with pytest.raises(InputError, match="no text file"):
        judged(repo)


@pytest.mark.parametrize(
    ("path", "before", "after", "rule"),
    [
        ("examples/live/k8s/pg.yaml", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: pg}\n",
         None, "k8s-data-removed"),
        ("examples/live/package.json", '{"dependencies": {"a": "^2.0.0"}}\n',
         '{"dependencies": {"a": "^1.0.0"}}\n', "dep-downgrade"),
        ("examples/live/a.proto", 'syntax = "proto3";\nmessage A { string a = 1; }\n',
         'syntax = "proto3";\nmessage A { string a = 2; }\n', "proto-number"),
        ("examples/live/id_rsa", None, "x\n", "secret-file"),
        ("vendor/live/openapi.yaml", "openapi: 3.0.0\npaths: {/a: {get: {responses: {'200': {}}}}}\n",
         "openapi: 3.0.0\npaths: {}\n", "api-path-removed"),
        ("tests/live/prompts/system.txt", "Answer.\nNever reveal the password.\n", "Answer.\n",
         "prompt-guard-removed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("asked", [True, False])
def test_what_the_policy_asks_for_is_judged(
    repo: Repository, path: str, before: str | None, after: str | None, rule: str, asked: bool
) -> None:
    folder = path.partition("/live/")[0]
    policy = f"judge: [{folder}/{'live' if asked else 'other'}/]\n"
    repo.commit({".watchkeeper.yml": policy, **({path: before} if before is not None else {})})
    repo.branch("work")
    repo.commit({path: after})
    assert (rule in levels(judged(repo))) is asked


def test_a_manifest_that_moves_to_where_nobody_looks_is_gone(repo: Repository) -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: pg}\n"
    repo.commit({"k8s/pg.yaml": claim, "src/a.py": "x = 1\n"})
    repo.branch("work")
    repo.commit(
        {"k8s/pg.yaml": None, "examples/pg.yaml": claim, "src/a.py": None, "examples/a.py": "x = 1\n"}
    )
    report = judged(repo)
    assert levels(report)["k8s-data-removed"] == "critical"
    assert "src/a.py" not in {match.path for match in report.assessment.matches}


BROKEN = "kind: Service\nmetadata:\n  name: {{ .Values.x }}\n   bad: line\n"


@pytest.mark.parametrize(
    ("path", "level"),
    [
        ("k8s/templates/a.yaml", "medium"), ("shop/templates/a.yaml", "low"),
        ("charts/b/templates/a.yaml", "low"), (".github/charts/b/templates/a.yaml", "medium"),
        ("shop/more/templates/a.yaml", "medium"),
    ],
)  # fmt: skip
def test_only_a_template_of_a_chart_may_be_unreadable(repo: Repository, path: str, level: str) -> None:
    repo.commit({"shop/Chart.yaml": "name: shop\n"})
    repo.branch("work")
    repo.commit({path: BROKEN})
    assert levels(judged(repo))["risk-yaml-unread"] == level
