"""What a tool runs because of where a file stands or what kind it is, whatever folders and names say of it.

A name such as `x_test.tf`, `k8s/generated/` or `.github/actions/demo/` puts nothing aside that runs. Only in
trees that nobody deploys (`tests/` at the top, `src/test/`, `*/tests/fixtures/`) a name is believed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from core.words import word_set

# The first folder of what nobody deploys.
_ROOTS = word_set(
    "test tests __tests__ spec specs testdata test_data fixtures e2e it-tests example examples sample "
    "samples doc docs documentation"
)
_TESTS = word_set("test tests __tests__ spec specs e2e testing")
_DATA = word_set("fixture fixtures __fixtures__ testdata test_data data golden snapshots cassettes")
_SOURCE_TESTS = word_set("test tests it integrationtest integration-test testfixtures androidtest")
# No tool but a test's reads these, unless they stand in a folder of deployments.
_TEST_DATA = word_set("testdata __tests__ __fixtures__ __mocks__ __snapshots__")
# Packages of others that a package manager lays down.
_PACKAGES = word_set("node_modules bower_components site-packages .yarn .terraform")
DEPLOYS = word_set(
    "k8s kubernetes kube manifests manifest deploy deployment deployments charts chart helm helmfile "
    "kustomize overlays argocd argo-cd gitops flux clusters infra infrastructure"
)
_PIPELINES = (".github/workflows/", ".github/actions/", ".gitlab/", ".circleci/", ".buildkite/")
_PIPELINE_ENDS = (".sh", ".bash", ".ps1", ".py", ".rb", ".js", ".mjs", ".cjs", ".ts", ".go")
_YAML = (".yml", ".yaml")
_TERRAFORM = (".tf", ".tf.json", ".tfvars", ".tfvars.json")
_MIGRATIONS = word_set(
    "migrations migration migrate db_migrations schema_migrations dbmigrations flyway liquibase changelog "
    "changelogs changesets"
)
_MIGRATION_ENDS = (".sql", ".py", ".rb", ".xml", ".json", ".js", ".ts", ".cjs", ".mjs", *_YAML)
_FLYWAY = re.compile(r"[vbr][\d._]*__.+\.sql", re.DOTALL)
_SCRIPT_TEST = re.compile(r".*\.(?:test|spec)\.[cm]?[jt]s", re.DOTALL)
_NAMED_TEST = re.compile(r"(?:test_.*|.*_tests?)\.[a-z]+", re.DOTALL)
_VALUES = re.compile(r"(?:.{0,100}[._-])?values(?:[._-].{0,100})?\.ya?ml|(?:chart|kustomization)\.ya?ml")
_BUILD = re.compile(
    r"(?:docker|container)file(?:\..{1,100})?|.{1,100}\.dockerfile|jenkinsfile|\.gitlab-ci\.yml"
    r"|(?:azure|bitbucket)-pipelines\.yml|cloudbuild\.ya?ml|buildspec\.ya?ml"
)


@lru_cache(maxsize=8_192)
def runs_as(path: str) -> str:
    """`pipeline`, `terraform`, `migration`, `values`, `build` or `manifest`; "" of what only its text, or
    nothing, says to run."""
    *folders, name = path.lower().split("/")
    if path.lower().startswith(_PIPELINES):
        below = _PACKAGES.isdisjoint(folders) and name.endswith(_PIPELINE_ENDS)
        return "pipeline" if name.endswith(_YAML) or below else ""
    if stands_apart(path) or not _PACKAGES.isdisjoint(folders):
        return ""
    if name.endswith(_TERRAFORM):
        return "terraform"
    if _migrates(folders, name):
        return "migration"
    if _VALUES.fullmatch(name[:250]):
        return "values"
    if _BUILD.fullmatch(name[:250]):
        return "build"
    plain = name.endswith(_YAML) and _TESTS.isdisjoint(folders) and _DATA.isdisjoint(folders)
    return "manifest" if plain and not DEPLOYS.isdisjoint(folders) else ""


def _migrates(folders: list[str], name: str) -> bool:
    """Whether a tool takes it for a migration; tests of migrations, in a folder of tests, are none."""
    if name.endswith(".sql") and _FLYWAY.fullmatch(name):
        return True
    if not name.endswith(_MIGRATION_ENDS) or _SCRIPT_TEST.fullmatch(name):
        return False
    if not name.endswith(".sql") and _NAMED_TEST.fullmatch(name) and not _TESTS.isdisjoint(folders):
        return False
    versions = name.endswith(".py") and folders[-1:] == ["versions"]
    return versions or not _MIGRATIONS.isdisjoint(folders)


@lru_cache(maxsize=8_192)
def stands_apart(path: str) -> bool:
    """Whether it stands in a tree that nobody deploys: of tests, examples or documentation at the top, of
    tests of a program, of packages that Go copied."""
    folders = path.lower().split("/")[:-1]
    if not folders:
        return False
    if folders[0] in _ROOTS:
        return True
    for first, second in pairwise(folders):
        if (first == "src" and second in _SOURCE_TESTS) or (first in _TESTS and second in _DATA):
            return True
        if first == "vendor" and "." in second[1:]:
            return True
    return folders[0] not in DEPLOYS and not _TEST_DATA.isdisjoint(folders)
