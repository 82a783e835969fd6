"""The demo as people see it: four recordings through the front door of a real server on the demo's clock."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml

from tests.integration.server import Server, within
from watchkeeper.app import App
from watchkeeper.clock import SystemClock
from watchkeeper.demo import demo_clock, play_demo
from watchkeeper.files import demo_cases
from watchkeeper.serve import listen
from watchkeeper.settings import load_settings

pytestmark = pytest.mark.integration
SPEED = 100


@contextmanager
def played(data: Path) -> Iterator[tuple[App, str]]:
    """A server in this process whose demo has been played to its end, five times as fast as people see it."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    clock = demo_clock(SPEED)
    settings = load_settings(
        data=data, port=port, demo=True, catalogue=demo_cases()[0] / "catalog.yaml", log_format="json"
    )
    app, over = App(settings, clock), threading.Event()

    async def play() -> None:
        await play_demo(demo_cases(), url, clock)
        over.set()

    app.background = play
    server = uvicorn.Server(
        uvicorn.Config(app.asgi, interface="asgi3", log_level="warning", access_log=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    with listener:
        app.start()
        try:
            thread.start()
            assert over.wait(60)
            yield app, url
        finally:
            server.should_exit = True
            thread.join()
            gc.unfreeze()  # As `serve` does: extension modules would report what was frozen as leaked.
            app.stop()


def truths() -> list[dict[str, Any]]:
    """The incidents that the cases' expected files list, in the order of the demo."""
    files = [yaml.safe_load((case / "expected.yaml").read_text()) for case in demo_cases()]
    return [incident for file in files for incident in file["incidents"]]


def documents(url: str) -> list[dict[str, Any]]:
    """Of all incidents, in order of their beginning."""
    with httpx.Client(base_url=url, timeout=15.0) as client:
        rows = client.get("/v1/incidents").json()["incidents"]
        found = [client.get(f"/v1/incidents/{row['id']}").json() for row in rows]
    return sorted(found, key=lambda one: str(one["started_at"]))


def test_the_demo_shows_the_five_incidents_that_were_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with played(tmp_path / "data") as (app, url):
        before = SystemClock().now()
        assert before <= app.clock.now() <= SystemClock().now()
        found = documents(url)
        health = httpx.get(f"{url}/readyz").json()
    wanted = truths()
    assert [one["origin"]["service"] for one in found] == [truth["origin"] for truth in wanted]
    assert [sorted(s["service"] for s in one["services"]) for one in found] == [t["members"] for t in wanted]
    for one, truth in zip(found, wanted, strict=True):
        if truth["change"] is not None:
            assert {key: one["changes"][0][key] for key in truth["change"]} == truth["change"]
    assert [one["status"] for one in found] == ["closed", "closed", "resolved", "resolved", "triggered"]
    alerts = [alert for one in found for alert in one["alerts"]]
    assert alerts
    assert {alert["status"] for alert in alerts} == {"resolved"}
    assert [alert["flags"] for alert in alerts] == [[]] * len(alerts)
    assert (health["ready"], health["engine_lag_records"], health["records_without_effect"]) == (True, 0, 0)
    told = capsys.readouterr().out
    assert f"{url}/incidents/{found[-1]['id']}  is a return of the first" in told
    assert f"{url}/incidents/{found[0]['id']}  is the first" in told


def test_a_server_that_is_stopped_while_the_demo_plays_says_nothing_of_it(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--demo") as server:
        assert within(20, lambda: bool(server.incident_ids()))
        assert server.terminate() == 0
    said = server.log()
    assert "demo 1/4 bad-deploy" in said
    assert "Traceback" not in said
    assert "never retrieved" not in said
