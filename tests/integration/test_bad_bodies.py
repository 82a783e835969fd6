"""HTTP with wrong input: 400 with what, where and mend; never 500, and nothing of it is stored.

The collected bodies (JSONTestSuite, naughty strings, real payloads) are not part of this repository: they are
read from the directory that `WATCHKEEPER_EVAL_DATA` names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.recordings import CATALOGUE
from tests.integration.server import Server, watchkeeper, within
from watchkeeper.settings import load_settings

pytestmark = pytest.mark.integration
INTAKE = ("/api/v2/alerts", "/alerts", "/v1/ingest/change")
ALERT = '{"status": "firing", "labels": {"alertname": "a"}}'
DEEP = 100_000
MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("bodies") / "data", "--catalog", CATALOGUE) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30.0) as one:
        yield one


@pytest.fixture(scope="module")
def eval_data() -> Path:
    found = load_settings().eval_data
    if found is None or not (found / "bad_input").is_dir():
        pytest.skip("WATCHKEEPER_EVAL_DATA names no directory that holds bad_input/")
    return found


def refused(answer: httpx.Response, status: int = 400) -> dict[str, str]:
    """The error, after a look at its form."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:300]}"
    document = answer.json()
    assert set(document) == {"error"}
    error: dict[str, str] = document["error"]
    assert set(error) == {"what", "where", "mend"}
    assert error["what"]
    assert error["mend"]
    assert error["where"] or status == 404
    return error


def head(client: httpx.Client) -> int:
    """The number of ingest records, by the metrics; other records come as they like."""
    lines = client.get("/metrics").text.splitlines()
    accepted = [line for line in lines if line.startswith("watchkeeper_ingest_requests_total")]
    return sum(int(float(line.split()[-1])) for line in accepted if 'status="20' in line)


@pytest.mark.parametrize("path", INTAKE)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"{", "not JSON"),
        (b"<alerts/>", "not JSON"),
        (b"a=1&b=2", "not JSON"),
        (b"NaN", "not JSON"),
        (b"[NaN]", "not JSON"),
        (b"[1e999]", "not JSON"),
        (b"\xff\xfe[\x00]\x00", "not JSON"),
        (b'"\\ud800"', "not JSON"),
        (b"[" * DEEP, "not JSON"),
        (b"[" * DEEP + b"]" * DEEP, "not JSON"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "not JSON"),
        (b"7", ""),
        (b"null", ""),
        (b'"text"', ""),
        (b"[7]", ""),
        (b"[null, []]", ""),
        (b'[{"labels": {}}]', ""),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_a_body_that_says_nothing_is_refused_with_its_reason(
    client: httpx.Client, path: str, body: bytes, says: str
) -> None:
    before = head(client)
    assert says in refused(client.post(path, content=body))["what"]
    assert head(client) == before


@pytest.mark.parametrize("depth", [100, 255, 1_015])
@pytest.mark.parametrize("place", ["labels", "annotations", "ignored"])
def test_depth_inside_an_alert_is_taken_or_refused_and_can_be_looked_at(
    server: Server, place: str, depth: int
) -> None:
    nest = "[" * depth + "]" * depth
    parts = {
        "labels": f'"x": {nest}',
        "annotations": f'"annotations": {{"x": {nest}}}',
        "ignored": f'"x": {nest}',
    }
    alert = (
        f'{{"status": "firing", "labels": {{"alertname": "a", {parts[place]}}}}}'
        if place == "labels"
        else f'{{"status": "firing", "labels": {{"alertname": "a"}}, {parts[place]}}}'
    )
    answer = httpx.post(f"{server.url}/alerts", content=f'{{"alerts": [{alert}]}}')
    if answer.status_code == 202:
        raw = httpx.get(f"{server.url}/v1/alerts/{answer.json()['record']}/0")
        assert raw.status_code == 200, raw.text[:300]
    else:
        refused(answer)


def test_a_body_of_30_mb_is_too_large(client: httpx.Client) -> None:
    before = head(client)
    assert "too large" in refused(client.post("/alerts", content=b" " * 30 * MIB), 413)["what"]
    pieces = (b" " * MIB for _ in range(30))
    refused(client.post("/alerts", content=pieces), 413)
    assert head(client) == before


def test_a_transition_of_30_mb_is_too_large(client: httpx.Client) -> None:
    body = b'{"to": "closed", "actor": "a", "reason": "' + b"x" * 30 * MIB + b'"}'
    refused(client.post("/v1/incidents/INC-NONE/transitions", content=body), 413)


def test_a_compressed_body_is_refused(client: httpx.Client) -> None:
    answer = client.post("/alerts", content=b"x", headers={"content-encoding": "gzip"})
    assert "uncompressed" in refused(answer, 415)["mend"]


def test_what_does_not_exist_is_not_found(client: httpx.Client) -> None:
    assert "alertmanager" in refused(client.post("/v1/ingest/nosuch", content=b"{}"), 404)["mend"]
    for path in ("/v1/ingest/", "/v1/ingest/a/b", "/v1/ingest/%ff%00"):
        refused(client.post(path, content=b"{}"), 404)
    for path in ("/v1/nothing", "/v1/incidents/INC-NONE", "/v1/incidents/%00", "/v1/explain/%ff"):
        refused(client.get(path), 404)
    for path in ("/v1/alerts/0/0", "/v1/alerts/1/0", f"/v1/alerts/{10**30}/0", f"/v1/alerts/1/{10**30}"):
        refused(client.get(path), 404)
    assert client.get("/incidents/INC-NONE").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", INTAKE)
def test_intake_takes_posts_only(client: httpx.Client, path: str, method: str) -> None:
    assert refused(client.request(method, path), 405)["mend"] == "Use POST"


@pytest.mark.parametrize("domain", ["..%2Fa", "a%20b", "%00", "%ff", "a%0Ab", "-a", "x" * 65, "%C3%BC"])
def test_a_bad_domain_is_refused(client: httpx.Client, domain: str) -> None:
    answer = client.post(f"/alerts?domain={domain}", content=f'{{"alerts": [{ALERT}]}}')
    assert refused(answer)["where"] == "query, domain"


@pytest.mark.parametrize(
    "query", ["status=nope", "status=%ff", "limit=0", "limit=501", "limit=x", "cursor=AAAA", "cursor=%C3%A9"]
)
def test_a_bad_question_is_refused(client: httpx.Client, query: str) -> None:
    refused(client.get(f"/v1/incidents?{query}"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"to": "acknowledged"}',
        b'{"to": "acknowledged", "actor": ""}',
        b'{"to": "acknowledged", "actor": 7}',
        b'{"to": "elsewhere", "actor": "ana"}',
        b'{"to": NaN, "actor": "ana"}',
        b'{"to": "acknowledged", "actor": "\\ud800"}',
        b'{"to": "acknowledged", "actor": "ana", "reason": "\\udfff"}',
        b"[" * DEEP,
        b'{"to": "acknowledged", "actor": "ana", "reason": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b"\xff\xfe",
    ],
    ids=lambda value: repr(value[:60]),
)
def test_a_bad_transition_is_refused(client: httpx.Client, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    refused(client.post("/v1/incidents/INC-NONE/transitions", content=body, headers=kind))


def test_refusals_can_be_looked_at(client: httpx.Client) -> None:
    refused(client.post("/alerts", content=b'{"alerts": 7, "mark": "here"}'))
    newest = client.get("/v1/refused").json()[0]
    assert newest["source"] == "alertmanager"
    assert newest["status"] == 400
    assert "here" in newest["body_start"]


@pytest.mark.parametrize("path", INTAKE)
def test_the_json_test_suite_is_refused_where_it_must_be_and_never_500(
    client: httpx.Client, eval_data: Path, path: str
) -> None:
    files = sorted((eval_data / "bad_input" / "json_test_suite").rglob("*.json"))
    assert len(files) > 300
    for file in files:
        answer = client.post(path, content=file.read_bytes())
        if file.name.startswith("n_") or not answer.is_success:
            refused(answer)


def test_naughty_strings_in_every_place_break_nothing(server: Server, eval_data: Path) -> None:
    strings: list[str] = json.loads((eval_data / "bad_input" / "blns" / "blns.json").read_text())
    with httpx.Client(base_url=server.url, timeout=30.0) as client:
        for text in strings:
            for path, document in naughty(text):
                answer = client.post(path, json=document)
                assert answer.is_success or (refused(answer) and not text), f"{text!r}: {answer.text}"
    assert within(30, lambda: server.get("/readyz")["engine_lag_records"] == 0)
    ids = server.incident_ids()
    assert len(ids) > 100
    for name in ids[:: len(ids) // 50]:
        for page in (f"/v1/incidents/{name}", f"/v1/explain/{name}", f"/incidents/{name}"):
            assert httpx.get(server.url + page).status_code == 200
    assert httpx.get(server.url).status_code == 200


def naughty(text: str) -> Iterator[tuple[str, Any]]:
    labels = {"alertname": text, "service": text, "severity": text, "environment": text, "cluster": text}
    notes = {"summary": text, "runbook_url": text, text: text}
    alert = {"labels": {**labels, text: "x"}, "annotations": notes, "generatorURL": text}
    yield "/api/v2/alerts", [alert]
    yield "/alerts", {"alerts": [{**alert, "status": "firing"}]}
    yield "/v1/ingest/change", {"kind": "flag", "service": text, "version": text, "author": text, "url": text}


def test_real_payloads_of_alertmanager_are_taken(client: httpx.Client, eval_data: Path) -> None:
    files = [
        file
        for file in sorted((eval_data / "payloads").glob("alertmanager*/*.json"))
        if not file.name.endswith(".headers.json")
    ]
    assert files
    for file in files:
        answer = client.post("/alerts", content=file.read_bytes())
        assert answer.status_code == 202, f"{file.name}: {answer.text[:300]}"
        alerts = json.loads(file.read_text())["alerts"]
        assert answer.json()["events"] == len(alerts)
        assert "left_out" not in answer.json()


def test_after_all_of_it_the_journal_is_whole(server: Server) -> None:
    done = watchkeeper("journal", "verify", "--data", server.data, cwd=server.data.parent)
    assert done.returncode == 0, done.stderr
    assert server.get("/readyz")["records_without_effect"] == 0
    assert "Traceback" not in server.log()
