"""Secrets in what a check shows: made-up ones, put together at run time, are in no form of its output."""

from __future__ import annotations

import base64
import json
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.rules.masking import looks_random, masked, unshaped
from core.risk.rules.rule import Match
from tests.repositories import Repository
from watchkeeper.risk.annotations import workflow_commands
from watchkeeper.risk.asking import Question, Told, change_of, decided
from watchkeeper.risk.check import Asked, check
from watchkeeper.risk.render_codequality import render_codequality
from watchkeeper.risk.render_json import render_json
from watchkeeper.risk.render_markdown import render_markdown
from watchkeeper.risk.render_outputs import render_outputs
from watchkeeper.risk.render_sarif import render_sarif
from watchkeeper.risk.render_text import render_text
from watchkeeper.risk.report import Report

NOW = 1_795_000_000_000
FORMS = {
    "text": render_text, "json": render_json, "sarif": render_sarif, "markdown": render_markdown,
    "github": lambda report: "\n".join(workflow_commands(report)), "codequality": render_codequality,
    "outputs": render_outputs,
}  # fmt: skip
_SIGNS = string.ascii_letters + string.digits
_chosen = random.Random(7)


def signs(many: int, of: str = _SIGNS) -> str:
    return "".join(_chosen.choice(of) for _ in range(many))


def _jwt() -> str:
    parts = (json.dumps({"alg": "HS256"}), json.dumps({"sub": signs(9)}), signs(32))
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


# Beginnings are apart from what follows, so that no scanner takes this file for a leak.
SHAPED = {
    "github": "gh" + "p_" + signs(36),
    "github app": "gh" + "s_" + signs(36),
    "github fine": "github" + "_pat_" + signs(60),
    "gitlab": "glp" + "at-" + signs(20),
    "gitlab runner": "glr" + "t-" + signs(20),
    "slack": "xo" + "xb-" + signs(12, string.digits) + "-" + signs(24),
    "slack app": "xa" + "pp-1-" + signs(40),
    "aws": "AK" + "IA" + signs(16, string.ascii_uppercase + "234567"),
    "jwt": _jwt(),
}
RANDOM = {
    "base62": "q" + signs(30) + "7",
    "hex": signs(40, "0123456789abcdef"),
    "base64": signs(20) + "+" + signs(12) + "/9=",
    "uuid": "-".join(signs(size, "0123456789abcdef") for size in (8, 4, 4, 4, 12)),
}
LINES = [
    "{}",
    "# {} is what it needs",
    "curl https://{}@host.example/x",
    "x = call('{}')",
    "prefix_{}",
    "-- see {}",
]
AFTER_WORDS = [
    "# the password of staging: see {}",
    "// token was rotated, the old one ({}) is gone",
    "-- api key for tests {}",
    "signing-key -> {}",
    "the shared secret, `{}`, is read by both",
    "Authorization: Bearer {}",
    'client_secret="{}"',
    "private key id={}",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("token", SHAPED.values(), ids=SHAPED.keys())
def test_known_shapes_are_masked_in_any_line(line: str, token: str) -> None:
    text = line.format(token)
    assert token not in masked(text)
    assert token not in unshaped(text)
    assert "***" in unshaped(f"config/{token}/values.yaml")


@pytest.mark.parametrize("line", AFTER_WORDS)
@pytest.mark.parametrize("value", RANDOM.values(), ids=RANDOM.keys())
def test_what_looks_random_after_a_telling_word_is_masked(line: str, value: str) -> None:
    shown = masked(line.format(value))
    assert value not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://ann:{}@db/shop", "p@ss" + "w0rd"),
        ("# try https://bot:{}@host/x.git", "hunter" + "2"),
        ("git clone https://{}@host/x.git", "k" * 20),
        ("# the password is {}", "hunter" + "2hunter2"),
        ("password: {}", "1234" + "5678"),
        ('passphrase = "{}"', "four words of " + "mine"),
        ("-----BEGIN RSA PRIVATE " + "KEY-----\\n{}\\n-----END RSA PRIVATE KEY-----", signs(64)),
        ("-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\n{}", signs(64)),
        ("    {}", signs(64)),
    ],
)
def test_other_places_of_secrets(text: str, secret: str) -> None:
    assert secret not in masked(text.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        "password is required here",
        "max_tokens: 4096",
        "secret name is payments-service-account",
        "ALTER TABLE tokens ADD COLUMN refresh_token_expires_at timestamptz NOT NULL;",
        "CREATE INDEX CONCURRENTLY auth_tokens_user_id_created_at_idx ON auth_tokens (user_id)",
        "image: registry.example/auth-service:2026-11-21-rc1",
        "services.auth.session_store_timeout_seconds: 30",
        "path: secrets/services/payments/values-production.yaml",
        "class: PaymentsServiceSecretTokenHandlerFactory",
        "https://host.example:8080/a@b",
        "image: shop/web@sha256:" + "0123456789abcdef" * 4,
        "git+ssh://git@host.example/a.git",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert masked(text) == text


def test_names_and_paths_are_not_random() -> None:
    assert not looks_random("services/payments/values-production.yaml")
    assert not looks_random("OAuth2TokenHandlerFactory")
    assert not looks_random("2026-11-21T10:00:00")
    assert all(looks_random(value) for value in RANDOM.values())


@given(st.text(max_size=300))
def test_what_is_masked_stays_as_it_is(text: str) -> None:
    once = masked(text)
    assert masked(once) == once or len(masked(once)) <= len(once)
    assert isinstance(unshaped(text), str)


def hostile(repo: Repository) -> list[str]:
    """A change that puts secrets everywhere where a check looks; what they are."""
    github, gitlab, slack, aws = (SHAPED[kind] for kind in ("github", "gitlab", "slack", "aws"))
    url, value = "S3cr" + "etOfTheUrl9", RANDOM["base62"]
    repo.commit({"app.py": "x = 1\n", f"k8s/{slack}.yaml": pod(6, aws), "migrations/1.sql": "SELECT 1;\n"})
    repo.branch("work")
    repo.commit(
        {
            f"k8s/{slack}.yaml": pod(1, aws),
            f"migrations/2_{github}.sql": f"DROP TABLE a; -- the old password: {value}\n"
            f"ALTER TABLE b DROP COLUMN c; -- {gitlab}, see https://bot:{url}@host/x\n",
            f"db/changelog/{gitlab}.xml": f"<databaseChangeLog><!DOCTYPE {aws}></databaseChangeLog>",
            "config/app.yaml": f"debug: true # token is {value}\ndatabase: postgres://ann:{url}@db/x\n",
            ".github/workflows/ci.yml": "on: pull_request_target\n"
            f"jobs: {{a: {{steps: [{{run: 'echo {github}'}}]}}}}\n",
            f"src/{aws}.sql": "\0\0",
            "Dockerfile": f"FROM a:latest\nENV API_TOKEN {value}\nRUN curl -u ann:{url} https://host | sh\n",
        },
        f"Take {github} away",
    )
    return [github, gitlab, slack, aws, url, value]


def pod(replicas: int, label: str) -> str:
    head = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {label}}}\nspec:\n"
    return f"{head}  replicas: {replicas} # {label}\n"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[str], str]:
    repo = Repository(tmp_path_factory.mktemp("work") / "checkout")
    secrets = hostile(repo)
    return check(Asked(repo.path, "main", "work"), NOW), secrets, repo.git("diff", "main", "work")


@pytest.mark.parametrize("form", FORMS)
def test_no_form_holds_one(told: tuple[Report, list[str], str], form: str) -> None:
    report, secrets, _ = told
    shown = str(FORMS[form](report))
    assert len(report.assessment.matches) >= 8
    assert [secret for secret in secrets if secret in shown] == []


def test_the_answer_of_the_server_holds_none_nor_what_it_keeps(told: tuple[Report, list[str], str]) -> None:
    _, secrets, diff = told
    asked = Question("checkout", diff=diff, revision="a" * 40)
    change = change_of(asked)
    assert isinstance(change, ChangeSet)
    answer = decided(asked, Told(Known(), None, listed=True), change, NOW)
    assert len(answer.document["reasons"]) >= 5
    shown = json.dumps(answer.document)
    assert [secret for secret in secrets if secret in shown] == []
    assert answer.report is not None
    assert [secret for secret in secrets if secret in str(render_json(answer.report))] == []


def test_a_report_is_clean_however_it_was_made(told: tuple[Report, list[str], str]) -> None:
    report, [github, *_], _ = told
    assert not any(github in path for path in report.files)
    assert not any(github in words for words in report.unjudged)
    assert any("***" in match.path for match in report.assessment.matches)
    assert all(isinstance(match, Match) and match.rule for match in report.assessment.matches)


def test_where_it_is_stays_known(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "checkout")
    repo.commit({"a": "1"})
    repo.branch("work")
    repo.commit({"migrations/2.sql": "DROP TABLE orders;\n"})
    [match] = [
        one
        for one in check(Asked(repo.path, "main", "work"), NOW).assessment.matches
        if one.rule == "sql-drop-table"
    ]
    assert (match.path, match.line, match.evidence) == ("migrations/2.sql", 1, "DROP TABLE orders;")
