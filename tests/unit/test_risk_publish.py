"""What a check wrote becomes one comment, by whatever run wrote it: checked, rendered anew, never twice."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.errors import InputError, RemoteError
from core.risk.assess import Assessment
from core.risk.rules import Match
from tests.fake_github import BASE, HEAD, FakeGitHub
from watchkeeper.risk.publishing import publish
from watchkeeper.risk.render_codequality import render_codequality
from watchkeeper.risk.render_json import document, render_json
from watchkeeper.risk.render_markdown import MARKER, render_markdown
from watchkeeper.risk.report import Counts, Report
from watchkeeper.risk.report_file import MOST_BYTES, read_report

REPORT = Report(
    base=BASE,
    head=HEAD,
    start=BASE,
    title="Drop it",
    counts=Counts(1, 1, 0, 1),
    assessment=Assessment(
        "warn",
        "high",
        (Match("sql-drop-column", "high", "It drops a column.", "Drop it later", "db/7.sql", 1, "DROP x"),),
    ),
)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "risk.json"
    file.write_text(render_json(REPORT))
    return file


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        server.tokens.add("ghs_workflow")
        yield server


def told(github: FakeGitHub, event: dict[str, Any], tmp_path: Path) -> dict[str, str]:
    (tmp_path / "event.json").write_text(json.dumps(event))
    return {
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_API_URL": github.url,
        "GITHUB_TOKEN": "ghs_workflow",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }


PULL = {"pull_request": {"number": 7, "head": {"sha": HEAD}}}
RUN = {
    "workflow_run": {
        "head_sha": HEAD,
        "head_branch": "x;&y #1",
        "head_repository": {"owner": {"login": "mallory"}},
        "pull_requests": [],
    }
}


def test_one_comment_is_made_then_edited(github: FakeGitHub, report: Path, tmp_path: Path) -> None:
    environment = told(github, PULL, tmp_path)
    assert publish(report, environment) == "Pull request 7: comment made"
    assert publish(report, environment) == "Pull request 7: comment left as it is"
    calm = msgspec.structs.replace(REPORT, assessment=Assessment("allow"))
    report.write_text(render_json(calm))
    assert publish(report, environment) == "Pull request 7: comment edited"
    [comment] = github.repository.comments
    assert comment["body"].startswith(MARKER)


def test_nothing_risky_makes_no_comment(github: FakeGitHub, report: Path, tmp_path: Path) -> None:
    report.write_text(render_json(msgspec.structs.replace(REPORT, assessment=Assessment("allow"))))
    assert "nothing to say" in publish(report, told(github, PULL, tmp_path))
    assert github.repository.comments == []


def test_a_forks_pull_request_is_found_by_its_branch(
    github: FakeGitHub, report: Path, tmp_path: Path
) -> None:
    head = {"sha": HEAD, "label": "mallory:x;&y #1"}
    github.repository.pull(9, [], head={**head, "sha": "9" * 40})
    github.repository.pull(8, [], head=head)
    assert publish(report, told(github, RUN, tmp_path)) == "Pull request 8: comment made"
    github.repository.pulls.clear()
    assert "nothing to publish" in publish(report, told(github, RUN, tmp_path))


def test_a_report_of_another_commit_is_refused(github: FakeGitHub, report: Path, tmp_path: Path) -> None:
    report.write_text(render_json(msgspec.structs.replace(REPORT, head="9" * 40)))
    with pytest.raises(InputError, match="it is of 999999999999"):
        publish(report, told(github, PULL, tmp_path))
    assert github.requests == []


def test_a_hostile_report_is_rendered_as_text(report: Path) -> None:
    content = document(REPORT)
    bad = "@everyone <script>alert(1)</script> [x](http://evil.example) " + MARKER
    row = {**content["matches"][0], "what": bad, "clears": bad, "evidence": bad, "path": bad, "source": bad}
    unknown = {**row, "rule": "made-up"}
    hostile = {**content, "title": bad, "notes": [bad], "unjudged": [bad], "matches": [row, unknown]}
    report.write_text(json.dumps({**hostile, "probability": {"thousandths": 7, "learned_from": bad}}))
    text = render_markdown(read_report(report))
    outside = "".join(text.split("`")[::2])
    for sign in ("@everyone", "](http://evil"):
        assert sign not in outside
    assert not re.search(r"(?<!\\)<script", outside)
    assert outside.count(MARKER) == 1
    assert "made-up" not in text
    assert "1 places of rules" in text


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "fine"}, {"head": "HEAD"}, {"head": "$(x)"}, {"mode": "x"}, {"counts": {"files": "x"}},
        {"matches": [{"rule": 1}]}, {"matches": {}}, {"more": {"x": -1}},
        {"probability": {"thousandths": 1e9}},
        {"matches": [{"rule": "x", "level": "low", "what": "", "clears": ""}] * 5_001},
    ],
)  # fmt: skip
def test_a_file_that_is_no_report_is_refused(report: Path, change: dict[str, Any]) -> None:
    report.write_text(json.dumps({**document(REPORT), **change}))
    with pytest.raises(InputError):
        read_report(report)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b" " * (MOST_BYTES + 1)])
def test_other_bytes_are_refused(report: Path, raw: bytes) -> None:
    report.write_bytes(raw)
    with pytest.raises(InputError):
        read_report(report)


def test_a_report_is_read_back_as_it_was(report: Path) -> None:
    assert render_markdown(read_report(report)) == render_markdown(REPORT)


def test_a_token_that_may_not_write_is_an_error_without_the_token(
    github: FakeGitHub, report: Path, tmp_path: Path
) -> None:
    github.fail("POST", "/comments", "403")
    with pytest.raises(RemoteError) as refused:
        publish(report, told(github, PULL, tmp_path))
    assert "ghs_" not in str(refused.value)


def test_outside_of_a_job_nothing_is_published(report: Path) -> None:
    with pytest.raises(InputError, match="neither"):
        publish(report, {})


class GitLab(BaseHTTPRequestHandler):
    notes: list[dict[str, Any]]
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def _answer(self, content: Any, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.headers["private-token"] != "glpat-x":
            self._answer({}, 401)
        elif self.path == "/user":
            self._answer({"id": 3})
        else:
            assert self.path.startswith("/projects/42/merge_requests/7/notes?")
            self._answer(self.notes)

    def _write(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        text = json.loads(raw)["body"]
        if self.command == "POST":
            self.notes.append({"id": len(self.notes) + 1, "body": text, "author": {"id": 3}})
        else:
            name = int(self.path.rpartition("/")[2])
            self.notes[name - 1]["body"] = text
        self._answer({}, 201)

    do_POST = do_PUT = _write


def test_a_merge_request_gets_one_note(report: Path) -> None:
    GitLab.notes = [{"id": 1, "body": f"{MARKER} somebody's", "author": {"id": 8}}]
    server = ThreadingHTTPServer(("127.0.0.1", 0), GitLab)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    environment = {
        "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "CI_COMMIT_SHA": HEAD,
        "GITLAB_TOKEN": "glpat-x", "CI_API_V4_URL": f"http://127.0.0.1:{server.server_address[1]}",
    }  # fmt: skip
    try:
        assert publish(report, environment) == "Merge request 7: note made"
        assert publish(report, environment) == "Merge request 7: note left as it is"
        assert len(GitLab.notes) == 2
        assert GitLab.notes[0]["body"].endswith("somebody's")
        assert "not set" in publish(report, {**environment, "GITLAB_TOKEN": ""})
        assert "nothing to publish" in publish(report, {**environment, "CI_MERGE_REQUEST_IID": ""})
    finally:
        server.shutdown()
        server.server_close()


def test_code_quality_names_places_once() -> None:
    twice = msgspec.structs.replace(
        REPORT,
        assessment=Assessment(
            "warn", "high", REPORT.assessment.matches * 2 + (Match("size", "low", "a", "b"),)
        ),
    )
    rows = json.loads(render_codequality(twice))
    assert [row["location"]["path"] for row in rows] == ["db/7.sql"] * 2
    assert len({row["fingerprint"] for row in rows}) == 2
