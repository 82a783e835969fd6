"""Texts made to break programs, in every place where a sender or a reader may write one.

The lists (naughty strings, payloads against web pages, shells, templates and databases) are no part of this
repository: they are read from the directory that `WATCHKEEPER_EVAL_DATA` names. The whole App runs in this
process; what it raises fails the test. A few texts of our own are always tried.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest

from tests.unit.test_console import check_page
from watchkeeper.app import App
from watchkeeper.settings import Settings, load_settings

OURS = [
    "", " ", "\t", "\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>", "\x00", "\x1b[2J\x07",
    "\ufeff", "\u202e\u2066x\u2069", "\u2028\u2029", "\U000e0041", "a\u0300" * 200, "\uff48\uff54",
    "\ud7ff\ue000\uffff", "x" * 70_000, "0" * 5_000, "-" * 300, "javascript:alert(1)",
    "{{7*7}}{% for x in y %}", "__proto__", "INC-", "${jndi:ldap://127.0.0.1/a}", "constructor",
    "../" * 50, "'; DROP TABLE records; --", "=cmd|' /C calc'!A0", "</script><script>alert(1)</script>",
    "]]><svg/onload=alert(1)>", "```\n# Heading\n| a | b |", "%00%ff%zz", "[x](javascript:alert(1))",
    "&#60;script&#62;", '" onmouseover="alert(1)',
]  # fmt: skip
A_BODY = 40
SHOWN = 8


def collected() -> list[str]:
    """All lists, each text once; empty where there are none. A README's texts are its lines."""
    data = load_settings().eval_data
    folder = data / "bad_input" if data else Path("nowhere")
    if not (folder / "blns").is_dir():
        return []
    naughty: list[str] = json.loads((folder / "blns" / "blns.json").read_text())
    files = sorted(file for file in (folder / "patt").iterdir() if file.name != "LICENSE")
    lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
    return list(dict.fromkeys([*naughty, *lines]))


ALL = pytest.param("all collected", marks=pytest.mark.faults_full)


@pytest.fixture(scope="module", params=["ours", "every tenth collected", ALL])
def texts(request: pytest.FixtureRequest) -> list[str]:
    found = OURS if request.param == "ours" else collected()
    if not found:
        pytest.skip("WATCHKEEPER_EVAL_DATA names no directory that holds bad_input/")
    return found[::10] if request.param.startswith("every") else found


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(Settings(data=tmp_path / "data"))
    made.start()
    yield made
    made.stop()


def ask(app: App, talk: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        transport = httpx.ASGITransport(app=app.asgi, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://wk") as client:
            return await talk(client)

    return asyncio.run(run())


def alert(text: str, number: int) -> dict[str, Any]:
    names = ("alertname", "service", "severity", "environment", "cluster", "namespace", "instance", "job")
    labels = {**dict.fromkeys(names, text), "number": str(number), text: text}
    notes = {"summary": text, "description": text, "runbook_url": text, "dashboard": text, text: text}
    times = {"startsAt": text, "endsAt": text}
    return {"status": "firing", "labels": labels, "annotations": notes, "generatorURL": text, **times}


def change(text: str) -> dict[str, Any]:
    others = dict.fromkeys(("environment", "cluster", "version", "author", "url"), text)
    return {"kind": "deploy", "service": text, **others}


def fits(text: str) -> bool:
    """Whether it may be the name of a service."""
    return len(text) <= 1_024


def some(texts: list[str], most: int) -> list[str]:
    """At most about so many, from all over the list."""
    return texts[:: max(1, len(texts) // most)]


def well_formed(answer: httpx.Response) -> None:
    """An answer that the contract knows: taken, or refused with what, where and how to mend it."""
    assert answer.status_code in (200, 202, 307, 400, 404, 405, 409, 413), answer.text[:300]
    if answer.headers.get("content-type") == "application/json" and answer.status_code >= 400:
        assert set(answer.json()["error"]) == {"what", "where", "mend"}
    assert "set-cookie" not in answer.headers
    assert answer.headers.get("location", "http://wk/").startswith("http://wk/")


def settled(app: App) -> None:
    assert app.engine.wait_for(app.health()["journal_head"], 60)
    assert app.health()["records_without_effect"] == 0


@pytest.mark.parametrize("path", ["/alerts", "/api/v2/alerts", "/v1/ingest/grafana"])
def test_in_every_part_of_an_alert_and_all_pages_show_it_as_text(
    app: App, texts: list[str], path: str
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        for begin in range(0, len(texts), A_BODY):
            alerts = [alert(text, begin + n) for n, text in enumerate(texts[begin : begin + A_BODY])]
            body = alerts if path == "/api/v2/alerts" else {"alerts": alerts, "status": "firing"}
            answer = await client.post(path, json=body)
            assert answer.json()["events"] == len(alerts), answer.text[:300]
            assert "left_out" not in answer.json()

    ask(app, talk)
    settled(app)
    ask(app, pages)


async def pages(client: httpx.AsyncClient) -> None:
    """Each page holds the one script that is ours, its elements are those we write, and it is found."""
    rows = (await client.get("/v1/incidents", params={"limit": 500})).json()["incidents"]
    assert rows
    for row in rows[:: max(1, len(rows) // SHOWN)]:
        name = row["id"]
        document = (await client.get(f"/v1/incidents/{name}")).json()
        first = document["alerts"][0]
        shown = [f"/incidents/{name}", f"/incidents/{name}/alerts/{first['line']}/{first['index']}"]
        for page, scripts in zip(["/", *shown], (1, 1, 0), strict=True):
            answer = await client.get(page)
            assert answer.status_code == 200, page
            assert answer.text.count("<script") == scripts
            check_page(answer.text)
        for address in (
            f"/v1/incidents/{name}/report",
            f"/v1/explain/{name}",
            f"/v1/explain/{first['fingerprint']}",
        ):
            assert (await client.get(address)).status_code == 200, address
        report = await client.get(f"/incidents/{name}/report.md")
        assert report.status_code == 200
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", report.text)


def test_in_every_part_of_a_change(app: App, texts: list[str]) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        for text in texts:
            answer = await client.post("/v1/ingest/change", json=change(text))
            assert answer.status_code == (202 if text and fits(text) else 400)
        failing = {"labels": {"alertname": "Down", "service": texts[-1], "severity": "critical"}}
        assert (await client.post("/api/v2/alerts", json=[failing])).status_code == 200

    ask(app, talk)
    settled(app)
    ask(app, pages)


def test_as_a_whole_body(app: App, texts: list[str]) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        for text in texts:
            for path in ("/alerts", "/api/v2/alerts", "/v1/ingest/change", "/v1/ingest/statuspage"):
                well_formed(await client.post(path, content=text.encode("utf-8", "surrogatepass")))
        rows = (await client.get("/v1/refused")).json()
        assert rows
        assert all(len(row["body_start"]) <= 300 for row in rows)

    ask(app, talk)


def test_in_every_header(app: App, texts: list[str]) -> None:
    """Bytes as they come; no server lets CR, LF or NUL through to the program."""
    names = (
        "content-type", "user-agent", "content-encoding", "host", "accept", "cookie", "origin", "referer",
        "authorization", "sec-fetch-site", "if-none-match",
        "x-github-event", "x-amz-sns-message-type", "x-forwarded-for",
    )  # fmt: skip

    async def talk(client: httpx.AsyncClient) -> None:
        for text in some(texts, 200):
            value = re.sub(rb"[\x00\r\n]", b"", text.encode("utf-8", "surrogatepass"))[:8_000]
            headers = [(name.encode(), value) for name in names if name != "content-encoding"]
            packed = [(b"content-encoding", value)]
            for path, given in (("/alerts", headers), ("/alerts", packed), ("/v1/ingest/github", headers)):
                well_formed(await client.post(path, content=b'{"alerts": []}', headers=given))
        for text in some(texts, 60):
            value = re.sub(rb"[\x00\r\n]", b"", text.encode("utf-8", "surrogatepass"))[:8_000]
            well_formed(await client.get("/", headers=[(name.encode(), value) for name in names]))

    ask(app, talk)


def test_in_the_query_and_in_the_path(app: App, texts: list[str]) -> None:
    def addresses(text: str) -> Iterator[tuple[str, str]]:
        part = quote(text.encode("utf-8", "surrogatepass")[:8_000], safe="")
        raw = quote_from_bytes(text.encode("utf-8", "surrogatepass")[:2_000], safe="/?&=;%:@+$,")
        yield "POST", f"/alerts?domain={part}"
        yield "POST", f"/v1/ingest/{part}"
        yield "POST", f"/v1/ingest/alertmanager/{part}"
        yield "GET", f"/v1/incidents?status={part}"
        yield "GET", f"/v1/incidents?cursor={part}&limit={part}"
        yield "GET", f"/v1/memory?text={part}"
        for place in ("/v1/incidents/", "/v1/explain/", "/incidents/", "/static/", "/v1/alerts/1/", "/"):
            yield "GET", f"{place}{part}"
        yield "GET", f"/incidents/INC-1/alerts/{part}/{part}"
        yield "GET", f"/?status={part}&cursor={part}&refresh={part}"
        yield "GET", f"/{raw}"

    async def talk(client: httpx.AsyncClient) -> None:
        for text in some(texts, 70):
            for method, address in addresses(text):
                # With the host, since what begins with two slashes would be taken for one.
                well_formed(await client.request(method, f"http://wk{address}", content=b'{"alerts": []}'))

    ask(app, talk)


def test_as_a_persons_name_and_reason(app: App, texts: list[str]) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        down = {"labels": {"alertname": "Down", "service": "payments", "severity": "critical"}}
        await client.post("/api/v2/alerts", json=[down])
        assert app.engine.wait_for(app.health()["journal_head"], 30)
        name = (await client.get("/v1/incidents")).json()["incidents"][0]["id"]
        path = f"/v1/incidents/{name}/transitions"
        for number, text in enumerate(some(texts, 50)):
            to = ("acknowledged", "triggered")[number % 2]
            well_formed(await client.post(path, json={"to": to, "actor": text, "reason": text}))
        ours = {"sec-fetch-site": "same-origin"}
        for text in some(texts, 50):
            form = {"to": "acknowledged", "actor": text, "reason": text}
            answer = await client.post(f"/incidents/{name}/transitions", data=form, headers=ours)
            assert answer.status_code in (303, 400, 409, 413), answer.text[:300]

    ask(app, talk)
    settled(app)
    ask(app, pages)
