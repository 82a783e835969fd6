"""May this go out now: by a diff, by how a revision was judged, by what is known; and when nobody can say."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from tests.unit.test_api import app as app
from tests.unit.test_api import ask, sent
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
        "probability": {"thousandths": 120},
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
    assert given[0]["diff"] == DROP
    answers["decision"] = "warn"
    assert CliRunner().invoke(command, words).exit_code == 0
    shown = CliRunner().invoke(command, [*words, "--json"])
    assert json.loads(shown.output)["decision"] == "warn"
