"""Commands that work on files and on the journal, without a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import typer
import yaml

from connectors.inbound.registry import parse
from connectors.storage.duckdb_projection import DuckdbProjection
from connectors.storage.lock import DirectoryLock
from connectors.storage.sqlite_journal import FILE_NAME, SqliteJournal
from core.errors import EventLineError, InputError
from core.journal import record_to_line
from core.model.document import Document
from core.narrative.plain import one_line
from core.ports import Journal, read_all
from core.replay import Fold, replay_file
from watchkeeper.cli.output import writing
from watchkeeper.files import configuration
from watchkeeper.projector import Changes, let_go
from watchkeeper.remembering import Remembering
from watchkeeper.settings import load_settings
from watchkeeper.version import VERSION

_BATCH = 200


def data_directory(data: Path | None) -> Path:
    return load_settings(data=data).data


def fold_journal(journal: Journal, until: int | None = None) -> Fold:
    """The whole journal, folded, or its records up to `until`. Records that cannot be read stay without
    effect, as in the server."""
    fold = Fold(parse, VERSION)
    for record in read_all(journal, fold.begin(journal)):
        if until is not None and record.seq > until:
            break
        try:
            fold.apply(record)
        except InputError as error:
            fold.set_aside(record, error)
            sys.stderr.write(f"watchkeeper: record {record.seq} stays without effect: {error}\n")
    return fold


def replay(
    file: Path, as_json: bool, catalog: Path | None, rules: Path | None, sources: Path | None = None
) -> None:
    drafts = configuration(catalog, rules, sources=sources)
    with _open_lines(file) as lines:
        try:
            document = replay_file(_lines(lines), parse, drafts, VERSION)
        except EventLineError as error:
            raise error.at(str(file)) from None
    if as_json:
        json.dump(document, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    for incident in document["incidents"]:
        typer.echo(f"{incident['id']}  {incident['severity']}  {incident['status']:<12} {incident['title']}")
        count = len(incident["alerts"])
        answer = incident["questions"]["what_changed"]["answer"]
        typer.echo(f"    {count} alert{'s' * (count != 1)}; {answer}")
    typer.echo(f"{len(document['incidents'])} incidents, {len(document['decisions'])} decisions")
    typer.echo(f"digest {document['digest']}")


def _open_lines(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", where=str(file), mend="Give an event file"
        ) from None


def _lines(stream: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise EventLineError(
                "not UTF-8", where=f"line {number}", mend="Use body_base64 for bytes"
            ) from None


def export(file: Path, data: Path | None, start: int) -> None:
    journal = SqliteJournal(data_directory(data), read_only=True)
    if str(file) == "-":
        _write_records(journal, start, sys.stdout)
        return
    with writing(file, replace=True) as out:
        count = _write_records(journal, start, out)
    typer.echo(f"{count} records written to {file}")


def _write_records(journal: Journal, start: int, out: IO[str]) -> int:
    count = 0
    for record in read_all(journal, after=start - 1):
        out.write(record_to_line(record) + "\n")
        count += 1
    return count


def verify(data: Path | None) -> None:
    directory = data_directory(data)
    journal = SqliteJournal(directory, read_only=True)
    first = journal.first()
    checked = 0
    for last in journal.verify():
        checked = last - first + 1
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{checked} records")
    if sys.stderr.isatty():
        sys.stderr.write("\r")
    typer.echo(f"{directory / FILE_NAME}: {checked} records, all as they were written")


def rebuild(data: Path | None) -> None:
    directory = data_directory(data)
    SqliteJournal(directory, read_only=True).close()
    lock = DirectoryLock(directory)
    try:
        fold = fold_journal(SqliteJournal(directory, read_only=True))
        projection = DuckdbProjection(directory)
        remembering = Remembering(directory, lambda: fold.engine.world.config.runbooks)
        changes, count = Changes(), 0
        while True:
            past = changes.past(fold)
            documents, forgotten = [*past, *changes.live(fold, _BATCH)], [one["id"] for one in past]
            if not documents:
                break
            projection.put(documents, forgotten)
            remembering.put(documents)
            let_go(fold, forgotten)
            count += len(documents)
        projection.close()
        remembering.close()
    finally:
        lock.release()
    typer.echo(f"{count} incidents rebuilt from {fold.engine.state.seq} records in {directory}")


def catalog_init(data: Path | None, file: Path | None) -> None:
    fold = fold_journal(SqliteJournal(data_directory(data), read_only=True))
    incidents = fold.incidents()
    services = draft_services(incidents)
    if not services:
        raise InputError(
            "no alert in the journal names a service",
            where=str(data_directory(data)),
            mend="Send alerts first, or see the identity rule for the labels that name one",
        )
    text = (
        "# A draft from the services that alerts have named. Add who depends on whom:\n"
        "#   depends_on: [names]   and, where known: team, tier (1 is most important), environment, cluster\n"
        + yaml.safe_dump({"services": services}, sort_keys=False, allow_unicode=True)
    )
    if file is None:
        typer.echo(text, nl=False)
        return
    with writing(file, replace=False) as out:
        out.write(text)
    typer.echo(f"{len(services)} services drafted in {file}")


def draft_services(incidents: list[Document]) -> list[Document]:
    """One entry per service name, with the team where all its alerts agree on one."""
    teams: dict[str, set[str]] = {}
    for incident in incidents:
        for alert in incident["alerts"]:
            if alert["service"]:
                team = alert["labels"].get("team", "")
                teams.setdefault(one_line(alert["service"]), set()).add(one_line(team))
    return [
        {
            "name": name,
            "depends_on": [],
            **({"team": next(iter(found))} if found - {""} and len(found) == 1 else {}),
        }
        for name, found in sorted(teams.items())
    ]
