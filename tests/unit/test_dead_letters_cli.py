"""`watchkeeper dead-letters`: what it lists, what sending one in again says, and who is not there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from core.errors import InputError, NotFound, Unreachable
from watchkeeper.cli.dead_letters import dead_letters_app, listing, replay

ESCAPE = "\x1b[2J"
LETTER = {
    "record": 12,
    "at": "2026-11-21T03:00:00.000Z",
    "domain": "eu",
    "source": "alertmanager",
    "what": f"not JSON{ESCAPE}\nat all",
    "where": "body, line 1",
    "mend": "Send JSON",
    "read_as": None,
}
READ = {**LETTER, "record": 7, "domain": "default", "read_as": 40}
STILL = {"error": {"what": "record 12 still cannot be read: not JSON", "where": "body", "mend": "Send JSON"}}


class Api(BaseHTTPRequestHandler):
    """Answers as the server's API does; `letters` and `answer` are what it says."""

    letters: Any = [LETTER, READ]
    answer: tuple[int, Any] = (200, {"record": 41, "replays": 12})
    asked: list[str] = []

    def do_GET(self) -> None:
        self._say(200, {"ready": True} if self.path == "/readyz" else self.letters)

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self._say(*self.answer)

    def _say(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Api, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_list_says_what_is_wrong_and_how_to_mend_it(api: str, capsys: pytest.CaptureFixture[str]) -> None:
    listing(api, as_json=False)
    printed = capsys.readouterr().out
    assert ESCAPE[0] not in printed
    assert printed.splitlines() == [
        "      12  2026-11-21T03:00:00.000Z  alertmanager (eu)  not read",
        "          body, line 1: not JSON [2J at all",
        "          mend: Send JSON",
        "       7  2026-11-21T03:00:00.000Z  alertmanager  read as record 40",
        "          body, line 1: not JSON [2J at all",
        "Dead letters: 2; not read yet: 1",
    ]


def test_the_list_as_json(api: str, capsys: pytest.CaptureFixture[str]) -> None:
    listing(api, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"dead_letters": [LETTER, READ]}


def test_no_dead_letters(
    api: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Api, "letters", [])
    listing(api, as_json=False)
    assert capsys.readouterr().out == "No dead letters.\n"


def test_one_is_sent_in_again(api: str, capsys: pytest.CaptureFixture[str]) -> None:
    replay(12, api, as_json=False)
    assert capsys.readouterr().out == "record 12 was sent in again, as record 41\n"
    replay(12, api, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"record": 41, "replays": 12}
    assert Api.asked == ["/v1/dead-letters/12/replay"] * 2


@pytest.mark.parametrize(("status", "kind"), [(400, InputError), (404, NotFound)])
def test_why_one_is_not_taken(
    api: str, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[Exception]
) -> None:
    monkeypatch.setattr(Api, "answer", (status, STILL))
    with pytest.raises(kind) as refused:
        replay(12, api, as_json=False)
    assert str(refused.value) == "body: record 12 still cannot be read: not JSON. Send JSON"


def test_nobody_answers() -> None:
    with pytest.raises(Unreachable, match="no Watchkeeper answers"):
        listing("http://127.0.0.1:1", as_json=False)


def test_an_answer_that_is_no_list(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Api, "letters", {"error": {}})
    with pytest.raises(Unreachable, match="dead letters"):
        listing(api, as_json=False)


def test_the_address_may_stand_before_or_behind_the_command(api: str) -> None:
    run = CliRunner().invoke
    for words in (["--url", api, "replay", "12"], ["replay", "12", "--url", api]):
        done = run(dead_letters_app, words)
        assert (done.exit_code, done.output) == (0, "record 12 was sent in again, as record 41\n")
    assert run(dead_letters_app, ["--url", api]).output.endswith("Dead letters: 2; not read yet: 1\n")
    assert run(dead_letters_app, ["replay", "0", "--url", api]).exit_code == 2


def test_the_module_costs_nothing_before_it_is_used() -> None:
    code = (
        "import sys, watchkeeper.cli.dead_letters;"
        "print([name for name in ('httpx', 'pydantic', 'fastapi') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
