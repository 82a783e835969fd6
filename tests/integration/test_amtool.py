"""Alertmanager's own amtool, and our commands, manage silences of a running server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.server import Server, watchkeeper, within
from tests.timeline import alert

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("amtool"), reason="needs amtool (Debian: prometheus-alertmanager)"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as made:
        yield made


def amtool(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["amtool", f"--alertmanager.url={server.url}", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"HOME": str(server.data), "PATH": "/usr/bin:/bin"},
    )


def test_amtool_adds_queries_updates_and_expires(server: Server, tmp_path: Path) -> None:
    added = amtool(
        server,
        "silence",
        "add",
        "HighErrorRatio",
        'service=~"search|cart"',
        "--comment=disks",
        "--author=ana",
    )
    assert added.returncode == 0, added.stderr
    identity = added.stdout.strip()
    assert identity.startswith("SIL-")
    found = amtool(server, "silence", "query", "-o", "json")
    [row] = json.loads(found.stdout)
    assert (row["id"], row["createdBy"], row["comment"]) == (identity, "ana", "disks")
    assert {(m["name"], m["value"], m["isRegex"]) for m in row["matchers"]} == {
        ("alertname", "HighErrorRatio", False),
        ("service", "search|cart", True),
    }
    assert identity in amtool(server, "silence", "query", "HighErrorRatio").stdout
    assert identity not in amtool(server, "silence", "query", "Other").stdout
    refused = amtool(server, "silence", "add", 'service=~".*"', "--comment=x", "--author=ana")
    assert refused.returncode != 0
    assert "almost everything" in refused.stderr
    updated = amtool(server, "silence", "update", identity, "--duration=4h", "--comment=more disks")
    assert updated.returncode == 0, updated.stderr
    assert "more disks" in amtool(server, "silence", "query").stdout
    assert amtool(server, "silence", "expire", identity).returncode == 0
    assert json.loads(amtool(server, "silence", "query", "-o", "json").stdout) == []
    assert identity in amtool(server, "silence", "query", "--expired").stdout


def test_our_commands_do_the_same(server: Server, tmp_path: Path) -> None:
    url = ("--url", server.url)
    assert watchkeeper("silences", *url, cwd=tmp_path).returncode == 1
    added = watchkeeper(
        "silence",
        "add",
        "service=search",
        "--for",
        "2h",
        "--comment",
        "disks",
        "--actor",
        "ana",
        *url,
        cwd=tmp_path,
    )
    assert added.returncode == 0, added.stderr
    identity = added.stdout.split()[0]
    assert identity in json.loads(amtool(server, "silence", "query", "-o", "json").stdout)[0]["id"]
    now = alert("search")
    del now["startsAt"], now["endsAt"]
    assert httpx.post(f"{server.url}/alerts", json={"alerts": [now]}).status_code == 202
    assert within(10, lambda: bool(server.incidents()))
    name = server.incidents()[0]["id"]
    listed = watchkeeper("silences", *url, cwd=tmp_path)
    assert f"keeps 1 alert from paging, of {name}" in listed.stdout
    shown = watchkeeper("show", name, *url, cwd=tmp_path)
    assert identity in shown.stdout
    changed = watchkeeper("silence", "change", identity, "--for", "4h", *url, cwd=tmp_path)
    assert changed.returncode == 0, changed.stderr
    dismissed = watchkeeper("dismiss", name, "--until", "2h", "--reason", "later", *url, cwd=tmp_path)
    assert "is dismissed until" in dismissed.stdout, dismissed.stderr
    assert watchkeeper("undismiss", name, *url, cwd=tmp_path).returncode == 0
    assert (
        watchkeeper("silence", "expire", identity, *url, cwd=tmp_path).stdout.strip() == f"{identity} expired"
    )
    shown = watchkeeper("silence", "show", identity, *url, cwd=tmp_path)
    assert "expire by" in shown.stdout
    again = watchkeeper("silence", "expire", identity, *url, cwd=tmp_path)
    assert (again.returncode, "is over since" in again.stderr) == (2, True)
