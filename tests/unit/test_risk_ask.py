"""May this go out now: by a diff, by how a revision was judged, by what is known; and when nobody can say."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from core.risk.known import Freeze, Known, OpenIncident, ServiceKnown
from tests.unit.test_api import app as app
from tests.unit.test_api import ask, sent, settled
from watchkeeper.app import App
from watchkeeper.cli.main import app as command

COMMIT = "4f2c" * 10
DROP = "diff --git a/db/migrations/7.sql b/db/migrations/7.sql\nnew file mode 100644\n--- /dev/null\n" \
    "+++ b/db/migrations/7.sql\n@@ -0,0 +1 @@\n+ALTER TABLE orders DROP COLUMN state;\n"  # fmt: skip


def call(app: App, method: str = "POST", path: str = "/v1/risk", **more: Any) -> httpx.Response:
    answer: httpx.Response = ask(app, lambda client: client.request(method, path, **more))
    return answer


def asked(app: App, **body: Any) -> dict[str, Any]:
    answer = call(app, json={"service": "checkout", **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(app: App, level: str = "critical") -> None:
    check = {
        "repository": "acme/checkout", "head": COMMIT, "verdict": "hold", "level": level,
        "probability": {"thousandths": 120}, "url": "https://forge.example/pull/7",
        "matches": [{"rule": "sql-drop-column", "level": level, "path": "a.sql", "what": "Drops."}],
    }  # fmt: skip
    assert call(app, path="/v1/ingest/risk", json=check).status_code == 202
    ends = time.monotonic() + 10
    while app.engine.applied < app.health()["journal_head"]:
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_diff_is_judged(app: App) -> None:
    found = asked(app, diff=DROP)
    assert found["verdict"] != "allow"
    [first, *_] = found["reasons"]
    assert first["place"].startswith("db/migrations/7.sql")
    assert first["clears"]
    assert "The diff: 1 files" in found["judged"]


def test_how_a_revision_was_judged_counts(app: App) -> None:
    told(app)
    found = asked(app, revision=COMMIT, repository="acme/checkout")
    assert (found["decision"], found["verdict"], found["probability"]) == ("warn", "hold", 120)
    assert found["reasons"][0]["rule"] == "sql-drop-column"
    assert found["reasons"][0]["clears"] == "See the check of its pull request: https://forge.example/pull/7"
    assert asked(app, revision=COMMIT[:10], mode="policy")["decision"] == "hold"


def test_open_incidents_count_whatever_is_deployed(app: App) -> None:
    name = sent(app)
    found = asked(app, service="payments")
    assert any(name in row["what"] for row in found["reasons"] if row["rule"] == "open-incident")


@pytest.mark.parametrize(("mode", "decision"), [("advisory", "allow"), ("policy", "hold")])
def test_what_could_not_be_judged_is_said(app: App, mode: str, decision: str) -> None:
    for body in ({"revision": COMMIT}, {"diff": "no diff at all"}):
        found = asked(app, mode=mode, **body)
        assert found["decision"] == decision
        assert found["not_judged"]


def test_files_that_rules_read_whole_are_not_judged_by_a_diff(app: App) -> None:
    """A new file is all in its lines; of another one only pieces are known."""
    piece = "".join(
        f"--- a/{path}\n+++ b/{path}\n@@ -4,1 +4,1 @@\n-  replicas: 4\n+  replicas: 1\n"
        for path in ("k8s/deployment.yaml", "requirements.txt", "README.md")
    )
    [gap] = [one for one in asked(app, diff=piece)["not_judged"] if "whole files" in one]
    assert "Kubernetes manifests" in gap
    assert "dependencies" in gap
    assert "2 files (k8s/deployment.yaml, requirements.txt)" in gap
    assert not any("whole files" in one for one in asked(app, diff=DROP)["not_judged"])


FREEZE = Known(services=(ServiceKnown("checkout", incidents=(OpenIncident("INC-1", "P1", "x", 1),)),),
               freezes=(Freeze("year's end", "nobody is here"),))  # fmt: skip


def test_a_repair_is_not_held_by_what_it_ends(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchkeeper.risk.asking.known_of", lambda *given, **more: FREEZE)
    told(app, "low")
    body = {"revision": COMMIT, "mode": "policy", "hold": "high"}
    assert asked(app, **body)["decision"] == "hold"
    head = app.health()["journal_head"]
    found = asked(app, **body, repair="roll back\n the 4.2")
    assert (found["decision"], found["repair"]) == ("allow", "roll back the 4.2")
    assert {row["rule"] for row in found["reasons"]} >= {"freeze", "open-incident"}
    assert app.health()["journal_head"] == head
    assert asked(app, **body, repair="x", diff=DROP, warn="low")["decision"] == "hold"


def test_a_repair_is_still_held_by_how_it_was_judged(app: App) -> None:
    told(app, "critical")
    assert asked(app, revision=COMMIT, mode="policy", repair="x")["decision"] == "hold"


@pytest.mark.parametrize(
    ("state", "version", "environment", "decision"),
    [
        ("succeeded", "4.1", "production", "allow"), ("failed", "4.1", "production", "hold"),
        ("succeeded", "4.2", "production", "hold"), ("succeeded", "4.1", "staging", "hold"),
    ],
)  # fmt: skip
def test_what_ran_here_before_may_run_again(
    app: App, state: str, version: str, environment: str, decision: str
) -> None:
    deploy = {
        "kind": "deploy", "service": "checkout", "state": state, "version": version,
        "environment": environment,
    }  # fmt: skip
    assert call(app, path="/v1/ingest/change", json=deploy).status_code == 202
    settled(app)
    found = asked(app, revision="4.1", environment="production", mode="policy")
    assert found["decision"] == decision
    assert any("ran here before" in one for one in found["judged"]) == (decision == "allow")
    assert any("risk --report" in one for one in found["not_judged"]) == (decision == "hold")


def test_asking_writes_nothing_and_report_writes_once(app: App) -> None:
    before = app.health()["journal_head"]
    asked(app, diff=DROP, revision=COMMIT, repository="acme/checkout")
    assert app.health()["journal_head"] == before
    found = asked(app, diff=DROP, revision=COMMIT, repository="acme/checkout", report=True)
    assert found["record"] == before + 1
    assert call(app, json={"service": "x", "report": True}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {}, {"service": ""}, {"service": "x", "mode": "maybe"}, {"service": "x", "diff": 7},
        {"service": "x", "warn": "critical", "hold": "low"}, {"service": "x", "diff": "x" * 5_000_001},
    ],
)  # fmt: skip
def test_wrong_questions_are_400(app: App, body: dict[str, Any]) -> None:
    answer = call(app, json=body)
    assert answer.status_code == (413 if len(str(body)) > 5_000_000 else 400)
    assert set(answer.json()["error"]) == {"what", "where", "mend"}


def test_hostile_words_are_data(app: App) -> None:
    words = "$(reboot) <script> \u202e @everyone\n::error::"
    found = asked(app, service=words[:200], revision=words, title=words, diff=DROP.replace("state", "`x`"))
    assert found["decision"] in ("allow", "warn")
    assert "\n" not in "".join(found["not_judged"])


def test_a_question_that_takes_long_is_answered_in_time(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that never end leave no room for a third, which is told so at once."""
    monkeypatch.setattr("watchkeeper.http.risk.decided", lambda *given: time.sleep(2.0))
    began = time.monotonic()
    for words in ("longer than", "longer than", "too many"):
        found = asked(app, mode="policy")
        assert words in found["not_judged"][0]
        assert found["decision"] == "hold"
    assert time.monotonic() - began < 10


def test_the_command_says_it_by_its_exit_code(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, Any] = {
        "decision": "hold",
        "mode": "policy",
        "verdict": "hold",
        "reasons": [],
        "not_judged": ["x"],
    }

    given: list[dict[str, Any]] = []

    def risk(server: object, body: dict[str, Any]) -> dict[str, Any]:
        given.append(body)
        return answers

    monkeypatch.setattr("watchkeeper.cli.ask.Server.risk", risk)
    diff = tmp_path / "x.diff"
    diff.write_text(DROP)
    words = ["risk", "ask", "--server", "http://127.0.0.1:9", "--service", "checkout", "--diff", str(diff)]
    held = CliRunner().invoke(command, [*words, "--mode", "policy"])
    assert held.exit_code == 1
    assert "hold" in held.output
    assert "Judged: nothing\nNot judged: x\n" in held.output
    assert given[0]["diff"] == DROP
    answers["decision"] = "warn"
    assert CliRunner().invoke(command, words).exit_code == 0
    shown = CliRunner().invoke(command, [*words, "--json"])
    assert json.loads(shown.output)["decision"] == "warn"


def test_the_command_says_once_where_the_check_is(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"rule": "r", "level": "high", "what": "w", "clears": "See it: https://x/7", "from": "assessment"}
    answer = {"decision": "warn", "mode": "policy", "reasons": [row, row], "repair": "why"}
    monkeypatch.setattr("watchkeeper.cli.ask.Server.risk", lambda server, body: answer)
    said = CliRunner().invoke(command, ["risk", "ask", "--service", "x", "--repair", "why"]).output
    assert said.count("Clears: See it: https://x/7") == 1
    assert "Repair: why." in said


def test_messages_of_the_command_name_its_own_options() -> None:
    words = ["risk", "ask", "--server", "http://127.0.0.1:1", "--service", "x"]
    error = CliRunner().invoke(command, words).exception
    assert "or give --server" in str(error)
    assert "--data" not in str(error)
    wrong = CliRunner().invoke(command, [*words, "--hold", "hihg"])
    assert "'hihg' is none of low, medium, high, critical" in wrong.output
    assert "Value error" not in wrong.output
