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

from tests.integration.bad_input import ALERT, DEEP, INTAKE, MIB, head, refused, running
from tests.integration.server import Server, watchkeeper, within
from watchkeeper.settings import load_settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("bodies")) as one:
        yield one


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
        (b'[{"labels": "alertname=a"}]', ""),
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


def test_a_body_that_only_says_it_is_compressed_is_refused(client: httpx.Client) -> None:
    answer = client.post("/alerts", content=ALERT, headers={"content-encoding": "gzip"})
    assert "uncompressed" in refused(answer)["mend"]


def test_what_does_not_exist_is_not_found(client: httpx.Client) -> None:
    assert "`watchkeeper sources`" in refused(client.post("/v1/ingest/nosuch", content=b"{}"), 404)["mend"]
    misspelt = refused(client.post("/v1/ingest/AlertManger", content=b"{}"), 404)["mend"]
    assert misspelt.startswith("Did you mean alertmanager")
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


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.faults_full)])
def test_naughty_strings_in_every_place_break_nothing(server: Server, eval_data: Path, step: int) -> None:
    strings: list[str] = json.loads((eval_data / "bad_input" / "blns" / "blns.json").read_text())[::step]
    with httpx.Client(base_url=server.url, timeout=30.0) as client:
        for text in strings:
            for path, document in naughty(text):
                answer = client.post(path, json=document)
                assert answer.is_success or (refused(answer) and not text), f"{text!r}: {answer.text}"
    assert within(30, lambda: server.get("/readyz")["engine_lag_records"] == 0)
    ids = server.incident_ids()
    assert len(ids) > 50
    for name in ids[:: len(ids) // 20]:
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


@pytest.mark.parametrize("path", [*INTAKE, "/v1/ingest/statuspage"])
def test_each_value_of_the_json_test_suite_as_a_whole_body_and_as_a_label(
    client: httpx.Client, eval_data: Path, path: str
) -> None:
    for file in sorted((eval_data / "bad_input" / "json_test_suite").rglob("*.json")):
        labels = b'{"alertname": "Suite", "value": %s}' % file.read_bytes()
        alert = b'{"status": "firing", "labels": %s}' % labels
        whole = b"[%s]" % alert if path == "/api/v2/alerts" else b'{"alerts": [%s]}' % alert
        answer = client.post(path, content=whole)
        assert answer.status_code in (200, 202, 400), file.name
        if file.name.startswith("n_") and b'"' not in file.read_bytes():
            refused(answer)
        if file.name.startswith("y_") and path in ("/alerts", "/api/v2/alerts"):
            assert answer.json()["events"] == 1, file.name


def test_pages_of_all_that_was_taken_can_be_looked_at(server: Server) -> None:
    """Each with the script that is ours and no other, and none of them larger than a reader can bear."""
    assert within(30, lambda: server.get("/readyz")["engine_lag_records"] == 0)
    with httpx.Client(base_url=server.url, timeout=20.0) as client:
        names = server.incident_ids()
        for name in [*names[:20], *names[:: max(1, len(names) // 30)]]:
            first = client.get(f"/v1/incidents/{name}").json()["alerts"][0]
            place = f"{first['line']}/{first['index']}"
            pages = ("/", f"/incidents/{name}", f"/incidents/{name}/alerts/{place}")
            for page, scripts in zip(pages, (1, 1, 0), strict=True):
                answer = client.get(page)
                assert (answer.status_code, answer.text.count("<script")) == (200, scripts), page
                assert len(answer.content) < 2 * MIB
            for address in (f"/v1/incidents/{name}/report", f"/v1/alerts/{place}", f"/v1/explain/{name}"):
                assert client.get(address).status_code == 200, address


def test_after_all_of_it_the_journal_is_whole(server: Server) -> None:
    done = watchkeeper("journal", "verify", "--data", server.data, cwd=server.data.parent)
    assert done.returncode == 0, done.stderr
    assert server.get("/readyz")["records_without_effect"] == len(server.get("/v1/dead-letters"))
    log = server.log()
    assert "Traceback" not in log, log[log.index("Traceback") - 200 :][:3_000]
