"""The program as a GitHub App, killed and started anew: each pull request ends with a check and a comment."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fake_github import APP_ID, HEAD, INSTALLATION, PEM, FakeGitHub
from tests.integration.server import Server, watchkeeper, within

pytestmark = pytest.mark.integration
SECRET = "a webhook's secret"
DROP = "@@ -0,0 +1 @@\n+ALTER TABLE orders DROP COLUMN state;"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        yield server


def commit(number: int) -> str:
    return f"{number:040x}"


def pull(github: FakeGitHub, number: int) -> None:
    row = {
        "filename": f"db/migrations/{number:04d}.sql", "status": "added", "additions": 1, "deletions": 0,
        "sha": "1" * 40, "patch": DROP,
    }  # fmt: skip
    github.repository.pull(number, [row], head={"sha": commit(number)})


def settings(github: FakeGitHub, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "app.pem").write_bytes(PEM)
    (tmp_path / "secret").write_text(SECRET)
    return {
        "WATCHKEEPER_GITHUB_APP_ID": str(APP_ID),
        "WATCHKEEPER_GITHUB_APP_KEY_FILE": str(tmp_path / "app.pem"),
        "WATCHKEEPER_GITHUB_APP_URL": github.url,
    }


def senders(tmp_path: Path) -> Path:
    file = tmp_path / "senders.yaml"
    file.write_text(f"senders:\n  github: {{secret_file: {tmp_path / 'secret'}}}\n")
    return file


def deliver(server: Server, number: int, secret: str = SECRET, action: str = "opened", **pull: Any) -> int:
    content: dict[str, Any] = {
        "action": action,
        "number": number,
        "pull_request": {"number": number, **pull},
        "repository": {"name": "shop", "full_name": "acme/shop"},
        "installation": {"id": INSTALLATION},
    }
    body = json.dumps(content).encode()
    headers = {
        "x-github-event": "pull_request",
        "x-github-delivery": f"delivery-{number}-{action}",
        "x-hub-signature-256": f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}",
        "content-type": "application/json",
    }
    answer = httpx.post(f"{server.url}/v1/ingest/github", content=body, headers=headers, timeout=15.0)
    return answer.status_code


def test_killed_after_every_delivery_each_is_judged_once(github: FakeGitHub, tmp_path: Path) -> None:
    options = ("--senders", senders(tmp_path))
    with Server(tmp_path / "data", *options, extra=settings(github, tmp_path)) as server:
        for number in range(1, 5):
            pull(github, number)
            assert deliver(server, number) == 202
            server.kill9()
            server.start()
        repository = github.repository
        assert within(60, lambda: len(repository.comments) == 4), server.log()[-3_000:]
        assert within(20, lambda: server.get("/readyz")["github"]["waiting"] == 0)
        assert sorted(run["head_sha"] for run in repository.runs) == [commit(n) for n in range(1, 5)]
        assert {run["status"] for run in repository.runs} == {"completed"}
        assert sorted(row["number"] for row in repository.comments) == [1, 2, 3, 4]
        question = {"service": "shop", "repository": "acme/shop", "revision": commit(2)}
        answer = httpx.post(f"{server.url}/v1/risk", json=question, timeout=15.0).json()
        assert any(row["from"] == "assessment" for row in answer["reasons"])
        assert "PRIVATE KEY" not in server.log()
        assert "ghs_" not in server.log()


def test_what_is_merged_goes_out_with_its_risk(github: FakeGitHub, tmp_path: Path) -> None:
    pull(github, 1)
    merge = "e1" * 20

    def judged() -> list[str]:
        question = {"service": "shop", "repository": "acme/shop", "revision": merge}
        rows = httpx.post(f"{server.url}/v1/risk", json=question, timeout=15.0).json()["reasons"]
        return [row["rule"] for row in rows if row["from"] == "assessment"]

    with Server(
        tmp_path / "data", "--senders", senders(tmp_path), extra=settings(github, tmp_path)
    ) as server:
        assert deliver(server, 1) == 202
        assert within(30, lambda: server.get("/readyz")["github"]["done"] == 1), server.log()[-3_000:]
        assert judged() == []
        told: dict[str, Any] = {"state": "closed", "merged": True, "merge_commit_sha": merge}
        github.repository.pulls[1] |= told
        assert deliver(server, 1, action="closed", **told) == 202
        assert within(30, lambda: "sql-drop-column" in judged()), server.log()[-3_000:]
        assert len(github.repository.runs) == 1


def test_nobody_else_makes_the_app_work(github: FakeGitHub, tmp_path: Path) -> None:
    pull(github, 1)
    with Server(
        tmp_path / "data", "--senders", senders(tmp_path), extra=settings(github, tmp_path)
    ) as server:
        assert deliver(server, 1, "another secret") == 401
        github.fail("GET", "/pulls/2", "500")
        pull(github, 2)
        assert deliver(server, 2) == 202
        assert within(20, lambda: server.get("/readyz")["github"]["retried"] == 1)
        assert httpx.get(f"{server.url}/healthz", timeout=5.0).status_code == 200
    assert github.made("GET", "/pulls/1") == 0
    assert HEAD not in {run["head_sha"] for run in github.repository.runs}


def test_half_a_set_up_is_refused(github: FakeGitHub, tmp_path: Path) -> None:
    extra = settings(github, tmp_path)
    done = watchkeeper("serve", "--data", tmp_path / "data", "--port", "0", cwd=tmp_path, extra=extra)
    assert done.returncode == 2
    assert "source github has no secret" in done.stderr
    del extra["WATCHKEEPER_GITHUB_APP_KEY_FILE"]
    done = watchkeeper("serve", "--data", tmp_path / "data", "--port", "0", cwd=tmp_path, extra=extra)
    assert (done.returncode, "KEY_FILE" in done.stderr) == (2, True)
