"""The whole App in one process over ASGI: intake, API, health; every status it may answer."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from core.errors import JournalUnavailable
from tests.timeline import SHOP, alert, change
from watchkeeper.app import App
from watchkeeper.clock import SystemClock
from watchkeeper.demo import shifted
from watchkeeper.settings import Settings

Client = httpx.AsyncClient


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "catalog.yaml").write_text(SHOP)
    made = App(Settings(data=tmp_path / "data", catalogue=tmp_path / "catalog.yaml", max_body_bytes=200_000))
    made.start()
    yield made
    made.stop()


def ask(app: App, talk: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        transport = httpx.ASGITransport(app=app.asgi, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://wk") as client:
            return await talk(client)

    return asyncio.run(run())


def packed_post(app: App, packed: bytes) -> httpx.Response:
    headers = {"content-encoding": "gzip"}
    answer: httpx.Response = ask(app, lambda c: c.post("/alerts", content=packed, headers=headers))
    return answer


def now_shifted(*alerts: dict[str, Any]) -> list[dict[str, Any]]:
    from tests.timeline import START

    moved: list[dict[str, Any]] = shifted(list(alerts), SystemClock().now() - START)
    return moved


def settled(app: App) -> None:
    assert app.engine.wait_for(app.health()["journal_head"], 10)


def sent(app: App) -> str:
    """Two alerts and a change are in; the id of their incident."""

    async def talk(client: Client) -> Any:
        deploy = shifted(change("payments", -60, version="2"), SystemClock().now() - 1_772_438_400_000)
        assert (await client.post("/v1/ingest/change", json=deploy)).status_code == 202
        body = {"alerts": now_shifted(alert("payments"), alert("checkout"))}
        answer = await client.post("/alerts", json=body)
        assert (answer.status_code, answer.json()["events"]) == (202, 2)

    ask(app, talk)
    settled(app)
    return str(ask(app, lambda client: client.get("/v1/incidents")).json()["incidents"][0]["id"])


def test_from_alerts_to_an_understood_incident(app: App) -> None:
    name = sent(app)
    document = ask(app, lambda client: client.get(f"/v1/incidents/{name}")).json()
    assert document["origin"]["service"] == "payments"
    assert document["questions"]["what_changed"]["status"] == "known"
    assert document["allowed"] == ["acknowledged", "mitigated", "resolved", "merged", "split"]
    explained = ask(
        app, lambda client: client.get(f"/v1/explain/{document['alerts'][0]['fingerprint']}")
    ).json()
    assert explained["alerts"][0]["joined"][0]["rule"] == "dependency-edge"
    row = document["alerts"][0]
    raw = ask(app, lambda client: client.get(f"/v1/alerts/{row['line']}/{row['index']}")).json()
    assert raw["alert"]["labels"]["service"] == row["service"]


def test_people_move_it(app: App) -> None:
    name = sent(app)

    async def talk(client: Client) -> list[tuple[int, Any]]:
        path = f"/v1/incidents/{name}/transitions"
        steps = ("acknowledged", "acknowledged", "resolved", "closed", "triggered", "nonsense")
        answers = [await client.post(path, json={"to": to, "actor": "ana"}) for to in steps]
        answers.append(await client.post(path, json={"to": "resolved", "actor": " "}))
        answers.append(
            await client.post("/v1/incidents/INC-0/transitions", json={"to": "closed", "actor": "a"})
        )
        return [(answer.status_code, answer.json()) for answer in answers]

    answers = ask(app, talk)
    assert [status for status, _ in answers] == [200, 409, 200, 200, 409, 400, 400, 404]
    assert "Allowed from here: mitigated, resolved, merged, split" in answers[1][1]["error"]["mend"]
    assert answers[3][1]["status"] == "closed"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v2/alerts", b"[]", 200),
        ("POST", "/api/v2/alerts", b"{}", 400),
        ("POST", "/alerts", b"[" * 100_000, 400),
        ("POST", "/alerts", b'{"alerts": [NaN]}', 400),
        ("POST", "/alerts", b"\xff\xfe", 400),
        ("POST", "/alerts", b"", 400),
        ("POST", "/alerts", b"x" * 200_001, 413),
        ("POST", "/alerts?domain=a%20b", b'{"alerts": []}', 400),
        ("POST", "/alerts?domain=eu", b'{"alerts": []}', 202),
        ("GET", "/alerts", b"", 405),
        ("POST", "/v1/ingest/nobody", b"{}", 404),
        ("GET", "/v1/incidents?status=party", b"", 400),
        ("GET", "/v1/incidents?cursor=%00", b"", 400),
        ("GET", "/v1/incidents?limit=0", b"", 400),
        ("GET", "/v1/incidents/INC-0", b"", 404),
        ("GET", "/v1/explain/zzz", b"", 404),
        ("GET", "/v1/alerts/1/0", b"", 404),
        ("GET", "/v1/alerts/99999999999999999999999/0", b"", 404),
        ("GET", "/v1/alerts/x/0", b"", 400),
        ("GET", f"/v1/alerts/{'9' * 5_000}/0", b"", 400),
        ("GET", "/nothing/here", b"", 404),
        ("DELETE", "/v1/incidents", b"", 405),
    ],
)
def test_every_refusal_has_one_form(app: App, method: str, path: str, body: bytes, status: int) -> None:
    answer = ask(app, lambda client: client.request(method, path, content=body))
    assert answer.status_code == status
    if status >= 400:
        assert set(answer.json()["error"]) == {"what", "where", "mend"}
        assert answer.json()["error"]["what"]


def test_refused_bodies_can_be_looked_at(app: App) -> None:
    head = app.health()["journal_head"]
    ask(app, lambda client: client.post("/alerts", content=b'{"alerts": 7}'))
    [row] = ask(app, lambda client: client.get("/v1/refused")).json()
    assert (row["source"], row["status"], row["where"]) == ("alertmanager", 400, "alerts")
    assert app.health()["journal_head"] == head


def test_a_body_that_is_not_the_gzip_it_claims_to_be_is_refused(app: App) -> None:
    answer = ask(app, lambda c: c.post("/alerts", content=b"x", headers={"content-encoding": "gzip"}))
    assert answer.status_code == 400


@pytest.mark.parametrize("members", [1, 2, 3, 1_000])
def test_gzip_in_several_members_is_one_body(app: App, members: int) -> None:
    body = orjson.dumps({"alerts": now_shifted(alert("payments"), alert("checkout"))})
    size = -(-len(body) // members)
    packed = b"".join(gzip.compress(body[n * size : (n + 1) * size]) for n in range(members))
    answer = packed_post(app, packed)
    assert (answer.status_code, answer.json().get("events")) == (202, 2)


# The time in a gzip header is a part of it: fixed, or each worker of a run would name its cases otherwise.
NONE, EMPTY = (gzip.compress(body, mtime=0) for body in (b"", b"{}"))


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        pytest.param(EMPTY + b"\0", "bytes that are no gzip follow", id="a byte behind"),
        pytest.param(EMPTY + zlib.compress(b"{}"), "bytes that are no gzip follow", id="zlib behind"),
        pytest.param(zlib.compress(b"{}") + EMPTY, "bytes that are no gzip follow", id="zlib before"),
        pytest.param(EMPTY + EMPTY[:-1], "ends too early", id="a byte short"),
        pytest.param(EMPTY + EMPTY[:2], "ends too early", id="a header cut"),
        pytest.param(NONE * 1_001, "too many gzip members", id="members"),
        pytest.param(b"", "ends too early", id="nothing"),
    ],
)
def test_what_is_no_gzip_is_refused_and_says_why(app: App, packed: bytes, says: str) -> None:
    answer = packed_post(app, packed)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["what"]


def test_members_together_are_no_larger_than_a_body_may_be(app: App) -> None:
    packed = gzip.compress(b" " * 100_000)
    assert [packed_post(app, packed * n).status_code for n in (2, 3)] == [400, 413]


def test_an_answer_lists_a_hundred_faults_and_counts_the_rest(app: App) -> None:
    body = {"alerts": [*now_shifted(alert("payments")), *([7] * 250)]}
    answer = ask(app, lambda client: client.post("/alerts", json=body)).json()
    assert (answer["events"], len(answer["left_out"]), answer["left_out_more"]) == (1, 100, 150)
    few = ask(app, lambda client: client.post("/alerts", json={"alerts": body["alerts"][:101]})).json()
    assert len(few["left_out"]) == 100
    assert "left_out_more" not in few


def test_a_name_that_is_nearly_a_source_is_guessed(app: App) -> None:
    async def talk(client: Client) -> list[str]:
        names = ("grafanna", "AlertManager", "q" * 5_000)
        answers = [await client.post(f"/v1/ingest/{name}", content=b"{}") for name in names]
        return [answer.json()["error"]["mend"] for answer in answers]

    mends = ask(app, talk)
    assert mends[0].startswith("Did you mean grafana")
    assert mends[1].startswith("Did you mean alertmanager")
    assert mends[2] == "`watchkeeper sources` lists them all"


def test_no_disk_is_503_and_nothing_is_acknowledged(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(draft: object) -> int:
        raise JournalUnavailable("disk full", where="journal", mend="make room")

    monkeypatch.setattr(app._writer, "append", full)
    answer = ask(app, lambda client: client.post("/alerts", json={"alerts": now_shifted(alert("a"))}))
    assert (answer.status_code, answer.json()["error"]["what"]) == (503, "disk full")


def test_health_and_metrics(app: App) -> None:
    sent(app)
    assert ask(app, lambda client: client.get("/healthz")).json() == {"status": "ok"}
    ready = ask(app, lambda client: client.get("/readyz"))
    assert (ready.status_code, ready.json()["engine_lag_records"]) == (200, 0)
    text = ask(app, lambda client: client.get("/metrics")).text
    assert 'watchkeeper_ingest_events_total{source="alertmanager"} 2.0' in text
    assert 'watchkeeper_open_incidents{severity="P1",status="triggered"} 1.0' in text


def test_a_page_of_an_alert_whose_number_is_none_is_not_found(app: App) -> None:
    name = sent(app)
    places = ("9" * 5_000 + "/0", "0/" + "9" * 5_000, "x/0", "-1/0", "\u0663/0")

    async def talk(client: Client) -> list[int]:
        answers = [await client.get(f"/incidents/{name}/alerts/{place}") for place in places]
        return [answer.status_code for answer in answers]

    assert ask(app, talk) == [404] * len(places)


def test_intake_says_which_method_it_takes(app: App) -> None:
    answer = ask(app, lambda client: client.get("/alerts"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_openapi_holds_intake_and_never_422(app: App) -> None:
    schema = ask(app, lambda client: client.get("/openapi.json")).json()
    assert {"/api/v2/alerts", "/alerts", "/v1/ingest/change", "/v1/incidents"} <= set(schema["paths"])
    codes = {c for path in schema["paths"].values() for op in path.values() for c in op["responses"]}
    assert "422" not in codes
    assert {"/v1/ingest/statuspage", "/v1/ingest/pingdom"} <= set(schema["paths"])
    assert set(schema["paths"]["/api/v2/alerts"]["post"]["responses"]) >= {"200", "401", "408", "413", "503"}
    moved = schema["paths"]["/v1/incidents/{incident_id}/transitions"]["post"]["responses"]
    assert {"400", "404", "409", "413", "503"} <= set(moved)


def test_pages_of_the_list_hold_each_incident_once(app: App) -> None:
    async def talk(client: Client) -> list[str]:
        alerts = [alert("", f"A{n}", instance=str(n)) for n in range(7)]
        await client.post("/alerts", json={"alerts": now_shifted(*alerts)})
        assert app.engine.wait_for(app.health()["journal_head"], 10)
        seen, cursor = [], ""
        while True:
            page = (
                await client.get(
                    "/v1/incidents", params={"limit": 3, **({"cursor": cursor} if cursor else {})}
                )
            ).json()
            seen += [row["id"] for row in page["incidents"]]
            cursor = page["next_cursor"]
            if not cursor:
                return seen

    seen = ask(app, talk)
    assert len(seen) == len(set(seen)) == 7


def test_what_just_left_memory_is_found_before_and_after_it_is_projected(app: App) -> None:
    name = sent(app)
    document = ask(app, lambda client: client.get(f"/v1/incidents/{name}")).json()
    with app.engine.reading() as fold:
        del fold.engine.state.incidents[name]
        fold.forgotten.append({**document, "status": "closed"})
    for _ in range(2):
        found = ask(app, lambda client: client.get(f"/v1/incidents/{name}")).json()
        assert found["status"] == "closed"
        rows = ask(app, lambda client: client.get("/v1/incidents?status=closed")).json()["incidents"]
        assert [row["id"] for row in rows] == [name]
        time.sleep(1.2)
