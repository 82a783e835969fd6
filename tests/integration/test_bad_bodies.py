"""HTTP with wrong input: 400 with what, where and mend; never 500, and nothing of it is stored.

The collected bodies (JSONTestSuite, naughty strings, real payloads) are not part of this repository: they are
read from the directory that `WATCHKEEPER_EVAL_DATA` names.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from evals.shop import wire
from tests.integration.recordings import CATALOGUE
from tests.integration.server import Server, watchkeeper, within
from watchkeeper.settings import load_settings

pytestmark = pytest.mark.integration
INTAKE = ("/api/v2/alerts", "/alerts", "/v1/ingest/change")
ALERT = '{"status": "firing", "labels": {"alertname": "a"}}'
DEEP = 100_000
MIB = 1 << 20
SECRET = "of the sender"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One source, github, asks for a signature."""
    folder = tmp_path_factory.mktemp("bodies")
    senders = folder / "senders.yaml"
    senders.write_text("senders: {github: {secret_env: HUB}}")
    options = ("--catalog", CATALOGUE, "--senders", senders)
    with Server(folder / "data", *options, extra={"HUB": SECRET}) as running:
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


def test_a_body_that_only_says_it_is_compressed_is_refused(client: httpx.Client) -> None:
    answer = client.post("/alerts", content=ALERT, headers={"content-encoding": "gzip"})
    assert "uncompressed" in refused(answer)["mend"]


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


class Bomb(NamedTuple):
    """A body, where it is sent, and the statuses that are right for it."""

    path: str
    body: Callable[[], bytes]
    statuses: tuple[int, ...]
    headers: tuple[tuple[str, str], ...] = ()


GZIP = (("content-encoding", "gzip"),)
TAKEN, WRONG, LARGE = (202,), (400,), (413,)


def fires(labels: str) -> bytes:
    return b'{"alerts": [{"status": "firing", "labels": {"alertname": "Bomb", %s}}]}' % labels.encode()


def packed(body: bytes) -> bytes:
    return gzip.compress(body, 6)


BOMBS = {
    "lists in a label": Bomb("/alerts", lambda: fires('"x": ' + "[" * DEEP + "]" * DEEP), WRONG),
    "objects in a label": Bomb("/alerts", lambda: fires('"x": ' + '{"a":' * DEEP + "1" + "}" * DEEP), WRONG),
    "a mapping's lists": Bomb("/v1/ingest/statuspage", lambda: b"[" * DEEP + b"]" * DEEP, WRONG),
    "NaN": Bomb("/alerts", lambda: fires('"x": NaN'), WRONG),
    "Infinity": Bomb("/alerts", lambda: fires('"x": -Infinity'), WRONG),
    "1e400": Bomb("/alerts", lambda: fires('"x": 1e400'), WRONG),
    "100,000 digits": Bomb("/alerts", lambda: fires('"x": ' + "9" * 100_000), WRONG),
    "100,000 places": Bomb("/alerts", lambda: fires('"x": 0.' + "9" * 100_000), TAKEN),
    "a key 100,000 times": Bomb("/alerts", lambda: fires(",".join(['"x": "1"'] * 100_000)), TAKEN),
    "alerts given twice": Bomb("/alerts", lambda: b'{"alerts": 7, "alerts": []}', TAKEN),
    "no name, control characters": Bomb(
        "/alerts", lambda: fires('"": "x", "\\u0000\\u001b": "\\u0007"'), TAKEN
    ),
    "a lone surrogate as a name": Bomb("/alerts", lambda: fires('"\\ud800": "x"'), WRONG),
    "100,000 labels": Bomb("/alerts", lambda: fires(", ".join(f'"l{n}": "v"' for n in range(DEEP))), TAKEN),
    "a label of 20 MB": Bomb("/alerts", lambda: fires('"x": "' + "y" * 20 * MIB + '"'), TAKEN),
    "a service of 20 MB": Bomb("/alerts", lambda: fires('"service": "' + "y" * 20 * MIB + '"'), TAKEN),
    "300,000 of no alerts": Bomb("/alerts", lambda: b'{"alerts": [%s0]}' % (b"0," * 300_000), WRONG),
    "30,000 of no alerts and one": Bomb(
        "/api/v2/alerts", lambda: b'[%s{"labels": {"a": "b"}}]' % (b"0," * 30_000), (200, 400)
    ),
    "a million of no events": Bomb("/v1/ingest/cdevents", lambda: b"[%s0]" % (b"0," * 1_000_000), WRONG),
    "50 MB": Bomb("/alerts", lambda: b" " * 50 * MIB, LARGE),
    "a bomb of 1,000 to 1": Bomb("/alerts", lambda: packed(b" " * 100 * MIB), LARGE, GZIP),
    "gzip in gzip": Bomb("/alerts", lambda: packed(packed(b" " * 50 * MIB)), WRONG, GZIP),
    "gzip in gzip, said so": Bomb(
        "/alerts", lambda: packed(packed(b"{}")), WRONG, (("content-encoding", "gzip, gzip"),)
    ),
    "gzip cut off": Bomb("/alerts", lambda: packed(fires('"x": "y"'))[:-9], WRONG, GZIP),
    "gzip with a wrong sum": Bomb("/alerts", lambda: packed(fires('"x": "y"'))[:-8] + b"\0" * 8, WRONG, GZIP),
    "gzip and something after it": Bomb("/alerts", lambda: packed(fires('"x": "y"')) + b"more", WRONG, GZIP),
    "gzip of nothing": Bomb("/alerts", lambda: b"", WRONG, GZIP),
    "no gzip": Bomb("/alerts", lambda: b"x", WRONG, GZIP),
    "gzip in two members": Bomb(
        "/alerts", lambda: packed(fires('"x": "y"')[:30]) + packed(fires('"x": "y"')[30:]), TAKEN, GZIP
    ),
    "gzip in small letters and capitals": Bomb(
        "/alerts", lambda: packed(fires('"x": "y"')), TAKEN, (("content-encoding", "GZip"),)
    ),
    "another packing": Bomb("/alerts", lambda: b"x", WRONG, (("content-encoding", "br"),)),
    "unsigned bomb": Bomb("/v1/ingest/github", lambda: packed(b" " * 100 * MIB), (401,), GZIP),
}  # fmt: skip
SIGNED: dict[str, tuple[Callable[[], bytes], tuple[tuple[str, str], ...], int]] = {
    "bomb": (lambda: packed(b" " * 100 * MIB), GZIP, 413), "not gzip": (lambda: b"xx", GZIP, 400),
    "cut off": (lambda: packed(b"{}")[:-3], GZIP, 400), "deep": (lambda: b"[" * DEEP, (), 202),
    "not JSON": (lambda: b"{", (), 202), "packed and not JSON": (lambda: packed(b"{"), GZIP, 202),
}  # fmt: skip


def memory(server: Server, row: str = "VmHWM") -> int:
    """MB of the server's process: the most since `forget`, or `VmRSS`, now."""
    assert server._process is not None
    lines = Path(f"/proc/{server._process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(row)).split()[1]) // 1_024


def forget(server: Server) -> None:
    assert server._process is not None
    Path(f"/proc/{server._process.pid}/clear_refs").write_text("5")


def serves(server: Server, seconds: float = 20.0) -> None:
    for path in ("/healthz", "/readyz"):
        assert httpx.get(server.url + path, timeout=seconds).status_code == 200


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_answered_in_bounded_time_and_memory(server: Server, name: str) -> None:
    bomb = BOMBS[name]
    body = bomb.body()
    forget(server)
    before = memory(server, "VmRSS")
    answer = httpx.post(server.url + bomb.path, content=body, headers=list(bomb.headers), timeout=10.0)
    assert answer.status_code in bomb.statuses, answer.text[:300]
    assert answer.is_success or refused(answer, answer.status_code)
    assert len(answer.content) < MIB
    serves(server)
    assert within(20, lambda: server.get("/readyz")["engine_lag_records"] == 0)
    assert memory(server) - before < 400


@pytest.mark.parametrize("name", SIGNED)
def test_bombs_of_a_sender_who_signs(server: Server, name: str) -> None:
    """What is signed and cannot be read is kept; what cannot be unpacked is no body to keep."""
    make, headers, status = SIGNED[name]
    body = make()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    signed = [*headers, ("x-hub-signature-256", f"sha256={signature}"), ("x-github-event", "push")]
    answer = httpx.post(f"{server.url}/v1/ingest/github", content=body, headers=signed, timeout=10.0)
    assert answer.status_code == status, answer.text[:300]
    assert status != 202 or answer.json()["status"] == "dead_letter"
    serves(server)


@pytest.mark.parametrize("kind", ["of nothing in common", "of one service"])
def test_100_000_alerts_in_a_body(tmp_path: Path, kind: str) -> None:
    """Taken or refused; while they are folded the server goes on to answer and to take others."""
    labels = {"alertname": "Many", **({"service": "one"} if kind == "of one service" else {})}
    alerts = [{"status": "firing", "labels": {**labels, "number": str(n)}} for n in range(100_000)]
    with Server(tmp_path / "data") as server:
        try:
            before = memory(server, "VmRSS")
            answer = httpx.post(f"{server.url}/alerts", json={"alerts": alerts}, timeout=20.0)
            assert answer.status_code in (202, 413)
            for _ in range(3):
                serves(server, 15.0)
                other = httpx.post(f"{server.url}/alerts", content=f'{{"alerts": [{ALERT}]}}', timeout=15.0)
                assert other.status_code == 202
            assert httpx.get(server.url, timeout=15.0).status_code == 200
            assert memory(server) - before < 1_500
        finally:
            server.kill9()


def spoken(server: Server, data: bytes, seconds: float = 5.0) -> bytes:
    """All that is answered to these bytes until the server closes, or says nothing for so long."""
    with socket.create_connection((wire.LOOPBACK, server.port), timeout=seconds) as line:
        found = b""
        with suppress(OSError):
            line.sendall(data)
        with suppress(OSError):
            while piece := line.recv(65_536):
                found += piece
        return found


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


NONE = b'{"alerts": []}'


def written(
    headers: bytes = b"", body: bytes = NONE, *, line: bytes = b"POST /alerts HTTP/1.1", sized: bool = True
) -> bytes:
    size = b"Content-Length: %d\r\n" % len(body) if sized else b""
    return line + b"\r\nHost: wk\r\nConnection: close\r\n" + size + headers + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"
PIECES = b"%x\r\n%s\r\n0\r\n\r\n" % (len(NONE), NONE)
SPOKEN: dict[str, tuple[bytes, list[int]]] = {
    "100 headers": (written(b"".join(b"X-%d: y\r\n" % n for n in range(100))), [202]),
    "a header of 64 KB": (written(b"X-Long: " + b"y" * 65_536 + b"\r\n"), [202]),
    "bytes over 127": (written(b"User-Agent: \xff\xfe\xe9\r\nContent-Type: \x80\r\n"), [202]),
    "several of one name": (
        written(b"Content-Type: a\r\nContent-Type: b\r\nUser-Agent: c\r\nUser-Agent: d\r\n"), [202]
    ),
    "a NUL in a header": (written(b"X: a\x00b\r\n"), [400]),
    "a folded header": (written(b"X: a\r\n b\r\n"), [400]),
    "a space before the colon": (written(b"X : a\r\n"), [400]),
    "two lengths": (written(b"Content-Length: 3\r\n"), [400]),
    "a length below zero": (written(b"Content-Length: -1\r\n", sized=False), [400]),
    "a length with a sign": (written(b"Content-Length: +14\r\n", sized=False), [400]),
    "a length that is no number": (written(b"Content-Length: x\r\n", sized=False), [400]),
    "a length of 23 digits": (written(b"Content-Length: " + b"9" * 23 + b"\r\n", sized=False), [400]),
    "a length and chunks": (written(CHUNKED, PIECES), [400]),
    "chunks": (written(CHUNKED, PIECES, sized=False), [202]),
    "a chunk of no size": (written(CHUNKED, b"zz\r\n", sized=False), [400]),
    "a chunk below zero": (written(CHUNKED, b"-1\r\n", sized=False), [400]),
    "a chunk of 18 digits": (written(CHUNKED, b"f" * 18 + b"\r\n", sized=False), [400]),
    "another transfer encoding": (written(b"Transfer-Encoding: xchunked\r\n", PIECES, sized=False), [400]),
    "HTTP/1.0": (written(line=b"POST /alerts HTTP/1.0"), [202]),
    "no method": (written(line=b"alerts"), [400]),
    "a method in small letters": (written(line=b"post /alerts HTTP/1.1"), [400]),
    "a method that is none": (written(line=b"FIRE /alerts HTTP/1.1"), [400]),
    "CONNECT": (written(line=b"CONNECT wk:1 HTTP/1.1"), [400]),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, [400]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "wait before the body": (written(b"Expect: 100-continue\r\n"), [100, 202]),
    "an offer of HTTP/2": (written(b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), [202]),
    "three posts at once": (written().replace(b"Connection: close\r\n", b"") * 2 + written(), [202] * 3),
    "more than was declared": (
        written(body=NONE).replace(b"Connection: close\r\n", b"") + b"and more\r\n\r\n", [400]
    ),
    "dots": (written(line=b"POST /v1/ingest/%2e%2e/x HTTP/1.1"), [404]),
    "plain dots": (written(line=b"POST /v1/ingest/../alerts HTTP/1.1"), [404]),
    "a NUL in the path": (written(line=b"POST /v1/ingest/alertmanager%00 HTTP/1.1"), [404]),
    "two slashes": (written(line=b"POST //alerts HTTP/1.1"), [404]),
    "two slashes within": (written(line=b"POST /v1/ingest//alertmanager HTTP/1.1"), [404]),
    "a letter in percents": (written(line=b"POST /v1/ingest/alert%6danager HTTP/1.1"), [202]),
    "a percent alone": (written(line=b"POST /v1/ingest/% HTTP/1.1"), [404]),
    "no UTF-8": (written(line=b"POST /v1/ingest/%ff%fe HTTP/1.1"), [404]),
    "a token of 10 KB": (
        written(line=b"POST /v1/ingest/alertmanager/" + b"t" * 10_240 + b" HTTP/1.1"), [202]
    ),
    "a name of 10 KB": (written(line=b"POST /v1/ingest/" + b"t" * 10_240 + b" HTTP/1.1"), [404]),
    "5,000 digits in an API path": (written(line=b"GET /v1/alerts/" + b"9" * 5_000 + b"/0 HTTP/1.1"), [400]),
    "5,000 digits in a page's path": (
        written(line=b"GET /incidents/INC-1/alerts/" + b"9" * 5_000 + b"/0 HTTP/1.1"), [404]
    ),
    **{f"{method} to the intake": (written(line=method.encode() + b" /alerts HTTP/1.1"), [405])
       for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")},
}  # fmt: skip


@pytest.mark.parametrize("name", SPOKEN)
def test_http_as_no_client_writes_it(server: Server, name: str) -> None:
    data, expected = SPOKEN[name]
    answer = spoken(server, data)
    assert statuses(answer) == expected, answer[:300]
    assert expected != [405] or b"\r\nallow: post\r\n" in answer.lower()
    serves(server)


def test_a_body_that_never_ends_is_not_stored(server: Server, client: httpx.Client) -> None:
    before = head(client)
    for data in (
        written(b"Content-Length: 20000000\r\n", b'{"alerts": []}', sized=False),
        written(CHUNKED, PIECES[:-5], sized=False),
        written(b"Content-Length: 15\r\nContent-Encoding: gzip\r\n", NONE, sized=False),
    ):
        assert 202 not in statuses(spoken(server, data, 0.5))
    assert within(5, lambda: head(client) == before)
    serves(server)


def test_headers_that_do_not_end_take_no_memory_without_end(server: Server) -> None:
    """100 MB of headers on one connection: refused, or at least not kept."""
    forget(server)
    before = memory(server, "VmRSS")
    with socket.create_connection((wire.LOOPBACK, server.port), timeout=10.0) as line, suppress(OSError):
        line.sendall(b"POST /alerts HTTP/1.1\r\nHost: wk\r\n")
        for number in range(100):
            line.sendall(b"X-%d: " % number + b"y" * MIB + b"\r\n")
    serves(server)
    assert memory(server) - before < 50


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
