"""The enricher on a real engine and writer: nothing that fails around it ends the explaining."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agents.breaker import Breaker
from agents.budget import Budget
from agents.gate import Gate
from connectors.inbound.registry import parse
from connectors.storage.memory import MemoryJournal
from core.document import incident_document, outside_document
from core.errors import JournalUnavailable, NotFound
from core.journal import Draft, Record
from core.model.decision import Decision
from core.model.document import Document
from tests.integration.server import within
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.enricher import Enricher, Model
from watchkeeper.writer import JournalWriter


class StoryClock:
    """Time stands where the story ended."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


class House:
    """Engine, writer and enricher over a journal in memory: an incident a service, each asked about once."""

    def __init__(self, *services: str) -> None:
        t = Timeline(SHOP)
        for service in services or ("payments",):
            t.push(0, alert(service))
        self.journal = MemoryJournal()
        self.journal.append([_draft(record) for record in t.records], t.now)
        self.journal.append([Draft("tick", "scheduler", b"")], t.now + 20_000)
        clock = StoryClock(t.now + 20_000)
        self.writer = JournalWriter(self.journal, clock, 1 << 20)
        self.engine = EngineLoop(self.journal, parse, self.writer.append_now, clock, "test")
        self.writer.on_commit(self.engine.wake)
        self.refusals = 0
        self.enricher = Enricher(self.engine, self._append, self, self._like, clock, Model)

    def facts(self, incident_id: str) -> Document:
        with self.engine.reading() as fold:
            incident = fold.engine.incident(incident_id)
            if incident is None:
                raise NotFound("gone")
            return {**incident_document(fold.engine.world, incident), **outside_document(incident)}

    def only(self) -> Document:
        with self.engine.reading() as fold:
            [name] = fold.engine.state.incidents
        return self.facts(name)

    def explained(self) -> bool:
        return bool(self.only()["explained"] == "done")

    def annotations(self) -> int:
        return [record.kind for record in self.journal.read(0, 1_000)].count("annotation")

    def _append(self, draft: Draft) -> int:
        if self.refusals:
            self.refusals -= 1
            raise JournalUnavailable("no room", where="disk", mend="Make room")
        return self.writer.append_now(draft)

    def _like(self, document: Document) -> list[Any]:
        return []


def _draft(record: Record) -> Draft:
    return Draft(record.kind, record.source, record.payload, record.domain)


@contextmanager
def running(house: House) -> Iterator[House]:
    house.writer.start()
    house.engine.start()
    assert within(5, lambda: house.engine.caught_up)
    house.enricher.start()
    try:
        yield house
    finally:
        house.enricher.stop()
        house.engine.stop()
        house.writer.stop()


def test_one_question_gets_one_annotation() -> None:
    with running(House()) as house:
        assert within(10, house.explained)
        time.sleep(1.2)  # Longer than it waits between looks.
        assert house.annotations() == 1
    assert house.enricher.counts.runs == 1


def test_a_journal_that_refuses_for_a_while_is_asked_again() -> None:
    house = House()
    house.refusals = 2
    with running(house):
        assert within(15, house.explained)
        assert house.annotations() == 1
    assert house.enricher.counts.runs == 1, "what was answered is kept, not asked for again"


def test_a_look_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    house, failures = House(), [OSError("disk")]

    def lag(now: int) -> tuple[int, int]:
        if failures:
            raise failures.pop()
        return 0, 0

    monkeypatch.setattr(house.engine, "lag", lag)
    with running(house):
        assert within(15, house.explained)
    assert not failures


def test_a_fault_of_ours_is_said_and_ends_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    monkeypatch.setattr(house.enricher, "_ask_agents", _broken)
    with running(house):
        assert within(10, lambda: bool(house.only()["annotations"]))
        [said] = house.only()["annotations"]
        assert (said["author"], said["kind"]) == ("agents", "fault")
        assert "ZeroDivisionError" in said["text"]
        assert house.engine.pending("enrich") == []
    assert house.enricher.counts.faults == 1


async def _broken(*_: Any) -> Any:
    raise ZeroDivisionError


def test_while_the_engine_is_far_behind_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    house, behind = House(), [True]
    monkeypatch.setattr(house.engine, "lag", lambda now: (10_000 if behind else 0, 0))
    with running(house):
        time.sleep(0.3)
        assert not house.explained()
        behind.clear()
        assert within(10, house.explained)


def test_stop_ends_it_at_once_whatever_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    house, begun = House("payments", "mailer", "search-index", "cart"), []

    async def for_ever(*_: Any) -> Any:
        begun.append(1)
        await asyncio.sleep(3_600)

    monkeypatch.setattr(house.enricher, "_ask_agents", for_ever)
    with running(house):
        assert within(10, lambda: bool(begun))
        house.enricher.stop()
        assert not house.enricher._beside.alive
        assert house.engine.pending("enrich"), "it is asked again after the next start"
        assert house.annotations() == 0


def test_open_incidents_come_first_and_nothing_is_asked_about_closed_ones() -> None:
    house = House("payments", "mailer")
    with running(house):
        house.enricher.stop()
        with house.engine.reading() as fold:
            payments, mailer = sorted(fold.engine.state.incidents.values(), key=lambda one: min(one.members))
            one, other = payments.id, mailer.id
            mailer.status, payments.status = "closed", "triggered"
            mailer.asked, payments.asked = ["dec-1"], ["dec-2"]
            fold.engine.state.pending.clear()
            for name, incident, at in (("dec-1", other, 9), ("dec-2", one, 1)):
                fold.engine.state.pending[name] = Decision(name, "enrich", incident, "opened", at, 1)
        assert list(house.enricher._waiting()) == [one, other]
        closed = {**house.facts(other), "status": "closed"}
        verdict = house.enricher._verdict(Gate(has_model=True, breaker=Breaker(), budget=Budget(9)), closed)
        assert verdict == (False, "it was closed before the agents came to it")
        assert house.enricher.lag_ms(21) == 20
