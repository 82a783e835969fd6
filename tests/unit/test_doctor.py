"""`watchkeeper doctor`: the files of every option are checked, and what the server says is beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchkeeper.cli.ask import Server
from watchkeeper.cli.main import app
from watchkeeper.public import link_problem, public_url
from watchkeeper.settings import load_settings

NOBODY = "http://127.0.0.1:9"
ROUTES = """
receivers: [{name: oncall, webhook: {url: "http://127.0.0.1:9/page", secret_env: PAGE_SECRET}}]
routes: [{receiver: oncall}]
"""


def told(tmp_path: Path, *options: str, url: str = NOBODY) -> tuple[int, dict[str, str]]:
    """The exit code, and by check what it said with its mark."""
    done = CliRunner().invoke(app, ["doctor", "--data", str(tmp_path / "data"), "--url", url, *options])
    lines = [line for line in done.output.splitlines() if line[:4] in ("ok  ", "FAIL", "note")]
    return done.exit_code, {line[6:].partition(":")[0]: line for line in lines}


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_a_routing_file_that_names_no_receiver_fails(tmp_path: Path) -> None:
    file = written(tmp_path / "routes.yaml", "receivers: []\nroutes: [{receiver: nobody}]\n")
    code, said = told(tmp_path, "--routes", file)
    assert code == 1
    assert said["routes"].startswith(f"FAIL  routes: {file}")
    assert "no receiver is called 'nobody'" in said["routes"]


def test_levels_and_runbooks_are_checked_by_their_options(tmp_path: Path) -> None:
    levels = written(tmp_path / "levels.yaml", "defualt: 2\n")
    code, said = told(tmp_path, "--levels", levels, "--runbooks", str(tmp_path / "nowhere"))
    assert code == 1
    assert said["levels"].startswith("FAIL")
    assert "levels.yaml" in said["levels"]
    assert said["runbooks"].startswith("FAIL")
    assert "nowhere" in said["runbooks"]


def test_links_that_nobody_else_can_open_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGE_SECRET", "s3cret")
    file = written(tmp_path / "routes.yaml", ROUTES)
    code, said = told(tmp_path, "--routes", file)
    assert code == 0
    assert said["routes"].startswith("note  routes: receivers: oncall (webhook); links in pages begin with")
    assert "opens on this machine alone; set WATCHKEEPER_PUBLIC_URL" in said["routes"]
    monkeypatch.setenv("WATCHKEEPER_PUBLIC_URL", "https://watch.example/")
    assert told(tmp_path, "--routes", file)[1]["routes"] == "ok    routes: receivers: oncall (webhook)"


@pytest.mark.parametrize(
    ("given", "url", "problem"),
    [
        ({"host": "127.0.0.1", "port": 1}, "http://127.0.0.1:1", "opens on this machine alone"),
        ({"host": "::1", "port": 1}, "http://[::1]:1", "opens on this machine alone"),
        ({"host": "localhost", "port": 1}, "http://localhost:1", "opens on this machine alone"),
        ({"host": "10.1.2.3", "port": 1}, "http://10.1.2.3:1", "which is a guess"),
        ({"host": "0.0.0.0", "port": 1}, "http://box:1", "which is a guess"),  # noqa: S104
        ({"public_url": "https://w.example/x/"}, "https://w.example/x", ""),
        ({"public_url": "w.example"}, "w.example", "is no http address"),
    ],
)
def test_what_links_begin_with(
    given: dict[str, object], url: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    settings = load_settings(**given)
    assert public_url(settings) == url
    said = link_problem(settings)
    assert problem in said
    assert bool(said) == bool(problem)


@pytest.mark.parametrize(
    ("receivers", "says"),
    [
        (["oncall"], "none given here, so not checked; the server pages oncall"),
        ([], "none given: nobody is paged; see --routes and docs/paging.md"),
    ],
)
def test_a_server_that_has_routes_is_not_said_to_page_nobody(
    receivers: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"ready": True, "engine_lag_seconds": 0.0, "receivers": receivers}
    monkeypatch.setattr(Server, "ready", lambda _: state)
    said = told(tmp_path)[1]
    assert said["routes"] == f"note  routes: {says}"
    assert said["server"].startswith("ok")


def test_rules_that_may_not_be_meant_are_a_note(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    written(rules / "dog.yaml", "rule: watchdog\nsummary: s\nsources: {alertmanager: 10m}\n")
    code, said = told(tmp_path, "--rules", str(rules))
    assert code == 0
    assert said["rules"].startswith("note")
    assert said["rules"].endswith("2 warnings: `watchkeeper rules check` tells them")
