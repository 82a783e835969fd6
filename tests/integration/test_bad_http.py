"""HTTP as hardly a client writes it: refused in the form of all errors, bounded, and nothing of it stored."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from evals.shop import wire
from tests.integration.bad_input import MIB, forget, head, memory, running, serves
from tests.integration.server import Server, within

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("http")) as one:
        yield one


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30.0) as one:
        yield one


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
    headers: bytes = b"",
    body: bytes = NONE,
    *,
    line: bytes = b"POST /alerts HTTP/1.1",
    sized: bool = True,
    close: bool = True,
) -> bytes:
    size = b"Content-Length: %d\r\n" % len(body) if sized else b""
    last = b"Connection: close\r\n" if close else b""
    return line + b"\r\nHost: wk\r\n" + last + size + headers + b"\r\n" + body


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PIECES = b"%x\r\n%s\r\n0\r\n\r\n" % (len(NONE), NONE)
SPOKEN: dict[str, tuple[bytes, list[int]]] = {
    "100 headers": (written(b"".join(b"X-%d: y\r\n" % n for n in range(100))), [202]),
    "a header of 60 KB": (written(b"X-Long: " + b"y" * 60_000 + b"\r\n"), [202]),
    "a header of 64 KiB": (written(b"X-Long: " + b"y" * 65_536 + b"\r\n"), [431]),
    "a request line of 100 KB": (written(line=b"GET /" + b"y" * 100_000 + b" HTTP/1.1"), [431]),
    "5,000 headers": (written(b"X: y\r\n" * 5_000), [202]),
    "100,000 headers": (written(b"X: y\r\n" * 100_000), [431]),
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
    "a trailer is no header": (
        written(CHUNKED, PIECES[:-2] + b"Content-Encoding: br\r\nUpgrade: h2c\r\n\r\n", sized=False), [202]
    ),
    "an offer of HTTP/2": (written(OFFER), [202]),
    "an offer, and chunks": (written(OFFER + CHUNKED, PIECES, sized=False), [202]),
    "an offer, and a wait before the body": (written(OFFER + b"Expect: 100-continue\r\n"), [100, 202]),
    "offers at once": (written(OFFER, close=False) * 3 + written(close=False) + written(OFFER), [202] * 5),
    "an offer with nonsense after it": (written(OFFER, close=False) + b"nonsense\r\n\r\n", [400]),
    "an offer of something else": (written(OFFER.replace(b"h2c", b"TLS/1.0, IRC/6.9")), [202]),
    "an offer of a web socket": (
        written(OFFER.replace(b"h2c", b"websocket"), b"", line=b"GET /healthz HTTP/1.1", sized=False), [200]
    ),
    "an offer of 64 KiB": (written(OFFER + b"X-Long: " + b"y" * 65_536 + b"\r\n"), [431]),
    "three posts at once": (written(close=False) * 2 + written(), [202] * 3),
    "more than was declared": (
        written(close=False) + b"and more\r\n\r\n", [400]
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
    if expected[-1] >= 400 and not data.startswith((b"HEAD", b"GET /incidents/")):
        error = json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]
        assert set(error) == {"what", "where", "mend"}
        assert error["what"]
    serves(server)


def test_who_speaks_tls_is_told_so(server: Server) -> None:
    assert b"TLS" in spoken(server, SPOKEN["TLS"][0]).rpartition(b"mend")[2]


@pytest.mark.parametrize(
    "name", ["chunks", "an offer, and chunks", "offers at once", "a trailer is no header"]
)
def test_cut_anywhere_it_is_the_same(server: Server, name: str) -> None:
    """Each part comes by itself: the body after its headers, and every byte alone."""
    data, expected = SPOKEN[name]
    for sizes in (len(data) // 2, 7, 1):
        with socket.create_connection((wire.LOOPBACK, server.port), timeout=5.0) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(data), sizes):
                line.sendall(data[start : start + sizes])
            answer = b"".join(iter(lambda: line.recv(65_536), b""))
        assert statuses(answer) == expected, answer[:300]


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


ENDLESS = {
    "headers": (b"POST /alerts HTTP/1.1\r\nHost: wk\r\n", b"X: " + b"y" * MIB + b"\r\n", [431]),
    "one header": (b"POST /alerts HTTP/1.1\r\nHost: ", b"y" * MIB, [431]),
    "a request line": (b"POST /", b"y" * MIB, [431]),
    "trailers": (written(CHUNKED, PIECES[:-2], sized=False), b"X: " + b"y" * MIB + b"\r\n", [431]),
    "one trailer": (written(CHUNKED, PIECES[:-2] + b"X: ", sized=False), b"y" * MIB, [431]),
    "a chunk's size": (written(CHUNKED, b"1;a=", sized=False), b"y" * MIB, [431]),
    "blank lines": (b"", b"\r\n" * (MIB // 2), [431]),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_does_not_end_takes_no_memory_without_end(server: Server, name: str) -> None:
    """100 MB of it on one connection is refused; what was sent meanwhile may cost the sender the answer."""
    first, piece, expected = ENDLESS[name]
    forget(server)
    before = memory(server, "VmRSS")
    sent, answer = 0, b""
    with socket.create_connection((wire.LOOPBACK, server.port), timeout=10.0) as line, suppress(OSError):
        line.sendall(first)
        for sent in range(100):  # noqa: B007 - how far it came
            line.sendall(piece)
        answer = line.recv(65_536)
    assert sent < 50
    assert statuses(answer) in ([], expected)
    serves(server)
    assert memory(server) - before < 20


@pytest.mark.faults_full
@pytest.mark.parametrize("first", [b"", b"POST /alerts HTTP/1.1\r\nHost: wk\r\n"])
def test_who_drips_headers_or_says_nothing_is_given_up(server: Server, first: bytes) -> None:
    """As served, half a minute; tests/unit/test_protocol.py does it with less."""
    with socket.create_connection((wire.LOOPBACK, server.port), timeout=60.0) as line:
        line.sendall(first)
        answer = line.recv(65_536)
    assert statuses(answer) == ([408] if first else [])
