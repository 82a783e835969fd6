"""Silences and dismissals over HTTP: ours and Alertmanager's, with whatever may be sent there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from core.errors import InputError
from core.times import HOUR, format_rfc3339
from tests.unit.test_api import app as app
from tests.unit.test_api import ask, sent, settled
from watchkeeper.app import App
from watchkeeper.cli.main import app as command
from watchkeeper.cli.silences import _lines
from watchkeeper.clock import SystemClock


def v2(**more: Any) -> dict[str, Any]:
    now = SystemClock().now()
    return {
        "matchers": [{"name": "service", "value": "payments", "isRegex": False, "isEqual": True}],
        "startsAt": format_rfc3339(now - HOUR),
        "endsAt": format_rfc3339(now + HOUR),
        "createdBy": "ana",
        "comment": "disks",
        **more,
    }


def ours(**more: Any) -> dict[str, Any]:
    return {"matchers": ['service="payments"'], "for": "1h", "author": "ana", "comment": "disks", **more}


def call(app: App, method: str, path: str, **more: Any) -> httpx.Response:
    answer: httpx.Response = ask(app, lambda client: client.request(method, path, **more))
    return answer


def test_a_silence_as_alertmanager_takes_it_and_gives_it_back(app: App) -> None:
    name = sent(app)
    answer = call(app, "POST", "/api/v2/silences", json=v2())
    assert answer.status_code == 200, answer.text
    identity = answer.json()["silenceID"]
    assert identity.startswith("SIL-")
    [row] = call(app, "GET", "/api/v2/silences").json()
    assert row["id"] == identity
    assert row["status"] == {"state": "active"}
    assert row["matchers"] == v2()["matchers"]
    # As Alertmanager: a new one does not begin before it was told.
    assert row["startsAt"] >= v2()["startsAt"]
    assert call(app, "GET", f"/api/v2/silence/{identity}").json() == row
    own = call(app, "GET", f"/v1/silences/{identity}").json()
    assert (own["alerts_firing"], own["incidents"], own["author"]) == (1, [name], "ana")
    alerts = call(app, "GET", f"/v1/incidents/{name}").json()["alerts"]
    assert [[by["id"] for by in one["suppressed"]] for one in alerts if one["service"] == "payments"] == [
        [identity]
    ]
    assert call(app, "DELETE", f"/api/v2/silence/{identity}").status_code == 200
    assert call(app, "GET", f"/api/v2/silence/{identity}").json()["status"] == {"state": "expired"}
    assert call(app, "DELETE", f"/api/v2/silence/{identity}").status_code == 400
    incident = call(app, "GET", f"/v1/incidents/{name}").json()
    assert incident["suppressed_total"] == 0


def test_a_change_keeps_the_id_and_other_matchers_make_another(app: App) -> None:
    first = call(app, "POST", "/api/v2/silences", json=v2()).json()["silenceID"]
    again = call(app, "POST", "/api/v2/silences", json=v2(id=first, comment="longer")).json()["silenceID"]
    assert again == first
    row = call(app, "GET", f"/v1/silences/{first}").json()
    assert (row["comment"], len(row["history"])) == ("longer", 2)
    matchers = [{"name": "service", "value": "cart.*", "isRegex": True}]
    other = call(app, "POST", "/api/v2/silences", json=v2(id=first, matchers=matchers)).json()["silenceID"]
    states = {one["id"]: one["state"] for one in call(app, "GET", "/v1/silences").json()["silences"]}
    assert states == {other: "active", first: "expired"}
    revived = call(app, "POST", "/api/v2/silences", json=v2(id=first)).json()["silenceID"]
    assert revived not in (first, other)


def test_filters_are_of_the_labels_that_a_silence_names(app: App) -> None:
    call(app, "POST", "/api/v2/silences", json=v2())
    call(app, "POST", "/v1/silences", json=ours(matchers=["alertname=X", "team=shop"]))

    def found(path: str, *filters: str) -> int:
        rows = call(app, "GET", path, params=[("filter", one) for one in filters]).json()
        return len(rows if isinstance(rows, list) else rows["silences"])

    assert found("/api/v2/silences") == 2
    assert found("/api/v2/silences", 'service="payments"') == 1
    assert found("/v1/silences", 'service=~"pay.*"', 'team=""') == 1
    assert found("/v1/silences", "service=other") == 0
    assert call(app, "GET", "/api/v2/silences", params={"filter": "{"}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "x",
        v2(matchers=[]),
        v2(matchers=[{"name": "a", "value": ""}]),
        v2(matchers=[{"name": "a", "value": "(", "isRegex": True}]),
        v2(matchers=[{"name": "", "value": "a"}]),
        v2(matchers=[{"name": "a", "value": "\x00" * 1001}]),
        v2(matchers=[{"name": "a", "value": "b"}] * 51),
        v2(startsAt="now"),
        v2(endsAt="2001-01-01T00:00:00Z"),
        v2(endsAt="2026-11-21T00:00:00"),
        v2(endsAt="99999-01-01T00:00:00Z"),
        v2(createdBy=""),
        v2(createdBy="\n"),
        v2(createdBy=7),
    ],
)
def test_alertmanagers_address_says_in_one_text_what_is_wrong(app: App, body: Any) -> None:
    answer = call(app, "POST", "/api/v2/silences", json=body)
    assert answer.status_code == 400
    assert isinstance(answer.json(), str)
    assert call(app, "GET", "/api/v2/silences").json() == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        ours(matchers=[]),
        ours(matchers=['a=~"("']),
        ours(matchers=['alertname=~".+"']),
        ours(**{"for": "soon"}),
        ours(**{"for": ""}),
        ours(**{"for": "0s"}),
        ours(matchers=["@nope=x"]),
        ours(matchers=["a=x", "@level=banana"]),
        ours(ends_at="2099-01-01T00:00:00Z"),
        ours(author=""),
        ours(author=" "),
        ours(matchers=["a=x", "a=y"]),
        ours(**{"for": "9999999w"}),
    ],
)
def test_our_address_says_what_where_and_how_to_mend(app: App, body: Any) -> None:
    answer = call(app, "POST", "/v1/silences", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["what"]
    assert call(app, "GET", "/v1/silences").json() == {"silences": []}


@pytest.mark.parametrize(
    ("request_", "where", "what", "mend"),
    [
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, "Content-Type", "", "/json"),
        ({"content": b"{}"}, "Content-Type", "", "application/json"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "body", "not JSON", "Correct"),
        ({"json": [1]}, "body", "not an object", "JSON object"),
        ({"json": {"matchers": ["a=b"], "for": "1h"}}, "body, author", "it is missing", "Add it"),
        ({"json": ours(author=7)}, "body, author", "not a text", "text in quotes"),
        ({"json": ours(matchers="a=b")}, "body, matchers", "not a list", "Send a list"),
        ({"json": ours(matchers=[])}, "body, matchers", "the list is empty", "one entry"),
        ({"json": ours(comment="x" * 2_001)}, "body, comment", "longer than 2000", "Shorten"),
        ({"json": ours(**{"for": "0s"})}, "for", "no time at all", "30m"),
    ],
)
def test_faults_are_told_in_our_words(
    app: App, request_: dict[str, Any], where: str, what: str, mend: str
) -> None:
    answer = call(app, "POST", "/v1/silences", **request_)
    error = answer.json()["error"]
    assert (answer.status_code, error["where"]) == (400, where)
    assert what in error["what"]
    assert mend in error["mend"]


def test_alertmanagers_address_names_the_place_too(app: App) -> None:
    said = call(app, "POST", "/api/v2/silences", json=v2(createdBy=7)).json()
    assert said.startswith("createdBy: not a text. Send a text in quotes")


@pytest.mark.parametrize("comment", ["", " ", "\u200b\n"])
def test_nobody_silences_without_saying_why(app: App, comment: str) -> None:
    """By our address, by Alertmanager's, and when one is changed."""
    one = call(app, "POST", "/v1/silences", json=ours()).json()["id"]
    for method, path, body in (
        ("POST", "/v1/silences", ours(comment=comment)),
        ("PUT", f"/v1/silences/{one}", ours(comment=comment)),
        ("POST", "/api/v2/silences", v2(comment=comment)),
    ):
        answer = call(app, method, path, json=body)
        assert answer.status_code == 400
        assert "comment" in answer.text
    assert [row["comment"] for row in call(app, "GET", "/v1/silences").json()["silences"]] == ["disks"]


@pytest.mark.parametrize("text", ["", " ", "\u200b\n"])
def test_a_comment_on_an_incident_without_words_is_refused(app: App, text: str) -> None:
    call(app, "POST", "/api/v2/alerts", json=[{"labels": {"alertname": "A", "service": "payments"}}])
    [incident] = call(app, "GET", "/v1/incidents").json()["incidents"]
    path = f"/v1/incidents/{incident['id']}/comments"
    answer = call(app, "POST", path, json={"author": "ana", "text": text})
    assert (answer.status_code, answer.json()["error"]["where"].endswith("text")) == (400, True)
    said = call(app, "GET", f"/v1/incidents/{incident['id']}").json()["annotations"]
    assert [one for one in said if one["kind"] == "comment"] == []


def test_what_is_unknown_is_not_found_and_another_site_is_refused(app: App) -> None:
    for method, path in (
        ("GET", "/v1/silences/SIL-NONE"),
        ("DELETE", "/v1/silences/SIL-NONE"),
        ("GET", "/api/v2/silence/SIL-NONE"),
        ("DELETE", "/api/v2/silence/SIL-NONE"),
    ):
        assert call(app, method, path).status_code == 404
    assert call(app, "POST", "/api/v2/silences", json=v2(id="SIL-NONE")).status_code == 404
    assert call(app, "PUT", "/v1/silences/SIL-NONE", json=ours()).status_code == 404
    foreign = {"sec-fetch-site": "cross-site"}
    assert call(app, "POST", "/v1/silences", json=ours(), headers=foreign).status_code == 400
    assert call(app, "POST", "/api/v2/silences", json=v2(), headers=foreign).status_code == 400
    plain = {"content-type": "text/plain"}
    assert call(app, "POST", "/api/v2/silences", content=b"{}", headers=plain).status_code == 400
    assert call(app, "GET", "/v1/silences").json() == {"silences": []}


def test_dismissed_and_taken_back(app: App) -> None:
    name = sent(app)
    path = f"/v1/incidents/{name}/dismissal"
    answer = call(app, "POST", path, json={"until": "2h", "actor": "ana", "reason": "known"})
    assert answer.status_code == 200, answer.text
    until = answer.json()["snoozed_until"]
    document = call(app, "GET", f"/v1/incidents/{name}").json()
    assert (document["snoozed_until"], document["status"]) == (until, "triggered")
    assert {by["kind"] for one in document["alerts"] for by in one["suppressed"]} == {"dismissal"}
    row = call(app, "GET", "/v1/incidents").json()["incidents"][0]
    assert (row["alerts_suppressed"], row["snoozed_until"]) == (2, until)
    assert call(app, "DELETE", path, params={"actor": "bo"}).json()["snoozed_until"] is None
    assert call(app, "DELETE", path, params={"actor": "bo"}).status_code == 409
    assert call(app, "DELETE", path).status_code == 400
    for body in (
        {"until": "2h"},
        {"until": "0s", "actor": "a"},
        {"until": "31d", "actor": "a"},
        {"until": "2001-01-01T00:00:00Z", "actor": "a"},
        {"until": "x", "actor": "a"},
    ):
        assert call(app, "POST", path, json=body).status_code == 400
    body = {"until": "2h", "actor": "a"}
    assert call(app, "POST", "/v1/incidents/INC-NONE/dismissal", json=body).status_code == 404
    call(app, "POST", f"/v1/incidents/{name}/transitions", json={"to": "resolved", "actor": "ana"})
    settled(app)
    assert call(app, "POST", path, json=body).status_code == 409


def test_a_silence_outlives_the_process(tmp_path: Path, app: App) -> None:
    identity = call(app, "POST", "/v1/silences", json=ours()).json()["id"]
    app.stop()
    app.start()
    assert call(app, "GET", f"/v1/silences/{identity}").json()["state"] == "active"


def test_a_long_one_is_taken_with_a_warning(app: App) -> None:
    answer = call(app, "POST", "/v1/silences", json=ours(**{"for": "40d"}))
    assert answer.status_code == 200
    assert "30 days" in answer.json()["warnings"][0]


def test_foreign_words_stay_words_on_the_terminal() -> None:
    row: dict[str, Any] = {
        "id": "SIL-A",
        "state": "active",
        "starts_at": "2026",
        "ends_at": "2027",
        "author": "\x1b[31mana\n",
        "comment": "a\r\nb\x07",
        "matchers": [{"text": 'a="\x1b]0;x"'}],
        "alerts_firing": 0,
        "incidents": [],
    }
    lines = list(_lines(row))
    assert all(sign.isprintable() for line in lines for sign in line)


def test_commands_without_a_server_say_so() -> None:
    run = CliRunner()
    for arguments in (
        ["silences"],
        ["silence", "add", "a=b", "--comment", "c"],
        ["silence", "expire", "SIL-A"],
        ["dismiss", "INC-1", "--until", "2h"],
    ):
        done = run.invoke(command, [*arguments, "--url", "http://127.0.0.1:9"])
        assert "no Watchkeeper answers" in str(done.exception)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ([], "--comment"),
        (["--comment", ""], "--comment"),
        (["--comment", "  "], "--comment"),
        (["--comment", "c", "--for", "0s"], "--for"),
        (["--comment", "c", "--for", "soon"], "--for"),
    ],
)
def test_silence_add_names_the_option_that_is_wrong(more: list[str], where: str) -> None:
    done = CliRunner().invoke(command, ["silence", "add", "a=b", *more, "--url", "http://127.0.0.1:9"])
    assert isinstance(done.exception, InputError)
    assert done.exception.where == where
