"""The front: intake, and what it cannot do without: configuration, the journal, its writer.

It is opened first, so that alerts are stored within a second of the start. What is imported here is what
that takes; everything else is in `behind.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import structlog

from connectors.storage.lock import DirectoryLock
from connectors.storage.sqlite_journal import SqliteJournal
from core.config import config_draft
from core.journal import Draft
from core.ports import Clock
from watchkeeper import files, watched
from watchkeeper.erasing import finish_erasing
from watchkeeper.http.intake import Intake
from watchkeeper.public import link_problem
from watchkeeper.receivers import Receivers, no_receivers
from watchkeeper.reloading import Reloader, look
from watchkeeper.risk.github_setup import check_github
from watchkeeper.senders import Senders, gates, known_sources, make_senders
from watchkeeper.settings import Settings
from watchkeeper.upgrade import start_records
from watchkeeper.version import VERSION
from watchkeeper.writer import JournalWriter

log = structlog.get_logger("app")


class Front(NamedTuple):
    """`known` are the names of the sources, `model` is the language model's, or empty."""

    settings: Settings
    clock: Clock
    journal: SqliteJournal
    writer: JournalWriter
    intake: Intake
    senders: Senders
    known: list[str]
    receivers: Receivers
    reloader: Reloader
    model: str


class Later(NamedTuple):
    """What reloading asks of the parts that are made after it: take receivers, wait for a record, be told the
    names of documents."""

    take: Callable[[Receivers], None]
    applied: Callable[[int, float], bool]
    reloaded: Callable[[Sequence[str]], None]


def open_front(settings: Settings, clock: Clock, later: Later, stack: ExitStack) -> Front:
    """`stack` is given what closes it. Raises InputError, JournalBusy, JournalUnavailable."""
    parts = watched.parts(settings, later.take)
    seen = look(parts)
    receivers = no_receivers() if settings.routes is None else watched.receivers_in(settings.routes)
    mappings = files.mappings(settings.sources)
    known = known_sources(mappings)
    senders = make_senders(settings, known)
    check_github(settings, senders)
    model = _checked_model(settings)
    configuration = files.configuration(
        settings.catalogue, settings.rules, settings.runbooks, settings.levels, settings.sources
    )
    configuration.append(config_draft("routes", receivers.routes_text))
    journal = _open_journal(settings, clock, configuration, stack)
    writer = JournalWriter(journal, clock, settings.max_queue_bytes)
    writer.start()
    stack.callback(writer.stop)
    _say_who_is_believed(senders, known)
    _say_where_links_lead(settings, receivers)
    intake = Intake(writer, clock, settings.max_body_bytes, mappings, senders, gates(senders))
    every = settings.watch_seconds
    reloader = Reloader(
        parts, configuration, writer.submit, later.applied, clock, every, seen, later.reloaded
    )
    return Front(settings, clock, journal, writer, intake, senders, known, receivers, reloader, model)


def _open_journal(
    settings: Settings, clock: Clock, configuration: Sequence[Draft], stack: ExitStack
) -> SqliteJournal:
    """With the configuration in it."""
    lock = DirectoryLock(settings.data)
    stack.callback(lock.release)
    journal = SqliteJournal(settings.data, segment_bytes=settings.segment_bytes)
    stack.callback(journal.close)
    finish_erasing(journal)
    drafts = start_records(journal, configuration, VERSION)
    if drafts:
        journal.append(drafts, clock.now())
    return journal


def _checked_model(settings: Settings) -> str:
    """Without one nothing is imported that knows models."""
    if not (settings.model or settings.model_url or settings.model_key.get_secret_value()):
        return ""
    from watchkeeper.models import check_model

    return check_model(settings)


def _say_where_links_lead(settings: Settings, receivers: Receivers) -> None:
    problem = link_problem(settings)
    if receivers.receivers and problem:
        log.warning("links_in_pages", problem=problem)


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
