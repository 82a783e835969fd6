"""What stands behind intake: the engine, history, memory, paging, the agents, the API and the console.

It is made while intake already answers, and nothing in here is imported before. What was started is stopped
in reverse order, also when a later start fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from connectors.inbound.registry import parse
from connectors.storage.duckdb_projection import DuckdbProjection
from connectors.storage.sqlite_journal import SqliteJournal
from core.model.document import Document
from core.ports import Clock
from core.remediation.runbook import Runbooks
from watchkeeper.console.intake_view import IntakeWatch
from watchkeeper.console.routes import console_router
from watchkeeper.console.silence_pages import silence_pages
from watchkeeper.dead_letters import DeadLetters
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.enricher import Enricher
from watchkeeper.front import Front
from watchkeeper.housekeeping import Housekeeping
from watchkeeper.http.api import api_router, install_errors
from watchkeeper.http.events import Events, engine_rows
from watchkeeper.http.health import Metrics, health_router
from watchkeeper.http.openapi import install_openapi
from watchkeeper.http.reload import reload_router
from watchkeeper.http.risk import Deciding, risk_router
from watchkeeper.http.risk_known import risk_known_router
from watchkeeper.http.silences import silences_router
from watchkeeper.models import chosen_model
from watchkeeper.paging import Paging
from watchkeeper.projector import Projector
from watchkeeper.public import public_url
from watchkeeper.remembering import Remembering
from watchkeeper.risk.github_setup import github_work
from watchkeeper.service import Watch
from watchkeeper.settings import Settings
from watchkeeper.silences import Silences
from watchkeeper.version import VERSION
from watchkeeper.writer import JournalWriter


class Behind:
    """`begin`, then `running` while the event loop serves. `stack` is given what ends it."""

    def __init__(self, front: Front) -> None:
        self._front = front
        settings, journal, writer, clock = front.settings, front.journal, front.writer, front.clock
        self.engine = EngineLoop(journal, parse, writer.append_now, clock, VERSION)
        self._remembering = Remembering(settings.data, self._runbooks)

    def begin(self, stack: ExitStack) -> None:
        """The engine first: it has the most to do. Raises ProjectionUnavailable."""
        settings, clock, journal, writer = self._given()
        writer.on_commit(self.engine.wake)
        self.engine.start()
        # It may be waiting for a tick to be committed: it ends before the writer does.
        stack.callback(self.engine.stop)
        projection = DuckdbProjection(settings.data)
        stack.callback(projection.close)
        stack.callback(self._remembering.close)
        projector = Projector(self.engine, projection, self._remembering.follow)
        projector.start()
        stack.callback(projector.stop)
        url = public_url(settings)
        self.watch = Watch(
            self.engine, writer, journal, projection, clock, self.health, base_url=url, demo=settings.demo
        )
        self._letters = DeadLetters(self.engine, writer, journal)
        days, reaches = settings.retain_days, self.engine.reaches
        housekeeping = Housekeeping(journal, writer.append_now, clock, settings.data, days, begins=reaches)
        housekeeping.start()
        stack.callback(housekeeping.stop)
        self._start_explaining(stack)
        self._start_github(stack)
        self.events = Events(engine_rows(self.engine))
        self.engine.on_applied(self.events.wake)
        self.paging = Paging(self._front.receivers, self.watch, self.engine, writer, clock, url, self.lags)
        self.asgi = self._make_fastapi()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pages are sent and files are looked at."""
        reloader = self._front.reloader
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.paging.running())
            reloader.start()
            # On another thread: what it finishes may need this one.
            stack.push_async_callback(asyncio.to_thread, reloader.stop)
            yield

    def reloaded(self, names: Sequence[str]) -> None:
        if "runbooks" in names:
            self._remembering.runbooks_changed()

    def health(self) -> Document:
        """Lags and counts. `ready`: intake can commit (its oldest body has waited less than a minute)."""
        lags, now, front, engine = self.lags(), self._front.clock.now(), self._front, self.engine
        records, engine_ms = engine.lag(now)
        return {
            "ready": engine.alive and lags["intake"] < 60_000 and not front.writer.fails(now),
            "version": VERSION,
            "journal_head": front.journal.head(),
            "engine": engine.standing(),
            "engine_caught_up": engine.caught_up,
            "engine_lag_records": records,
            "engine_lag_seconds": engine_ms / 1_000,
            "intake_lag_seconds": lags["intake"] / 1_000,
            "dispatcher_lag_seconds": lags["dispatcher"] / 1_000,
            "records_without_effect": engine.unreadable,
            "receivers": self.paging.names,
            "pages": self.paging.results(),
            "configuration": front.reloader.state(),
            "heartbeat": self.paging.heartbeat_state(),
            "catalogue_services": self._catalogue_services(),
            "model": front.model,
            "agents_lag_seconds": self._enricher.lag_ms(now) / 1_000,
            "agents": self._enricher.counts._asdict(),
            "github": self._github.state() if self._github is not None else None,
            "demo": front.settings.demo,
        }

    def lags(self) -> Mapping[str, int]:
        """How far each part is behind, in ms; what the heartbeat looks at."""
        now = self._front.clock.now()
        return {
            "intake": self._front.writer.lag_ms(now),
            "engine": self.engine.lag(now)[1],
            "dispatcher": self.paging.lag_ms(now),
        }

    def _given(self) -> tuple[Settings, Clock, SqliteJournal, JournalWriter]:
        front = self._front
        return front.settings, front.clock, front.journal, front.writer

    def _start_explaining(self, stack: ExitStack) -> None:
        settings, clock, _, writer = self._given()
        like, model = self._remembering.like, partial(chosen_model, settings)
        self._enricher = Enricher(self.engine, writer.append_now, self.watch, like, clock, model)
        self.engine.on_decision(self._enricher.wake)
        self._enricher.start()
        # It ends before the writer does; what is under way is done again after the next start.
        stack.callback(self._enricher.stop)

    def _start_github(self, stack: ExitStack) -> None:
        """Where an App is set up. Raises InputError."""
        settings, clock, journal, writer = self._given()
        self._github = github_work(settings, self.engine, journal, writer, clock)
        if self._github is not None:
            self._github.start()
            stack.callback(self._github.stop)
            writer.on_commit(self._github.wake)

    def _make_fastapi(self) -> FastAPI:
        what, front = "Incidents that explain themselves", self._front
        _, clock, journal, writer = self._given()
        app = FastAPI(title="Watchkeeper", version=VERSION, description=what, docs_url=None, redoc_url=None)
        install_errors(app)
        metrics = Metrics(front.intake, self.engine, self.health)
        app.include_router(api_router(self.watch, front.intake, self._remembering, self._letters))
        silences = Silences(self.engine, writer, clock, self.watch.acts)
        app.include_router(silences_router(silences, clock.now))
        app.include_router(risk_known_router(self.watch, clock.now))
        deciding = Deciding(self.watch, writer, clock.now, front.senders.of("risk"))
        app.include_router(risk_router(deciding))
        app.include_router(reload_router(front.reloader))
        app.include_router(self.events.router())
        app.include_router(health_router(self.health, metrics.render))
        intake = IntakeWatch(self.engine, journal, front.intake, self._letters, front.senders, front.known)
        pages = console_router(self.watch, clock, intake)
        app.include_router(pages, include_in_schema=False)
        app.include_router(silence_pages(self.watch, silences, clock), include_in_schema=False)
        install_openapi(app, front.intake.summaries())
        return app

    def _runbooks(self) -> Runbooks:
        with self.engine.reading() as fold:
            return fold.engine.world.config.runbooks

    def _catalogue_services(self) -> int:
        # Without the lock: a probe must not wait for a large record.
        return len(self.engine.fold.engine.world.config.catalogue.services)
