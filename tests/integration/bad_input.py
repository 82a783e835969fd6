"""What the tests of wrong input share: the server, the form of a refusal, and how much memory it took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.integration.recordings import CATALOGUE
from tests.integration.server import Server

INTAKE = ("/api/v2/alerts", "/alerts", "/v1/ingest/change")
ALERT = '{"status": "firing", "labels": {"alertname": "a"}}'
DEEP = 100_000
MIB = 1 << 20
SECRET = "of the sender"


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """One source, github, asks for a signature."""
    senders = folder / "senders.yaml"
    senders.write_text("senders: {github: {secret_env: HUB}}")
    options = ("--catalog", CATALOGUE, "--senders", senders)
    with Server(folder / "data", *options, extra={"HUB": SECRET}) as server:
        yield server


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
