"""The senders file, and what intake asks of those that are in it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from connectors.inbound.registry import SOURCES, source
from core.errors import SourceError
from tests.timeline import alert
from watchkeeper.app import App
from watchkeeper.files import builtin_mappings
from watchkeeper.senders import read_senders
from watchkeeper.settings import Settings

KNOWN = ("alertmanager", "github", "sns", "change")
GOOD = {"alerts": [alert("payments")]}
TOKEN = "s3cret-töken"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    (tmp_path / "old").write_text("the-old-one")
    secrets = [{"secret_file": f"{tmp_path}/old"}, {"secret_file": f"{tmp_path}/token"}]
    senders = {"senders": {"alertmanager": {"secrets": secrets, "max_body_bytes": 5_000}}}
    (tmp_path / "senders.yaml").write_text(yaml.safe_dump(senders))
    made = App(Settings(data=tmp_path / "data", senders=tmp_path / "senders.yaml"))
    made.start()
    yield made
    made.stop()


def post(
    app: App, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, **more: str
) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app=app.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://wk") as client:
            given = {**(headers or {}), **more}
            named = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
            content = orjson.dumps(GOOD) if body is None else body
            return await client.post(path, content=content, headers=named)

    return asyncio.run(run())


def get(app: App, path: str) -> Any:
    async def run() -> Any:
        transport = httpx.ASGITransport(app=app.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://wk") as client:
            return (await client.get(path)).json()

    return asyncio.run(run())


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer the-old-one"},
        {"authorization": basic(TOKEN)},
        {"x_watchkeeper_token": "the-old-one"},
    ],
)
def test_a_token_is_taken_in_each_of_its_places(app: App, headers: dict[str, str]) -> None:
    assert post(app, "/alerts", headers=headers).status_code == 202


def test_a_token_may_be_the_last_part_of_the_path(app: App) -> None:
    assert post(app, "/v1/ingest/alertmanager/the-old-one").status_code == 202
    assert post(app, "/v1/ingest/alertmanager/the-old").status_code == 401
    assert post(app, "/v1/ingest/alertmanager/").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": "the-old-one"},
        {"authorization": "Digest the-old-one"},
        {"authorization": "Basic !!!"},
        {"authorization": basic("wrong")},
        {"authorization": basic("")},
        {"x_watchkeeper_token": ""},
        {"x_watchkeeper_token": "the-old-one,the-old-one"},
        {"x_watchkeeper_token": "THE-OLD-ONE"},
    ],
)
def test_without_it_nothing_is_stored(app: App, headers: dict[str, str]) -> None:
    before = app.health()["journal_head"]
    answer = post(app, "/v1/ingest/alertmanager", headers=headers)
    assert answer.status_code == 401
    assert app.health()["journal_head"] == before
    assert "old" not in answer.text
    assert get(app, "/v1/refused")[0]["status"] == 401


def test_a_proven_body_that_cannot_be_read_is_kept_and_can_be_sent_in_again(app: App) -> None:
    answer = post(app, "/v1/ingest/alertmanager", b'{"alerts": 5}', x_watchkeeper_token="the-old-one")
    assert answer.status_code == 202
    assert answer.json()["status"] == "dead_letter"
    record = answer.json()["record"]
    assert app.engine.wait_for(record, 10)
    [letter] = get(app, "/v1/dead-letters")
    assert (letter["record"], letter["where"], letter["read_as"]) == (record, "alerts", None)
    still = post(app, f"/v1/dead-letters/{record}/replay")
    assert still.status_code == 400
    assert "still cannot be read" in still.json()["error"]["what"]
    assert post(app, "/v1/dead-letters/1/replay").status_code == 404


def test_without_a_secret_what_cannot_be_read_is_refused(app: App) -> None:
    before = app.health()["journal_head"]
    assert post(app, "/v1/ingest/change", b'{"kind": "x"}').status_code == 400
    assert app.health()["journal_head"] == before


def test_a_sender_has_its_own_limit(app: App) -> None:
    large = orjson.dumps({**GOOD, "x": "y" * 6_000})
    assert post(app, "/alerts", large, x_watchkeeper_token="the-old-one").status_code == 413


def test_gzip_is_unpacked_and_a_bomb_is_not(app: App) -> None:
    body = orjson.dumps([alert("payments")])
    packed = gzip.compress(body)
    assert post(app, "/api/v2/alerts", packed, content_encoding="gzip").status_code == 200
    bomb = gzip.compress(b" " * 30_000_000)
    assert len(bomb) < 40_000
    assert post(app, "/api/v2/alerts", bomb, content_encoding="gzip").status_code == 413
    assert post(app, "/api/v2/alerts", packed[:-9], content_encoding="gzip").status_code == 400
    assert post(app, "/api/v2/alerts", body, content_encoding="gzip").status_code == 400
    assert post(app, "/api/v2/alerts", body, content_encoding="br").status_code == 400


def faults(text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        read_senders(text, "senders.yaml", environment or {}, KNOWN)
    return str(caught.value)


def test_faults_in_the_file_say_where_and_hold_no_secret() -> None:
    assert "senders.githup: no source is called that" in faults("senders: {githup: {secret_env: A}}")
    assert "senders.github.secret_env: the variable is not set" in faults(
        "senders: {github: {secret_env: A}}"
    )
    assert "two secrets" in faults("senders: {github: {secret_env: A, secret_file: /a}}", {"A": "hush"})
    assert "topics and a secret" in faults("senders: {sns: {topics: [a], secret_env: A}}", {"A": "hush"})
    assert "only sns has topics" in faults("senders: {github: {topics: [a]}}")
    assert "secrets.2.secret_env" in faults(
        "senders: {github: {secrets: [{secret_env: A}, {secret_env: B}]}}", {"A": "hush"}
    )
    assert "senders.github.secret" in faults("senders: {github: {secret: hush}}")


def test_several_secrets_are_all_kept() -> None:
    text = "senders: {github: {secret_env: A, secrets: [{secret_env: B}]}}"
    senders = read_senders(text, "s", {"A": "one", "B": "two"}, KNOWN)
    assert senders.of("github").secrets == ("one", "two")
    assert senders.proving() == ["github"]
    assert not senders.of("change").proves_itself
    assert "two" not in repr(senders.of("github"))


def test_no_source_keeps_what_proves_a_sender() -> None:
    proofs = ("authorization", "cookie", "token", "signature", "secret", "api-key", "password")
    mappings = builtin_mappings()
    for name in [*SOURCES, *mappings]:
        kept = source(name, mappings).kept
        assert not [header for header in kept if any(word in header for word in proofs)], name


def test_a_sender_has_its_own_limit_packed_or_not(app: App) -> None:
    large = gzip.compress(orjson.dumps({**GOOD, "x": "y" * 6_000}))
    answer = post(app, "/alerts", large, x_watchkeeper_token="the-old-one", content_encoding="gzip")
    assert answer.status_code == 413


def test_a_reason_is_never_as_long_as_the_body(app: App) -> None:
    body = orjson.dumps({"kind": "A" * 1_000_000, "service": "a"})
    answer = post(app, "/v1/ingest/change", body)
    assert answer.status_code == 400
    assert len(answer.content) < 3_000
    assert len(orjson.dumps(get(app, "/v1/refused"))) < 4_000


def test_a_token_outside_ascii_is_taken_as_the_bytes_it_is(app: App) -> None:
    assert post(app, "/alerts", authorization=f"Bearer {TOKEN}").status_code == 202


def test_made_up_domains_have_an_end(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchkeeper.http.intake._DOMAINS", 3)
    body = orjson.dumps([alert("payments")])
    statuses = [post(app, f"/api/v2/alerts?domain=d{number}", body).status_code for number in range(4)]
    assert statuses == [200, 200, 400, 400]
    assert post(app, "/api/v2/alerts?domain=d0", body).status_code == 200


def test_sources_without_a_secret_can_be_refused(tmp_path: Path) -> None:
    (tmp_path / "senders.yaml").write_text("others: refuse\nsenders: {change: {secret_env: HOME}}\n")
    made = App(Settings(data=tmp_path / "data", senders=tmp_path / "senders.yaml"))
    made.start()
    try:
        assert post(made, "/alerts").status_code == 401
        assert post(made, "/api/v2/alerts", orjson.dumps([alert("payments")])).status_code == 401
        body = orjson.dumps({"kind": "deploy", "service": "a"})
        answer = post(made, "/v1/ingest/change", body, x_watchkeeper_token=os.environ["HOME"])
        assert answer.status_code == 202
    finally:
        made.stop()
