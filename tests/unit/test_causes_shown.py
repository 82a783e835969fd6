"""Causes and risk by the API, the console and the command line; what makes no sense is not stored."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from core.risk.known import Known
from core.times import format_rfc3339
from tests.judged import DROP, HEAD, Judging, check
from tests.timeline import SHOP, alert, change
from tests.unit.test_api import Client, app, ask, now_shifted, settled
from tests.unit.test_backtest_cli import write
from tests.unit.test_console import OURS, Browser, FakeWatch, check_page
from tests.unit.test_risk_incident import story
from watchkeeper.app import App
from watchkeeper.cli import risk_do, show
from watchkeeper.cli.ask import FromJournal
from watchkeeper.cli.main import app as command
from watchkeeper.clock import SystemClock

__all__ = ["app"]
EVIL = '<img src=x onerror="alert(1)">'


def sent(app: App, **more: Any) -> tuple[str, str]:
    """An incident whose suspect was judged; its id and that of the suspect."""

    async def talk(client: Client) -> Any:
        now = SystemClock().now()
        body = check(at=0, **more) | {"at": format_rfc3339(now - 600_000)}
        assert (await client.post("/v1/ingest/risk", json=body)).status_code == 202
        deploy = {
            "kind": "deploy",
            "service": "payments",
            "version": HEAD,
            "at": format_rfc3339(now - 60_000),
        }
        assert (await client.post("/v1/ingest/change", json=deploy)).status_code == 202
        alerts = {"alerts": now_shifted(alert("payments"))}
        assert (await client.post("/alerts", json=alerts)).status_code == 202
        settled(app)
        return (await client.get("/v1/incidents")).json()["incidents"][0]["id"]

    name = str(ask(app, talk))
    return name, shown(app, name)["changes"][0]["id"]


def shown(app: App, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(app, lambda client: client.get(f"/v1/incidents/{name}")).json()
    return found


def say(app: App, name: str, **body: Any) -> Any:
    return ask(app, lambda client: client.post(f"/v1/incidents/{name}/cause", json=body))


def test_the_api_shows_the_risk_takes_a_word_and_knows_it_later(app: App) -> None:
    name, suspect = sent(app)
    assert shown(app, name)["changes"][0]["risk"]["matches"] == [DROP]
    answer = say(app, name, change=suspect, actor="ana", reason="the column")
    assert answer.status_code == 200
    assert [(one["caused"], one["reason"]) for one in answer.json()["causes"]] == [(True, "the column")]
    raw = ask(app, lambda client: client.get("/v1/risk/known?service=payments&repository=acme/payments"))
    known = msgspec.json.decode(raw.content, type=Known)
    assert [one.path for one in known.hot_files] == ["app/pay.py", "migrations/7.sql"]
    assert [one.id for one in known.services[0].incidents] == [name]
    asked = {"services": ["payments"], "files": ["app/pay.py"], "repository": "acme/payments"}
    raw = ask(app, lambda client: client.post("/v1/risk/known", json=asked))
    assert [one.path for one in msgspec.json.decode(raw.content, type=Known).hot_files] == ["app/pay.py"]
    assert say(app, name, change=suspect, actor="ben", caused=False).json()["causes"][0]["actor"] == "ben"
    raw = ask(app, lambda client: client.get("/v1/risk/known?service=payments"))
    assert msgspec.json.decode(raw.content, type=Known).past_changes == ()


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ({"change": "chg-none", "actor": "ana"}, 404, "no change 'chg-none'"),
        ({"change": "", "actor": "ana"}, 400, ""),
        ({"change": "SUSPECT", "actor": " "}, 400, "nobody's name"),
        ({"change": "SUSPECT"}, 400, ""),
        ({"change": "SUSPECT", "actor": "ana", "caused": "perhaps"}, 400, ""),
        ({"change": "SUSPECT", "actor": "x" * 201}, 400, ""),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_stored(
    app: App, body: dict[str, Any], status: int, what: str
) -> None:
    name, suspect = sent(app)
    head = app.health()["journal_head"]
    answer = say(app, name, **{key: suspect if value == "SUSPECT" else value for key, value in body.items()})
    assert (answer.status_code, what in answer.json()["error"]["what"]) == (status, True)
    assert app.health()["journal_head"] == head
    assert say(app, "INC-NONE", change=suspect, actor="ana").status_code == 404


@pytest.mark.parametrize(
    "query", ["service=" + "x" * 1_025, "&".join(["service=a"] * 201), "repository=" + "x" * 201]
)
def test_questions_without_end_are_refused(app: App, query: str) -> None:
    assert ask(app, lambda client: client.get(f"/v1/risk/known?{query}")).status_code == 400


def test_nothing_asked_is_answered_too(app: App) -> None:
    raw = ask(app, lambda client: client.get("/v1/risk/known"))
    assert msgspec.json.decode(raw.content, type=Known).services == ()


def test_the_console_shows_it_beside_the_suspect_and_takes_the_word() -> None:
    watch = FakeWatch(story())
    [row] = watch.incident(watch.only)["changes"]
    browser, here = Browser(watch), f"/incidents/{watch.only}/cause?change={row['id']}"
    page = check_page(browser.get(f"/incidents/{watch.only}").text)
    assert "Judged high before it went out, with a warning: Drops a column that is still read" in page.text
    assert here in page.values("href")
    form = check_page(browser.get(here).text)
    assert {"yes", "no"} <= set(form.values("value", "button"))
    body = {"change": row["id"], "actor": "ana", "reason": EVIL, "caused": "yes"}
    answer = browser.post(f"/incidents/{watch.only}/cause", body, OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{watch.only}#causes")
    page = check_page(browser.get(f"/incidents/{watch.only}").text)
    assert f"ana says that it caused this: {EVIL}" in page.text
    assert "A change is said to have caused it" in page.text
    browser.post(f"/incidents/{watch.only}/cause", {**body, "caused": "no"}, OURS)
    assert "Not the cause" in check_page(browser.get(f"/incidents/{watch.only}").text).text


def test_pages_show_the_beginning_of_a_commit_and_keep_the_whole_in_its_title() -> None:
    t = Judging(SHOP)
    t.changed(-60, change("payments", -60, version=HEAD))
    t.push(0, alert("payments"))
    watch = FakeWatch(t)
    [row] = watch.incident(watch.only)["changes"]
    for path in ("", f"/cause?change={row['id']}"):
        page = check_page(Browser(watch).get(f"/incidents/{watch.only}{path}").text)
        assert HEAD in page.values("title", "span")
        assert HEAD[:12] in page.text
        assert HEAD not in page.text


def test_the_console_refuses_what_it_must() -> None:
    watch = FakeWatch(story())
    [row] = watch.incident(watch.only)["changes"]
    browser, path = Browser(watch), f"/incidents/{watch.only}/cause"
    body = {"change": row["id"], "actor": "ana", "reason": "r"}
    assert browser.post(path, body, {"sec-fetch-site": "cross-site"}).status_code == 403
    answer = browser.post(path, {**body, "actor": "", "reason": "typed"}, OURS)
    assert (answer.status_code, "typed" in check_page(answer.text).values("value")) == (400, True)
    assert browser.get(f"{path}?change=chg-none").status_code == 404
    assert browser.post(path, {**body, "change": "chg-none"}, OURS).status_code == 404
    assert "causes" not in watch.incident(watch.only)


def test_hostile_words_of_a_check_are_text_on_the_page() -> None:
    t = Judging(SHOP)
    t.judge(-500, check(matches=[{**DROP, "what": EVIL}]))
    t.changed(-60, change("payments", -60, version=HEAD))
    t.push(0, alert("payments"))
    watch = FakeWatch(t)
    page = check_page(Browser(watch).get(f"/incidents/{watch.only}").text)
    assert EVIL in page.text
    assert page.count("img") == 0


def test_the_terminal_shows_it_from_a_journal_too(tmp_path: Path) -> None:
    t = story()
    [incident] = t.incidents()
    t.push(700, alert("payments", ends=690), alert("checkout", starts=15, ends=690))
    t.wait(0)
    t.blame(200_000, incident["id"], incident["changes"][0]["id"], why="after it was over")
    write(t, tmp_path / "data").close()
    document = FromJournal(tmp_path / "data").incident(incident["id"])
    assert document["causes"][0]["reason"] == "after it was over"
    said = "\n".join(show.incident_lines(document))
    assert "ana says that it caused this: after it was over" in said
    with redirect_stdout(io.StringIO()) as out:
        risk_do.outcomes(tmp_path / "data", as_json=False)
    assert "1 judged changes went out; people say that 1 caused an incident" in out.getvalue()


def test_the_command_names_who_and_what(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def told(self: Any, *words: str, **more: Any) -> dict[str, Any]:
        asked.append((words, more))
        word = {"change": "chg-1", "kind": "deploy", "service": "payments", "version": HEAD}
        return {"id": "INC-1", "status": "resolved", "title": "t", "causes": [word] if more["caused"] else []}

    monkeypatch.setattr("watchkeeper.cli.ask.Server.cause", told)
    line = ["cause", "INC-1", "chg-1", "--actor", "ana", "--reason", "r", "--not"]
    ruled_out = CliRunner().invoke(command, line)
    assert (ruled_out.exit_code, ruled_out.output) == (0, "Noted: the change chg-1 did not cause INC-1\n")
    said = CliRunner().invoke(command, line[:-1])
    assert (said.exit_code, said.output) == (
        0, f"Noted: the deploy of payments {HEAD[:12]} caused INC-1\n",
    )  # fmt: skip
    words = ("INC-1", "chg-1", "ana", "r")
    assert asked == [(words, {"caused": False}), (words, {"caused": True})]
