"""Bodies made to exhaust whoever reads them: deep, long, packed many times over, or of very many parts.

Answered in bounded time and memory, whoever sends them; and the server goes on to serve.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from connectors.storage.sqlite_journal import SqliteJournal
from tests.integration.bad_input import ALERT, DEEP, MIB, SECRET, forget, memory, refused, running, serves
from tests.integration.server import Server, within

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("bombs")) as one:
        yield one


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
    "gzip in 1,001 members": Bomb("/alerts", lambda: packed(b" ") * 1_001, WRONG, GZIP),
    "a million members": Bomb("/alerts", lambda: packed(b"") * 1_000_000, WRONG, GZIP),
    "members of 1,000 to 1": Bomb("/alerts", lambda: packed(b" " * MIB) * 900, LARGE, GZIP),
    "gzip in small letters and capitals": Bomb(
        "/alerts", lambda: packed(fires('"x": "y"')), TAKEN, (("content-encoding", "GZip"),)
    ),
    "another packing": Bomb("/alerts", lambda: b"x", WRONG, (("content-encoding", "br"),)),
    "unsigned bomb": Bomb("/v1/ingest/github", lambda: packed(b" " * 100 * MIB), (401,), GZIP),
}  # fmt: skip
SIGNED: dict[str, tuple[Callable[[], bytes], tuple[tuple[str, str], ...], int]] = {
    "bomb": (lambda: packed(b" " * 100 * MIB), GZIP, 413), "not gzip": (lambda: b"xx", GZIP, 202),
    "cut off": (lambda: packed(b"{}")[:-3], GZIP, 202), "deep": (lambda: b"[" * DEEP, (), 202),
    "not JSON": (lambda: b"{", (), 202), "packed and not JSON": (lambda: packed(b"{"), GZIP, 202),
}  # fmt: skip


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
    """What is signed and cannot be read, or not unpacked, is kept as it came; what is too large is not."""
    make, headers, status = SIGNED[name]
    body = make()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    signed = [*headers, ("x-hub-signature-256", f"sha256={signature}"), ("x-github-event", "push")]
    answer = httpx.post(f"{server.url}/v1/ingest/github", content=body, headers=signed, timeout=10.0)
    assert answer.status_code == status, answer.text[:300]
    assert status != 202 or answer.json()["status"] == "dead_letter"
    serves(server)


def test_a_signed_body_that_cannot_be_unpacked_is_kept_as_it_came(server: Server) -> None:
    """So that one sees why, and can send it in again after a fix."""
    body = packed(b"{}")[:-3]
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    signed = [*GZIP, ("x-hub-signature-256", f"sha256={signature}"), ("x-github-event", "push")]
    answer = httpx.post(f"{server.url}/v1/ingest/github", content=body, headers=signed, timeout=10.0).json()
    assert "ends too early" in answer["error"]["what"]
    journal = SqliteJournal(server.data, read_only=True)
    [record] = journal.read(answer["record"] - 1, 1)
    journal.close()
    assert (record.payload, record.headers["content-encoding"]) == (body, "gzip")
    assert within(20, lambda: server.get("/readyz")["engine_lag_records"] == 0)
    letters = server.get("/v1/dead-letters")
    assert answer["record"] in [letter["record"] for letter in letters]


KINDS = {"of nothing in common": {}, "of one service": {"service": "one"}}
FULL = pytest.mark.faults_full


@pytest.mark.parametrize("number", [10_000, pytest.param(100_000, marks=FULL)])
@pytest.mark.parametrize("kind", KINDS)
def test_very_many_alerts_in_a_body(tmp_path: Path, kind: str, number: int) -> None:
    """Taken or refused; while they are folded the server goes on to answer and to take others."""
    labels = {"alertname": "Many", **KINDS[kind]}
    alerts = [{"status": "firing", "labels": {**labels, "number": str(n)}} for n in range(number)]
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
            assert memory(server) - before < 200 + number // 80
        finally:
            server.kill9()
