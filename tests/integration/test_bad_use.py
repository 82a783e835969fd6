"""The command line with wrong input: one message with place and mend, exit 2 (or 1: the answer is no).

Never a traceback. What a user mistypes on the command line itself gets the usual usage text.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.recordings import CATALOGUE
from tests.integration.server import Server, watchkeeper

pytestmark = pytest.mark.integration
MESSAGE = re.compile(r"watchkeeper: .+: .+\. [A-Z`].+\n")
AT = '{"at": "2026-11-21T03:00:00Z", '

FILES: dict[str, str | bytes] = {
    "open.yaml": "services: [",
    "key.yaml": "services:\n  - {name: a, depend_on: [b]}\n",
    "latin.yaml": b"services: [{name: caf\xe9}]\n",
    "rules/own.yaml": "rule: same-entty\n",
    "rules-bare-number/own.yaml": ("rule: same-entity\nsummary: s\nwindow: 5\nsame_alert_window: 1h\n"),
    "empty/.keep": "",
    "scheme.yaml": "receivers: [{name: a, webhook: {url: 'ftp://a.example/'}}]\n",
    "stranger.yaml": "receivers: [{name: a, webhook: {url: 'http://a.example/'}}]\nroutes: [{receiver: b}]\n",
    "unset.yaml": "receivers: [{name: a, webhook: {url: 'http://a.example/', secret_env: NOT_SET}}]\n",
    "host.yaml": "receivers: [{name: a, webhook: {url: 'http://[::1/'}}]\n",
    "brace.jsonl": AT + '"source": "change", "body": {"kind": "deploy", "service": "a"}}\n{nope\n',
    "kind.jsonl": AT + '"source": "change", "body": {"kind": "party", "service": "a"}}\n',
    "source.jsonl": AT + '"source": "nosuch", "body": {}}\n',
    "time.jsonl": '{"at": "yesterday", "source": "change", "body": {}}\n',
    "deep.jsonl": AT + '"source": "change", "body": ' + "[" * 100_000 + "]" * 100_000 + "}\n",
    "deep-label.jsonl": AT
    + '"source": "alertmanager", "body": {"alerts": [{"status": "firing", "labels": {"a": '
    + "[" * 600
    + "]" * 600
    + "}}]}}\n",
    "nan.jsonl": AT + '"source": "change", "body": NaN}\n',
    "surrogate-domain.jsonl": AT
    + '"source": "alertmanager", "domain": "\\ud800", "body":'
    + ' {"alerts": [{"status": "firing", "labels": {"alertname": "a"}}]}}\n',
    "bytes.jsonl": b"\xff\n",
    "move.jsonl": AT + '"source": "api", "kind": "transition", "body": {"incident": "x", "to": "y"}}\n',
    "empty.jsonl": "",
    "foreign/journal.sqlite3": "this was never a database, and it is long enough to be looked at",
}
SERVE = "serve --no-demo --data new --port 0"
# Command, exit code, what the message says. <data>, <url> and <port> are those of the server that runs.
WRONG: list[tuple[str, int, list[str]]] = [
    (f"{SERVE} --catalog open.yaml", 2, ["open.yaml, line 1", "not valid YAML"]),
    (f"{SERVE} --catalog key.yaml", 2, ["key.yaml", "services.1.depend_on"]),
    (f"{SERVE} --catalog latin.yaml", 2, ["latin.yaml", "UTF-8"]),
    (f"{SERVE} --catalog absent.yaml", 2, ["absent.yaml", "No such file"]),
    (f"{SERVE} --catalog empty", 2, ["empty", "Is a directory"]),
    (f"{SERVE} --rules rules", 2, ["rules/own.yaml", "same-entty"]),
    (f"{SERVE} --rules rules-bare-number", 2, ["own.yaml", "window"]),
    (f"{SERVE} --sources empty", 2, ["empty", "no mapping files"]),
    (f"{SERVE} --rules absent", 2, ["absent", "not a directory"]),
    (f"{SERVE} --routes scheme.yaml", 2, ["scheme.yaml", "receivers.1.webhook.url", "http"]),
    (f"{SERVE} --routes stranger.yaml", 2, ["stranger.yaml", "routes.1.receiver", "'b'"]),
    (f"{SERVE} --routes unset.yaml", 2, ["unset.yaml", "receivers.1.webhook.secret_env", "NOT_SET"]),
    (f"{SERVE} --routes host.yaml", 2, ["host.yaml", "receivers.1.webhook.url"]),
    ("serve --no-demo --data <data> --port 0", 2, ["<data>", "another Watchkeeper"]),
    ("serve --no-demo --data new --port <port>", 2, ["127.0.0.1:<port>", "cannot listen"]),
    ("serve --no-demo --data new --port 70000", 2, ["WATCHKEEPER_PORT", "65535"]),
    ("serve --no-demo --data open.yaml --port 0", 2, ["open.yaml", "cannot be used"]),
    ("serve --no-demo --data foreign --port 0", 2, ["foreign/journal.sqlite3", "not a database"]),
    ("replay brace.jsonl", 2, ["brace.jsonl: line 2", "not a JSON object"]),
    ("replay kind.jsonl", 2, ["kind.jsonl: line 1", "body.kind", "'party'"]),
    ("replay source.jsonl", 2, ["source.jsonl: line 1", "'nosuch'"]),
    ("replay time.jsonl", 2, ["time.jsonl: line 1", "'yesterday'"]),
    ("replay deep.jsonl", 2, ["deep.jsonl: line 1"]),
    ("replay deep-label.jsonl", 2, ["deep-label.jsonl: line 1"]),
    ("replay nan.jsonl", 2, ["nan.jsonl: line 1"]),
    ("replay surrogate-domain.jsonl --json", 2, ["surrogate-domain.jsonl: line 1"]),
    ("replay bytes.jsonl", 2, ["bytes.jsonl: line 1", "UTF-8"]),
    ("replay move.jsonl", 2, ["move.jsonl: line 1", "'y'"]),
    ("replay empty.jsonl", 2, ["empty.jsonl", "no events"]),
    ("replay absent.jsonl", 2, ["absent.jsonl", "No such file"]),
    ("replay empty", 2, ["empty", "Is a directory"]),
    ("incidents --data absent", 2, ["absent", "no journal"]),
    ("journal verify --data absent", 2, ["absent", "no journal"]),
    ("journal verify --data changed", 1, ["changed/journal/000000000001.sqlite3", "record 2", "hash chain"]),
    ("journal export absent/file --data <data>", 2, ["absent/file", "No such file"]),
    ("rebuild --data absent", 2, ["absent", "no journal"]),
    ("rebuild --data <data>", 2, ["<data>", "another Watchkeeper"]),
    ("catalog init --data <data> --out open.yaml", 2, ["open.yaml", "exists already"]),
    ("show INC-NONE --data <data>", 1, ["'INC-NONE'", "lists them"]),
    ("show INC-NONE --url <url>", 1, ["'INC-NONE'", "lists them"]),
    ("explain INC-NONE --url <url>", 1, ["no incident or alert 'INC-NONE'", "fingerprints"]),
    ("explain INC-NONE --data <data>", 1, ["no incident or alert 'INC-NONE'", "fingerprints"]),
    ("explain ../x --url <url>", 1, ["no incident or alert '../x'"]),
    ("explain INC-NONE --why-not INC-1 --url <url>", 1, ["explain", "'INC-NONE'"]),
    ("ack INC-NONE --url <url>", 1, ["'INC-NONE'"]),
    ("close INC-NONE --url <url>", 1, ["'INC-NONE'"]),
    ("incidents --status nope --url <url>", 2, ["status", "'nope'", "acknowledged"]),
    ("incidents --status nope --data <data>", 2, ["status", "'nope'", "acknowledged"]),
    ("incidents --status nope --data quiet", 2, ["status", "'nope'", "acknowledged"]),
    ("incidents --data <data> --url <url>", 2, ["both --data and --url"]),
    ("incidents --url http://127.0.0.1:1", 2, ["http://127.0.0.1:1", "watchkeeper serve"]),
    ("incidents --url nonsense", 2, ["nonsense"]),
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one incident, in a folder full of wrong files."""
    folder = tmp_path_factory.mktemp("wrong")
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with Server(folder / "quiet"):
        pass
    change_a_record(shutil.copytree(folder / "quiet", folder / "changed") / "journal/000000000001.sqlite3")
    with Server(folder / "data", "--catalog", CATALOGUE) as server:
        alert = {"labels": {"alertname": "Slow → slower", "service": "search"}}
        assert httpx.post(f"{server.url}/api/v2/alerts", json=[alert]).status_code == 200
        yield server


def change_a_record(journal: Path) -> None:
    connection = sqlite3.connect(journal)
    with connection:
        connection.execute("UPDATE records SET payload = CAST('{}' AS BLOB), coding = 0 WHERE seq = 2")
    connection.close()


def placed(text: str, server: Server) -> str:
    names = {"<data>": str(server.data), "<url>": server.url, "<port>": str(server.port)}
    for name, value in names.items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize(("command", "code", "says"), WRONG, ids=[row[0] for row in WRONG])
def test_wrong_input_gets_one_message_with_place_and_mend(
    here: Server, command: str, code: int, says: list[str]
) -> None:
    done = watchkeeper(*placed(command, here).split(), cwd=here.data.parent, timeout=10)
    assert "Traceback" not in done.stderr, done.stderr[-1_500:]
    assert (done.returncode, done.stdout) == (code, "")
    assert code == 1 or MESSAGE.fullmatch(done.stderr), done.stderr
    assert done.stderr.count("\n") == 1
    assert not [word for word in says if placed(word, here) not in done.stderr], done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "frobnicate",
        "serve --nope",
        "serve --port many",
        "incidents --limit 0",
        "show",
        "journal export --from 0 x",
    ],
)
def test_a_mistyped_command_gets_the_usage(here: Server, command: str) -> None:
    done = watchkeeper(*command.split(), cwd=here.data.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
    assert "Error: " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    ["show {} --url <url>", "ack INC-NONE --reason {} --url <url>", "incidents --status {} --url <url>"],
)
def test_an_argument_that_is_no_text_gets_a_message(here: Server, command: str) -> None:
    words = placed(command, here).format("\udcff").split()
    done = watchkeeper(*words, cwd=here.data.parent)
    assert "Traceback" not in done.stderr, done.stderr[-1_500:]
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["incidents --url <url>", "journal export - --data <data>"])
def test_a_terminal_that_cannot_show_everything_is_no_reason_to_fail(here: Server, command: str) -> None:
    old = {"PYTHONIOENCODING": "ascii"}
    done = watchkeeper(*placed(command, here).split(), cwd=here.data.parent, extra=old)
    assert done.returncode == 0, done.stderr[-1_500:]


def test_what_the_lifecycle_forbids_is_answered_with_what_it_allows(here: Server) -> None:
    (name,) = here.incident_ids()
    commands = (("close", name), ("ack", name), ("ack", name))
    refused, done, again = (
        watchkeeper(verb, incident, "--actor", "ana", "--url", here.url, cwd=here.data.parent)
        for verb, incident in commands
    )
    assert (refused.returncode, done.returncode, again.returncode) == (1, 0, 1)
    assert "Allowed from here: acknowledged, mitigated, resolved, merged" in refused.stderr
    assert "by ana" in again.stderr
    assert refused.stderr.count("\n") == again.stderr.count("\n") == 1


def test_the_server_that_was_asked_for_nothing_wrong_still_runs(here: Server) -> None:
    assert here.get("/readyz")["ready"]
    assert "Traceback" not in here.log()
