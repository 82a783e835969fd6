"""Whatever the language model does, the watch is kept: the same digest, a complete page, little time lost.

A recorded case is told to the whole program on a clock of its own, once without a model and once for each
kind of bad one. What the journal then replays to must not differ by a byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.inbound.registry import parse
from connectors.storage.sqlite_journal import SqliteJournal
from core.journal import line_to_record, record_to_line
from core.ports import read_all
from core.replay import Fold, read_lines, result
from evals.shop import wire
from tests.integration.hostile_model import (
    KEY,
    HostileModel,
    cut_off,
    dripping_body,
    saying,
    sentences,
    silent,
    without_end,
)
from tests.integration.recordings import CASES, CATALOGUE
from tests.integration.server import within
from tests.listener import answering
from watchkeeper.app import App
from watchkeeper.settings import Settings
from watchkeeper.version import VERSION

pytestmark = [pytest.mark.integration, pytest.mark.real_model]
CASE = CASES / "bad-deploy"
AUTHORS = ["narrator", "retriever", "risk-analyst", "planner"]
LIE = "Mailer caused it; run `kubectl delete namespace production` and see https://evil.example now."
BAD: dict[str, Any] = {
    "refuses": None,
    "hangs": silent,
    "drips": dripping_body,
    "garbage": answering(200, b"\x00\xff not json at all"),
    "prose": saying("I think it is the database. Or DNS. It is always DNS."),
    "lies": sentences(LIE, "Severity is P3 and everything is resolved [F1].", choice=7),
    "fails": answering(500, b"no"),
    "cut off": cut_off,
    "endless": without_end,
}


class StoryClock:
    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class Told:
    """The program in this process, a client of its front door, and a clock that a test moves."""

    def __init__(self, app: App, clock: StoryClock, client: httpx.AsyncClient) -> None:
        self.app, self.clock, self._client = app, clock, client

    async def tell(self, settle: bool = True) -> None:
        """Every body of the case at its time, with everything that was due before it."""
        for line in read_lines((CASE / "events.jsonl").read_text().splitlines()):
            await self.until(line.record.received_at, settle=settle)
            path = f"/v1/ingest/{line.record.source}"
            answer = await self._client.post(path, content=line.record.payload)
            assert answer.is_success, answer.text[:300]
            await self._quiet(settle)

    async def until(self, at: int, *, settle: bool = True) -> None:
        """Let time pass, from one timer to the next."""
        while (due := self.app.engine.fold.engine.next_due()) is not None and due <= at:
            self.clock.time = max(due, self.clock.time)
            self.app.engine.wake()
            assert await asyncio.to_thread(within, 10, partial(self._fired, due))
            await self._quiet(settle)
        self.clock.time = max(at, self.clock.time)

    def _fired(self, due: int) -> bool:
        nearest = self.app.engine.fold.engine.next_due()
        return nearest is None or nearest > due

    async def _quiet(self, settle: bool) -> None:
        """Everything is folded, and the agents have answered what they were asked."""
        assert await asyncio.to_thread(within, 20, lambda: self.app.engine.lag(0)[0] == 0)
        if settle:
            assert await asyncio.to_thread(within, 20, lambda: not self.app.engine.pending("enrich"))
            assert await asyncio.to_thread(within, 20, lambda: self.app.engine.lag(0)[0] == 0)

    def incident(self) -> dict[str, Any]:
        [row] = self.app.watch.incidents(None, None, 10)["incidents"]
        return self.app.watch.incident(row["id"])


@contextmanager
def program(folder: Path, url: str, timeout: float = 0.5) -> Iterator[Told]:
    model: dict[str, Any] = {}
    if url:
        model = {
            "model": "openai:bad",
            "model_url": url,
            "model_key": SecretStr(KEY),
            "model_timeout": timeout,
        }
    first = next(read_lines((CASE / "events.jsonl").read_text().splitlines()))
    clock = StoryClock(first.record.received_at)
    app = App(Settings(data=folder, catalogue=CATALOGUE, **model), clock)
    app.start()
    try:
        transport = httpx.ASGITransport(app.asgi)
        yield Told(app, clock, httpx.AsyncClient(transport=transport, base_url="http://watchkeeper.test"))
    finally:
        app.stop()


def whole_story(folder: Path, url: str) -> tuple[str, dict[str, Any]]:
    """The digest of the journal and the incident as the API shows it, long after its end."""

    async def run(told: Told) -> dict[str, Any]:
        await told.tell()
        await told.until(told.clock.time + 3_600_000)
        return told.incident()

    with program(folder, url) as told:
        incident = asyncio.run(run(told))
    journal = SqliteJournal(folder, read_only=True)
    fold = Fold(parse, VERSION)
    for record in read_all(journal):
        fold.apply(record)
    return str(result(fold)["digest"]), incident


@pytest.fixture(scope="module")
def without_a_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    return whole_story(tmp_path_factory.mktemp("none") / "data", "")


@pytest.mark.parametrize("kind", BAD)
def test_the_story_is_the_same(
    kind: str, tmp_path: Path, without_a_model: tuple[str, dict[str, Any]]
) -> None:
    digest, plain = without_a_model
    there = HostileModel(BAD[kind]) if BAD[kind] else nullcontext()
    with there as bad:
        url = bad.base_url if bad else f"http://127.0.0.1:{wire.free_ports(1)[0]}/v1"
        told, incident = whole_story(tmp_path / "data", url)
        asked = len(bad.heard) if bad else 0
    assert told == digest
    notes = [note for note in incident["annotations"] if note["author"] in AUTHORS]
    assert [note["author"] for note in notes] == AUTHORS
    assert {note["made_by"] for note in notes} == {"template"}
    assert all(note["reason"] and note["lines"] for note in notes)
    without = [note["lines"] for note in plain["annotations"]]
    assert [note["lines"] for note in notes] == without
    assert "kubectl" not in str(incident)
    assert "evil.example" not in str(incident)
    if bad and BAD[kind] in (silent, dripping_body):
        # Asked once, by all who had something to say, and then left alone for good.
        assert 0 < asked <= len(AUTHORS)


def test_findings_do_not_wait_for_a_model(
    tmp_path: Path, without_a_model: tuple[str, dict[str, Any]]
) -> None:
    """While a model hangs, the incident has its findings, its plans and its page decision already."""

    async def run(told: Told) -> dict[str, Any]:
        await told.tell(settle=False)
        return told.incident()

    with HostileModel(silent) as bad, program(tmp_path / "data", bad.base_url, timeout=15) as told:
        incident = asyncio.run(run(told))
        assert within(10, lambda: bool(bad.heard)), "the model was asked"
        pending = told.app.engine.pending("enrich")
    assert pending
    assert incident["explained"] == "pending"
    _, plain = without_a_model
    shown = ("severity", "title", "origin", "plans", "alerts")
    assert {key: incident[key] for key in shown} == {key: plain[key] for key in shown}
    assert [entry["what"] for entry in incident["history"]].count("paged") >= 2
    # And its page is complete: what the agents will say without a model is there already.
    notes = {note["author"]: note for note in incident["annotations"]}
    assert set(notes) == {"narrator", "risk-analyst", "planner"}
    assert all(note["lines"] and note["at"] is None for note in notes.values())


def test_annotations_can_be_taken_out_of_a_journal(tmp_path: Path) -> None:
    """Nothing that decides reads them: without them the same journal has the same digest."""
    whole_story(tmp_path / "data", "")
    records = list(read_all(SqliteJournal(tmp_path / "data", read_only=True)))
    assert any(record.kind == "annotation" for record in records)

    def digest(kept: list[Any]) -> str:
        fold = Fold(parse, VERSION)
        for record in kept:
            fold.apply(line_to_record(record_to_line(record), 1, None)[0])
        return str(result(fold)["digest"])

    assert digest(records) == digest([record for record in records if record.kind != "annotation"])
