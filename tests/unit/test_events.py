"""The stream of events: who is told what, that it is bounded, that it ends with its client and its server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from connectors.inbound.registry import parse
from connectors.storage.memory import MemoryJournal
from core.config import config_draft
from core.errors import WatchkeeperError
from core.journal import Draft
from core.lifecycle import Transition, transition_draft
from core.model.document import Document
from tests.timeline import SHOP, START, alert
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.files import rules_content
from watchkeeper.http.api import install_errors
from watchkeeper.http.events import Client, Events, News, engine_rows

HELLO, INCIDENT = "hello", "incident"


class Still:
    """A clock by which no timer is ever due."""

    def now(self) -> int:
        return 0


class Fold:
    """An engine that follows a journal in memory; `push` returns when what was sent is folded."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.engine = EngineLoop(self.journal, parse, self._append, Still(), "test")
        self.at = START
        self.put(config_draft("rules", rules_content(None)), config_draft("catalogue", SHOP))

    def _append(self, draft: Draft) -> int:
        return self.put(draft)

    def put(self, *drafts: Draft) -> int:
        self.at += 1_000
        seq = self.journal.append(list(drafts), self.at)[-1].seq
        self.engine.wake()
        return seq

    def push(self, *alerts: Document) -> None:
        body = json.dumps({"version": "4", "alerts": list(alerts)}).encode()
        self.settle(self.put(Draft("ingest", "alertmanager", body)))

    def move(self, incident: str, to: Any) -> None:
        self.settle(self.put(transition_draft(Transition(incident, to, "ana", ""), "api")))

    def settle(self, seq: int) -> None:
        assert self.engine.wait_for(seq, 10)


@pytest.fixture
def fold() -> Iterator[Fold]:
    made = Fold()
    made.engine.start()
    yield made
    made.engine.stop()


class Shelf:
    """Rows for the hub without an engine: versions that a test changes; counts how often it was looked at."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {"INC-1": 1}
        self.record, self.looked, self.much = 7, 0, False
        self.broken = False

    def change(self, *names: str) -> None:
        self.record += 1
        for name in names:
            self.versions[name] = self.versions.get(name, 0) + 1

    def rows(self, seen: dict[str, int]) -> News:
        self.looked += 1
        if self.broken:
            raise RuntimeError("broken")
        changed = [name for name, version in self.versions.items() if seen.get(name) != version]
        seen.update(self.versions)
        named = () if self.much else tuple(self._document(name) for name in changed)
        return News(self.record, named, self.much)

    def _document(self, name: str) -> Document:
        return {
            "id": name,
            "version": self.versions[name],
            "status": "triggered",
            "severity": "P1",
            "title": "payments: é\n\nevent: forged",
            "services": ["not told"],
        }


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


async def next_of(stream: AsyncIterator[Document]) -> Document:
    async with asyncio.timeout(10):
        return await anext(stream)


def test_the_engine_names_what_changed_and_nothing_else(fold: Fold) -> None:
    rows, seen = engine_rows(fold.engine), dict[str, int]()
    assert rows(seen).changed == ()
    fold.push(alert("frontend"), alert("mailer"))
    first = rows(seen)
    assert (first.record, first.much, len(first.changed)) == (3, False, 2)
    assert rows(seen).changed == ()
    frontend = next(one for one in first.changed if "frontend" in one["title"])
    fold.move(frontend["id"], "acknowledged")
    [told] = rows(seen).changed
    assert (told["id"], told["status"]) == (frontend["id"], "acknowledged")
    assert told["version"] > frontend["version"]
    assert {"severity", "title"} <= told.keys()


def test_a_merge_names_what_went_into_it(fold: Fold) -> None:
    rows, seen = engine_rows(fold.engine), dict[str, int]()
    fold.push(alert("frontend"))
    fold.push(alert("payments", starts=1))
    before = {one["id"] for one in rows(seen).changed}
    fold.push(alert("checkout", starts=2))
    [kept] = rows(seen).changed
    assert kept["merged_from"] == list(before - {kept["id"]})
    assert seen.keys() == {kept["id"]}


def test_very_much_at_once_is_not_put_into_words(fold: Fold) -> None:
    rows, seen = engine_rows(fold.engine), dict[str, int]()
    fold.push(*(alert(f"service-{n}") for n in range(150)))
    news = rows(seen)
    assert (news.changed, news.much, len(seen)) == ((), True, 150)
    assert not rows(seen).much


def test_without_a_client_nothing_is_looked_at() -> None:
    async def run() -> None:
        shelf = Shelf()
        hub = Events(shelf.rows, pause=0)
        hub.wake()
        client = hub.join()
        stream = client.events()
        assert (await next_of(stream))["event"] == HELLO
        hub.leave(client)
        looked = shelf.looked
        shelf.change("INC-1")
        hub.wake()
        await asyncio.sleep(0)
        assert (looked, shelf.looked) == (1, 1)

    asyncio.run(run())


def test_only_what_changed_since_the_hello_is_told_and_text_is_data() -> None:
    async def run() -> None:
        shelf = Shelf()
        hub = Events(shelf.rows, pause=0)
        client = hub.join()
        stream = client.events()
        hello = await next_of(stream)
        assert (hello["event"], hello["id"], json.loads(hello["data"])["record"]) == (HELLO, "7", 7)
        shelf.change("INC-2")
        threading.Thread(target=hub.wake).start()
        event = await next_of(stream)
        assert (event["event"], event["id"]) == (INCIDENT, "8")
        assert "\n" not in event["data"]
        assert json.loads(event["data"]) == {
            "id": "INC-2",
            "version": 1,
            "status": "triggered",
            "severity": "P1",
            "title": "payments: é\n\nevent: forged",
        }
        hub.leave(client)

    asyncio.run(run())


def test_a_flood_of_wakes_is_looked_at_once() -> None:
    async def run() -> None:
        shelf = Shelf()
        hub = Events(shelf.rows, pause=0.05)
        client = hub.join()
        stream = client.events()
        await next_of(stream)
        for n in range(500):
            shelf.change(f"INC-{n % 3}")
            hub.wake()
        told = [json.loads((await next_of(stream))["data"])["id"] for _ in range(3)]
        assert sorted(told) == ["INC-0", "INC-1", "INC-2"]
        assert shelf.looked == 2
        hub.leave(client)

    asyncio.run(run())


def test_a_client_that_does_not_read_gets_one_reset_for_all_it_missed() -> None:
    async def run() -> None:
        client = Client(room=3)
        for n in range(1, 6):
            client.put({"event": INCIDENT, "id": str(n), "data": "{}"})
        client.set()
        told = [(event["event"], event["id"]) async for event in client.events()]
        assert told == [("reset", "4"), (INCIDENT, "5")]

    asyncio.run(run())


def test_much_news_is_a_reset() -> None:
    async def run() -> None:
        shelf = Shelf()
        hub = Events(shelf.rows, pause=0)
        client = hub.join()
        stream = client.events()
        await next_of(stream)
        shelf.much = True
        shelf.change("INC-1")
        hub.wake()
        assert (await next_of(stream))["event"] == "reset"
        hub.leave(client)

    asyncio.run(run())


def test_when_looking_fails_clients_are_sent_away_and_may_come_again() -> None:
    async def run() -> None:
        shelf = Shelf()
        shelf.broken = True
        hub = Events(shelf.rows, pause=0)
        client = hub.join()
        assert [event async for event in client.events()] == []
        shelf.broken = False
        again = hub.join()
        assert (await next_of(again.events()))["event"] == HELLO
        hub.leave(client)
        hub.leave(again)

    asyncio.run(run())


def test_there_is_room_for_so_many() -> None:
    async def run() -> None:
        hub = Events(Shelf().rows, clients=2)
        first, second = hub.join(), hub.join()
        with pytest.raises(WatchkeeperError, match="2 pages follow it live"):
            hub.join()
        hub.leave(first)
        third = hub.join()
        hub.leave(second)
        hub.leave(third)

    asyncio.run(run())


@contextlib.contextmanager
def served(hub: Events) -> Iterator[tuple[str, uvicorn.Server]]:
    """The hub behind a real server on loopback, on a thread; it is ended as `serve` would."""
    app = FastAPI()
    install_errors(app)
    app.include_router(hub.router())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=30))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
    finally:
        hub.close()
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


def talk(url: str, say: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as client:
            await say(client)

    asyncio.run(run())


async def event_of(lines: AsyncIterator[str]) -> list[str]:
    """The lines of the next event."""
    found: list[str] = []
    async for line in lines:
        if not line:
            break
        found.append(line)
    return found


def test_over_http_it_is_an_event_stream_and_a_client_that_went_is_noticed() -> None:
    shelf = Shelf()
    hub = Events(shelf.rows, clients=1, pause=0)

    async def say(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/v1/events", headers={"Last-Event-ID": "3"}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            hello = await event_of(answer.aiter_lines())
            assert {"event: hello", "id: 7", "retry: 2000"} <= set(hello)
            full = await client.get("/v1/events")
            assert full.status_code == 503
            assert full.json()["error"].keys() == {"what", "where", "mend"}
        await until(lambda: not hub.clients)
        async with client.stream("GET", "/v1/events") as answer:
            assert answer.status_code == 200

    with served(hub) as (url, _):
        talk(url, say)


def test_a_server_that_ends_waits_for_no_stream(caplog: pytest.LogCaptureFixture) -> None:
    hub = Events(Shelf().rows)

    async def say(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/v1/events") as answer:
            lines = answer.aiter_lines()
            await event_of(lines)
            hub.close()
            server.should_exit = True
            assert [line async for line in lines] == []

    with served(hub) as (url, server):
        talk(url, say)
    assert "exceeded" not in caplog.text
    assert "without completing" not in caplog.text


def test_the_stream_is_imported_by_the_first_who_asks() -> None:
    import subprocess
    import sys

    code = "import sys, watchkeeper.app, watchkeeper.http.events; print('sse_starlette' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
