"""The composition root: everything is made, started and stopped here, in the open.

`App` is what `serve` runs and what tests start. What was started is stopped in reverse
order, also when a later start fails.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI

from connectors.inbound.registry import parse
from connectors.storage.duckdb_projection import DuckdbProjection
from connectors.storage.lock import DirectoryLock
from connectors.storage.sqlite_journal import SqliteJournal
from core.config import config_draft
from core.ports import Clock, Document
from core.remediation.runbook import Runbooks
from watchkeeper import files, watched
from watchkeeper.clock import SystemClock
from watchkeeper.console.intake_view import IntakeWatch
from watchkeeper.console.routes import console_router
from watchkeeper.console.silence_pages import silence_pages
from watchkeeper.dead_letters import DeadLetters
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.enricher import Enricher
from watchkeeper.erasing import finish_erasing
from watchkeeper.housekeeping import Housekeeping
from watchkeeper.http.api import api_router, install_errors
from watchkeeper.http.bodies import Receive, Scope
from watchkeeper.http.events import Events, engine_rows
from watchkeeper.http.health import Metrics, health_router
from watchkeeper.http.intake import Intake, Send, too_large
from watchkeeper.http.openapi import install_openapi
from watchkeeper.http.reload import reload_router
from watchkeeper.http.silences import silences_router
from watchkeeper.models import check_model, chosen_model
from watchkeeper.paging import Paging
from watchkeeper.projector import Projector
from watchkeeper.receivers import no_receivers
from watchkeeper.reloading import Reloader, look
from watchkeeper.remembering import Remembering
from watchkeeper.senders import Senders, gates, known_sources, make_senders
from watchkeeper.service import Watch
from watchkeeper.settings import Settings
from watchkeeper.silences import Silences
from watchkeeper.upgrade import start_records
from watchkeeper.version import VERSION
from watchkeeper.writer import JournalWriter

log = structlog.get_logger("app")
# A full collection looks at all that the engine holds, and nobody is answered meanwhile (0.2 s at 10,000
# alerts). What is held has few cycles: it is looked at a hundred times less often than by default.
_COLLECT = (10_000, 20, 50)


class App:
    """`start`, then serve `asgi`, then `stop`. `background` may add a task that runs while it serves."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.background: Callable[[], Any] | None = None
        self._cleanup = ExitStack()

    def start(self) -> None:
        """Raises InputError, JournalBusy, JournalUnavailable; then nothing is left open."""
        with ExitStack() as stack:
            self._start(stack)
            self._cleanup = stack.pop_all()

    def stop(self) -> None:
        self._cleanup.close()

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.intake.source_of(scope["path"]) is not None:
            await self.intake(scope, receive, send)
        else:
            await self._other(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bodies of people's requests are small: a declared size above intake's limit is not read."""
        limit = self.settings.max_body_bytes
        sizes = [value for key, value in scope.get("headers", ()) if key == b"content-length"]
        if any(size.isdigit() and int(size[:20]) > limit for size in sizes):
            await too_large(send, limit)
        else:
            await self._fastapi(scope, receive, send)

    def health(self) -> Document:
        """Lags and counts. `ready`: intake can commit (its oldest body has waited less than a minute)."""
        lags = self.lags()
        records, engine_ms = self.engine.lag(self.clock.now())
        return {
            "ready": self.engine.alive
            and lags["intake"] < 60_000
            and not self._writer.fails(self.clock.now()),
            "version": VERSION,
            "journal_head": self._journal.head(),
            "engine_caught_up": self.engine.caught_up,
            "engine_lag_records": records,
            "engine_lag_seconds": engine_ms / 1_000,
            "intake_lag_seconds": lags["intake"] / 1_000,
            "dispatcher_lag_seconds": lags["dispatcher"] / 1_000,
            "records_without_effect": self.engine.unreadable,
            "receivers": self._paging.names,
            "configuration": self.reloader.state(),
            "heartbeat": self._paging.heartbeat_state(),
            "catalogue_services": self._catalogue_services(),
            "model": self._model_name,
            "agents_lag_seconds": self._enricher.lag_ms(self.clock.now()) / 1_000,
            "agents": self._enricher.counts._asdict(),
            "demo": self.settings.demo,
        }

    def lags(self) -> dict[str, int]:
        """How far each part is behind, in ms; what the heartbeat looks at."""
        now = self.clock.now()
        return {
            "intake": self._writer.lag_ms(now),
            "engine": self.engine.lag(now)[1],
            "dispatcher": self._paging.lag_ms(now),
        }

    def _start(self, stack: ExitStack) -> None:
        settings = self.settings
        parts = watched.parts(settings, lambda receivers: self._paging.take(receivers))
        seen = look(parts)
        receivers = no_receivers() if settings.routes is None else watched.receivers_in(settings.routes)
        mappings = files.mappings(settings.sources)
        known = known_sources(mappings)
        senders = make_senders(settings, known)
        self._model_name = check_model(settings)
        configuration = files.configuration(
            settings.catalogue, settings.rules, settings.runbooks, settings.levels, settings.sources
        )
        configuration.append(config_draft("routes", receivers.routes_text))
        lock = DirectoryLock(settings.data)
        stack.callback(lock.release)
        self._journal = journal = SqliteJournal(settings.data, segment_bytes=settings.segment_bytes)
        stack.callback(journal.close)
        finish_erasing(journal)
        drafts = start_records(journal, parse, configuration, VERSION)
        if drafts:
            journal.append(drafts, self.clock.now())
        self._writer = writer = JournalWriter(journal, self.clock, settings.max_queue_bytes)
        self.engine = engine = EngineLoop(journal, parse, writer.append_now, self.clock, VERSION)
        projection = DuckdbProjection(settings.data)
        stack.callback(projection.close)
        self._remembering = Remembering(settings.data, self._runbooks)
        stack.callback(self._remembering.close)
        projector = Projector(engine, projection, self._remembering.follow)
        writer.on_commit(engine.wake)
        engine.begin()
        for part in (writer, engine, projector):
            part.start()
        # The engine may be waiting for a tick to be committed: it ends before the writer does.
        stack.callback(writer.stop)
        stack.callback(engine.stop)
        stack.callback(projector.stop)
        self.watch = Watch(
            engine,
            writer,
            journal,
            projection,
            self.clock,
            self.health,
            base_url=self._url(),
            demo=settings.demo,
        )
        _say_who_is_believed(senders, known)
        self._dead_letters = DeadLetters(engine, writer, journal)
        housekeeping = Housekeeping(
            journal, writer.append_now, self.clock, settings.data, settings.retain_days
        )
        housekeeping.start()
        stack.callback(housekeeping.stop)
        self._start_explaining(stack)
        self.events = Events(engine_rows(engine))
        engine.on_applied(self.events.wake)
        self.intake = Intake(writer, self.clock, settings.max_body_bytes, mappings, senders, gates(senders))
        self._intake_watch = IntakeWatch(engine, journal, self.intake, self._dead_letters, senders, known)
        self._paging = Paging(receivers, self.watch, engine, writer, self.clock, self._url(), self.lags)
        self.reloader = Reloader(
            parts,
            configuration,
            writer.submit,
            engine.wait_for,
            self.clock,
            settings.watch_seconds,
            seen,
            self._after_reload,
        )
        self._fastapi = self._make_fastapi()

    def _start_explaining(self, stack: ExitStack) -> None:
        self._enricher = Enricher(
            self.engine,
            self._writer.append_now,
            self.watch,
            self._remembering.like,
            self.clock,
            partial(chosen_model, self.settings),
        )
        self.engine.on_decision(self._enricher.wake)
        self._enricher.start()
        # It ends before the writer does; what is under way is done again after the next start.
        stack.callback(self._enricher.stop)

    def _make_fastapi(self) -> FastAPI:
        app = FastAPI(
            title="Watchkeeper",
            version=VERSION,
            description="Incidents that explain themselves",
            lifespan=self._lifespan,
            docs_url=None,
            redoc_url=None,
        )
        install_errors(app)
        metrics = Metrics(self.intake, self.engine, self.health)
        app.include_router(api_router(self.watch, self.intake, self._remembering, self._dead_letters))
        silences = Silences(self.engine, self._writer, self.clock)
        app.include_router(silences_router(silences, self.clock.now))
        app.include_router(reload_router(self.reloader))
        app.include_router(self.events.router())
        app.include_router(health_router(self.health, metrics.render))
        pages = console_router(self.watch, self.clock, self._intake_watch)
        app.include_router(pages, include_in_schema=False)
        quiet = silence_pages(self.watch, silences, self.clock)
        app.include_router(quiet, include_in_schema=False)
        install_openapi(app, self.intake.summaries())
        return app

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._paging.running())
            self.reloader.start()
            # On another thread: what it finishes may need this one.
            stack.push_async_callback(asyncio.to_thread, self.reloader.stop)
            if self.background is not None:
                task = asyncio.create_task(self.background())
                stack.callback(task.cancel)
            gc.collect()
            gc.freeze()
            usual = gc.get_threshold()
            stack.callback(gc.set_threshold, *usual)
            gc.set_threshold(*_COLLECT)
            yield

    def _after_reload(self, names: Sequence[str]) -> None:
        if "runbooks" in names:
            self._remembering.runbooks_changed()

    def _runbooks(self) -> Runbooks:
        with self.engine.reading() as fold:
            return fold.engine.world.config.runbooks

    def _catalogue_services(self) -> int:
        # Without the lock: a probe must not wait for a large record.
        return len(self.engine.fold.engine.world.config.catalogue.services)

    def _url(self) -> str:
        return self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}"


def _say_who_is_believed(senders: Senders, known: list[str]) -> None:
    proving = senders.proving()
    if senders.refuse_others:
        log.info("sources_with_a_secret", names=", ".join(proving) or "none", others="refused")
        return
    log.warning(
        "sources_without_a_secret",
        sources=len(set(known) - set(proving)),
        with_one=", ".join(proving) or "none",
        mend="whoever reaches an address is believed; see --senders, and `others: refuse` in that file",
    )
