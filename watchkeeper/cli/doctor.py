"""`watchkeeper doctor`: one line per check, and for each that fails how to mend it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import typer

from connectors.storage.sqlite_journal import SqliteJournal, has_journal
from core.errors import WatchkeeperError
from core.journal import Draft
from core.model.catalogue import parse_catalogue, unlisted_dependencies
from watchkeeper import files
from watchkeeper.cli.ask import Server
from watchkeeper.cli.rule_check import examine
from watchkeeper.models import ask_once, check_model
from watchkeeper.public import link_problem
from watchkeeper.receivers import read_receivers
from watchkeeper.senders import known_sources, make_senders
from watchkeeper.settings import Settings, environment, load_settings

_FREE_BYTES = 1 << 30
_SLOW_COMMIT_MS = 50


class Check(NamedTuple):
    """`ok` None: worth knowing, not wrong."""

    name: str
    ok: bool | None
    says: str


def doctor(
    data: Path | None,
    url: str | None,
    catalog: Path | None,
    rules: Path | None,
    ask_model: bool = False,
    sources: Path | None = None,
    senders: Path | None = None,
    **more: Path | None,
) -> None:
    """`more`: `routes`, `runbooks` and `levels`, as the settings are called."""
    settings = load_settings(
        data=data, catalogue=catalog, rules=rules, sources=sources, senders=senders, **more
    )
    failed = 0
    for check in checks(settings, url, ask_model):
        mark = {True: "ok  ", False: "FAIL", None: "note"}[check.ok]
        typer.echo(f"{mark}  {check.name}: {check.says}")
        failed += check.ok is False
    if failed:
        typer.echo(f"{failed} of the checks failed.")
        raise typer.Exit(1)


def checks(settings: Settings, url: str | None, ask_model: bool) -> Iterator[Check]:
    version, state = ".".join(map(str, sys.version_info[:3])), _asked(url)
    yield Check("python", sys.version_info >= (3, 11), version)
    yield Check("sqlite", sqlite3.sqlite_version_info >= (3, 37), sqlite3.sqlite_version)
    yield _guarded("data", lambda: _data(settings.data))
    yield _guarded("commit", lambda: _commit(settings.data))
    yield _guarded("journal", lambda: _journal(settings.data))
    yield _guarded("rules", lambda: _rules(settings.rules))
    yield _guarded("runbooks", lambda: _runbooks(settings.runbooks))
    yield _guarded("levels", lambda: _levels(settings.levels))
    yield _guarded("model", lambda: _model(settings, ask_model))
    yield _guarded("catalogue", lambda: _catalogue(settings.catalogue))
    yield _guarded("routes", lambda: _routes(settings, state))
    yield _guarded("sources", lambda: _sources(settings))
    yield _guarded("senders", lambda: _senders(settings))
    yield _server(url, state)


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except WatchkeeperError as error:
        return Check(name, False, str(error))
    except OSError as error:
        return Check(name, False, f"{error}. Check path and permissions")


def _data(directory: Path) -> Check:
    nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    says = f"{directory}, {free >> 20} MiB free"
    return Check("data", free >= _FREE_BYTES, says if free >= _FREE_BYTES else f"{says}: make room")


def _commit(directory: Path) -> Check:
    """How long a durable commit takes on that disk."""
    nearest = next(path for path in (directory, *directory.absolute().parents) if path.is_dir())
    with TemporaryDirectory(dir=nearest, prefix=".watchkeeper-doctor-") as scratch:
        journal = SqliteJournal(Path(scratch))
        started = time.monotonic()
        for _ in range(20):
            journal.append([Draft("tick", "doctor", b"")], 0)
        took = (time.monotonic() - started) * 1_000 / 20
        journal.close()
    slow = took > _SLOW_COMMIT_MS
    return Check(
        "commit", None if slow else True, f"{took:.1f} ms a commit" + (": a slow disk" if slow else "")
    )


def _journal(directory: Path) -> Check:
    if not has_journal(directory):
        return Check("journal", None, "none yet; `watchkeeper serve` makes it")
    journal = SqliteJournal(directory, read_only=True)
    count = journal.head() - journal.first() + 1
    journal.close()
    return Check("journal", True, f"{count} records; `watchkeeper journal verify` checks each")


def _rules(directory: Path | None) -> Check:
    says = str(files.rules_content(directory)["bundle"])
    if files.empty(directory):
        return Check("rules", None, f"{says}: {directory} has no rule files in it, so what ships is in force")
    found = [] if directory is None else examine([directory], None).warnings
    if found:
        more = f"{says}; {len(found)} warning{'s' * (len(found) > 1)}: `watchkeeper rules check` tells them"
        return Check("rules", None, more)
    return Check("rules", True, says)


def _runbooks(directory: Path | None) -> Check:
    content = files.runbooks_content(directory)
    if files.empty(directory):
        where = f"{directory} has no runbooks in it, so what ships is in force"
        return Check("runbooks", None, f"{content['bundle']}: {where}")
    return Check("runbooks", True, f"{content['bundle']}, {len(content['files'])} of them")


def _levels(path: Path | None) -> Check:
    files.levels_content(path)
    return Check("levels", True, str(path) if path else "none given: level 1 everywhere")


def _model(settings: Settings, ask: bool) -> Check:
    name = check_model(settings)
    if not name and ask:
        return Check("model", False, "none is configured, so none was asked; see docs/agents.md")
    if not name:
        return Check("model", None, "none: texts are written by templates; see docs/agents.md")
    if not ask:
        return Check("model", None, f"{name}, not asked; --ask-model asks it one small question")
    return Check("model", True, f"{name} answered in {ask_once(settings):.1f} s")


def _catalogue(path: Path | None) -> Check:
    if path is None:
        return Check(
            "catalogue", None, "none given: dependencies stay unknown; `watchkeeper catalog init` drafts one"
        )
    catalogue = parse_catalogue(files.read_text(path, "catalogue"), str(path))
    gaps = unlisted_dependencies(catalogue)
    says = f"{len(catalogue.services)} services"
    if gaps:
        name, missing = next(iter(gaps.items()))
        return Check("catalogue", None, f"{says}; {name} depends on {missing[0]}, which has no entry")
    return Check("catalogue", True, says)


def _routes(settings: Settings, state: Mapping[str, Any] | WatchkeeperError) -> Check:
    """The file given here; without one, what the server that answers has."""
    path = settings.routes
    if path is None:
        names = [] if isinstance(state, WatchkeeperError) else list(state.get("receivers") or ())
        if names:
            says = f"none given here, so not checked; the server pages {', '.join(map(str, names))}"
            return Check("routes", None, says)
        return Check("routes", None, "none given: nobody is paged; see --routes and docs/paging.md")
    receivers = read_receivers(files.read_text(path, "routing file"), str(path), environment())
    named = sorted(f"{one.name} ({one.kind})" for one in receivers.receivers)
    says = f"receivers: {', '.join(named) or 'none'}"
    link = link_problem(settings) if named else ""
    warnings = [*receivers.warnings, *([link] if link else [])]
    if warnings:
        return Check("routes", None, f"{says}; {'; '.join(warnings)}")
    return Check("routes", True, says)


def _sources(settings: Settings) -> Check:
    mappings = files.mappings(settings.sources)
    own = len(mappings) - len(files.builtin_mappings())
    says = f"{len(known_sources(mappings))} known; `watchkeeper sources` lists them"
    return Check("sources", True, f"{says}; {own} of your own" if settings.sources else says)


def _senders(settings: Settings) -> Check:
    """Which sources must prove themselves; of the rest whoever reaches the address is believed."""
    known = known_sources(files.mappings(settings.sources))
    senders = make_senders(settings, known)
    proving = senders.proving()
    if senders.refuse_others:
        return Check(
            "senders", True, f"with a secret: {', '.join(proving) or 'none'}. All others are refused"
        )
    if settings.senders is None:
        return Check("senders", None, "no senders file given: whoever reaches an address is believed")
    if not proving:
        return Check("senders", None, "no source has a secret: whoever reaches the address is believed")
    rest = ", ".join(sorted(set(known) - set(proving)))
    return Check("senders", None, f"with a secret: {', '.join(proving)}. Without, so believed: {rest}")


def _asked(url: str | None) -> Mapping[str, Any] | WatchkeeperError:
    """What the server says of itself, or why it does not."""
    try:
        return Server(url).ready()
    except WatchkeeperError as error:
        return error


def _server(url: str | None, state: Mapping[str, Any] | WatchkeeperError) -> Check:
    if isinstance(state, WatchkeeperError):
        return Check("server", None, str(state))
    lag = state.get("engine_lag_seconds")
    return Check("server", bool(state.get("ready")), f"{Server(url).url}, engine {lag} s behind")
