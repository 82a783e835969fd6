"""The server against its own description: whatever fits /openapi.json or does not is answered as it says.

Statuses, content types and forms of answers are those of the document, and nothing is answered 5xx. Few
examples, always the same ones, and of the sources a few, since all are one handler; `make faults` asks every
address, `WATCHKEEPER_TEST_PROFILE=long` draws many examples and others. Left out: `/v1/events`, whose answer
does not end, and the check that fitting input is accepted, since the description lets any JSON through and
knows no incident's id.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from connectors.inbound.registry import SOURCES
from tests.integration.recordings import CATALOGUE, send
from tests.integration.server import Server, environment, watchkeeper, within
from watchkeeper.files import builtin_mappings

pytestmark = pytest.mark.integration
LONG = os.environ.get("WATCHKEEPER_TEST_PROFILE") == "long"
ANSWERS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
)  # fmt: skip
SECRET = "of the sender"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With an incident to ask for, and a source that asks for a signature."""
    folder = tmp_path_factory.mktemp("fuzz")
    senders = folder / "senders.yaml"
    senders.write_text("senders: {github: {secret_env: HUB}}")
    options = ("--catalog", CATALOGUE, "--senders", senders)
    with Server(folder / "data", *options, extra={"HUB": SECRET}) as running:
        send(running.url, "bad-deploy", "default")
        assert within(30, lambda: running.get("/readyz")["engine_lag_records"] == 0)
        yield running


def fuzzed(server: Server, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """One run of schemathesis, warnings being errors there too. Its code is 0 when every check held.

    One worker: with Python 3.11 two that make examples at once break each other's parser of source text.
    """
    examples = ("--max-examples", "300") if LONG else ("--max-examples", "8", "--seed", "1")
    fixed = ("--exclude-path", "/v1/events", "--no-color", "--suppress-health-check", "all", "--workers", "1")
    command = [sys.executable, "-W", "error", "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    return subprocess.run(
        [*command, *fixed, *examples, *options],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900 if LONG else 150,
        check=False,
    )


SOME = ("--exclude-path-regex", "^/v1/ingest/(?!(alertmanager|github|change|statuspage)$)")
BREADTHS = [pytest.param(SOME, id="some sources"), pytest.param((), id="all", marks=pytest.mark.faults_full)]


@pytest.mark.timeout(1_000 if LONG else 180)
@pytest.mark.parametrize("breadth", BREADTHS)
def test_every_answer_is_one_that_is_described(
    server: Server, tmp_path: Path, breadth: tuple[str, ...]
) -> None:
    done = fuzzed(server, tmp_path, *breadth, "--phases", "coverage,fuzzing", "--checks", ",".join(ANSWERS))
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert "Traceback" not in server.log()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("breadth", BREADTHS)
def test_other_methods_are_told_which_one_to_use(
    server: Server, tmp_path: Path, breadth: tuple[str, ...]
) -> None:
    """405 with `Allow`, as HTTP asks for."""
    done = fuzzed(server, tmp_path, *breadth, "--phases", "coverage", "--checks", "unsupported_method")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_the_description_holds_every_address_of_the_intake(server: Server) -> None:
    described = server.get("/openapi.json")["paths"]
    for name in [*SOURCES, *builtin_mappings()]:
        operation = described.get(f"/v1/ingest/{name}", {}).get("post")
        assert operation is not None, name
        assert operation["summary"]
        assert {"202", "400", "401", "408", "413", "503"} <= operation["responses"].keys()


def test_the_description_itself_is_steady(server: Server) -> None:
    """Asked for twice it is the same: nothing is added to it by asking."""
    first, second = (httpx.get(f"{server.url}/openapi.json").content for _ in range(2))
    assert first == second
    operations = [each for path in server.get("/openapi.json")["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations if "operationId" in each]
    assert len(names) == len(set(names))


def test_after_all_of_it_the_journal_is_whole(server: Server) -> None:
    assert within(30, lambda: server.get("/readyz")["engine_lag_records"] == 0)
    assert server.get("/readyz")["records_without_effect"] == 0
    done = watchkeeper("journal", "verify", "--data", server.data, cwd=server.data.parent)
    assert done.returncode == 0, done.stderr
